"""What `census weight` says of its weights: to people, and to programs."""

from __future__ import annotations

from typing import Any

from census_api.cli.weight.chart import text_chart
from census_api.statistics.margins.document import MarginDocument
from census_api.statistics.margins.raking import Precision
from census_api.statistics.margins.weighting import Weighting


def as_json(document: MarginDocument, found: Weighting) -> dict[str, Any]:
    """Everything that somebody needs who checks the weights, or weights again."""
    return {
        "margins_id": found.margins_id,
        "snapshot": document.tree["snapshot"],
        "reference_date": document.tree["reference_date"],
        "estimator": document.tree["estimator"],
        "grouping": document.tree["grouping"],
        "answers": len(found.weights),
        "raked": int(found.after.n),
        "exempt": found.exempt,
        "deff": found.after.deff,
        "n_eff": found.after.n_eff,
        "deff_before_trimming": found.before.deff,
        "n_eff_before_trimming": found.before.n_eff,
        "combinations_trimmed": found.cut,
        "rounds": found.rounds,
        "largest_miss": found.missed,
        "weights": {"smallest": found.lightest, **found.quantiles(), "largest": found.heaviest},
        "joined": [{"dimension": dimension, "category": name, "into": into} for dimension, name, into in found.joined],
        "thin": [{"dimension": dimension, "category": name} for dimension, name in found.thin],
        "achieved": [
            {
                "dimension": one.dimension,
                "category": one.category,
                "answers": one.answers,
                "sample_share": one.sample,
                "target_share": one.target,
                "weighted_share": one.weighted,
            }
            for one in found.achieved
        ],
    }


def as_text(document: MarginDocument, found: Weighting) -> str:
    """For the terminal. Shares in per cent."""
    parts = [
        f"Weighted to the margins {found.margins_id}",
        f"({document.tree['reference_date']}, {document.tree['estimator']}, grouping {document.tree['grouping']})",
        "",
        *_categories(document, found),
        "",
        f"Answers             {len(found.weights):,}" + (f", of which exempt {found.exempt:,}" if found.exempt else ""),
        _precision("Design effect", found),
        f"Effective answers   {found.after.n_eff:,.2f} ({found.after.n_eff / found.after.n:.2%} of those raked)",
        f"Weights             {found.lightest:.4f} to {found.heaviest:.4f}, "
        + ", ".join(f"{name} {value:.3f}" for name, value in found.quantiles().items()),
        f"Largest miss        {found.missed:.1e} of a share, after {found.rounds} rounds",
        *_notes(document, found),
        "",
        "Answers by weight",
        text_chart(found.weights),
    ]
    return "\n".join(parts)


def _categories(document: MarginDocument, found: Weighting) -> list[str]:
    lines = []
    for dimension in document.dimensions:
        labels = document.labels(dimension)
        lines.append(f"{dimension.replace('_', ' '):<44}{'answers':>8}{'survey':>9}{'census':>9}{'weighted':>10}")
        lines += [
            f"  {labels.get(one.category, one.category)[:41]:<42}{one.answers:>8,}{one.sample:>9.2%}{one.target:>9.2%}"
            f"{one.weighted:>10.2%}"
            for one in found.achieved
            if one.dimension == dimension
        ]
    return lines


def _precision(words: str, found: Weighting) -> str:
    trimmed = f" (before trimming {_deff(found.before)})" if found.cut else ""
    return f"{words:<20}{_deff(found.after)}{trimmed}, of the weights alone"


def _deff(precision: Precision) -> str:
    return f"{precision.deff:.6f}"


def _notes(document: MarginDocument, found: Weighting) -> list[str]:
    joined = [
        f"Joined              {dimension}: {name} into {into} (too few answers, or too far from the census)"
        for dimension, name, into in found.joined
    ]
    thin = [
        f"Thin                {dimension}: {name} has little to go by, and nothing to be joined with"
        for dimension, name in found.thin
    ]
    return [*joined, *thin]
