"""Exploring a snapshot: one question in the address, its figures as table, picture and files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from census_api.api.aggregates.routes import TheQuestion
from census_api.api.kit.dependencies import SnapshotText, may
from census_api.api.kit.problems import status_of
from census_api.domain.aggregates import BREAKDOWNS, REASONS, AggregateCell, AggregateFigure, Aggregates
from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.kit.measures import LINE_DIMENSIONS, MEASURES, PAID, Measure
from census_api.domain.snapshots.revisions import Snapshot
from census_api.services.aggregates.asking import (
    AggregateQuestion,
    answer_question,
    frozen_snapshots,
    what_can_be_asked,
)
from census_api.services.aggregates.question import Codebook, Wanted, parse_question
from census_api.services.kit.tables_out import KINDS
from census_api.web.kit.charts import Amount, FigureChart, bar_chart
from census_api.web.kit.visit import TheVisit, Visit
from census_api.web.kit.words import day_in_words

router = APIRouter(include_in_schema=False)

MOST_SHOWN = 300
"""Rows of a table on the page; the files hold them all."""
_WORDS = {
    "region": "Region",
    "local_authority": "Local authority",
    "sector": "Sector",
    "service_type": "Service type",
    "organisation_type": "Organisation type",
    "role": "Role",
    "role_group": "Role group",
    "regulated": "Regulation",
    "profession_group": "Profession group",
    "paid": "Paid or unpaid",
    "pay": "Pay",
    "contract": "Contract",
    "hours": "Hours",
    "length_of_service": "Length of service",
    "age": "Age",
    "gender": "Gender",
    "ethnicity": "Ethnicity",
    "disability": "Disability",
}
_FILTERS = (*LINE_DIMENSIONS, "role_group", "regulated", "profession_group", "role", PAID)
_DOOR = [may("aggregate.read")]
_FILE_WORDS = {"json": "JSON", "csv": "CSV", "xlsx": "Excel workbook", "parquet": "Parquet"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: its labels, the figure in words, and what that rests on."""

    labels: tuple[str, ...]
    value: str
    missing: str
    share: str
    parts: str
    rests_on: str
    organisations: str


@dataclass(frozen=True, slots=True)
class MeasureTable:
    """All that the page says about one measure."""

    measure: Measure
    rows: tuple[Row, ...]
    total: Row
    chart: FigureChart | None


@router.get("/explore", dependencies=_DOOR)
def show_snapshots(visit: TheVisit) -> Response:
    """The frozen snapshots, the newest first."""
    found = frozen_snapshots(visit.platform, visit.actor)
    rows = [(entry, day_in_words(entry.frozen_at.date()) if entry.frozen_at else "") for entry in found]
    return visit.page("explore.html", rows=rows)


@router.get("/explore/{snapshot}", dependencies=_DOOR)
def show_explore(visit: TheVisit, snapshot: SnapshotText, wanted: TheQuestion) -> Response:
    """The question in the address with its answer, or the form again and what is wrong with the question."""
    platform, actor = visit.platform, visit.actor
    chosen, book = what_can_be_asked(platform, actor, snapshot)
    try:
        found = answer_question(platform, actor, AggregateQuestion(chosen, parse_question(wanted, book), book))
    except InvalidRequest as error:
        page = _form(visit, chosen, book, wanted, ())
        return visit.refused("explore_snapshot.html", error, status_of(error) or 422, "by", **page, answer=None)
    cells = list(found.cells)
    measures = [measure.key for measure in found.query.measures]
    return visit.page(
        "explore_snapshot.html",
        **_form(visit, chosen, book, wanted, measures),
        answer=found,
        dimensions=[_WORDS[name] for name in found.query.by],
        tables=[_table(found, cells, place) for place in range(len(measures))],
        cells=len(cells),
        most=MOST_SHOWN,
        who=found.total.contributors,
        filtered=[(_WORDS[name], _labels(book, name, codes)) for name, codes in found.query.filters.items()],
        files=_files(found),
        link=f"/explore/{chosen.name}?{_address(found)}",
        reasons=_reasons(cells),
    )


def _form(visit: Visit, chosen: Snapshot, book: Codebook, wanted: Wanted, measures: Sequence[str]) -> dict[str, Any]:
    """What the form shows: what can be chosen, and what is."""
    by = [name.strip() for text in wanted.by for name in text.split(",") if name.strip()]
    asked = [name.strip() for text in wanted.measures for name in text.split(",") if name.strip()]
    picked = {name: _first(wanted.filters.get(name, ())) for name in (*_FILTERS, *BREAKDOWNS)}
    query = visit.request.url.query
    others = frozen_snapshots(visit.platform, visit.actor)
    return {
        "snapshot": chosen,
        "years": [(entry, f"/explore/{entry.name}{'?' + query if query else ''}") for entry in others],
        "measures": [(key, measure.label) for key, measure in MEASURES.items()],
        "measure": (*measures, *asked, "wte")[0],
        "breakdowns": [("", "Nothing: the total"), *_WORDS.items()],
        "seconds": [("", "Nothing more"), *_WORDS.items()],
        "by": [*by, "", ""][:2],
        "filters": [(name, _WORDS[name], [("", "All"), *book.labels[name].items()], picked[name]) for name in _FILTERS],
        "has_filters": any(picked.values()),
    }


def _first(texts: Iterable[str]) -> str:
    return next((code.strip() for text in texts for code in text.split(",") if code.strip()), "")


def _table(found: Aggregates, cells: Sequence[AggregateCell], place: int) -> MeasureTable:
    measure = found.query.measures[place]
    rows = [_row(measure, _names(found, cell), cell, cell.figures[place]) for cell in cells[:MOST_SHOWN]]
    total = _row(measure, ("Total",), found.total, found.total.figures[place])
    amounts = [
        Amount(row.labels, cell.figures[place].value, row.value or "no value", _bounds(cell.figures[place]))
        for cell, row in zip(cells, rows, strict=False)
    ]  # fmt: skip
    by = " and ".join(_WORDS[name].lower() for name in found.query.by)
    chart = bar_chart(f"chart-{measure.key}", f"{measure.label} by {by}, {found.collection}", amounts)
    return MeasureTable(measure, tuple(rows), total, chart)


def _names(found: Aggregates, cell: AggregateCell) -> tuple[str, ...]:
    return tuple(
        "Not said" if code is None else found.labels[name].get(code, code)
        for name, code in zip(found.query.by, cell.by, strict=True)
    )


def _row(measure: Measure, labels: tuple[str, ...], cell: AggregateCell, figure: AggregateFigure) -> Row:
    bounds = _bounds(figure)
    value = "" if figure.value is None else _said(measure, figure.value)
    if bounds is not None:
        value = f"{bounds[0]:.1%} to {bounds[1]:.1%}"
    parts = ""
    if figure.numerator is not None and figure.denominator is not None:
        between = "of" if measure.of is None else "to"
        parts = f"{_number(figure.numerator)} {between} {_number(figure.denominator)}"
    return Row(
        labels,
        value,
        "" if value or figure.reason is None else REASONS[figure.reason],
        "" if figure.share is None else f"{figure.share:.1%}",
        parts,
        _rests_on(figure),
        f"{cell.contributors.organisations:,}",
    )


def _said(measure: Measure, value: float) -> str:
    if not measure.is_rate:
        return _number(value)
    return f"{value:.2f}" if measure.of is not None else f"{value:.1%}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def _bounds(figure: AggregateFigure) -> tuple[float, float] | None:
    return None if figure.lower is None or figure.upper is None else (figure.lower, figure.upper)


def _rests_on(figure: AggregateFigure) -> str:
    """How many of the rows that it applies to say it, and how many of the people stand on those."""
    asked = figure.answers.asked
    if not asked:
        return "no rows"
    people = figure.coverage.paid_headcount
    of_people = "" if people is None else f", {people:.0%} of paid staff"
    return f"{figure.answers.known:,} of {asked:,} rows{of_people}"


def _labels(book: Codebook, name: str, codes: Iterable[str]) -> str:
    return ", ".join(book.labels[name].get(code, code) for code in codes)


def _address(found: Aggregates) -> str:
    """The shortest address of the question, without the fields of the form that were left empty."""
    query = found.query
    asked: list[tuple[str, str]] = [("measure", ",".join(measure.key for measure in query.measures))]
    if query.by:
        asked.insert(0, ("by", ",".join(query.by)))
    asked += [(name, ",".join(codes)) for name, codes in query.filters.items()]
    return urlencode(asked, safe=",")


def _files(found: Aggregates) -> list[tuple[str, str]]:
    at = f"/api/v1/snapshots/{found.snapshot_id}/aggregates?{_address(found)}"
    return [(_FILE_WORDS[kind], f"{at}&format={kind}") for kind in KINDS]


def _reasons(cells: Iterable[AggregateCell]) -> Mapping[str, str]:
    """The reasons that the page has to explain."""
    there = {figure.reason for cell in cells for figure in cell.figures if figure.reason is not None}
    return {reason: words for reason, words in REASONS.items() if reason in there}
