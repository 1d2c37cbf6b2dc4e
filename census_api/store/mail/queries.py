"""The outbox: mail is written here in the transaction that has a reason for it, and taken from here to be sent."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from census_api.domain.mail import MAIL_KINDS, MAIL_STATES, Mail, MailKind, MailState, ReminderPlan
from census_api.store.kit import tables
from census_api.store.kit.durable import DurableWork
from census_api.store.mail.tables import MailPlan, MailRow

UNSENT = DurableWork(MailRow, MailRow.attempts, MailRow.state.in_(("waiting", "sending")))
"""Mails that are on their way. The outbox is their queue: one whose sender died is due again when its lease ends."""
PATIENCE = dt.timedelta(hours=24)
"""For how long a mail is tried: what it says is not news after that, and a person has to look."""


@dataclass(frozen=True, slots=True)
class MailDraft:
    """A mail that is about to be written. Of two with one `once_key` only the first is."""

    kind: MailKind
    to: str
    organisation_id: uuid.UUID | None
    collection: int | None
    once_key: str
    links: Mapping[str, str]
    facts: Mapping[str, str]
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail taken to be sent. `interrupted` is True when an earlier try never said how it ended."""

    mail: Mail
    interrupted: bool


def read_clock(session: Session) -> dt.datetime:
    """When the transaction began, by the database's clock."""
    return session.execute(select(func.now())).scalar_one()


def add_mail(session: Session, draft: MailDraft) -> bool:
    """False when the same mail was written before: then nothing happens."""
    statement = insert(MailRow).values(_row(draft)).on_conflict_do_nothing()
    # no RETURNING, which the session would add: who may write a mail about an organisation may not read it
    return session.connection().execute(statement, execution_options={"preserve_rowcount": True}).rowcount == 1


def add_all(session: Session, drafts: Sequence[MailDraft]) -> set[str]:
    """Writes many at once, for who may read the outbox; says the keys of those that were not there before."""
    if not drafts:
        return set()
    statement = insert(MailRow).on_conflict_do_nothing().returning(MailRow.once_key)
    return set(session.scalars(statement, [_row(draft) for draft in drafts]))


def _row(draft: MailDraft) -> dict[str, object]:
    return {
        "id": uuid.uuid4(),
        "kind": draft.kind,
        "state": "waiting",
        "recipient": draft.to,
        "organisation_id": draft.organisation_id,
        "collection_year": draft.collection,
        "once_key": draft.once_key,
        "links": dict(draft.links),
        "facts": dict(draft.facts),
        "created_at": draft.at,
        "next_try": draft.at,
        "give_up_at": draft.at + PATIENCE,
    }


def claim_mail(session: Session, at: dt.datetime, lease: dt.timedelta) -> Claimed | None:
    """Takes the mail that has been due longest, None when none is. Two workers never take the same one.

    It is ours for the length of the lease: who has not ended it by then is taken for dead.
    """
    due, first = [MailRow.next_try <= at], (MailRow.next_try, MailRow.ordinal)
    row = UNSENT.take(session, due, first=first, skip_locked=True)
    if row is None:
        return None
    interrupted = row.state == "sending"
    row.state, row.next_try = "sending", at + lease
    session.flush()
    return Claimed(_as_domain(row, _code_of(session, row.organisation_id)), interrupted)


def finish_mail(
    session: Session, mail: Mail, state: MailState, at: dt.datetime, *, next_try: dt.datetime | None = None,
    problem: str | None = None,
) -> bool:  # fmt: skip
    """Ends this try. False when another has taken over. A link that lets its holder in is forgotten once sent."""
    return UNSENT.write(
        session, [MailRow.id == mail.id, MailRow.state == "sending"], mail.attempts,
        state=state,
        next_try=next_try or at,
        problem=problem,
        sent_at=at if state == "sent" else None,
        links={} if state == "sent" and mail.is_secret else dict(mail.links),
    )  # fmt: skip


def give_back(session: Session, mails: Collection[uuid.UUID], problem: str) -> list[Mail]:
    """Notes of those that were sent that they did not arrive, and returns these."""
    rows = session.scalars(
        update(MailRow)
        .where(MailRow.id.in_(mails), MailRow.state == "sent")
        .values(state="returned", problem=problem)
        .returning(MailRow)
    ).all()
    return [_as_domain(row, _code_of(session, row.organisation_id)) for row in rows]


def forget_before(session: Session, before: dt.datetime) -> int:
    """Deletes the mails that were written before a moment and are not on their way; says how many."""
    gone = session.execute(
        delete(MailRow)
        .where(MailRow.created_at < before, MailRow.state.not_in(("waiting", "sending")))
        .returning(MailRow.id)
    )
    return len(gone.all())


def send_again(session: Session, mail_id: uuid.UUID, at: dt.datetime) -> Mail | None:
    """Puts a mail that failed or was held back on the way, for as long as a new one. None when it is neither."""
    row = session.get(MailRow, mail_id, with_for_update=True)
    if row is None or row.state not in ("failed", "held"):
        return None
    row.state, row.next_try, row.give_up_at, row.problem = "waiting", at, at + PATIENCE, None
    session.flush()
    return _as_domain(row, _code_of(session, row.organisation_id))


def find_mail(session: Session, mail_id: uuid.UUID) -> Mail | None:
    row = session.get(MailRow, mail_id)
    return None if row is None else _as_domain(row, _code_of(session, row.organisation_id))


def page_mails(
    session: Session, *, state: MailState | None = None, kind: MailKind | None = None, before: int | None = None,
    limit: int,
) -> tuple[list[Mail], int | None, int]:  # fmt: skip
    """Mails from the newest on, those before an ordinal where one is given; the last one's ordinal; how many there are.

    The ordinal is None when no mails follow.
    """
    wanted = [MailRow.state == state] if state is not None else []
    wanted += [MailRow.kind == kind] if kind is not None else []
    total = session.execute(select(func.count()).select_from(MailRow).where(*wanted)).scalar_one()
    if before is not None:
        wanted.append(MailRow.ordinal < before)
    query = (
        select(MailRow, tables.OrganisationRow.code)
        .outerjoin(tables.OrganisationRow, tables.OrganisationRow.id == MailRow.organisation_id)
        .where(*wanted)
        .order_by(MailRow.ordinal.desc())
        .limit(limit + 1)
    )
    rows = session.execute(query).all()
    last = rows[limit - 1][0].ordinal if len(rows) > limit else None
    return [_as_domain(row, code) for row, code in rows[:limit]], last, total


def count_states(session: Session) -> dict[MailState, int]:
    """How many mails are in each state, the states without any included."""
    query = select(MailRow.state, func.count()).group_by(MailRow.state)
    found: dict[str, int] = dict(iter(session.execute(query)))
    return {state: found.get(state, 0) for state in MAIL_STATES}


def read_figures(session: Session) -> dict[str, float]:
    """What is not sent yet, since when in seconds, and what needs a person, as metrics."""
    waiting = MailRow.state.in_(("waiting", "sending"))
    number, age, stuck = session.execute(
        select(
            func.count().filter(waiting),
            func.extract("epoch", func.now() - func.min(MailRow.created_at).filter(waiting)),
            func.count().filter(MailRow.state.in_(("failed", "returned"))),
        )
    ).one()
    return {
        "census_mails_unsent": float(number),
        "census_mails_oldest_seconds": max(0.0, float(age or 0)),
        "census_mails_not_delivered": float(stuck),
    }


def read_plan(session: Session, collection: int) -> ReminderPlan:
    """When reminders of a collection go out."""
    row = session.get(MailPlan, collection)
    if row is None:
        return ReminderPlan(collection)
    return ReminderPlan(collection, row.opening, tuple(row.days_left), row.version)


def set_plan(session: Session, wanted: ReminderPlan) -> bool:
    """Replaces the plan of the version before. False when somebody else has changed that one meanwhile."""
    values = {"opening": wanted.opening, "days_left": list(wanted.days_left), "version": wanted.version}
    statement = (
        insert(MailPlan)
        .values(collection_year=wanted.collection, **values)
        .on_conflict_do_update(
            index_elements=["collection_year"], set_=values, where=MailPlan.version == wanted.version - 1
        )
        .returning(MailPlan.version)
    )
    return session.execute(statement).first() is not None


def _code_of(session: Session, organisation_id: uuid.UUID | None) -> str | None:
    if organisation_id is None:
        return None
    return session.scalar(select(tables.OrganisationRow.code).where(tables.OrganisationRow.id == organisation_id))


def _as_domain(row: MailRow, organisation: str | None) -> Mail:
    return Mail(
        id=row.id,
        kind=next(kind for kind in MAIL_KINDS if kind == row.kind),
        state=next(state for state in MAIL_STATES if state == row.state),
        to=row.recipient,
        organisation=organisation,
        collection=row.collection_year,
        links=dict(row.links),
        facts=dict(row.facts),
        created_at=row.created_at,
        next_try=row.next_try,
        give_up_at=row.give_up_at,
        attempts=row.attempts,
        sent_at=row.sent_at,
        problem=row.problem,
    )
