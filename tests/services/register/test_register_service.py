"""Loading register and frame: all or nothing, and everything wrong is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from census_api.domain.kit.errors import InvalidRequest, NotFound
from census_api.domain.register.organisations import FrameLine, Organisation
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import (
    get_frame,
    get_organisation,
    list_organisation_codes,
    load_frame,
    load_organisations,
)
from tests.factories.actors import ANN
from tests.factories.uploads import make_upload

NEW = Organisation("NEW", "New Service", "voluntary", parent="ALPHA", identifiers={"ods": "A1"})


def test_what_is_loaded_is_there(platform: Platform) -> None:
    load_organisations(platform, ANN, [NEW])
    assert get_organisation(platform, ANN, "NEW") == NEW
    assert list_organisation_codes(platform, ANN) == ["ALPHA", "BETA", "NEW"]


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([NEW, NEW], "twice"),
        ([replace(NEW, parent="NOBODY")], "parent or successor NOBODY"),
        ([replace(NEW, status="merged")], "names its successor"),
        ([replace(NEW, merged_into="ALPHA")], "names its successor"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_loaded(platform: Platform, entries: list[Organisation], says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        load_organisations(platform, ANN, [Organisation("ALPHA", "Renamed", None), *entries])
    assert get_organisation(platform, ANN, "ALPHA").name == "Alpha Recovery"


def test_a_frame_with_a_stranger_changes_nothing(platform: Platform) -> None:
    line = FrameLine(2024, "ALPHA", "E06000001", "adult_community")
    load_frame(platform, ANN, 2024, [line, line])
    for wrong in (replace(line, organisation="NOBODY"), replace(line, collection=2023)):
        with pytest.raises(InvalidRequest):
            load_frame(platform, ANN, 2024, [wrong])
    with pytest.raises(NotFound):
        load_frame(platform, ANN, 1999, [])
    assert get_frame(platform, ANN, 2024, "ALPHA") == (("E06000001", "adult_community"),)
    with pytest.raises(NotFound):
        get_frame(platform, ANN, 2024, "NOBODY")


def test_frame_rules_apply_once_there_is_a_frame(platform: Platform) -> None:
    of_frame = [rule.code for rule in platform.spec(2024).rules if rule.on == "frame_lines"]
    without = submit_return(platform, ANN, 2024, "ALPHA", make_upload()).report
    load_frame(platform, ANN, 2024, [FrameLine(2024, "ALPHA", "E06000002", "adult_community")])
    given = submit_return(platform, ANN, 2024, "ALPHA", make_upload()).report
    assert without is not None
    assert given is not None
    assert {without.rules_by_status[code] for code in of_frame} == {"not_applicable"}
    assert {given.rules_by_status[code] for code in of_frame} == {"ran"}
    assert {found.rule for found in given.findings} & set(of_frame)


def test_a_merged_organisation_is_told_so(platform: Platform) -> None:
    load_organisations(
        platform, ANN, [Organisation("ALPHA", "Alpha Recovery", "voluntary", status="merged", merged_into="BETA")]
    )
    report = submit_return(platform, ANN, 2024, "ALPHA", make_upload()).report
    assert report is not None
    assert any("BETA" in found.message + found.fix + found.expected for found in report.findings)
