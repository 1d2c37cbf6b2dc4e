"""The life of a return by raw SQL, as the platform's role: the database refuses what the table does not have."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from census_api.domain.collecting.returns import MOVES, RETURN_STATES, ReturnState
from census_api.domain.kit.access import Actor
from census_api.store.collecting import signoffs, submissions
from census_api.store.kit.session import Database, connect_database
from tests.factories.actors import EDITOR, NOW, OTHER_EDITOR
from tests.factories.judgements import make_content, make_report
from tests.factories.rows import add_collection, add_organisation, add_submission

REFUSED = (IntegrityError, ProgrammingError)
KEEPS_BOTH = {"accepted"}
KEEPS_SIGNED = {"signed_off", "accepted"}


@pytest.fixture
def database(fresh_database_url: str) -> Iterator[Database]:
    """A return of ALPHA with one checked submission that is signed, but in no state yet."""
    database = connect_database(fresh_database_url)
    with database.transaction() as session:
        add_collection(session)
        row = add_submission(session, add_organisation(session))
        add_organisation(session, "BETA")
        content = make_content()
        submissions.seal_checked(session, row, make_report(content), content, "xlsx")
        signoffs.add_sign_off(
            session, row, EDITOR, role="Director", at=NOW, timing="on_time", explanations_sha256="0" * 64
        )
    yield database
    database.close()


def put_into(url: str, state: ReturnState) -> None:
    """As the owner, past the trigger: how a return got into a state is not what is tested here."""
    with create_engine(url).begin() as connection:
        connection.execute(text("ALTER TABLE return DISABLE TRIGGER moves"))
        connection.execute(
            text(
                "UPDATE return SET state = :state, "
                "signed_submission_id = CASE WHEN :signed THEN (SELECT id FROM submission) END, "
                "accepted_submission_id = CASE WHEN :accepted THEN (SELECT id FROM submission) END"
            ),
            {"state": state, "signed": state in KEEPS_SIGNED, "accepted": state in KEEPS_BOTH},
        )
        connection.execute(text("ALTER TABLE return ENABLE TRIGGER moves"))


def move(session: Session, to: str, *, signed: bool, accepted: bool) -> int:
    """How many returns were moved."""
    with session.begin_nested():
        result = session.execute(
            text(
                "UPDATE return SET state = :state, version = version + 1, "
                "signed_submission_id = CASE WHEN :signed THEN (SELECT id FROM submission) END, "
                "accepted_submission_id = CASE WHEN :accepted THEN (SELECT id FROM submission) END"
            ),
            {"state": to, "signed": signed, "accepted": accepted},
        )
        return int(result.rowcount)  # type: ignore[attr-defined]  # every update has it


@pytest.mark.parametrize("before", RETURN_STATES)
def test_every_move_from_every_state(database: Database, fresh_database_url: str, before: ReturnState) -> None:
    put_into(fresh_database_url, before)
    for after in RETURN_STATES:
        signed, accepted = after in KEEPS_SIGNED, after in KEEPS_BOTH
        with database.transaction() as session:
            assert session.scalar(text("SELECT current_user")) == "census_app"
            if before == after or (before, after) in MOVES:
                assert move(session, after, signed=signed, accepted=accepted) == 1
            else:
                with pytest.raises(REFUSED, match=f"a return that is {before} does not become {after}"):
                    move(session, after, signed=signed, accepted=accepted)
            session.rollback()


@pytest.mark.parametrize("state", RETURN_STATES)
def test_what_is_signed_and_accepted_fits_the_state(
    database: Database, fresh_database_url: str, state: ReturnState
) -> None:
    put_into(fresh_database_url, state)
    for signed in (True, False):
        for accepted in (True, False):
            fits = signed == (state in KEEPS_SIGNED) and accepted == (state in KEEPS_BOTH)
            with database.transaction() as session:
                if fits:
                    assert move(session, state, signed=signed, accepted=accepted) == 1
                else:
                    with pytest.raises(REFUSED, match="signed or accepted"):
                        move(session, state, signed=signed, accepted=accepted)
                session.rollback()


def test_a_submission_that_nobody_signed_does_not_stand_for_a_return(
    database: Database, fresh_database_url: str
) -> None:
    put_into(fresh_database_url, "in_progress")
    with database.transaction() as session:
        content = make_content()
        owner = session.scalar(text("SELECT id FROM organisation WHERE code = 'ALPHA'"))
        assert owner is not None
        row = add_submission(session, owner)
        submissions.seal_checked(session, row, make_report(content), content, "xlsx")
        unsigned = row.id
    with database.transaction() as session, pytest.raises(REFUSED, match="nobody signed"):
        session.execute(text("UPDATE return SET state = 'signed_off', signed_submission_id = :id"), {"id": unsigned})


def test_a_return_begins_as_not_started(database: Database) -> None:
    statement = text(
        "INSERT INTO return (collection_year, id, organisation_id, state) "
        "SELECT 2024, :id, id, 'accepted' FROM organisation WHERE code = 'BETA'"
    )
    with database.transaction() as session, pytest.raises(REFUSED, match="begins as not_started"):
        session.execute(statement, {"id": uuid.uuid4()})


@pytest.mark.parametrize(
    "change",
    ["content_sha256 = repeat('f', 64)", "return_id = gen_random_uuid()", "submission_id = gen_random_uuid()"],
)
def test_a_sign_off_is_of_exactly_one_checked_content_of_its_return(database: Database, change: str) -> None:
    columns = (
        "collection_year, id, return_id, submission_id, organisation_id, reference, name, role, signed_at, timing, "
        "content_sha256, explanations_sha256"
    )
    column, value = change.split(" = ")
    values = columns.replace(column, value, 1) if column != "id" else columns
    values = values.replace(" id,", " gen_random_uuid(),", 1).replace("reference", "'another'")
    with database.transaction() as session, pytest.raises(REFUSED, match="names a checked submission"):
        session.execute(text(f"INSERT INTO sign_off ({columns}) SELECT {values} FROM sign_off"))


@pytest.mark.parametrize("statement", ["UPDATE {} SET organisation_id = organisation_id", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["sign_off", "arrival", "return_query", "query_reply"])
def test_what_was_signed_asked_and_answered_stays(database: Database, table: str, statement: str) -> None:
    with database.transaction() as session, pytest.raises(REFUSED, match="never changes"):
        session.execute(text(statement.format(table)))


@pytest.mark.parametrize(("actor", "seen"), [(EDITOR, 1), (OTHER_EDITOR, 0)])
def test_a_sign_off_is_seen_by_its_own_organisation_only(database: Database, actor: Actor, seen: int) -> None:
    with database.transaction(actor) as session:
        assert session.scalar(text("SELECT count(*) FROM sign_off")) == seen
        assert session.scalar(text("SELECT count(*) FROM return")) == seen
