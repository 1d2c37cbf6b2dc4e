"""Signing a return off: everything that stands in the way, or what is declared, in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from fastapi import APIRouter, Response

from census_api.api.kit.dependencies import Number, OrganisationCode, Year, may
from census_api.domain.collecting.content import Content, ContentCell
from census_api.domain.collecting.deadlines import in_words
from census_api.domain.collecting.signoff import DECLARATION, Gate
from census_api.domain.kit.access import is_allowed
from census_api.domain.kit.errors import CensusError, NotFound, Stale
from census_api.questionnaire import grammar
from census_api.services.collecting.collections import get_collection
from census_api.services.collecting.sign_off import SignOffRefused, get_readiness, sign_off
from census_api.services.collecting.submissions import get_content
from census_api.web.employer.looking import look_at
from census_api.web.employer.standing import page_of
from census_api.web.kit.problems import status_for
from census_api.web.kit.visit import ThePosted, TheVisit, Visit
from census_api.web.kit.words import count_in_words, day_in_words

router = APIRouter(prefix="/collections/{year}/returns/{organisation}/submissions/{number}", include_in_schema=False)

_TOTALS = {
    "paid_headcount": "Paid people",
    "paid_wte": "Paid whole-time equivalents (WTE)",
    "unpaid_headcount": "Unpaid people",
    "vacant_wte": "Vacancies (WTE)",
    "starters": "People who started in the year",
    "leavers": "People who left in the year",
}


@router.get("/sign-off", dependencies=[may("return.read")])
def sign_off_form(visit: TheVisit, year: Year, organisation: OrganisationCode, number: Number) -> Response:
    """What stands in the way of signing, or the declaration."""
    return _page(visit, year, organisation, number)


@router.post("/sign-off", dependencies=[may("return.sign_off")])
def post_sign_off(
    visit: TheVisit, year: Year, organisation: OrganisationCode, number: Number, typed: ThePosted
) -> Response:
    """Signs, and shows the receipt."""
    try:
        done = sign_off(
            visit.platform,
            visit.actor,
            year,
            organisation,
            number,
            role=typed["role"],
            content_sha256=typed["content_sha256"] or None,
            expected=_version(typed["version"]),
        )
    except NotFound:
        raise
    except CensusError as error:
        at = "gates" if isinstance(error, SignOffRefused) else "again" if isinstance(error, Stale) else "role"
        return _page(visit, year, organisation, number, {at: error.message}, status_for(error), typed["role"][:100])
    return visit.go(f"/receipts/{done.result.sign_off.reference}?said=signed")


def _page(
    visit: Visit, year: int, code: str, number: int, errors: dict[str, str] | None = None, status: int = 200,
    role: str = "",
) -> Response:  # fmt: skip
    platform, actor = visit.platform, visit.actor
    readiness = get_readiness(platform, actor, year, code, number)
    collection = get_collection(platform, actor, year)
    content = get_content(platform, actor, year, code, number)
    looking = look_at(visit, year, code, number)
    explanations = len(looking.explained.given)
    standing = looking.standing
    return visit.page(
        "sign_off.html",
        status,
        standing=standing,
        number=number,
        address=page_of(year, code, number),
        gates=[_gate(gate, year, code, number) for gate in readiness.gates],
        facts=[
            ("Organisation", f"{standing.name} ({code})"),
            ("Census", f"{collection.title}, staff as at {day_in_words(collection.reference_date)}"),
            ("What you sign", f"Submission {number}, received on {in_words(looking.submission.received_at)}"),
            *list_totals(content),
            ("Explanations", count_in_words(explanations, "query explained", "queries explained")),
        ],
        nil=content.organisation.get("nil_return") == "yes",
        declaration=DECLARATION,
        reference_date=day_in_words(collection.reference_date),
        content_sha256=readiness.content_sha256,
        version=standing.found.version,
        may_sign=is_allowed(actor, "return.sign_off", code),
        name=actor.name,
        role=role,
        errors=errors or {},
    )


def list_totals(content: Content) -> list[tuple[str, str]]:
    """What the Staff sheet adds up to, as (name, words). What is not known is counted beside it, never as zero."""
    staff = content.table("staff")
    return [(name, _sum(row.get(column) for row in staff)) for column, name in _TOTALS.items()] if staff else []


def _sum(cells: Iterable[ContentCell | None]) -> str:
    total, unknown = Decimal(0), 0
    for cell in cells:
        number = _number(cell)
        if number is None:
            unknown += 1
        else:
            total += number
    words = f"{total.normalize():,f}"
    return words if not unknown else f"{words}, and {count_in_words(unknown, 'row')} without a number"


def _number(cell: ContentCell | None) -> Decimal | None:
    """The cell as a number; what could not be read as one stands in the content as it was typed."""
    return Decimal(cell) if cell is not None and re.fullmatch(grammar.DECIMAL, str(cell)) else None


def _gate(gate: Gate, year: int, code: str, number: int) -> tuple[str, str, str]:
    """(what stands in the way, label, address): where to put it right, empty where that is not on a page."""
    here, home = page_of(year, code, number), page_of(year, code)
    ways = {
        "errors": ("See the errors", f"{here}?severity=error#findings"),
        "unexplained": ("Explain the queries", f"{here}?severity=query#findings"),
        "unanswered": ("Read the question", f"{home}#questions"),
        "not_newest": ("See all submissions", f"{home}#submissions"),
        "state": ("See the return", home),
    }
    return (gate.message, *ways.get(gate.code, ("", "")))


def _version(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
