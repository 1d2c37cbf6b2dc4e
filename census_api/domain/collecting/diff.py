"""What changed between two versions of a return, cell by cell, rows matched by their business key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from census_api.domain.collecting.content import Content, ContentCell

ChangeKind = Literal["added", "removed", "changed"]
FORM = "organisation"


@dataclass(frozen=True, slots=True)
class CellChange:
    """One cell that differs. `row` is its business key, empty for the form; a blank cell is None.

    `kind` is `added` and `removed` for cells of rows that only one version has. `difference` is after minus before
    where both are numbers, as a shortest decimal.
    """

    kind: ChangeKind
    sheet: str
    row: str
    column: str
    before: ContentCell | None
    after: ContentCell | None
    difference: str | None


def compare_contents(before: Content, after: Content) -> list[CellChange]:
    """The cells that differ: the form first, then sheets, rows and columns in the order of the newer version.

    Rows that only the older version has come after the others of their sheet. A business key that stands more than
    once in a version is matched in the order of its rows.
    """
    changes = list(_cells(FORM, "", before.organisation, after.organisation, "changed"))
    old, new = _rows(before), _rows(after)
    for sheet in dict.fromkeys((*new, *old)):
        olds, news = old.get(sheet, {}), new.get(sheet, {})
        for at, cells in news.items():
            kind: ChangeKind = "changed" if at in olds else "added"
            changes += _cells(sheet, at[0], olds.get(at, {}), cells, kind)
        for at, cells in olds.items():
            if at not in news:
                changes += _cells(sheet, at[0], cells, {}, "removed")
    return changes


def _rows(content: Content) -> dict[str, dict[tuple[str, int], dict[str, ContentCell]]]:
    """Sheet -> (business key, occurrence) -> cells."""
    sheets: dict[str, dict[tuple[str, int], dict[str, ContentCell]]] = {}
    seen: dict[tuple[str, str], int] = defaultdict(int)
    for row in content.rows:
        occurrence = seen[row.sheet, row.business_key]
        seen[row.sheet, row.business_key] += 1
        sheets.setdefault(row.sheet, {})[row.business_key, occurrence] = row.cells
    return sheets


def _cells(
    sheet: str, row: str, before: dict[str, ContentCell], after: dict[str, ContentCell], kind: ChangeKind
) -> Iterator[CellChange]:
    for column in dict.fromkeys((*after, *before)):
        old, new = before.get(column), after.get(column)
        if old != new:
            yield CellChange(kind, sheet, row, column, old, new, _difference(old, new))


def _difference(before: ContentCell | None, after: ContentCell | None) -> str | None:
    old, new = _number(before), _number(after)
    if old is None or new is None:
        return None
    text = f"{new - old:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _number(cell: ContentCell | None) -> Decimal | None:
    """The cell as a number. Texts are numbers only as the reading of returns writes them: digits and one point."""
    if isinstance(cell, int):
        return Decimal(cell)
    if cell is None or not cell.isascii() or not cell.replace(".", "", 1).replace("-", "", 1).isdigit():
        return None
    try:
        return Decimal(cell)
    except InvalidOperation:
        return None
