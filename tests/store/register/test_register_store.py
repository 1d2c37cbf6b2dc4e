"""The register and the frame in the database."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from census_api.domain.register.organisations import FrameLine, Organisation
from census_api.store.register import queries as register
from tests.factories.rows import add_collection, add_organisation

PARENT = Organisation("PARENT", "Parent Trust", "nhs", identifiers={"ods": "RX1"})
CHILD = Organisation("CHILD", "Child Service", "voluntary", parent="PARENT")
GONE = Organisation("GONE", "Gone Service", "voluntary", status="merged", merged_into="CHILD")


def stored(session: Session, code: str) -> Organisation:
    found = register.find_organisation(session, code)
    assert found is not None
    return found[1]


def test_organisations_come_back_with_parent_and_successor_whatever_their_order(db: Session) -> None:
    register.upsert_organisations(db, [GONE, CHILD, PARENT])
    assert [stored(db, code) for code in ("PARENT", "CHILD", "GONE")] == [PARENT, CHILD, GONE]
    assert register.all_codes(db) == ["CHILD", "GONE", "PARENT"]


def test_a_second_load_replaces_by_code_and_keeps_the_key(db: Session) -> None:
    register.upsert_organisations(db, [PARENT, CHILD, GONE])
    before = register.find_organisation(db, "GONE")
    again = Organisation("GONE", "Gone Again", "nhs", status="closed")
    register.upsert_organisations(db, [again])
    after = register.find_organisation(db, "GONE")
    assert before is not None
    assert after == (before[0], again)
    assert stored(db, "CHILD") == CHILD


def test_an_unknown_code_is_nobody(db: Session) -> None:
    assert register.find_organisation(db, "NOBODY") is None
    register.upsert_organisations(db, [PARENT])
    assert register.unknown_codes(db, ["PARENT", "NOBODY", "ALSO"]) == ["ALSO", "NOBODY"]


def test_a_frame_is_replaced_whole_and_only_its_own_year(db: Session) -> None:
    for year in (2023, 2024):
        add_collection(db, year)
    key = add_organisation(db)
    other = add_organisation(db, "OTHER")
    assert not register.has_frame(db, 2024)
    register.replace_frame(db, 2023, [FrameLine(2023, "ALPHA", "E1", "lero")])
    register.replace_frame(db, 2024, [FrameLine(2024, "ALPHA", "E1", "lero"), FrameLine(2024, "OTHER", "E1", "lero")])
    register.replace_frame(db, 2024, [FrameLine(2024, "ALPHA", "E9", "lero"), FrameLine(2024, "ALPHA", "E2", "lero")])
    assert register.frame_of(db, 2024, key) == (("E2", "lero"), ("E9", "lero"))
    assert register.frame_of(db, 2024, other) == ()
    assert register.frame_of(db, 2023, key) == (("E1", "lero"),)
    assert register.has_frame(db, 2024)


def test_codes_are_data_and_never_sql(db: Session) -> None:
    sly = "X'; DROP TABLE finding; --"
    register.upsert_organisations(db, [Organisation(sly, "Sly\tOne\\N", None)])
    assert stored(db, sly).name == "Sly\tOne\\N"
    assert db.scalar(text("SELECT count(*) FROM finding")) == 0
