"""Whose return a file is: taken from the file only where it is one of one's own organisations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from census_api.domain.kit.errors import InvalidRequest, Refused
from census_api.services.collecting.check import organisation_in
from census_api.services.kit.platform import Platform
from tests.factories.actors import EVE, make_actor
from tests.factories.life import YEAR, clean_upload, tree_of, upload_of

PARENT = make_actor("pat", ALPHA=["editor"], BETA=["editor"])


def test_the_file_names_one_of_ones_own(platform: Platform) -> None:
    assert organisation_in(platform, PARENT, YEAR, clean_upload(platform).data) == "ALPHA"
    tree = tree_of(platform)
    tree["organisation"]["organisation_code"] = " beta "
    assert organisation_in(platform, PARENT, YEAR, upload_of(tree).data) == "BETA"


@pytest.mark.parametrize("code", ["BETA", "NOBODY"])
def test_that_another_organisation_exists_is_not_said(platform: Platform, code: str) -> None:
    tree = tree_of(platform)
    tree["organisation"]["organisation_code"] = code
    alone = make_actor("al", ALPHA=["editor"])
    with pytest.raises(InvalidRequest, match=r"^The file is for an organisation that is not one of yours"):
        organisation_in(platform, alone, YEAR, upload_of(tree).data)
    with pytest.raises(InvalidRequest, match="not one of yours"):
        organisation_in(platform, EVE, YEAR, upload_of(tree).data)


def test_a_file_that_names_none_or_is_long_or_is_no_return(platform: Platform) -> None:
    tree = tree_of(platform)
    del tree["organisation"]["organisation_code"]
    with pytest.raises(InvalidRequest, match="does not say which organisation"):
        organisation_in(platform, PARENT, YEAR, upload_of(tree).data)
    short = replace(platform, settings=platform.settings.model_copy(update={"long_file_bytes": 10}))
    with pytest.raises(InvalidRequest, match="too long"):
        organisation_in(short, PARENT, YEAR, clean_upload(platform).data)
    with pytest.raises(Refused):
        organisation_in(platform, PARENT, YEAR, b"not a return")
