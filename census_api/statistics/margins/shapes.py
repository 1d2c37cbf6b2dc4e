"""Margins in the shapes that survey tools take: what each prints here goes into the tool as it stands.

The numbers are the document's own, unrounded: people for tools that take totals, parts of one or of a hundred for
tools that take shares. A tool normalises or trusts what it is given, so nothing is offered whose totals differ.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Literal, get_args

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.margins.canonical import canonical_json
from census_api.statistics.margins.document import MarginDocument, exact_text

MarginFormat = Literal["json", "csv", "balance", "weightipy", "samplics", "ipfn", "r"]
FORMATS: tuple[MarginFormat, ...] = get_args(MarginFormat)

TIDY = (
    "dimension", "category", "label", "value", "share", "standard_error", "coverage", "status", "estimator", "grouping",
    "reference_date", "margins_id",
)  # fmt: skip
SUFFIXES: Mapping[MarginFormat, str] = {
    "json": "json", "csv": "csv", "balance": "json", "weightipy": "json", "samplics": "json", "ipfn": "json", "r": "R",
}  # fmt: skip
MEDIA: Mapping[MarginFormat, str] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "balance": "application/json",
    "weightipy": "application/json",
    "samplics": "application/json",
    "ipfn": "application/json",
    "r": "text/plain; charset=utf-8",
}


def shape_document(document: MarginDocument, wanted: str) -> str:
    """The document as text in a format of FORMATS. Raises InvalidRequest that names them."""
    for name, make in _SHAPES.items():
        if name == wanted:
            return make(document)
    raise InvalidRequest(f"Margins come as {', '.join(FORMATS[:-1])} or {FORMATS[-1]}.")


def list_totals(document: MarginDocument) -> dict[str, dict[str, float]]:
    """Dimension -> category -> people. balance's `rake(target_margins=...)` and samplics' `rake(control=...)`."""
    return _numbers(document, float)


def list_shares(document: MarginDocument) -> dict[str, dict[str, float]]:
    """The same as parts of one."""
    return _numbers(document, lambda value: float(value / document.total))


def list_percentages(document: MarginDocument) -> dict[str, dict[str, float]]:
    """The same as parts of a hundred: weightipy's `scheme_from_dict`."""
    return _numbers(document, lambda value: float(100 * value / document.total))


def list_arrays(document: MarginDocument) -> dict[str, Any]:
    """What ipfn takes beside the table of answers, whose axes are `variables` with `categories` in this order."""
    return {
        "variables": list(document.dimensions),
        "categories": [list(values) for values in document.margins.values()],
        "aggregates": [[float(value) for value in values.values()] for values in document.margins.values()],
        "dimensions": [[axis] for axis in range(len(document.dimensions))],
    }


def write_tidy(document: MarginDocument) -> str:
    """CSV, a row a category, with its provenance on every row: weightipy's `scheme_from_long_df`, and spreadsheets."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(TIDY)
    errors, states, coverage = (document.tree.get(key, {}) for key in ("standard_error", "status", "coverage"))
    provenance = (*(document.tree[key] for key in ("estimator", "grouping", "reference_date")), document.id)
    for dimension, values in document.margins.items():
        labels = document.labels(dimension)
        for category, value in values.items():
            people = (exact_text(value), exact_text(value / document.total))
            told = (errors.get(dimension, {}).get(category), _covered(coverage, dimension, category))
            state = states.get(dimension, {}).get(category)
            writer.writerow([dimension, category, labels[category], *people, *told, state, *provenance])
    return out.getvalue()


def r_script(document: MarginDocument) -> str:
    """R code that sets what survey's `rake` takes, `sample_margins` and `population_margins`, and the id of the margins."""
    frames = [
        f"  data.frame({_r_name(name)} = c({', '.join(map(_r_text, values))}),\n"
        f"             Freq = c({', '.join(map(exact_text, values.values()))}), stringsAsFactors = FALSE)"
        for name, values in document.margins.items()
    ]
    sides = ", ".join(f"~{_r_name(name)}" for name in document.dimensions)
    return (
        "# library(survey); design <- svydesign(ids = ~1, data = answers)\n"
        "# weighted <- rake(design, sample_margins, population_margins)\n"
        f"margins_id <- {_r_text(document.id)}\n"
        f"sample_margins <- list({sides})\n"
        "population_margins <- list(\n" + ",\n".join(frames) + "\n)\n"
    )


def _numbers(document: MarginDocument, number: Callable[[Fraction], float]) -> dict[str, dict[str, float]]:
    return {
        name: {category: number(value) for category, value in values.items()}
        for name, values in document.margins.items()
    }


def _covered(coverage: Mapping[str, Any], dimension: str, category: str) -> str | None:
    found = coverage.get(dimension, {}).get(category)
    return found.get("people") if isinstance(found, Mapping) else None


def _json(tree: Any) -> str:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":"))


def _r_text(text: str) -> str:
    return json.dumps(text)


def _r_name(name: str) -> str:
    return name if name.isidentifier() else f"`{name.replace('`', '')}`"


_SHAPES: Mapping[MarginFormat, Callable[[MarginDocument], str]] = {
    "json": lambda document: canonical_json(document.tree),
    "csv": write_tidy,
    "balance": lambda document: _json(list_totals(document)),
    "weightipy": lambda document: _json(list_percentages(document)),
    "samplics": lambda document: _json(list_totals(document)),
    "ipfn": lambda document: _json(list_arrays(document)),
    "r": r_script,
}
