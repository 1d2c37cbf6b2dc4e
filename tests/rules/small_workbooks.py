"""Small workbooks made by hand from a return's JSON tree, with one thing odd about each: no styles, no template."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from census_api.questionnaire.model import Spec, SpecSheet
from census_api.questionnaire.templates.names import CENSUS_YEAR, PROVENANCE, TEMPLATE_VERSION
from tests.factories.packages import cell, packed, row, sheet_xml, xlsx_parts
from tests.factories.returns import clean_tree

Grid = list[list[Any]]


@dataclass(slots=True)
class SmallWorkbook:
    """Every sheet as a grid of values (None is blank), and XML to put around or instead of it."""

    spec: Spec
    grids: dict[str, Grid]
    state: dict[str, str] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    row_more: dict[tuple[str, int], str] = field(default_factory=dict)
    raw_cells: dict[tuple[str, str], str] = field(default_factory=dict)

    def data(self) -> bytes:
        parts = xlsx_parts(sheets={name: self._xml(name, grid) for name, grid in self.grids.items()})
        book = str(parts["xl/workbook.xml"])
        for name, state in self.state.items():
            book = book.replace(f'<sheet name="{name}"', f'<sheet name="{name}" state="{state}"')
        return packed(parts | {"xl/workbook.xml": book})

    def _xml(self, name: str, grid: Grid) -> str:
        rows = "".join(self._row(name, number, values) for number, values in enumerate(grid, start=1))
        return sheet_xml(rows, self.before.get(name, ""), self.after.get(name, ""))

    def _row(self, name: str, number: int, values: list[Any]) -> str:
        cells = ""
        for index, value in enumerate(values):
            reference = f"{chr(65 + index)}{number}"
            odd = self.raw_cells.get((name, reference))
            cells += odd if odd is not None else cell(reference, value) if value is not None else ""
        return row(number, cells, self.row_more.get((name, number), ""))


def small_workbook(spec: Spec, tree: dict[str, Any] | None = None) -> SmallWorkbook:
    """The clean return, or another tree, as a workbook."""
    tree = clean_tree(spec) if tree is None else tree
    grids = {sheet.title: _grid(sheet, tree.get(sheet.key, [])) for sheet in spec.sheets}
    version = str(spec.collection.template_version)
    grids[PROVENANCE] = [[CENSUS_YEAR, str(spec.year)], [TEMPLATE_VERSION, version]]
    return SmallWorkbook(spec, grids, {PROVENANCE: "veryHidden"})


def _grid(sheet: SpecSheet, rows: Any) -> Grid:
    if sheet.kind == "form":
        return [["Question", "Your answer"], *([question.label, rows.get(question.key)] for question in sheet.fields)]
    return [
        [question.label for question in sheet.fields],
        *([row.get(question.key) for question in sheet.fields] for row in rows),
    ]
