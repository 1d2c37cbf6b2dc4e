"""The rules about the file that only a workbook can break, each with a file that does and one that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from census_api.domain.collecting.findings import Finding
from census_api.intake.judging.judge import Context, judge_return
from census_api.intake.reading import workbook
from census_api.intake.reading.reader import read_workbook
from census_api.questionnaire.load import load_library, load_spec
from tests.rules.small_workbooks import SmallWorkbook, small_workbook

YEARS = load_library().years
Change = Callable[[SmallWorkbook], object]


def _insert(sheet: str, at: int, *values: object) -> Change:
    return lambda book: book.grids[sheet].insert(at, list(values))


def _append(sheet: str, *values: object) -> Change:
    return lambda book: book.grids[sheet].append(list(values))


def _cell(sheet: str, reference: str, xml: str) -> Change:
    return lambda book: book.raw_cells.update({(sheet, reference): xml})


def _head(sheet: str, column: int, text: str | None) -> Change:
    return lambda book: book.grids[sheet][0].__setitem__(column, text)


def _drop_column(sheet: str, column: int) -> Change:
    return lambda book: [row.pop(column) for row in book.grids[sheet]]


def _add_sheet(name: str, state: str | None = None) -> Change:
    def change(book: SmallWorkbook) -> None:
        book.grids[name] = [["some", "notes"]]
        if state:
            book.state[name] = state

    return change


def _version(book: SmallWorkbook) -> None:
    book.grids["_census"][1][1] = "0"


def _other_year(book: SmallWorkbook) -> None:
    book.grids["_census"][0][1] = str(book.spec.year - 1)


def _no_headings(book: SmallWorkbook) -> None:
    book.grids["Staff"].pop(0)


def _beside(book: SmallWorkbook) -> None:
    book.grids["Hours"][0].append(None)
    book.grids["Hours"][1].append("see me")


def _filter(book: SmallWorkbook) -> None:
    book.row_more["Staff", 3] = ' hidden="1"'
    book.after["Staff"] = '<autoFilter ref="A1:N8"/>'


def _clean(_: SmallWorkbook) -> None:
    """The file as it is."""


FAILS: list[tuple[str, Change, str, str | None]] = [
    ("FIL-001", _other_year, "", None),
    ("FIL-002", _version, "", None),
    ("FIL-003", lambda book: book.grids.pop("Hours"), "Hours", None),
    ("FIL-004", _add_sheet("Rota"), "Rota", None),
    ("FIL-005", lambda book: book.grids.update({"length_of_service": book.grids["Length of service"]}), "length_of_service", None),
    ("FIL-006", _drop_column("Staff", 3), "Staff", None),
    ("FIL-006", lambda book: book.grids["Organisation"].pop(2), "Organisation", None),
    ("FIL-007", _head("Staff", 3, "Paid heads"), "Staff", "D1"),
    ("FIL-007", _append("Organisation", "Favourite colour", "green"), "Organisation", "A10"),
    ("FIL-008", _head("Staff", 4, "paid  HEADCOUNT"), "Staff", "E1"),
    ("FIL-009", _cell("Staff", "D2", '<c r="D2"><f>4+5</f></c>'), "Staff", "D2"),
    ("FIL-010", _cell("Staff", "D2", '<c r="D2" t="e"><v>#REF!</v></c>'), "Staff", "D2"),
    ("FIL-011", lambda book: book.after.update(Staff='<mergeCells count="1"><mergeCell ref="A2:A3"/></mergeCells>'), "Staff", "A2"),
    ("FIL-012", _add_sheet("Rota", "hidden"), "Rota", None),
    ("FIL-012", lambda book: book.state.update(Staff="hidden"), "Staff", None),
    ("FIL-013", lambda book: book.row_more.update({("Staff", 3): ' hidden="1"'}), "Staff", None),
    ("FIL-014", lambda book: book.before.update(Staff='<cols><col min="5" max="5" width="9" hidden="1"/></cols>'), "Staff", None),
    ("FIL-015", _filter, "Staff", None),
    ("FIL-016", _append("Staff", "Total", None, None, 24), "Staff", "A9"),
    ("FIL-016", _append("Staff", None, None, "Grand total", 24), "Staff", "A9"),
    ("FIL-017", lambda book: book.grids["Staff"].insert(4, list(book.grids["Staff"][0])), "Staff", "A5"),
    ("FIL-019", _beside, "Hours", "E2"),
    ("FIL-020", _insert("Staff", 0), "Staff", None),
    ("FIL-020", _insert("Staff", 0, "Alpha Recovery, staff in June"), "Staff", None),
    ("FIL-025", _no_headings, "Staff", "A1"),
    ("FIL-025", lambda book: book.grids["Staff"].clear(), "Staff", "A1"),
]  # fmt: skip
TOLD = sorted({rule for rule, *_ in FAILS} | {"FIL-018"})


def findings_of(year: int, change: Change) -> list[Finding]:
    book = small_workbook(load_spec(year))
    change(book)
    return judge_return(book.data(), year, Context(), keep_content=False).report.findings


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize(
    ("rule", "change", "sheet", "cell"), FAILS, ids=[f"{n} {case[0]}" for n, case in enumerate(FAILS)]
)
def test_a_file_that_breaks_the_rule(year: int, rule: str, change: Change, sheet: str, cell: str | None) -> None:
    found = [finding for finding in findings_of(year, change) if finding.rule == rule]
    assert found
    assert {(finding.sheet or "", finding.cell) for finding in found} == {(sheet, cell)}


@pytest.mark.parametrize("year", YEARS)
def test_a_file_that_breaks_none(year: int) -> None:
    assert [finding.message for finding in findings_of(year, _clean)] == []


@pytest.mark.parametrize("year", YEARS)
def test_rows_that_could_not_be_read_are_said(year: int) -> None:
    """The reader refuses such a file; should it ever not, the rule stands behind it."""
    spec = load_spec(year)
    book = read_workbook(small_workbook(spec).data())
    staff = next(index for index, raw in enumerate(book.sheets) if raw.name == "Staff")
    assert "rows_lost" not in {mark.kind for mark in workbook.source_of(book, spec).marks}
    raw = book.sheets[staff]
    book.sheets[staff] = replace(raw, facts=replace(raw.facts, rows_present=raw.facts.rows_present + 1))
    marks = [mark for mark in workbook.source_of(book, spec).marks if mark.kind == "rows_lost"]
    assert [(mark.sheet, mark.shown, mark.detail) for mark in marks] == [("Staff", "8", "9")]


CONSEQUENCES: dict[str, tuple[Change, set[str]]] = {
    "a heading is misspelt": (_head("Staff", 3, "Paid heads"), {"FIL-006", "FIL-007"}),
    "a category is left out": (_drop_column("Hours", 2), {"FIL-006"}),
    "the first column of a breakdown is left out": (_drop_column("Hours", 0), {"FIL-006"}),
    "the sheet Services is left out": (lambda book: book.grids.pop("Services"), {"FIL-003"}),
    "the sheet Staff is left out": (lambda book: book.grids.pop("Staff"), {"FIL-003"}),
    "the sheet Organisation is left out": (lambda book: book.grids.pop("Organisation"), {"FIL-003"}),
    "the sheet Pay is left out": (lambda book: book.grids.pop("Pay"), {"FIL-003"}),
    "a title above the headings": (_insert("Staff", 0, "Staff of Alpha Recovery"), {"FIL-020"}),
    "a formula without a result": (_cell("Staff", "D2", '<c r="D2"><f>4+5</f></c>'), {"FIL-009"}),
    "an error in a cell": (_cell("Staff", "E2", '<c r="E2" t="e"><v>#N/A</v></c>'), {"FIL-010"}),
    "a totals row": (_append("Staff", "Total", None, None, 24, "21"), {"FIL-016"}),
}


@pytest.mark.parametrize("name", CONSEQUENCES)
def test_one_slip_in_the_file_is_said_once(name: str) -> None:
    change, rules = CONSEQUENCES[name]
    found = [finding for finding in findings_of(2024, change) if finding.severity != "note" or finding.rule in rules]
    assert sorted(finding.rule for finding in found) == sorted(rules)
