"""Shares of a level and whether they may be compared (methods.md 1.6).

A share by an attribute of the unit (sector, region) moves with who answers: it is comparable where the levels are. A
share within units (role, pay band) is like a rate, and has the gate of rates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from census_api.services.comparing.cells import ComparisonCell, Work, tidy_number
from census_api.services.comparing.rate_cells import share_units, show_change, show_matched
from census_api.statistics.comparability.identity import ratio
from census_api.statistics.comparability.rate_change import rate_change
from census_api.statistics.comparability.status import GateVerdict, Reason, Status, rate_status

_GRAVITY = (Status.COMPARABLE, Status.CAUTION, Status.NOT_APPLICABLE, Status.BLOCKED)


def add_shares(work: Work, total: ComparisonCell, cells: Sequence[ComparisonCell]) -> None:
    """Gives every cell of a level its share of the country, or of its place where it is one of people within it."""
    total["share"] = None
    if work.asked.inner:
        _within(work, cells)
        return
    for cell in cells:
        before, after = (ratio(cell[year] or 0.0, total[year] or 0.0) for year in ("from", "to"))
        cell["share"] = _share(before, after, _inherited(total, cell))


def _inherited(total: ComparisonCell, cell: ComparisonCell) -> GateVerdict:
    """The graver of the two levels that a share is made of, with the reasons of both."""
    status = max((Status(one["status"]) for one in (total, cell)), key=_GRAVITY.index)
    reasons = sorted({reason for one in (total, cell) for reason in one["reasons"]})
    return (
        GateVerdict(status, tuple(map(Reason, reasons))) if status is not Status.NOT_APPLICABLE else GateVerdict(status)
    )


def _share(before: float | None, after: float | None, verdict: GateVerdict) -> ComparisonCell:
    change = None if before is None or after is None or not verdict.shows_change else after - before
    return {
        "from": tidy_number(before), "to": tidy_number(after), "status": verdict.status.value,
        "reasons": [reason.value for reason in verdict.reasons], "change": tidy_number(change), "matched": None,
    }  # fmt: skip


def _within(work: Work, cells: Sequence[ComparisonCell]) -> None:
    units = share_units(work.panel, work.asked.by, work.asked.inner)
    for cell in cells:
        change = rate_change(units.get(tuple(cell["by"].values()), []))
        verdict = rate_status(
            change,
            work.policy.rate_change,
            definition_change=bool(cell["definitions"]["changes"]),
            lineage_resolved="LINEAGE_UNRESOLVED" not in cell["reasons"],
        )
        share = show_change(change, verdict)
        cell["share"] = _reasoned(share, verdict) | {"matched": show_matched(change)}


def _reasoned(share: Mapping[str, float | None], verdict: GateVerdict) -> ComparisonCell:
    return {
        "from": share["from"], "to": share["to"], "status": verdict.status.value,
        "reasons": [reason.value for reason in verdict.reasons], "change": share["change"],
    }  # fmt: skip
