"""The operations of methods, sections 4 and 5, in the words of the worked examples: plain input to plain output."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.disclosure import attacker, suppression
from census_api.statistics.disclosure import primary as disclosure
from census_api.statistics.disclosure.linked_table import LinkedTable, row_of_cells, with_published_totals
from census_api.statistics.disclosure.thresholds import DEFAULT_POLICY
from census_api.statistics.exact import make_exact, make_plain
from census_api.statistics.margins import canonical, collapse, raking, totals

Values = Mapping[str, Any]


def oneway_weights(given: Values) -> dict[str, Any]:
    try:
        found = raking.oneway_weights(given["n"], given["target"])
    except totals.MarginsRefused as refused:
        return {"n": sum(given["n"]), "deff": None, "n_eff": None, "weights": None, "reason": refused.reason}
    precision = found.precision
    return {
        "n": make_plain(make_exact(precision.n)),
        "deff": precision.deff,
        "n_eff": precision.n_eff,
        "weights": _numbers(found.weights),
    }


def rake2(given: Values) -> dict[str, Any]:
    sample = np.asarray(given["n"], dtype=float)
    targets = [np.asarray(given[side], dtype=float) for side in ("rows", "cols")]
    try:
        found = raking.rake_weights(sample, targets)
    except totals.MarginsRefused as refused:
        return {"weights": None, "deff": None, "reason": refused.reason}
    return {"weights": [_numbers(row) for row in found.weights], "deff": found.precision.deff}


def rescale_margin(given: Values) -> dict[str, Any]:
    try:
        factor = totals.rescale_factor(given["margin"], given["master_total"])
    except totals.MarginsRefused as refused:
        return {"margin": None, "factor": None, "reason": refused.reason}
    try:
        found = totals.rescale_margin(given["margin"], given["master_total"])
    except totals.MarginsRefused as refused:
        return {"margin": None, "factor": float(factor), "reason": refused.reason}
    return {"margin": [make_plain(value) for value in found.margin], "factor": float(factor)}


def largest_remainder(given: Values) -> dict[str, Any]:
    shares = given["shares"]
    if isinstance(shares, Mapping):
        names = sorted(shares)
        counts = totals.largest_remainder([shares[name] for name in names], given["total"])
        return {"ints": dict(zip(names, counts, strict=True))}
    return {"ints": list(totals.largest_remainder(shares, given["total"]))}


def eligible_margin(given: Values) -> dict[str, Any]:
    rows = [
        # examples without a route are about the other two flags
        totals.StaffCount(
            row["role"], row["paid"], row["head_office"], row["n"], row.get("commissioning_route", "la_commissioned")
        )
        for row in given["rows"]
    ]
    try:
        found = totals.eligible_margin(rows)
    except totals.MarginsRefused as refused:
        return {"total": None, "shares": None, "reason": refused.reason}
    shares = {name: None if share is None else float(share) for name, share in found.shares.items()}
    return {"total": make_plain(found.total), "shares": shares}


def collapse_categories(given: Values) -> dict[str, Any]:
    default = totals.DEFAULT_MARGIN_POLICY
    policy = totals.MarginPolicy(
        min_sample=given.get("min_n", default.min_sample),
        min_share=Decimal(str(given.get("min_share", default.min_share))),
        max_ratio=Decimal(str(given.get("max_ratio", default.max_ratio))),
    )
    found = collapse.collapse_categories(given["target"], given["sample"], given.get("parent", {}), policy)
    output: dict[str, Any] = {
        "target": {name: make_plain(value) for name, value in found.target.items()},
        "collapsed": [f"{name}->{into}" for name, into in found.merged],
    }
    return output | ({"unresolved": list(found.unresolved)} if found.unresolved else {})


def content_hash(given: Values) -> dict[str, Any]:
    return {"canonical": canonical.canonical_json(given), "sha256": canonical.content_id(given)}


def freq_rule(given: Values) -> dict[str, Any]:
    return {"sensitive": [disclosure.sensitive_count(count, given["f"]) for count in given["counts"]]}


def freq_rule_row(given: Values) -> dict[str, Any]:
    found = disclosure.sensitive_row(given["row"], given["f"])
    return {"sensitive": list(found.cells), "total_sensitive": found.total}


def dominance(given: Values) -> dict[str, Any]:
    nk = given.get("nk")
    found = disclosure.measure_dominance(
        given["contrib"], given["p"], None if nk is None else (nk[0], nk[1]), given["min_org"]
    )
    asked = {} if found.nk_fail is None else {"nk_fail": found.nk_fail}
    return {"p_fail": found.p_fail, **asked, "org_fail": found.org_fail, "p_need": make_plain(found.p_need)}


def dominance_parent(given: Values) -> dict[str, Any]:
    records = [disclosure.Contribution(parent or None, unit, value) for parent, unit, value in given["contrib"]]
    units = disclosure.measure_dominance(disclosure.by_unit(records), given["p"], None, given["min_org"])
    parents = disclosure.measure_dominance(disclosure.by_parent(records), given["p"], None, given["min_org"])
    return {
        "by_unit": {"p_fail": units.p_fail, "n": units.contributors},
        "by_parent": {"p_fail": parents.p_fail, "n": parents.contributors, "p_need": make_plain(parents.p_need)},
    }


def interval(given: Values) -> dict[str, Any]:
    table = with_published_totals(np.asarray(given["table"], dtype=float))
    withheld = [table.cell(*place) for place in given["suppressed"]]
    found = attacker.find_interval(table, withheld, table.cell(*given["cell"]))
    return {"lo": _number(found.lo), "hi": _number(found.hi)}


def optimal_secondary(given: Values) -> dict[str, Any]:
    table = with_published_totals(np.asarray(given["table"], dtype=float))
    primary = [table.cell(*place) for place in given["primary"]]
    needs = [(1, given["need_up"]), (-1, given["need_down"])]
    requirements = tuple(
        attacker.Requirement(cell, 1 if sign == 1 else -1, float(need)) for cell in primary for sign, need in needs
    )
    weights = _cell_costs(given.get("cost", "log"), table)
    problem = suppression.SuppressionProblem(table, frozenset(primary), weights, requirements)
    found = suppression.suppress_cells(problem)
    if not found.safe:
        return {"cost": None, "cells": None, "reason": "unattainable"}
    cells = [list(table.place(cell)) for cell in found.secondary]
    # said only where the cheapest pattern was not proved in time
    return {"cost": _number(found.cost), "cells": cells} | ({} if found.proved else {"gap": found.gap})


def differencing(given: Values) -> dict[str, Any]:
    first, second = (
        disclosure.ReleasedFigure(given[version]["total"], frozenset(given[version]["orgs"]))
        for version in ("v1", "v2")
    )
    found = disclosure.measure_differencing(first, second, given["min_org"], given.get("parents"))
    return {
        "diff": None if found.difference is None else make_plain(found.difference),
        "n_orgs": found.parents,
        "blocked": found.blocked,
    }


def round5(given: Values) -> dict[str, Any]:
    symbol = DEFAULT_POLICY.symbol
    values = [(value, disclosure.round_count(value, given["f"], given["base"])) for value in given["values"]]
    return {"out": [symbol if found is None and value is not None else found for value, found in values]}


def insider(given: Values) -> dict[str, Any]:
    row = np.asarray(given["row"], dtype=float)
    if given["total"] is not None and not math.isclose(float(np.sum(row)), given["total"], abs_tol=1e-9):
        raise InvalidRequest("The total is not the sum of the row. Check both.")
    table = row_of_cells(row, total_published=given["total"] is not None)
    withheld = range(row.size)
    known = disclosure.sole_contributors(given["contributors"]).get(given["insider"], frozenset())
    outside = attacker.find_interval(table, withheld, given["target"])
    inside = attacker.find_interval(table, withheld, given["target"], known)
    return {
        "outsider": [_number(outside.lo), _number(outside.hi)],
        "insider": [_number(inside.lo), _number(inside.hi)],
        # what an organisation reported itself is no secret from it
        "breach": inside.exact and given["target"] not in known,
    }


def _cell_costs(kind: str, table: LinkedTable) -> Any:
    if kind == "value":
        return table.values
    if kind == "log":
        return np.log1p(table.values)
    if kind in ("unit", "count"):
        return np.ones(len(table.values))
    raise InvalidRequest("The cost of a cell is value, log or unit.")


def _number(value: float) -> int | float | None:
    if not math.isfinite(value):
        return None
    near = round(value)
    return near if abs(value - near) <= attacker.SLACK / 1000 else value


def _numbers(values: Iterable[float]) -> list[float | None]:
    return [float(value) if math.isfinite(value) else None for value in values]


OPS: dict[str, Callable[[Values], dict[str, Any]]] = {
    "oneway_weights": oneway_weights,
    "rake2": rake2,
    "rescale_margin": rescale_margin,
    "largest_remainder": largest_remainder,
    "eligible_margin": eligible_margin,
    "collapse": collapse_categories,
    "content_hash": content_hash,
    "freq_rule": freq_rule,
    "freq_rule_row": freq_rule_row,
    "dominance": dominance,
    "dominance_parent": dominance_parent,
    "interval": interval,
    "optimal_secondary": optimal_secondary,
    "differencing": differencing,
    "round5": round5,
    "insider": insider,
}
