"""The register as a file: out and in again changes nothing, and a file with errors says all of them and changes nothing."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from census_api.domain.kit.errors import Forbidden, NotFound, Refused, TooLarge
from census_api.domain.register.lists import LIST_FORMATS, ListReport
from census_api.domain.register.organisations import Organisation, OrganisationFilter, SectorSpell, sector_on
from census_api.services.kit.platform import Platform
from census_api.services.register import organisations
from census_api.services.register.register_files import export_register, import_register
from tests.factories.actors import ANALYST, ANN, EDITOR, OTHER_EDITOR, TEAM

HEADINGS = "organisation_code,name,sector,sector_since,status,parent,merged_into,ods,charity,company,local_authority"


def as_csv(*rows: str, headings: str = HEADINGS) -> bytes:
    return "\r\n".join([headings, *rows]).encode()


def taken(platform: Platform, *rows: str, headings: str = HEADINGS, preview: bool = False) -> ListReport:
    return import_register(platform, TEAM, as_csv(*rows, headings=headings), preview=preview)


def whole(platform: Platform) -> dict[str, Organisation]:
    return {entry.code: entry for entry in organisations.list_organisations(platform, TEAM, OrganisationFilter()).items}


def said(report: ListReport) -> Mapping[tuple[int | None, str | None], str]:
    return {(one.row, one.column): f"{one.message} {one.fix}" for one in report.findings}


def test_a_list_adds_and_changes_and_leaves_the_others(platform: Platform) -> None:
    report = taken(
        platform,
        "ALPHA,Alpha Recovery Ltd,voluntary,,open,GROUP,,,279417,09506232,",
        "GROUP,The Group,,,,,,,,,",
        "GONE,Gone Trust,NHS,2021-04-01,merged,,BETA,RAX,,,",
    )
    assert (report.applied, dict(report.counts), report.errors) == (True, {"added": 2, "changed": 1, "removed": 0}, 0)
    entries = whole(platform)
    assert entries["ALPHA"].parent == "GROUP"
    assert entries["ALPHA"].identifiers == {"charity": "279417", "company": "09506232"}
    assert (entries["GONE"].sector, entries["GONE"].merged_into) == ("nhs", "BETA")
    assert entries["BETA"] == Organisation("BETA", "Beta Health", "nhs")
    assert report.changes[0].what == (
        "name: Alpha Recovery -> Alpha Recovery Ltd; parent: none -> GROUP; charity: none -> 279417; "
        "company: none -> 09506232"
    )


def test_a_column_left_out_keeps_what_is_known_and_a_blank_cell_takes_it_away(platform: Platform) -> None:
    taken(platform, "ALPHA,Alpha Recovery,voluntary,,open,,,RAX,279417,,")
    report = taken(platform, "ALPHA,Alpha Recovery,", headings="organisation_code,name,charity")
    assert report.changes[0].what == "charity: 279417 -> none"
    assert whole(platform)["ALPHA"] == Organisation("ALPHA", "Alpha Recovery", "voluntary", identifiers={"ods": "RAX"})


def test_all_that_is_wrong_is_said_at_once_and_nothing_changes(platform: Platform) -> None:
    before = whole(platform)
    report = taken(
        platform,
        "ALPHA,Renamed,voluntary,,open,,,,,,",
        "lower,Name,golf,01/04/2024,shut,NOBODY,,A1,079417,9506232,XXX",
        ",No code,,,,,,,,,",
        "ALPHA,Twice,,,,,,,,,",
        "NEW,,,2024-01-01,open,,BETA,,,,",
        "ONE,One,,,,TWO,,,,,",
        "TWO,Two,,,,ONE,,,,,",
        "SELF,Self,,,merged,,SELF,,,,",
    )
    assert not report.applied
    assert whole(platform) == before
    found = said(report)
    assert set(found) == {
        (3, "organisation_code"), (3, "sector"), (3, "sector_since"), (3, "status"), (3, "parent"), (3, "ods"),
        (3, "charity"), (3, "company"), (3, "local_authority"), (4, "organisation_code"), (5, "organisation_code"),
        (6, "name"), (6, "sector_since"), (6, "merged_into"), (7, "parent"), (8, "parent"), (9, "merged_into"),
    }  # fmt: skip
    assert "row 2 as well" in found[5, "organisation_code"]
    assert "Perhaps it is 09506232" in found[3, "company"]
    assert "2024-04-01" in found[3, "sector_since"]
    assert "No organisation has the code NOBODY" in found[3, "parent"]
    assert "back to where it began" in found[7, "parent"]
    assert [one.cell for one in report.findings if one.column == "ods"] == ["H3"]
    assert report.errors == len(report.findings)


def test_a_preview_says_what_would_change_and_changes_nothing(platform: Platform) -> None:
    before = whole(platform)
    report = taken(platform, "ALPHA,New Name,voluntary,,,,,,,,", "NEW,New,,,,,,,,,", preview=True)
    assert [(one.kind, one.key) for one in report.changes] == [("changed", "ALPHA"), ("added", "NEW")]
    assert not report.applied
    assert whole(platform) == before


def test_sectors_are_remembered_with_their_dates(platform: Platform) -> None:
    headings = "organisation_code,name,sector,sector_since"
    taken(platform, "ALPHA,Alpha Recovery,independent,2023-10-01", headings=headings)
    assert organisations.sector_history(platform, TEAM, "ALPHA") == (
        SectorSpell("voluntary", None, dt.date(2023, 10, 1)),
        SectorSpell("independent", dt.date(2023, 10, 1), None),
    )
    taken(platform, "ALPHA,Alpha Recovery,independent,2023-11-01", headings=headings)
    spells = organisations.sector_history(platform, EDITOR, "ALPHA")
    assert [spell.until for spell in spells] == [dt.date(2023, 11, 1), None]
    assert [sector_on(spells, dt.date(2023, 10, 31)), sector_on(spells, dt.date(2023, 11, 1))] == [
        "voluntary", "independent",
    ]  # fmt: skip
    refused = taken(platform, "ALPHA,Alpha Recovery,nhs,2023-11-01", headings=headings)
    assert "holds since 2023-11-01" in said(refused)[2, "sector_since"]
    # without a date it is today's change
    taken(platform, "ALPHA,Alpha Recovery,nhs,", headings=headings)
    assert organisations.sector_history(platform, TEAM, "ALPHA")[-1] == SectorSpell("nhs", dt.date(2024, 7, 15), None)
    assert "since 2023-11-01" in said(
        taken(platform, "ALPHA,Alpha Recovery,nhs,2023-06-01", headings=headings)
    )[2, "sector_since"]  # fmt: skip


def test_nobody_is_shown_the_sectors_of_another_organisation(platform: Platform) -> None:
    taken(platform, "ALPHA,Alpha Recovery,nhs,2023-10-01", headings="organisation_code,name,sector,sector_since")
    with pytest.raises(NotFound):
        organisations.sector_history(platform, OTHER_EDITOR, "ALPHA")
    from sqlalchemy import text

    with platform.database.snapshot(OTHER_EDITOR) as session:
        assert session.scalar(text("SELECT count(*) FROM organisation_sector")) == 0
    with platform.database.snapshot(EDITOR) as session:
        assert session.scalar(text("SELECT count(*) FROM organisation_sector")) == 1


def test_a_number_that_two_have_is_a_note_when_it_comes_in_and_not_again(platform: Platform) -> None:
    row = "ALPHA,Alpha Recovery,voluntary,,,,,,279417,,"
    assert taken(platform, row).findings == ()
    report = taken(platform, row, "BETA,Beta Health,nhs,,,,,,279417,,")
    assert report.applied
    assert [(one.severity, one.row, one.column) for one in report.findings] == [("note", 3, "charity")]
    assert "ALPHA has the same charity number" in report.findings[0].message
    assert import_register(platform, TEAM, export_register(platform, TEAM, "csv")).findings == ()


@pytest.mark.parametrize("kind", LIST_FORMATS)
def test_hostile_names_are_kept_as_text(platform: Platform, kind: str) -> None:
    names = ["=1+1", "+44", "-x", "@here", "'=quoted", "<script>alert(1)</script>", 'Say "yes", please', "Zoë & Søn"]
    entries = [Organisation(f"X{number}", name) for number, name in enumerate(names)]
    organisations.load_organisations(platform, ANN, entries)
    data = export_register(platform, TEAM, kind)  # type: ignore[arg-type]  # the kind is one of pytest's parameters
    assert import_register(platform, TEAM, data).changes == ()
    if kind == "csv":
        written = [row["name"] for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig")))]
        assert [name for name in written if name[:1] in "=+-@"] == []


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn", "Zl", "Zp"]), min_size=1).map(
    lambda name: f"{name.strip()[:60]}.".strip()
)
CHARITY = st.integers(100_000, 9_999_999).map(str)
ODS = st.text("ABCXYZ0189", min_size=3, max_size=6)
ENTRIES = st.lists(
    st.builds(
        Organisation,
        code=st.text("ABCDEF0189", min_size=2, max_size=8),
        name=NAMES,
        sector=st.sampled_from([None, "voluntary", "nhs", "lero"]),
        status=st.sampled_from(["open", "closed"]),
        parent=st.sampled_from([None, "ALPHA", "BETA"]),
        identifiers=st.fixed_dictionaries({}, optional={"charity": CHARITY, "ods": ODS}),
    ),
    max_size=6,
    unique_by=lambda entry: entry.code,
)


@given(ENTRIES, st.sampled_from(LIST_FORMATS))
@settings(max_examples=25)
def test_out_and_in_again_changes_nothing(platform: Platform, entries: list[Organisation], kind: str) -> None:
    organisations.load_organisations(platform, ANN, entries, {entry.code: dt.date(2020, 4, 1) for entry in entries[:2]})
    before = whole(platform)
    report = import_register(platform, TEAM, export_register(platform, TEAM, kind))  # type: ignore[arg-type]  # the kind is one of pytest's parameters
    assert (report.errors, report.changes, report.applied) == (0, (), False)
    assert report.unchanged == len(before)
    assert whole(platform) == before


def test_files_that_are_no_list_are_refused_and_large_ones_too(platform: Platform) -> None:
    with pytest.raises(Refused):
        import_register(platform, TEAM, b"PK\x03\x04 not a workbook")
    small = replace(platform, settings=platform.settings.model_copy(update={"max_upload_bytes": 10}))
    with pytest.raises(TooLarge):
        import_register(small, TEAM, as_csv("ALPHA,Alpha,,,,,,,,,"))


def test_json_names_places_by_pointer(platform: Platform) -> None:
    tree = {"organisations": [{"organisation_code": "NEW", "name": "New"}, {"organisation_code": "OLD", "name": None}]}
    report = import_register(platform, TEAM, json.dumps(tree).encode())
    assert [(one.pointer, one.cell) for one in report.findings] == [("/organisations/1/name", None)]


def test_only_the_office_manages_the_register(platform: Platform) -> None:
    for actor in (ANALYST, EDITOR):
        for call in (
            lambda actor=actor: export_register(platform, actor, "csv"),
            lambda actor=actor: import_register(platform, actor, as_csv()),
            lambda actor=actor: organisations.list_organisations(platform, actor, OrganisationFilter()),
        ):
            with pytest.raises(Forbidden):
                call()


def test_the_register_is_searched_a_page_at_a_time(platform: Platform) -> None:
    organisations.load_organisations(
        platform, ANN, [Organisation("X%Y", "100% Care", "nhs", identifiers={"charity": "279417"})]
    )

    def codes(**wanted: str) -> list[str]:
        return [
            entry.code
            for entry in organisations.list_organisations(
                platform,
                TEAM,
                OrganisationFilter(**wanted),  # type: ignore[arg-type]  # the filters are pytest's parameters
            ).items
        ]

    assert codes(search="recovery") == ["ALPHA"]
    assert codes(search="%") == ["X%Y"]
    assert codes(search="7941") == ["X%Y"]
    assert codes(search="charity") == []
    assert codes(sector="nhs") == ["BETA", "X%Y"]
    assert codes(status="closed") == []
    first = organisations.list_organisations(platform, TEAM, OrganisationFilter(), limit=2)
    rest = organisations.list_organisations(platform, TEAM, OrganisationFilter(), limit=2, cursor=first.next)
    assert [entry.code for entry in (*first.items, *rest.items)] == ["ALPHA", "BETA", "X%Y"]
    assert (first.total, rest.next) == (3, None)
