"""Mail that goes to many employers: the opening of a collection, reminders by the calendar, and those the team sends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from census_api.domain.collecting.collection import CollectionStatus
from census_api.domain.collecting.deadlines import Deadline
from census_api.domain.collecting.returns import ReturnState
from census_api.domain.kit.access import SYSTEM, Actor, authorise
from census_api.domain.kit.errors import Conflict, InvalidRequest, Stale
from census_api.domain.mail import MailKind, ReminderPlan, checked_days_left, days_between
from census_api.services.collecting.collections import get_collection, list_collections
from census_api.services.kit.platform import Platform
from census_api.services.mail.writing import drafts_to, return_page
from census_api.store.kit import audit
from census_api.store.kit.session import Session
from census_api.store.mail import queries as outbox
from census_api.store.mail.queries import MailDraft
from census_api.store.people import addressees
from census_api.store.people.addressees import Addressee, Named

UNFINISHED: frozenset[ReturnState] = frozenset({"not_started", "in_progress", "queried", "reopened"})
"""The states in which an employer still has something to do, and so may be reminded."""

_ENGLAND = ZoneInfo("Europe/London")
_MINUTE = dt.timedelta(minutes=1)
_OFFICE_HOURS = range(9, 18)
_NEWS_FOR = dt.timedelta(days=7)
_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class Reminded:
    """What became of a round of mail, by organisation code.

    `written` got a mail, `before` had the same mail before (today, or at all for the opening), `nobody` has no one to
    write to. `people` counts the mails written.
    """

    written: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    nobody: tuple[str, ...] = ()
    people: int = 0


@dataclass(frozen=True, slots=True)
class _Due:
    """An organisation that a mail is for. `closes` is the last day of its own time, `days_left` are the days to it."""

    organisation: Named
    state: ReturnState
    closes: dt.date
    days_left: int


def get_plan(platform: Platform, actor: Actor, year: int) -> ReminderPlan:
    """When reminders of a collection go out by themselves. Raises NotFound."""
    authorise(actor, "mail.manage")
    get_collection(platform, SYSTEM, year)
    with platform.database.snapshot(SYSTEM) as session:
        return outbox.read_plan(session, year)


def set_plan(
    platform: Platform, actor: Actor, year: int, *, opening: bool, days_left: Sequence[int], expected: int | None = None
) -> ReminderPlan:
    """Replaces the plan; `expected` is the version that the actor has seen. Raises NotFound, InvalidRequest, Stale."""
    before = get_plan(platform, actor, year)
    after = ReminderPlan(year, opening, checked_days_left(list(days_left)), before.version + 1)
    with platform.database.transaction(SYSTEM) as session:
        if expected not in (None, before.version) or not outbox.set_plan(session, after):
            raise Stale("Somebody else has changed these reminders meanwhile. Look at them again, then change them.")
        audit.record(
            session,
            actor,
            "mail.plan_set",
            collection=year,
            subject=f"reminders of the collection {year}",
            detail={"before": list(before.days_left), "after": list(after.days_left), "opening": opening},
            at=platform.clock(),
        )
    return after


def run_schedule(platform: Platform) -> int:
    """Writes the mails that the calendar asks for now, and says how many. Called often: none is written twice.

    Nothing is written outside office hours in England.
    """
    now = platform.clock()
    if now.astimezone(_ENGLAND).hour not in _OFFICE_HOURS:
        return 0
    written = 0
    for status in list_collections(platform, SYSTEM):
        plan = get_plan(platform, SYSTEM, status.year)
        if plan.opening and status.phase(now) == "open" and now - status.window.opens < _NEWS_FOR:
            due = [entry for entry in _due(platform, status, now) if entry.state == "not_started"]
            written += _write(platform, SYSTEM, "opening", status.year, due, now, about="opening").people
        if status.phase(now) != "upcoming":
            due = [entry for entry in _unfinished(platform, status, now) if entry.days_left in plan.days_left]
            written += _write(platform, SYSTEM, "reminder", status.year, due, now).people
    return written


def remind_employers(
    platform: Platform, actor: Actor, year: int, *, states: Collection[ReturnState] = UNFINISHED,
    days_left_at_most: int | None = None, organisations: Collection[str] | None = None, preview: bool = False,
) -> Reminded:  # fmt: skip
    """Reminds the employers whose return is in one of these states, with so many days left or fewer.

    With `organisations` only those of them. With `preview` nothing is written, and the answer is what would be.
    Nobody is reminded of one return twice a day. Raises NotFound, InvalidRequest for a state in which there is
    nothing to remind of, Conflict before the collection opens.
    """
    authorise(actor, "mail.manage")
    if not states or not UNFINISHED.issuperset(states):
        raise InvalidRequest(f"Reminders go to returns that are one of: {', '.join(sorted(UNFINISHED))}.")
    status = get_collection(platform, SYSTEM, year)
    now = platform.clock()
    if status.phase(now) == "upcoming":
        raise Conflict(f"The census of {year} has not opened yet, so there is nothing to remind anybody of.")
    due = [
        entry
        for entry in _unfinished(platform, status, now)
        if entry.state in states
        and (days_left_at_most is None or entry.days_left <= days_left_at_most)
        and (organisations is None or entry.organisation.code in organisations)
    ]
    return _write(platform, actor, "reminder", year, due, now, preview=preview)


def _unfinished(platform: Platform, status: CollectionStatus, now: dt.datetime) -> list[_Due]:
    return [entry for entry in _due(platform, status, now) if entry.state in UNFINISHED]


def _due(platform: Platform, status: CollectionStatus, now: dt.datetime) -> list[_Due]:
    """The organisations whose return would still be taken."""
    with platform.database.transaction(SYSTEM) as session:
        expected = addressees.list_expected(session, status.year)
    today = now.astimezone(_ENGLAND).date()
    found = []
    for entry in expected:
        deadline = Deadline(status.window, status.state == "closed", entry.extension)
        try:
            deadline.timing(now)
        except Conflict:
            continue
        end = max(status.window.closes, entry.extension or status.window.closes)
        closes = (end - _MINUTE).astimezone(_ENGLAND).date()
        found.append(_Due(entry.organisation, entry.state, closes, days_between(today, closes)))
    return found


def _write(
    platform: Platform, actor: Actor, kind: MailKind, year: int, due: Sequence[_Due], now: dt.datetime, *,
    about: str | None = None, preview: bool = False,
) -> Reminded:  # fmt: skip
    """A transaction for every 200 organisations, for a collection may expect thousands."""
    written: list[str] = []
    before: list[str] = []
    nobody: list[str] = []
    count = 0
    for start in range(0, len(due), _AT_A_TIME):
        part = due[start : start + _AT_A_TIME]
        with platform.database.transaction(SYSTEM) as session:
            attempt = session.begin_nested()
            people = addressees.list_members(session, [entry.organisation.id for entry in part])
            drafts = {entry: _drafts(entry, people[entry.organisation.id], kind, year, about, now) for entry in part}
            new = outbox.add_all(session, [draft for mails in drafts.values() for draft in mails])
            for entry, mails in drafts.items():
                mine = sum(draft.once_key in new for draft in mails)
                (written if mine else before if mails else nobody).append(entry.organisation.code)
                count += mine
                if mine:
                    _record(session, actor, kind, year, entry, mine, now)
            if preview:
                attempt.rollback()
    return Reminded(tuple(written), tuple(before), tuple(nobody), count)


def _drafts(
    entry: _Due, people: Sequence[Addressee], kind: MailKind, year: int, about: str | None, now: dt.datetime
) -> list[MailDraft]:
    facts = {"closes": f"{entry.closes.day} {entry.closes:%B %Y}"}
    if kind == "reminder":
        facts["days_left"] = str(entry.days_left)
    links = {"return": return_page(year, entry.organisation.code)}
    return drafts_to(people, kind, entry.organisation, year, links=links, facts=facts, about=about, at=now)


def _record(
    session: Session, actor: Actor, kind: MailKind, year: int, entry: _Due, people: int, now: dt.datetime
) -> None:
    code = entry.organisation.code
    audit.record(
        session,
        actor,
        f"mail.{kind}_written",
        organisation=code,
        collection=year,
        subject=f"{kind} to {code} for {year}",
        detail={"people": people, "days_left": entry.days_left},
        at=now,
    )
