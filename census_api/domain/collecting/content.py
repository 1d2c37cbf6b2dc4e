"""The content of a return: what was answered, whatever file it came in. And its hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

ContentCell = int | str
"""A valid count is an int; everything else is text: decimals as shortest strings ("12.5"), codes, states
(NK, REFUSED, NA), texts, and cells that could not be read as what they should be, trimmed. Blank cells are absent."""


@dataclass(slots=True)
class ContentRow:
    """One row with the sheet row (workbook) or 0-based index (JSON) that it came from, and its business key."""

    sheet: str
    position: int
    business_key: str
    cells: dict[str, ContentCell]


@dataclass(slots=True)
class Content:
    """Everything a return says. `organisation` is the form; `rows` are those of all tables, in source order.

    The JSON return (`as_json`) of it, sent back, has the same content and the same hash.
    """

    census_year: int
    organisation: dict[str, ContentCell]
    rows: list[ContentRow] = field(default_factory=list)

    def table(self, sheet: str) -> list[dict[str, ContentCell]]:
        return [row.cells for row in self.rows if row.sheet == sheet]

    def as_json(self) -> dict[str, Any]:
        tables: dict[str, Any] = {"census_year": self.census_year, "organisation": self.organisation}
        for row in self.rows:
            tables.setdefault(row.sheet, []).append(row.cells)
        return tables

    def sha256(self) -> str:
        """SHA-256 of canonical JSON: sorted keys, UTF-8, no spaces, tables sorted by business key then content."""
        ordered: dict[str, list[tuple[str, str]]] = {}
        for row in self.rows:
            ordered.setdefault(row.sheet, []).append((row.business_key, _canonical(row.cells)))
        parts = {sheet: "[" + ",".join(text for _, text in sorted(rows)) + "]" for sheet, rows in ordered.items()}
        parts["census_year"] = str(self.census_year)
        parts["organisation"] = _canonical(self.organisation)
        text = "{" + ",".join(f"{json.dumps(key)}:{parts[key]}" for key in sorted(parts)) + "}"
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _canonical(cells: dict[str, ContentCell]) -> str:
    return json.dumps(cells, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def content_from_json(tree: dict[str, Any], business_keys: dict[str, tuple[str, ...]]) -> Content:
    """The Content that `as_json` made. `business_keys` gives each table's key fields."""
    content = Content(census_year=tree["census_year"], organisation=dict(tree["organisation"]))
    for sheet, rows in tree.items():
        if sheet in ("census_year", "organisation"):
            continue
        for index, cells in enumerate(rows):
            key = "|".join(str(cells.get(part, "")) for part in business_keys[sheet])
            content.rows.append(ContentRow(sheet, index, key, dict(cells)))
    return content
