"""Submissions: stored, read back the same, and unchangeable once sealed."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from census_api.domain.collecting.content import Content, ContentRow
from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.kit.paging import position_of
from census_api.store.collecting import contents, returns, signoffs, submissions
from census_api.store.collecting.contents import FindingFilter
from census_api.store.kit import tables
from tests.factories.actors import EDITOR, NOW
from tests.factories.judgements import make_content, make_finding, make_report
from tests.factories.rows import add_collection, add_organisation, add_submission

ADD_ROW = (
    "INSERT INTO submission_row (collection_year, submission_id, ordinal, sheet, position, business_key, cells) "
    "SELECT collection_year, submission_id, 99, sheet, 1, '', '{}' FROM submission_row LIMIT 1"
)
ADD_FINDING = (
    "INSERT INTO finding SELECT collection_year, submission_id, 99, key, rule, severity, sheet, cell, pointer, "
    "column_key, value, message, expected, fix FROM finding LIMIT 1"
)


@pytest.fixture
def organisation_id(db: Session) -> uuid.UUID:
    add_collection(db)
    return add_organisation(db)


@pytest.fixture
def sealed(db: Session, organisation_id: uuid.UUID) -> tables.SubmissionRecord:
    content = make_content()
    row = add_submission(db, organisation_id, data=b"the bytes")
    submissions.seal_checked(db, row, make_report(content), content, "xlsx")
    return row


def test_content_comes_back_as_it_went_in(db: Session, sealed: tables.SubmissionRecord) -> None:
    content = contents.content_of(db, sealed)
    assert content == make_content()
    assert content.sha256() == sealed.content_sha256


def test_counts_are_json_numbers_and_texts_json_strings(db: Session, sealed: tables.SubmissionRecord) -> None:
    types = db.execute(
        text(
            "SELECT DISTINCT jsonb_typeof(cells->'paid_headcount'), jsonb_typeof(cells->'paid_wte') FROM submission_row"
        )
    )
    assert types.all() == [("number", "string")]


def test_report_comes_back_as_it_went_in(db: Session, sealed: tables.SubmissionRecord) -> None:
    report = submissions.read_report(sealed, "ALPHA")
    report.findings = contents.findings_of(db, sealed)
    expected = make_report(make_content())
    expected.submission = 1
    assert report == expected
    assert sealed.outcome == "errors"
    assert sealed.counts == {"error": 2, "query": 0, "note": 0}


def test_original_bytes_come_back_unchanged(db: Session, sealed: tables.SubmissionRecord) -> None:
    original = submissions.read_original(db, sealed)
    assert (original.data, original.file_name, original.kind) == (b"the bytes", "return.xlsx", "xlsx")


def test_numbers_count_up_and_a_refused_one_is_never_given_out_again(db: Session, organisation_id: uuid.UUID) -> None:
    first, second = add_submission(db, organisation_id), add_submission(db, organisation_id)
    submissions.seal_refused(db, second, "macros", "The workbook holds macros.")
    third = add_submission(db, organisation_id)
    assert (first.number, second.number, third.number) == (1, None, 3)
    page = submissions.page_submissions(db, 2024, organisation_id, "ALPHA", None, 10)
    assert [entry.number for entry in page.items] == [3, 1]


def test_pages_of_submissions_are_newest_first_and_meet_end_to_end(db: Session, organisation_id: uuid.UUID) -> None:
    for _ in range(5):
        add_submission(db, organisation_id)
    seen: list[int | None] = []
    before = None
    while True:
        page = submissions.page_submissions(db, 2024, organisation_id, "ALPHA", before, 2)
        seen += [entry.number for entry in page.items]
        assert page.total == 5
        if page.next is None:
            break
        before = position_of(page.next)
    assert seen == [5, 4, 3, 2, 1]


def test_findings_are_filtered_counted_and_paged(db: Session, organisation_id: uuid.UUID) -> None:
    content = make_content()
    report = make_report(content, findings=0)
    report.findings = [make_finding(index, severity="error" if index % 2 else "query") for index in range(9)]
    row = add_submission(db, organisation_id)
    submissions.seal_checked(db, row, report, content, "json")
    page = contents.findings_page(db, row, FindingFilter(severity="query", sheet="Staff"), None, 2)
    assert (page.total, [found.cell for found in page.items]) == (5, ["E2", "E4"])
    rest = contents.findings_page(db, row, FindingFilter(severity="query"), position_of(page.next), 10)
    assert ([found.cell for found in rest.items], rest.next) == (["E6", "E8", "E10"], None)
    assert contents.findings_page(db, row, FindingFilter(rule="XXX-001"), None, 10).total == 0


def test_standing_submission_is_the_signed_or_accepted_one_else_the_latest_checked(
    db: Session, organisation_id: uuid.UUID
) -> None:
    assert returns.standing_submission(db, 2024, organisation_id) is None
    content = make_content()
    first, second = add_submission(db, organisation_id), add_submission(db, organisation_id)
    add_submission(db, organisation_id)
    for row in (first, second):
        submissions.seal_checked(db, row, make_report(content), content, "xlsx")
    assert returns.standing_submission(db, 2024, organisation_id) == second.id
    assert returns.find_return(db, 2024, organisation_id, "ALPHA").latest == 2
    of = returns.lock_return(db, 2024, organisation_id)
    signoffs.add_sign_off(db, first, EDITOR, role="Director", at=NOW, timing="on_time", explanations_sha256="0" * 64)
    returns.apply_event(of, "submit")
    db.flush()
    returns.mark_signed(of, first)
    db.flush()
    assert returns.standing_submission(db, 2024, organisation_id) == first.id
    returns.apply_event(of, "accept")
    db.flush()
    assert returns.standing_submission(db, 2024, organisation_id) == of.accepted_submission_id == first.id
    returns.apply_event(of, "reopen")
    db.flush()
    assert returns.standing_submission(db, 2024, organisation_id) == second.id
    returns.apply_event(of, "withdraw")
    db.flush()
    assert returns.standing_submission(db, 2024, organisation_id) is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE submission SET outcome = 'clean'",
        "UPDATE submission SET number = 7",
        "UPDATE submission_original SET data = 'x'",
        "UPDATE submission_row SET cells = '{}'",
        "UPDATE finding SET severity = 'note'",
        "DELETE FROM submission",
        "DELETE FROM submission_original",
        "DELETE FROM submission_row",
        "DELETE FROM finding",
        "TRUNCATE finding",
        ADD_ROW,
        ADD_FINDING,
    ],
)
def test_a_sealed_submission_never_changes(db: Session, sealed: tables.SubmissionRecord, statement: str) -> None:
    with pytest.raises(IntegrityError, match=r"never changes|nothing is added"):
        db.execute(text(statement))


@pytest.mark.parametrize("column", ["file_name = 'other'", "received_by = 'other'", "number = 5", "size = 1"])
def test_what_was_received_never_changes_even_before_the_seal(
    db: Session, organisation_id: uuid.UUID, column: str
) -> None:
    add_submission(db, organisation_id)
    with pytest.raises(IntegrityError, match="never changes"):
        db.execute(text(f"UPDATE submission SET {column}"))


def test_a_checked_submission_without_its_facts_is_refused_by_the_database(
    db: Session, organisation_id: uuid.UUID
) -> None:
    add_submission(db, organisation_id)
    with pytest.raises(IntegrityError, match="ck_submission_checked_is_complete"):
        db.execute(text("UPDATE submission SET status = 'checked'"))


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b"])
@pytest.mark.parametrize("place", ["cell", "form", "key", "finding"])
def test_what_no_database_can_hold_is_named_and_stores_nothing(
    db: Session, organisation_id: uuid.UUID, bad: str, place: str
) -> None:
    content = make_content(1)
    report = make_report(content, findings=1)
    if place == "cell":
        content.rows[0].cells["note"] = bad
    elif place == "form":
        content.organisation["name"] = bad
    elif place == "key":
        content.rows[0].business_key = bad
    else:
        report.findings[0] = replace(make_finding(), value=bad)
    row = add_submission(db, organisation_id)
    with pytest.raises(InvalidRequest, match="cannot be stored"):
        submissions.seal_checked(db, row, report, content, "xlsx")


_letters = st.characters(codec="utf-8", exclude_characters="\x00")
_cells = st.dictionaries(st.text(_letters, max_size=8), st.integers(0, 10**15) | st.text(_letters, max_size=20))


@settings(max_examples=30)
@given(st.lists(st.tuples(_cells, st.text(_letters, max_size=20)), max_size=5), _cells)
def test_any_text_and_number_comes_back_as_it_went_in(
    db: Session, organisation_id: uuid.UUID, rows: list[tuple[dict[str, int | str], str]], form: dict[str, int | str]
) -> None:
    content = Content(2024, form, [ContentRow("staff", at, key, cells) for at, (cells, key) in enumerate(rows)])
    row = add_submission(db, organisation_id)
    report = make_report(make_content(0), findings=0)
    submissions.seal_checked(db, row, report, content, "json")
    assert contents.content_of(db, row) == content
