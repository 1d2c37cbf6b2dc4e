"""What changed in a submission since the one before, and against last year."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from census_api.api.kit.dependencies import Cursor, Number, OrganisationCode, Year, may
from census_api.domain.collecting.content import ContentCell
from census_api.domain.collecting.diff import CellChange
from census_api.domain.collecting.submission import Submission
from census_api.domain.kit.errors import NotFound
from census_api.domain.kit.paging import cursor_after
from census_api.questionnaire.model import STATE_LABELS, STATES, Spec
from census_api.services.collecting.collections import get_collection
from census_api.services.collecting.diffs import LAST_YEAR, Diff, compare_submissions
from census_api.services.collecting.submissions import get_submission, list_submissions
from census_api.web.employer.standing import page_of, standing_of
from census_api.web.kit.visit import TheVisit, Visit
from census_api.web.kit.words import column_words, count_in_words, row_words

router = APIRouter(prefix="/collections/{year}/returns/{organisation}/submissions/{number}", include_in_schema=False)

ON_A_PAGE = 100
_WHOLE_ROWS = {"added": ("New", "info"), "removed": ("Gone", "warn")}


@router.get("/changes", dependencies=[may("return.read")])
def show_changes(
    visit: TheVisit,
    year: Year,
    organisation: OrganisationCode,
    number: Number,
    against: Annotated[Literal["before", "last_year"] | None, Query()] = None,
    cursor: Cursor = None,
) -> Response:
    """The cells that differ from the submission before, or from last year's return."""
    submission = get_submission(visit.platform, visit.actor, year, organisation, number)
    before = _before(visit, submission)
    side = "last_year" if before is None else against or "before"
    spec = visit.platform.spec(year)
    found: Diff | None = None
    problem = ""
    try:
        other = before if side == "before" and before is not None else LAST_YEAR
        found = compare_submissions(
            visit.platform, visit.actor, year, organisation, number, other, cursor=cursor, limit=ON_A_PAGE
        )
    except NotFound as error:
        # that there is nothing to compare with is an answer too
        problem = error.message
    address = f"{page_of(year, organisation, number)}/changes"
    return visit.page(
        "changes.html",
        standing=standing_of(visit, get_collection(visit.platform, visit.actor, year), organisation),
        number=number,
        side=side,
        sides=_sides(before, year),
        address=address,
        problem=problem,
        summary=_summary(found),
        before_words=_before_words(found, side),
        rows=[] if found is None else list(_rows(spec, found.changes.items)),
        following=None if found is None else found.changes.next,
        base=f"{address}?against={side}&",
    )


def _before(visit: Visit, submission: Submission) -> int | None:
    """The number of the checked submission before this one, None for the first."""
    cursor = cursor_after(submission.number or 0)
    page = list_submissions(
        visit.platform, visit.actor, submission.collection, submission.organisation, cursor=cursor, limit=20
    )
    return next((entry.number for entry in page.items if entry.status == "checked"), None)


def _sides(before: int | None, year: int) -> list[tuple[str, str]]:
    sides = [] if before is None else [("before", f"Since submission {before}")]
    return [*sides, ("last_year", f"Against {year - 1}")]


def _before_words(found: Diff | None, side: str) -> str:
    if found is None:
        return ""
    year, number = found.before
    return str(year) if side == "last_year" else f"Submission {number}"


def _summary(found: Diff | None) -> str:
    if found is None:
        return ""
    counts = found.counts
    parts = [(counts["changed"], "changed"), (counts["added"], "new"), (counts["removed"], "gone")]
    return ", ".join(f"{count_in_words(number, 'cell')} {word}" for number, word in parts)


def _rows(spec: Spec, changes: Iterable[CellChange]) -> Iterator[dict[str, object]]:
    """A line a cell; a row that only one side has is one line."""
    for (kind, sheet, key), cells in itertools.groupby(
        changes, key=lambda change: (change.kind, change.sheet, change.row)
    ):
        shown: dict[str, object] = {
            "sheet": spec.sheet[sheet].title if sheet in spec.sheet else sheet,
            "row": row_words(spec, sheet, key) if key else "",
            "tag": _WHOLE_ROWS.get(kind),
        }
        if kind == "changed":
            for change in cells:
                yield shown | {
                    "column": column_words(spec, sheet, change.column),
                    "before": _cell(change.before),
                    "after": _cell(change.after),
                    "difference": _signed(change.difference),
                }
            continue
        answers = _answers(spec, sheet, list(cells))
        none = "not there"
        before, after = (none, answers) if kind == "added" else (answers, none)
        yield shown | {"column": "", "before": before, "after": after, "difference": ""}


def _answers(spec: Spec, sheet: str, changes: list[CellChange]) -> str:
    """What a row says beside its key, in one line."""
    key = spec.sheet[sheet].business_key if sheet in spec.sheet else ()
    said = [(change.column, change.after if change.before is None else change.before) for change in changes]
    answers = [f"{column_words(spec, sheet, column)} {_cell(cell)}" for column, cell in said if column not in key]
    return "; ".join(answers)


def _cell(cell: ContentCell | None) -> str:
    if cell is None:
        return "blank"
    return next((f"{state} ({STATE_LABELS[state]})" for state in STATES if state == cell), str(cell))


def _signed(difference: str | None) -> str:
    if difference is None:
        return ""
    return f"\N{MINUS SIGN}{difference[1:]}" if difference.startswith("-") else f"+{difference}"
