"""Margins as a document: written down in one way, known by the hash of that, and read again with suspicion.

The id is the SHA-256 of the canonical JSON of everything but the id, so a file that was touched, or put together by
hand, does not pass for margins of the census (methods, section 4.4).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from census_api.statistics.exact import make_exact
from census_api.statistics.margins.canonical import canonical_json, content_id, decimal_text
from census_api.statistics.margins.totals import DEFAULT_MARGIN_POLICY, MarginPolicy, MarginsRefused, check_equal_totals

PLACES = 12
"""Decimals of a margin: far below a person, and the same from every table of one population."""
MOST_BYTES = 20_000_000
_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,30})?")
_ID = re.compile(r"[0-9a-f]{64}")
_TEXTS = ("snapshot", "population", "estimator", "grouping", "reference_date")


@dataclass(frozen=True, slots=True)
class MarginDocument:
    """Margins that were checked. `margins` is dimension -> category -> people; every dimension has the sum `total`.

    `tree` is the whole document, id included, as it is served.
    """

    id: str
    total: Fraction
    margins: Mapping[str, Mapping[str, Fraction]]
    tree: Mapping[str, Any]

    @property
    def dimensions(self) -> tuple[str, ...]:
        return tuple(self.margins)

    def shares(self, dimension: str) -> dict[str, Fraction]:
        """Category -> part of one."""
        return {category: value / self.total for category, value in self.margins[dimension].items()}

    def labels(self, dimension: str) -> dict[str, str]:
        """Category -> what people call it; the code itself where the document does not say."""
        found = self.tree.get("labels")
        known = found.get(dimension, {}) if isinstance(found, Mapping) else {}
        return {category: str(known.get(category, category)) for category in self.margins[dimension]}

    def parents(self, dimension: str) -> dict[str, str]:
        """Which category a thin one is joined with, as the document records it."""
        found = self.tree.get("collapse")
        rules = found.get("parents", {}) if isinstance(found, Mapping) else {}
        return {str(child): str(parent) for child, parent in rules.get(dimension, {}).items()}


def exact_text(value: Fraction) -> str:
    """A decimal of at most PLACES decimals; whole numbers as they are."""
    scaled = round(value * 10**PLACES)
    return decimal_text(Decimal(scaled).scaleb(-PLACES))


def seal_document(content: Mapping[str, Any]) -> tuple[str, str]:
    """The id of a document without its id, and the canonical JSON that it is the hash of."""
    return content_id(content), canonical_json(content)


def serve_document(identity: str, canonical: str) -> str:
    """The document as it is given out: the canonical JSON with its id."""
    return canonical_json({"id": identity, **json.loads(canonical)})


def read_document(data: bytes | str, policy: MarginPolicy = DEFAULT_MARGIN_POLICY) -> MarginDocument:
    """The margins of a file or an answer.

    Raises MarginsRefused: not such a document, altered (the hash differs), margins with different totals or with
    nobody in them.
    """
    tree = _tree(data)
    identity = tree.get("id")
    if not isinstance(identity, str) or not _ID.fullmatch(identity):
        raise _not_margins("it has no id")
    content = {key: value for key, value in tree.items() if key != "id"}
    if content_id(content) != identity:
        raise MarginsRefused(
            "altered",
            f"The margins file says that its id is {identity[:12]}..., but its content has another hash: it was changed "
            "or cut after it was made. Fetch it again, and do not edit it.",
        )
    margins = _margins(tree)
    total = check_equal_totals(margins, policy)
    stated = _number(tree.get("total"), "total")
    if abs(total - stated) > make_exact(policy.equal_totals) * stated:
        raise MarginsRefused(
            "unequal_totals",
            f"The margins add up to {float(total):g}, but the total says {float(stated):g}. Fetch the margins again.",
        )
    if total == 0:
        raise MarginsRefused("zero_denominator", "The margins add up to nothing, so nothing can be weighted to them.")
    return MarginDocument(identity, stated, margins, tree)


def _tree(data: bytes | str) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        raise _not_margins("it is far too large")
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        tree = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise _not_margins("it is not JSON, or a name stands in it twice") from None
    if not isinstance(tree, dict):
        raise _not_margins("it is not a JSON object")
    for key in _TEXTS:
        if not isinstance(tree.get(key), str):
            raise _not_margins(f"{key} is missing")
    return tree


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON readers differ in which of two equal names they take, so neither is taken."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _margins(tree: Mapping[str, Any]) -> dict[str, dict[str, Fraction]]:
    dimensions, margins = tree.get("dimensions"), tree.get("margins")
    if not isinstance(dimensions, list) or not isinstance(margins, Mapping) or set(dimensions) != set(margins):
        raise _not_margins("dimensions and margins do not name the same dimensions")
    found: dict[str, dict[str, Fraction]] = {}
    for dimension in dimensions:
        values = margins[dimension]
        if not isinstance(values, Mapping) or not values:
            raise MarginsRefused("empty_margin", f"The margin {dimension} has no categories. Fetch the margins again.")
        found[dimension] = {name: _number(value, f"{dimension} {name}") for name, value in values.items()}
    return found


def _number(value: object, where: str) -> Fraction:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise _not_margins(f"{where[:80]} is not a decimal number in quotation marks")
    try:
        return Fraction(Decimal(value))
    except InvalidOperation:
        raise _not_margins(f"{where[:80]} is not a number") from None


def _not_margins(why: str) -> MarginsRefused:
    return MarginsRefused(
        "not_margins",
        f"This is not a margins document of the census: {why}. Get one with census margins SNAPSHOT --format json, "
        "or from the API.",
    )
