"""Aggregates as a JSON document, and as one table with a row for each figure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from census_api.domain.aggregates import REASONS, AggregateCell, AggregateFigure, Aggregates, AnswerCounts, Query
from census_api.domain.kit.measures import ANSWERS, MEASURES
from census_api.domain.snapshots.revisions import Snapshot
from census_api.services.kit.tables_out import Kind, OutputSheet, OutputValue, write_sheet

_LAYOUT = "1"
"""Changed with every change of what the answers look like: it is part of their entity tags."""
_ANSWERS = ("value", "zero", *(name for name in ANSWERS.values() if name != "value"))
_CELLS_A_PIECE = 200


def tag_of(snapshot: Snapshot, query: Query, kind: Kind) -> str:
    """Names exactly one table: the content of the snapshot, what is asked of it, and the format."""
    asked = [
        _LAYOUT, str(snapshot.id), snapshot.content_hash, list(query.by), [one.key for one in query.measures],
        {name: list(codes) for name, codes in query.filters.items()}, kind,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]


def iterate_pieces(found: Aggregates, kind: Kind) -> Iterator[bytes]:
    """The answer in a format, a piece at a time. Raises InvalidRequest, before the first, for too large a workbook."""
    return _document(found) if kind == "json" else write_sheet(as_sheet(found), kind)


def as_sheet(found: Aggregates) -> OutputSheet:
    """A row for each figure of each cell; the total, where there is a breakdown, is the last of each measure."""
    query = found.query
    names = [column for name in query.by for column in (name, f"{name}_label")]
    title = f"{', '.join(MEASURES[one.key].label for one in query.measures)}{_by(query)}, {found.collection}"
    filters = [f"Only {name}: {', '.join(codes)}" for name, codes in query.filters.items()]
    cover = [
        f"Census of {found.collection}, snapshot {found.name} ({found.snapshot_id}).",
        f"Content of the snapshot: {found.content_hash}.",
        *filters,
    ]
    reasons = [f"{code}: {words}" for code, words in REASONS.items()]
    return OutputSheet(title, (*names, *_COLUMNS), _rows(found), (*found.notes, *reasons), cover)


def figure_json(figure: AggregateFigure) -> dict[str, Any]:
    """A figure as the API gives it."""
    bounds = None if figure.lower is None and figure.upper is None else [figure.lower, figure.upper]
    return {
        "value": figure.value,
        "reason": figure.reason,
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "base": figure.base,
        "definition": figure.definition,
        "bounds": bounds,
        "share": figure.share,
        "coverage": asdict(figure.coverage),
        "answers": {name: getattr(figure.answers, name) for name in _ANSWERS},
        "left_out": figure.left_out,
    }


def cell_json(cell: AggregateCell, names: Iterable[str]) -> dict[str, Any]:
    """A cell as the API gives it."""
    who = cell.contributors
    return {
        "by": dict(zip(names, cell.by, strict=True)),
        "organisations": who.organisations,
        "parents": who.parents,
        "lines": None if who.expected is None else {"expected": who.expected, "reported": who.reported},
        "figures": {figure.measure: figure_json(figure) for figure in cell.figures},
    }


def _document(found: Aggregates) -> Iterator[bytes]:
    query = found.query
    head = {
        "snapshot": str(found.snapshot_id),
        "name": found.name,
        "collection": found.collection,
        "content_hash": found.content_hash,
        "by": list(query.by),
        "measures": [
            {
                "measure": one.key,
                "label": one.label,
                "base": one.base,
                "definition": one.definition,
                "rate": one.is_rate,
            }
            for one in query.measures
        ],
        "filters": {name: list(codes) for name, codes in query.filters.items()},
        "labels": {name: dict(labels) for name, labels in found.labels.items()},
        "notes": list(found.notes),
        "total": cell_json(found.total, ()),
    }
    yield json.dumps(head, ensure_ascii=False).encode()[:-1] + b', "cells": ['
    waiting: list[str] = []
    comma = ""
    for cell in found.cells:
        waiting.append(comma + json.dumps(cell_json(cell, query.by), ensure_ascii=False, allow_nan=False))
        comma = ",\n"
        if len(waiting) == _CELLS_A_PIECE:
            yield "".join(waiting).encode()
            waiting = []
    yield "".join(waiting).encode() + b"]}\n"


_COLUMNS = (
    "measure", "definition", "base", "value", "reason", "numerator", "denominator", "lower", "upper", "share",
    "coverage_rows", "coverage_paid_headcount", "coverage_denominator", *(f"rows_{name}" for name in _ANSWERS),
    "rows_left_out", "organisations", "parents", "lines_expected", "lines_reported",
)  # fmt: skip


def _rows(found: Aggregates) -> Iterator[tuple[OutputValue, ...]]:
    for cell in found.cells:
        codes: list[OutputValue] = []
        for name, code in zip(found.query.by, cell.by, strict=True):
            codes += (code, None if code is None else found.labels[name].get(code))
        for figure in cell.figures:
            yield (*codes, *_figure_row(cell, figure))
    # a table without breakdown is its total alone
    if not found.query.by:
        return
    for figure in found.total.figures:
        yield (*(["total", "Total"] * len(found.query.by)), *_figure_row(found.total, figure))


def _figure_row(cell: AggregateCell, figure: AggregateFigure) -> tuple[OutputValue, ...]:
    who, coverage, answers = cell.contributors, figure.coverage, figure.answers
    return (
        figure.measure, figure.definition, figure.base, figure.value, figure.reason, figure.numerator,
        figure.denominator, figure.lower, figure.upper, figure.share, coverage.rows, coverage.paid_headcount,
        coverage.denominator, *_counted(answers), figure.left_out, who.organisations, who.parents, who.expected,
        who.reported,
    )  # fmt: skip


def _counted(answers: AnswerCounts) -> tuple[int, ...]:
    return tuple(getattr(answers, name) for name in _ANSWERS)


def _by(query: Query) -> str:
    return f" by {', '.join(name.replace('_', ' ') for name in query.by)}" if query.by else ""
