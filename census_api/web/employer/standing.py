"""Where a return stands for its employer, and the one thing to do next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from census_api.domain.collecting.collection import CollectionStatus
from census_api.domain.collecting.deadlines import end_in_words
from census_api.domain.collecting.returns import Return
from census_api.domain.collecting.signoff import GateCode
from census_api.domain.collecting.submission import Submission
from census_api.domain.kit.access import is_allowed
from census_api.services.collecting.collections import list_collections
from census_api.services.collecting.sign_off import get_readiness
from census_api.services.collecting.submissions import get_return, list_submissions
from census_api.services.people.accounts import list_members
from census_api.services.register.organisations import get_organisation
from census_api.web.kit.visit import Visit
from census_api.web.kit.words import STATES, Tag, count_in_words, last_day

UNREAD = ("received", "checking")
_LEFT = ("errors", "rules_failed", "unexplained", "unanswered")


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do next. `actions` are (label, address), the first the most likely."""

    title: str
    text: str
    actions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class EmployerStanding:
    """A return as its employer looks at it. `newest` is the submission that came in last, checked or not."""

    year: int
    code: str
    name: str
    found: Return
    newest: Submission | None
    takes_files: bool
    deadline: str
    step: NextStep

    @property
    def page(self) -> str:
        return page_of(self.year, self.code)

    @property
    def tag(self) -> Tag:
        return STATES[self.found.state]

    @property
    def is_being_checked(self) -> bool:
        return self.newest is not None and self.newest.status in UNREAD


def page_of(year: int, code: str, number: int | None = None) -> str:
    """The address of a return, or of one of its submissions."""
    base = f"/collections/{year}/returns/{code}"
    return base if number is None else f"{base}/submissions/{number}"


def prefilled_address(year: int, code: str) -> str:
    """The address of the workbook with what is known about an organisation typed in."""
    return f"/api/v1/collections/{year}/template.xlsx?organisation={code}"


def collections_of(visit: Visit) -> tuple[list[CollectionStatus], list[CollectionStatus]]:
    """The collections that take returns now, and all the others; the newest first."""
    now = visit.platform.clock()
    known = sorted(list_collections(visit.platform, visit.actor), key=lambda status: -status.year)
    running = [status for status in known if status.phase(now) in ("open", "late")]
    return running, [status for status in known if status not in running]


def standing_of(visit: Visit, status: CollectionStatus, code: str) -> EmployerStanding:
    """Where one organisation's return stands. Raises NotFound."""
    platform, actor, year = visit.platform, visit.actor, status.year
    found = get_return(platform, actor, year, code)
    newest = next(iter(list_submissions(platform, actor, year, code, limit=1).items), None)
    now = platform.clock()
    extended = found.extended_to is not None and now < found.extended_to
    takes_files = extended or status.phase(now) in ("open", "late")
    name = get_organisation(platform, actor, code).name
    step = _step(visit, status, found, newest, takes_files=takes_files)
    return EmployerStanding(year, code, name, found, newest, takes_files, _deadline(status, found), step)


def _deadline(status: CollectionStatus, found: Return) -> str:
    window = status.window
    own = found.extended_to
    if own is not None and own > window.closes:
        return f"{last_day(own)}, a longer time that the census team gave you"
    late = f" (late returns are taken until {last_day(window.late_until)})" if window.late_until > window.closes else ""
    return f"{last_day(window.closes)}{late}"


def _step(
    visit: Visit, status: CollectionStatus, found: Return, newest: Submission | None, *, takes_files: bool
) -> NextStep:
    page = page_of(found.collection, found.organisation)
    settled = _settled(found, page)
    if settled is not None:
        return settled
    if newest is not None and newest.status in UNREAD:
        return NextStep(
            "Wait a moment", f"Submission {newest.number} is being checked. This page shows when it is done."
        )
    if not takes_files:
        return _outside(visit, status, found)
    if found.state == "queried":
        text = "The census team has a question about your return. Answer it in words, or send a corrected file."
        return NextStep("Answer the census team", text, (("Read the question", f"{page}#questions"),))
    if found.latest is None:
        return _begin(found, page)
    if found.latest == found.signed:
        text = "Your return is signed off. The census team looks at it now, and writes to you if it has a question."
        return NextStep("Nothing to do for now", text, (("See the receipt", f"{page}#receipt"),))
    return _towards_sign_off(visit, found, found.latest)


def _settled(found: Return, page: str) -> NextStep | None:
    if found.state == "accepted":
        text = "The census team has accepted your return. Thank you."
        return NextStep("Nothing more to do", text, (("See the receipt", f"{page}#receipt"),))
    if found.state in ("declined", "withdrawn"):
        what = "that you do not answer this census" if found.state == "declined" else "that this return does not count"
        text = f"The census team has noted {what}. The history says why. If that is not right, write to them."
        return NextStep("Nothing to do", text, (("Read the history", f"{page}/history"),))
    return None


def _outside(visit: Visit, status: CollectionStatus, found: Return) -> NextStep:
    if status.phase(visit.platform.clock()) == "upcoming":
        opens = last_day(status.window.opens.replace(hour=23))
        blank = f"/api/v1/collections/{status.year}/template.xlsx"
        text = f"This census opens on {opens}. You can already look at the workbook."
        return NextStep("Nothing to do yet", text, (("Download the blank workbook", blank),))
    if found.state == "signed_off":
        return NextStep("Nothing to do for now", "Your return is signed off, and the census team looks at it now.")
    ended = "" if found.deadline is None else f" It closed {end_in_words(found.deadline)}."
    return NextStep(
        "This census is closed", f"It takes no more returns.{ended} Ask the census team for more time if you need it."
    )


def _begin(found: Return, page: str) -> NextStep:
    text = (
        "Download your workbook: it already knows your services, and shows last year's answers where there are any. "
        "Fill it in, save it, and send it here. Every problem is shown at its cell, and nothing counts until you sign."
    )
    workbook = ("Download your workbook", prefilled_address(found.collection, found.organisation))
    return NextStep("Fill in your workbook and send it", text, (workbook, ("Send your file", f"{page}#send")))


def _towards_sign_off(visit: Visit, found: Return, number: int) -> NextStep:
    platform, actor, year, code = visit.platform, visit.actor, found.collection, found.organisation
    gates = {gate.code: gate.count for gate in get_readiness(platform, actor, year, code, number).gates}
    page = page_of(year, code, number)
    if any(gate in gates for gate in _LEFT):
        return _left(gates, found, number)
    if is_allowed(actor, "return.sign_off", code):
        text = "Nothing is left to correct or explain. Read what you declare, and sign."
        return NextStep("Sign off your return", text, ((f"Sign off submission {number}", f"{page}/sign-off"),))
    named = _signatories(visit, code)
    who = f"A signatory of your organisation can do that: {named}." if named else "Ask the census team who can do that."
    return NextStep("Have your return signed off", f"Nothing is left to correct or explain. {who}")


def _left(gates: dict[GateCode, int], found: Return, number: int) -> NextStep:
    page = page_of(found.collection, found.organisation, number)
    errors, queries = gates.get("errors", 0), gates.get("unexplained", 0)
    if errors or "rules_failed" in gates:
        more = f" It also has {count_in_words(queries, 'query', 'queries')} to explain." if queries else ""
        if not errors:
            return NextStep(
                "Tell the census team", "Some checks of your file could not run, which is our fault, not yours."
            )
        text = f"Submission {number} has {count_in_words(errors, 'error')}.{more} Correct your file and send it again, or correct single values right here."
        return NextStep(
            f"Correct {count_in_words(errors, 'error')}",
            text,
            (("See what to correct", f"{page}?severity=error#findings"),),
        )
    if queries:
        text = f"{count_in_words(queries, 'answer')} of submission {number} look unusual. Correct each one, or say why it is right."
        return NextStep(
            f"Explain {count_in_words(queries, 'query', 'queries')}",
            text,
            (("See what to explain", f"{page}?severity=query#findings"),),
        )
    text = "The census team asked something that nobody has answered yet."
    home = page_of(found.collection, found.organisation)
    return NextStep("Answer the census team", text, (("Read the question", f"{home}#questions"),))


def _signatories(visit: Visit, code: str) -> str:
    members = list_members(visit.platform, visit.actor, code)
    return ", ".join(member.name for member in members if "signatory" in member.memberships.get(code, ()))


def own_organisations(visit: Visit) -> list[str]:
    """The codes of the organisations that the visitor belongs to, then of those that they may only look at."""
    actor = visit.actor
    return [*sorted(actor.memberships), *sorted(actor.watched - set(actor.memberships))]


def list_standings(visit: Visit, status: CollectionStatus, codes: Iterable[str]) -> list[EmployerStanding]:
    return [standing_of(visit, status, code) for code in codes]
