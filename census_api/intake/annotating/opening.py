"""The workbook that marks are put into: the employer's own where it is one, else their answers in the template.

No formula of the employer's is live in it: a formula stands there as the value it had, or as its text.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field

from openpyxl import load_workbook
from openpyxl.workbook import Workbook
from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula

from census_api.domain.collecting.findings import Finding
from census_api.intake.annotating.marks import keep_as_text, split_address
from census_api.intake.annotating.rebuilding import from_csv, from_json, from_raw
from census_api.intake.annotating.words import make_printable
from census_api.intake.preflight.inspection import inspect_package
from census_api.intake.reading.reader import read_workbook
from census_api.questionnaire.model import Spec, fold_text

_MAX_SPREAD = 200_000
_LINKED_AREA = re.compile(rb"""<(?:\w+:)?hyperlink\s[^>]*?\bref=["']([A-Z0-9$]+:[A-Z0-9$]+)["']""")

Place = tuple[str, str]
"""Name of a sheet of the workbook, address of a cell on it."""


@dataclass(slots=True)
class OpenedWorkbook:
    """A workbook to annotate. `is_copy` says that it is not the employer's own file but their answers rewritten.

    `by_pointer` gives the place of each JSON pointer; empty unless the return came as JSON.
    """

    book: Workbook
    is_copy: bool
    by_pointer: dict[str, Place] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    def sheet_name(self, title: str | None) -> str | None:
        """The workbook's own spelling of a sheet that a finding names, None if it is not there."""
        if title is None:
            return None
        if not self._names:
            for name in reversed(self.book.sheetnames):
                self._names[fold_text(name)] = name
        return title if title in self.book.sheetnames else self._names.get(fold_text(title))

    def place(self, finding: Finding) -> Place | None:
        """Where the finding stands in this workbook, None if it is about no single cell."""
        name = self.sheet_name(finding.sheet)
        if name is not None and split_address(finding.cell) is not None:
            return name, str(finding.cell).partition(":")[0]
        pointer = finding.pointer or ""
        while self.by_pointer and pointer and pointer not in self.by_pointer:
            pointer = pointer.rpartition("/")[0]
        return self.by_pointer.get(pointer)


def open_workbook(original: bytes, kind: str, spec: Spec) -> OpenedWorkbook:
    """The workbook to annotate for an upload of `kind` (xlsx, ods, json, csv) that has passed the pre-flight."""
    if kind == "json":
        book, by_pointer = from_json(original, spec)
        return OpenedWorkbook(book, is_copy=True, by_pointer=by_pointer)
    if kind == "csv":
        return OpenedWorkbook(from_csv(original, spec), is_copy=True)
    book = _own_workbook(original) if kind == "xlsx" else None
    if book is not None:
        return OpenedWorkbook(book, is_copy=False)
    return OpenedWorkbook(from_raw(read_workbook(original), spec), is_copy=True)


def _own_workbook(original: bytes) -> Workbook | None:
    """The file by openpyxl, formulas as values; None where openpyxl cannot take what the reader could."""
    facts = inspect_package(original)
    marks = [mark for sheet in facts.sheets for mark in sheet.formulas_without_value]
    if _spread(original, [area for sheet in facts.sheets for area in sheet.merged]) > _MAX_SPREAD:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(original), data_only=True, keep_links=False)
            formulas = load_workbook(io.BytesIO(original), keep_links=False) if marks else book
    except Exception:  # noqa: BLE001 - whatever openpyxl does not know of a foreign writer's: the copy serves instead
        return None
    for mark in marks:
        if mark.sheet in book.sheetnames and mark.sheet in formulas.sheetnames:
            cell = book[mark.sheet][mark.cell]
            cell.value = make_printable(_formula_text(formulas[mark.sheet][mark.cell].value, mark.text))
            keep_as_text(cell)
    _drop_names_of_other_files(book)
    return book


def _spread(original: bytes, merged: Iterable[str]) -> int:
    """Cells that openpyxl would make for merged areas and for links over areas, though the file does not hold them."""
    areas = list(merged)
    with zipfile.ZipFile(io.BytesIO(original)) as package:
        for name in package.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                part = package.read(name)
                areas += [match[1].decode() for match in _LINKED_AREA.finditer(part)] if b"hyperlink" in part else []
    return sum(_size(area) for area in areas)


def _size(area: str) -> int:
    first, _, last = area.replace("$", "").partition(":")
    (top, left), (bottom, right) = split_address(first) or (1, 1), split_address(last or first) or (1_048_576, 16_384)
    return (abs(bottom - top) + 1) * (abs(right - left) + 1)


def _formula_text(value: object, shown: str) -> str:
    text = value.text if isinstance(value, ArrayFormula) else value
    if isinstance(text, str) and not isinstance(value, DataTableFormula):
        return text
    return shown if shown.startswith("=") else f"={shown}"


def _drop_names_of_other_files(book: Workbook) -> None:
    """Links to other files are not kept, so names that stand for places in them would be damage to Excel."""
    for holder in (book, *book.worksheets):
        for name in [name for name, defined in holder.defined_names.items() if "[" in (defined.attr_text or "")]:
            del holder.defined_names[name]
