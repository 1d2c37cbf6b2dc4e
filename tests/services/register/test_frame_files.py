"""The frame as a file: whole, all or nothing, everything wrong at once, and never over somebody else's change."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import text

from census_api.domain.kit.access import SYSTEM
from census_api.domain.kit.errors import Forbidden, NotFound, Refused, Stale
from census_api.domain.register.lists import LIST_FORMATS, ListReport
from census_api.domain.register.organisations import FrameLine, Organisation
from census_api.questionnaire.load import load_spec
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from census_api.services.register.frame_files import export_frame, import_frame, whole_frame
from census_api.services.register.organisations import load_frame, load_organisations
from tests.factories.actors import ANALYST, EDITOR, TEAM
from tests.factories.snapshots import LineRow, make_snapshot
from tests.factories.uploads import make_upload

YEAR = 2024
HEADINGS = "organisation_code,local_authority_code,service_type"
ALPHA = FrameLine(YEAR, "ALPHA", "E06000001", "adult_community")
BETA = FrameLine(YEAR, "BETA", "E06000002", "inpatient_detox")


def taken(platform: Platform, *rows: str, preview: bool = False, expected: str | None = None) -> ListReport:
    data = "\r\n".join([HEADINGS, *rows]).encode()
    return import_frame(platform, TEAM, YEAR, data, preview=preview, expected=expected and [expected])


def lines(platform: Platform) -> set[FrameLine]:
    return set(whole_frame(platform, TEAM, YEAR).lines)


def test_a_list_becomes_the_whole_frame(platform: Platform) -> None:
    assert taken(platform, "ALPHA,E06000001,adult_community", "BETA,Hartlepool,Inpatient detoxification").applied
    report = taken(platform, "ALPHA,E06000001 - Hartlepool,adult_community", "BETA,e06000002,INPATIENT_DETOX")
    assert lines(platform) == {ALPHA, BETA}
    assert [(one.kind, one.key) for one in report.changes] == [
        ("removed", "BETA|E06000001|inpatient_detox"),
        ("added", "BETA|E06000002|inpatient_detox"),
    ]
    assert (report.applied, report.unchanged, report.findings) == (True, 1, ())


def test_all_that_is_wrong_is_said_at_once_and_nothing_changes(platform: Platform) -> None:
    load_frame(platform, TEAM, YEAR, [ALPHA])
    report = taken(
        platform,
        "ALPHA,E06000001,adult_community",
        "ALPA,E06000001,adult_community",
        "ALPHA,E10000006,adult_community",
        "ALPHA,Hartlepol,golf",
        "BETA,,adult_community",
        ",E06000001,",
        "ALPHA,Hartlepool,Adult community treatment",
        "BETA,E06000001,lero",
    )
    assert not report.applied
    assert lines(platform) == {ALPHA}
    said = {(one.cell, one.row): f"{one.message} {one.fix}" for one in report.findings}
    assert set(said) == {
        ("A3", 3), ("B4", 4), ("B5", 5), ("C5", 5), ("B6", 6), ("A7", 7), ("C7", 7), (None, 8), ("C9", 9),
    }  # fmt: skip
    assert "Perhaps you meant ALPHA" in said["A3", 3]
    assert "It went on as E06000063 and E06000064" in said["B4", 4]
    assert "Perhaps you meant E06000001" in said["B5", 5]
    assert "row 2 as well" in said[None, 8]
    assert "The sector nhs has no services" in said["C9", 9].replace("An organisation of the sector", "The sector")


def test_a_list_without_lines_is_no_frame(platform: Platform) -> None:
    load_frame(platform, TEAM, YEAR, [ALPHA])
    assert taken(platform).errors == 1
    assert lines(platform) == {ALPHA}


def test_a_preview_changes_nothing(platform: Platform) -> None:
    report = taken(platform, "ALPHA,E06000001,adult_community", preview=True)
    assert (report.applied, dict(report.counts)) == (False, {"added": 1, "changed": 0, "removed": 0})
    assert lines(platform) == set()


def test_what_else_it_means_is_noted(platform: Platform) -> None:
    load_frame(platform, TEAM, YEAR, [ALPHA, BETA])
    submit_return(platform, SYSTEM, YEAR, "ALPHA", make_upload())
    load_organisations(platform, TEAM, [Organisation("BETA", "Beta Health", "nhs", "closed")])
    with platform.database.transaction() as session:
        make_snapshot(session, YEAR, lines=[LineRow("ALPHA")])
    report = taken(platform, "BETA,E06000002,inpatient_detox")
    assert report.applied
    assert [one.severity for one in report.findings] == ["note"] * 3
    said = " ".join(one.message for one in report.findings)
    assert "BETA is closed now" in said
    assert "ALPHA has sent something for 2024, and 1 of its lines" in said
    assert "has been frozen" in said


def test_a_frame_that_changed_meanwhile_is_not_overwritten(platform: Platform) -> None:
    seen = whole_frame(platform, TEAM, YEAR).version
    taken(platform, "ALPHA,E06000001,adult_community", expected=seen)
    with pytest.raises(Stale):
        taken(platform, "BETA,E06000002,inpatient_detox", expected=seen)
    with pytest.raises(Stale):
        load_frame(platform, TEAM, YEAR, [BETA], seen=[BETA])
    assert lines(platform) == {ALPHA}


SERVICES = ("adult_community", "young_people", "residential_rehabilitation", "inpatient_detox")
AREAS = tuple(load_spec(YEAR).code_lists["local_authorities"].by_code)
FRAMES = st.sets(
    st.builds(
        FrameLine, st.just(YEAR), st.sampled_from(["ALPHA", "BETA"]), st.sampled_from(AREAS), st.sampled_from(SERVICES)
    ),
    min_size=1,
    max_size=12,
)


@given(FRAMES, st.sampled_from(LIST_FORMATS))
@settings(max_examples=20)
def test_out_and_in_again_changes_nothing(platform: Platform, frame: set[FrameLine], kind: str) -> None:
    load_frame(platform, TEAM, YEAR, frame)
    data, version = export_frame(platform, TEAM, YEAR, kind)  # type: ignore[arg-type]  # the kind is one of pytest's parameters
    report = import_frame(platform, TEAM, YEAR, data, expected=["0" * 32, version])
    assert (report.findings, report.changes, report.applied, report.unchanged) == ((), (), False, len(frame))
    assert lines(platform) == frame


def test_names_beside_the_lines_are_for_people_and_never_run(platform: Platform) -> None:
    load_organisations(platform, TEAM, [Organisation("ALPHA", "=HYPERLINK(1)", "voluntary")])
    load_frame(platform, TEAM, YEAR, [ALPHA])
    assert b",'=HYPERLINK(1)" in export_frame(platform, TEAM, YEAR, "csv")[0]
    sheet = load_workbook(io.BytesIO(export_frame(platform, TEAM, YEAR, "xlsx")[0]))["lines"]
    assert (sheet["D2"].value, sheet["D2"].data_type) == ("=HYPERLINK(1)", "s")


def test_who_may_and_what_must_be_there(platform: Platform) -> None:
    for actor in (ANALYST, EDITOR):
        with pytest.raises(Forbidden):
            export_frame(platform, actor, YEAR, "csv")
        with pytest.raises(Forbidden):
            import_frame(platform, actor, YEAR, b"")
    with pytest.raises(NotFound):
        export_frame(platform, TEAM, 1999, "csv")
    with pytest.raises(NotFound):
        import_frame(platform, TEAM, 1999, b"x,y")
    with pytest.raises(Refused):
        import_frame(platform, TEAM, YEAR, json.dumps({"organisations": []}).encode())


def test_every_change_is_in_the_audit_and_what_changes_nothing_is_not(platform: Platform) -> None:
    for _ in range(2):
        taken(platform, "ALPHA,E06000001,adult_community")
    with platform.database.snapshot(SYSTEM) as session:
        events = text("SELECT count(*) FROM audit_event WHERE action = 'frame.loaded'")
        assert session.scalar(events) == 1
