"""Aggregates worked out row by row in plain Python: what the platform's must equal. Shares nothing with it but names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
"""A staff row: its items (a number, or how else it was answered), what its line and role are, and who sent it."""
_MISSING = ("blank", "not_known", "refused")
_HOW = {None: "blank", "NK": "not_known", "REFUSED": "refused", "NA": "not_applicable"}


@dataclass(frozen=True)
class Formula:
    """Sums over rows; `below` is None for a level."""

    items: tuple[str, ...]
    above: Callable[[Row], float]
    below: Callable[[Row], float] | None = None
    below_items: tuple[str, ...] = ()
    split: bool = False


def _v(row: Row, item: str) -> float:
    value = row[item]
    return float(value) if isinstance(value, int | float) else 0.0


def _level(*items: str) -> Formula:
    return Formula(items, lambda row: sum(_v(row, item) for item in items))


def _average(row: Row) -> float:
    return (_v(row, "opening_headcount") + _v(row, "paid_headcount")) / 2


FORMULAS: dict[str, Formula] = {
    "wte": _level("paid_wte", "unpaid_wte"),
    "headcount": _level("paid_headcount", "unpaid_headcount"),
    **{
        name: _level(name)
        for name in (
            "paid_wte", "unpaid_wte", "paid_headcount", "unpaid_headcount", "vacant_wte", "starters", "leavers",
        )
    },
    "vacancy_rate": Formula(
        ("vacant_wte", "paid_wte"),
        lambda row: _v(row, "vacant_wte"),
        lambda row: _v(row, "vacant_wte") + _v(row, "paid_wte"),
        ("vacant_wte", "paid_wte"),
    ),
    "turnover_avg": Formula(
        ("leavers", "opening_headcount", "paid_headcount"),
        lambda row: _v(row, "leavers"),
        _average,
        ("opening_headcount", "paid_headcount"),
    ),
    "turnover_yearend": Formula(
        ("leavers", "paid_headcount"),
        lambda row: _v(row, "leavers"),
        lambda row: _v(row, "paid_headcount"),
        ("paid_headcount",),
    ),
    "starters_rate": Formula(
        ("starters", "opening_headcount", "paid_headcount"),
        lambda row: _v(row, "starters"),
        _average,
        ("opening_headcount", "paid_headcount"),
    ),
    "unpaid_share_wte": Formula(
        ("unpaid_wte", "paid_wte"),
        lambda row: _v(row, "unpaid_wte"),
        lambda row: _v(row, "paid_wte") + _v(row, "unpaid_wte"),
        ("paid_wte", "unpaid_wte"),
    ),
    "unpaid_share_headcount": Formula(
        ("unpaid_headcount", "paid_headcount"),
        lambda row: _v(row, "unpaid_headcount"),
        lambda row: _v(row, "paid_headcount") + _v(row, "unpaid_headcount"),
        ("paid_headcount", "unpaid_headcount"),
    ),
    "regulated_ratio": Formula(
        ("paid_wte",), lambda row: _v(row, "paid_wte"), lambda row: _v(row, "paid_wte"), ("paid_wte",), split=True
    ),
}  # fmt: skip


def how(row: Row, items: Iterable[str]) -> str:
    """How a row answers a measure of these items."""
    answers = ["value" if isinstance(row[item], int | float) else _HOW[row[item]] for item in items]
    for missing in _MISSING:
        if missing in answers:
            return missing
    return "value" if "value" in answers else "not_applicable"


def out_of_pool(rows: Iterable[Row], formula: Formula) -> set[int]:
    """Lines that have something above 0 of nothing."""
    above: dict[int, float] = defaultdict(float)
    below: dict[int, float] = defaultdict(float)
    for row in rows:
        if how(row, formula.items) == "value" and formula.below is not None:
            above[row["line_no"]] += formula.above(row)
            below[row["line_no"]] += formula.below(row)
    return {line for line in above if above[line] > 0 and below[line] == 0}


def plain(
    rows: list[Row], by: tuple[str, ...], measure: str, filters: Mapping[str, tuple[str, ...]] | None = None
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Codes -> what the figure must say, for every combination that a row has."""
    formula = FORMULAS[measure]
    gone = out_of_pool(rows, formula) if measure in ("turnover_avg", "turnover_yearend", "starters_rate") else set()
    cells: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if all(row[name] in codes for name, codes in (filters or {}).items()):
            cells[tuple(row[name] for name in by)].append(row)
    return {codes: _figure(own, formula, gone) for codes, own in cells.items()}


def _figure(rows: list[Row], formula: Formula, gone: set[int]) -> dict[str, Any]:
    answers: dict[str, int] = defaultdict(int)
    above = below = people = known_people = known_below = 0.0
    left_out = pooled = 0
    for row in rows:
        said = how(row, formula.items)
        counts_above = not formula.split or row["regulated"] != "no"
        counts_below = formula.below is not None and (not formula.split or row["regulated"] == "no")
        answers["zero" if said == "value" and _is_zero(row, formula) else said] += 1
        if said != "not_applicable":
            people += _v(row, "paid_headcount")
            if counts_below and how(row, formula.below_items) in ("value", "not_applicable"):
                assert formula.below is not None
                known_below += formula.below(row)
        if said != "value":
            continue
        known_people += _v(row, "paid_headcount")
        if row["line_no"] in gone:
            left_out += 1
            continue
        pooled += 1
        above += formula.above(row) if counts_above else 0
        below += formula.below(row) if counts_below and formula.below is not None else 0
    known = answers["value"] + answers["zero"]
    asked = known + sum(answers[name] for name in _MISSING)
    return {
        **_value(formula, known, asked, answers, above, below, left_out=left_out, pooled=pooled),
        "answers": dict(answers),
        "left_out": left_out,
        "rows": known / asked if asked else None,
        "people": known_people / people if people else None,
        "pool": below / known_below if formula.below is not None and known_below else None,
        "organisations": len({row["organisation"] for row in rows}),
        "parents": len({row["parent"] for row in rows}),
    }


def _value(
    formula: Formula,
    known: int,
    asked: int,
    answers: Mapping[str, int],
    above: float,
    below: float,
    *,
    left_out: int,
    pooled: int,
) -> dict[str, Any]:
    if not known:
        if not asked:
            reason = "not_applicable"
        elif answers["blank"] == asked:
            reason = "blank"
        else:
            reason = "refused" if answers["refused"] == asked else "not_known"
        return {"value": None, "reason": reason}
    if formula.below is None:
        return {"value": above, "reason": None}
    if below == 0:
        something = above > 0 or (left_out and not pooled)
        return {"value": None, "reason": "numerator_without_denominator" if something else "zero_denominator"}
    return {"value": above / below, "reason": None, "numerator": above, "denominator": below}


def _is_zero(row: Row, formula: Formula) -> bool:
    """A level of 0, or a rate of which nothing is counted."""
    if formula.below is None:
        return formula.above(row) == 0
    counted = formula.items[0]
    return bool(row[counted] == 0 and isinstance(row[counted], int | float))
