"""The operations of methods.md sections 1, 2, 3 and 6 by name, and the adapters of section 1.

Nothing is computed here that the product does not use; an adapter only renames. null in JSON is "not reported".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from census_api.statistics.comparability.bounds import Growth, change_bounds
from census_api.statistics.comparability.components import Component, LineYear, find_components
from census_api.statistics.comparability.coverage import ExpectedUnit, measure_coverage
from census_api.statistics.comparability.identity import Decomposition, Term, book_units, decompose_change
from census_api.statistics.comparability.rate_change import RateUnit, make_share, rate_change
from census_api.statistics.comparability.status import LevelEvidence, level_status
from census_api.statistics.examples.ops_estimates import ESTIMATE_OPS, Given, Values, give_reason

OP_TERMS = [term for term in Term if term is not Term.RECLASSIFIED]
"""The terms of a total: recoding moves values between cells and is 0 over all of them."""


def _reported(line: Given, year: int) -> float | None:
    """The value of a line, if it answered: r is per measure, so an answer without a value is none."""
    value: float | None = line.get(f"y{year}")
    return value if line.get(f"r{year}", value is not None) else None


def _identity(units: Sequence[Component]) -> Decomposition:
    return decompose_change(booking.movement for booking in book_units(units))


def _terms(cell: Decomposition) -> Values:
    return {term.value: cell.terms[term] for term in OP_TERMS}


def _decompose_total(given: Given) -> Values:
    before: list[LineYear] = []
    after: list[LineYear] = []
    edges: list[tuple[str, str]] = []
    first: dict[str, str] = {}
    for line in given["lines"]:
        name, organisation = str(line["line"]), str(line.get("cluster", line["line"]))
        for year, side in enumerate((before, after)):
            side.append(LineYear(name, organisation, bool(line.get(f"f{year}", 1)), _reported(line, year)))
        if line.get("component") is not None:
            leader = first.setdefault(str(line["component"]), name)
            edges += [(leader, name), (name, leader)]
    cell = _identity(find_components(before, after, edges))
    return {
        "Y0": cell.before,
        "Y1": cell.after,
        "delta": cell.change,
        "terms": _terms(cell),
        "real": cell.real,
        "artefact_net": cell.artefact_net,
        "artefact_gross": cell.artefact_gross,
        "n_matched": cell.n_matched,
        "m0": cell.match_rate_before,
        "m1": cell.match_rate_after,
        "link_relative": cell.link_relative,
    }


def _year(values: Given, frame: Iterable[str]) -> list[LineYear]:
    """Lines named `organisation/authority`; what was reported and what was expected."""
    expected = set(frame)
    return [
        LineYear(line, line.split("/", 1)[0], line in expected, values.get(line))
        for line in sorted(expected | set(values))
    ]


def _by_name(before: Given, after: Given) -> Values:
    """What comparing by name alone would say."""
    both = before.keys() & after.keys()
    return {
        "exit": -sum(value for line, value in before.items() if line not in both),
        "entrant": sum(value for line, value in after.items() if line not in both),
        "continuing": sum(after[line] - before[line] for line in both),
    }


def _decompose_lineage(given: Given) -> Values:
    before, after = (_year(given[f"year{year}"], given.get(f"frame{year}") or given[f"year{year}"]) for year in (0, 1))
    units = find_components(before, after, [(old, new) for old, new, *_ in given.get("edges", ())])
    cell = _identity(units)
    answered = [{line.line: line.value for line in side if line.reported} for side in (before, after)]
    return {
        "components": sorted([*(x.line for x in unit.before), "|", *(x.line for x in unit.after)] for unit in units),
        "terms": _terms(cell),
        "delta": cell.change,
        "link_relative": cell.link_relative,
        "naive_without_mapping": _by_name(*answered),
    }


def _coverage(given: Given) -> Values:
    responded = set(given["responded"])
    found = measure_coverage([ExpectedUnit(unit, size, unit in responded) for unit, size in given["frame"]])
    return {"unit": found.unit, "size": found.size}


def _level_status(given: Given) -> Values:
    verdict = level_status(
        LevelEvidence(
            n_matched=given["n_matched"],
            match_rates=(given["m0"], given["m1"]),
            size_coverages=(given["size_cov0"], given["size_cov1"]),
            totals=(given["Y0"], given["Y1"]),
            artefact_gross=given["artefact_gross"],
            artefact_net=given["artefact_net"],
            real=given["real"],
            definition_change=bool(given.get("definition_change")),
            outside_bounds=bool(given.get("outside_bounds")) or not given.get("reported_inside", True),
            lineage_resolved=bool(given.get("lineage_resolved", True)) and not given.get("lineage_unresolved"),
        )
    )
    return {"status": verdict.status.value, "reasons": [reason.value for reason in verdict.reasons]}


def _change_bounds(given: Given) -> Values:
    bounds = change_bounds(
        given["matched1"] - given["matched0"] + given.get("real_other", 0),
        given["nr_lost_y0"],
        given["nr_recovered_y1"],
        Growth(given["growth_lo"], given["growth_hi"]),
    )
    return {
        "lo": bounds.low,
        "hi": bounds.high,
        "reported": bounds.reported,
        "reported_inside": bounds.reported_inside,
    }


def _rate_decomp(given: Given) -> Values:
    change = rate_change(
        [
            RateUnit(
                str(unit["unit"]),
                make_share(unit.get("N0"), unit.get("D0")),
                make_share(unit.get("N1"), unit.get("D1")),
            )
            for unit in given["units"]
        ]
    )
    parts = {
        "R0": change.before,
        "R1": change.after,
        "delta": change.change,
        "within": change.within,
        "mix": change.mix,
        "entry": change.joiners,
        "exit": change.leavers,
        "matched_delta": change.matched_change,
        "participation_effect": change.participation_effect,
    }
    return parts | give_reason(change.reason)


OPS: dict[str, Callable[[Given], Values]] = {
    "decompose_total": _decompose_total,
    "decompose_lineage": _decompose_lineage,
    "coverage": _coverage,
    "level_status": _level_status,
    "change_bounds": _change_bounds,
    "rate_decomp": _rate_decomp,
    **ESTIMATE_OPS,
}
"""Every operation of these sections by its name in methods.md section 7."""
