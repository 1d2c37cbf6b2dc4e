"""The census team's first page: the collections, and what waits for somebody."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Response

from census_api.api.kit.dependencies import may
from census_api.domain.collecting.collection import CollectionStatus
from census_api.domain.collecting.deadlines import in_words
from census_api.domain.collecting.returns import ReturnState
from census_api.domain.kit.access import Action, is_allowed
from census_api.services.collecting.collections import list_collections
from census_api.services.collecting.return_lists import count_returns
from census_api.services.progress.attention import Upkeep, read_upkeep
from census_api.web.kit.visit import TheVisit
from census_api.web.kit.words import STATES, count_in_words, last_day

router = APIRouter(include_in_schema=False)

_PHASES = {
    "upcoming": ("Opens later", ""),
    "open": ("Open", "good"),
    "late": ("Late returns only", "warn"),
    "closed": ("Closed", ""),
}
_PAGES: tuple[tuple[Action, str, str, str], ...] = (
    ("register.manage", "/team/register", "Register", "organisations: find, take in and give out as a file"),
    ("register.manage", "/team/lineage", "Lineage", "which line of one year goes on as which of the next"),
    ("mail.manage", "/outbox", "Outbox", "every mail, what did not arrive and why"),
    ("jobs.manage", "/team/jobs", "Failed jobs", "files that could not be checked, and trying again"),
    ("audit.read", "/team/reconciliation", "Reconciliation", "what was acknowledged against what is stored"),
    ("audit.read", "/team/audit", "Audit", "who did what, and when"),
    ("people.manage", "/team/people", "People", "accounts, roles and invitations"),
    ("people.manage", "/team/tokens", "Tokens", "what programs may do"),
)
_WAITING: tuple[tuple[ReturnState, str, str], ...] = (
    ("signed_off", "return to review and accept", "returns to review and accept"),
    ("queried", "question that waits for its employer", "questions that wait for their employers"),
)


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits for somebody, and the page to do it on."""

    words: str
    href: str


@router.get("/team", dependencies=[may("jobs.manage")])
def show_team(visit: TheVisit) -> Response:
    """What needs attention, each collection, and the way to everything else."""
    platform, actor = visit.platform, visit.actor
    now = platform.clock()
    known = sorted(list_collections(platform, actor), key=lambda status: -status.year)
    sees_returns = is_allowed(actor, "return.accept")
    counted = {status.year: count_returns(platform, actor, status.year) for status in known} if sees_returns else {}
    return visit.page(
        "team.html",
        tasks=[*_of_returns(known, counted), *_of_upkeep(read_upkeep(platform, actor))],
        collections=[(status, _PHASES[status.phase(now)], last_day(status.window.closes)) for status in known],
        counted=counted,
        states=STATES,
        pages=[(href, label, what) for action, href, label, what in _PAGES if is_allowed(actor, action)],
    )


@router.get("/team/reconciliation", dependencies=[may("audit.read")])
def show_reconciliation(visit: TheVisit) -> Response:
    """Whether what was acknowledged is stored, as of the latest comparison, and what to do when not."""
    found = read_upkeep(visit.platform, visit.actor)
    return visit.page(
        "team_reconciliation.html", found=found, when=in_words(found.compared_at) if found.compared_at else ""
    )


def _of_returns(known: list[CollectionStatus], counted: dict[int, dict[ReturnState, int]]) -> list[Task]:
    tasks = []
    for status in known:
        numbers = counted.get(status.year)
        if numbers is None:
            continue
        page = f"/team/{status.year}/returns"
        for state, one, many in _WAITING:
            if numbers[state]:
                tasks.append(
                    Task(f"{status.year}: {count_in_words(numbers[state], one, many)}", f"{page}?state={state}")
                )
    return tasks


def _of_upkeep(found: Upkeep) -> list[Task]:
    tasks = []
    if found.is_alarm:
        tasks.append(Task("Submissions are not stored as they were acknowledged", "/team/reconciliation"))
    if found.failed_jobs:
        tasks.append(Task(f"{count_in_words(found.failed_jobs, 'file')} could not be checked", "/team/jobs"))
    if found.mails_failed:
        tasks.append(Task(f"{count_in_words(found.mails_failed, 'mail')} did not leave", "/outbox?state=failed"))
    return tasks
