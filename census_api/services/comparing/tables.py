"""A comparison, a series or estimates as one table with a row for each cell. What is blocked is empty in all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from census_api.domain.comparing import REASONS, TERMS
from census_api.services.kit.tables_out import OutputSheet, OutputValue

_NOTES = (
    "An empty cell is a figure that is not known, or one that must not be shown. It is never a zero.",
    (
        "Where the status is BLOCKED the change of what was reported is not shown, in any format. The change of those that "
        "answered in both years (matched) and the estimates adjusted for non-response (adjusted) are valid instead."
    ),
    "The intervals are non-response intervals: they assume that organisations which did not answer are like those that did.",
)
_YEARS = ("from", "to")
_LEVEL = (
    "artefact_net", "artefact_gross", "artefact_share", "bounds_low", "bounds_high", "share_from", "share_to",
    "share_change", "share_status", "adjusted_from", "adjusted_to", "adjusted_change", "adjusted_low", "adjusted_high",
    "imputed_from", "imputed_to",
)  # fmt: skip
_RATE = (
    "participation_effect", "within", "mix", "joiners", "leavers", "numerator_from", "numerator_to", "denominator_from",
    "denominator_to", "matched_share_from", "matched_share_to",
)  # fmt: skip
_COVERAGE = ("unit", "size", "largest_missing", "match_rate", "expected", "answered", "items", "items_by_people")


def comparison_sheet(found: Mapping[str, Any]) -> OutputSheet:
    """Cells of a comparison; the total, where there is a breakdown, is the last."""
    by = found["by"]
    is_rate = "rate" in found["total"]
    columns = [
        *by, "measure", "from", "to", "status", "reasons", "change", "change_pct", "matched_n", "matched_from",
        "matched_to", "matched_change", "matched_change_pct",
        *(_RATE if is_rate else (*TERMS, *_LEVEL)),
        *(f"{name}_{year}" for year in _YEARS for name in _COVERAGE),
        "definition_from", "definition_to", "definition_changes", "policy",
    ]  # fmt: skip
    return OutputSheet(
        f"{found['label']}{by_words(by)}, {found['from']['collection']} to {found['to']['collection']}",
        columns,
        _rows(found, is_rate=is_rate),
        (*_NOTES, *(f"{code}: {sentence}" for code, sentence in REASONS.items())),
        (
            f"From snapshot {found['from']['name']} ({found['from']['content_hash']}).",
            f"To snapshot {found['to']['name']} ({found['to']['content_hash']}).",
            f"Comparison {found['id']} under policy {found['policy_version']} ({found['policy']}).",
        ),
    )


def by_words(by: Sequence[str]) -> str:
    """The breakdown as a title says it."""
    return f" by {', '.join(name.replace('_', ' ') for name in by)}" if by else ""


def _rows(found: Mapping[str, Any], *, is_rate: bool) -> Iterator[tuple[OutputValue, ...]]:
    for cell in found["cells"]:
        yield (*cell["by"].values(), *_row(cell, is_rate=is_rate))
    yield (*(["total"] * len(found["by"])), *_row(found["total"], is_rate=is_rate))


def _row(cell: Mapping[str, Any], *, is_rate: bool) -> tuple[OutputValue, ...]:
    matched = cell["matched"]
    coverage = [cell["coverage"][year][name] for year in _YEARS for name in _COVERAGE]
    definitions = cell["definitions"]
    return (
        cell["measure"], cell["from"], cell["to"], cell["status"], ";".join(cell["reasons"]), cell["change"],
        cell["change_pct"], matched["n"], matched["from"], matched["to"], matched["change"], matched["change_pct"],
        *(_rate(cell["rate"]) if is_rate else _level(cell)), *coverage, definitions["from"], definitions["to"],
        " ".join(definitions["changes"]), cell["policy"],
    )  # fmt: skip


def _rate(rate: Mapping[str, Any]) -> tuple[OutputValue, ...]:
    return (
        rate["participation_effect"], rate["within"], rate["mix"], rate["joiners"], rate["leavers"],
        *(rate["numerator"][year] for year in _YEARS), *(rate["denominator"][year] for year in _YEARS),
        *rate["matched_share"],
    )  # fmt: skip


def _level(cell: Mapping[str, Any]) -> tuple[OutputValue, ...]:
    artefact, share, adjusted = cell["artefact"], cell["share"] or {}, cell["adjusted"] or {}
    low, high = cell["bounds"] or (None, None)
    lower, upper = adjusted.get("interval") or (None, None)
    imputed = adjusted.get("imputed") or {}
    return (
        *(cell["terms"][term] for term in TERMS), artefact["net"], artefact["gross"], artefact["share"], low, high,
        share.get("from"), share.get("to"), share.get("change"), share.get("status"), adjusted.get("from"), adjusted.get("to"),
        adjusted.get("change"), lower, upper, imputed.get("from"), imputed.get("to"),
    )  # fmt: skip


def estimates_sheet(found: Mapping[str, Any]) -> OutputSheet:
    """Estimates of a snapshot: reported beside estimated, always."""
    by = found["by"]
    columns = (
        *by, "measure", "reported", "estimated", "interval_low", "interval_high", "bounds_low", "bounds_high",
        "imputed_share", "cv", "advice", "unit_coverage", "size_coverage", "expected", "answered", "policy",
    )  # fmt: skip
    return OutputSheet(
        f"{found['label']}{by_words(by)}, {found['snapshot']['collection']}: reported and estimated",
        columns,
        _estimate_rows(found),
        (_NOTES[0], _NOTES[2], "An estimate of which more than half would be imputed is not shown."),
        (f"Snapshot {found['snapshot']['name']} ({found['snapshot']['content_hash']}).",),
    )


def _estimate_rows(found: Mapping[str, Any]) -> Iterator[tuple[OutputValue, ...]]:
    for cell in (*found["cells"], found["total"]):
        values = cell["by"].values() or ["total"] * len(found["by"])
        low, high = cell["interval"] or (None, None)
        lower, upper = cell["bounds"] or (None, None)
        coverage = cell["coverage"]
        yield (
            *values, found["measure"], cell["reported"], cell["estimated"], low, high, lower, upper,
            cell["imputed_share"], cell["cv"], cell["advice"], coverage["unit"], coverage["size"],
            coverage["expected"], coverage["answered"], found["policy"],
        )  # fmt: skip


def series_sheet(found: Mapping[str, Any]) -> OutputSheet:
    """A series: a row for each cell and snapshot."""
    by = found["by"]
    return OutputSheet(
        f"{found['label']}{by_words(by)}, {' to '.join(str(one['collection']) for one in found['snapshots'])}",
        (*by, "snapshot", "measure", "reported", "chained", "status", "reasons", "matched_n"),
        _series_rows(found),
        (*_NOTES[:2], found["reading"]),
        (f"Under policy {found['policy_version']} ({found['policy']}).",),
    )


def _series_rows(found: Mapping[str, Any]) -> Iterator[tuple[OutputValue, ...]]:
    for cell in (*found["cells"], found["total"]):
        values = cell["by"].values() or ["total"] * len(found["by"])
        for place, snapshot in enumerate(found["snapshots"]):
            # the status of a year is that of its comparison with the year before
            link = cell["links"][place - 1] if place else {"status": None, "reasons": [], "matched_n": None}
            yield (
                *values, snapshot["name"], found["measure"], cell["reported"][place], cell["chained"][place],
                link["status"], ";".join(link["reasons"]), link["matched_n"],
            )  # fmt: skip
