"""A workbook's raw sheets to tables: finds the sheets, matches headers, sets aside what is not data, and says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from census_api.domain.kit.errors import InvalidRequest
from census_api.intake.preflight.package import RawSheet, RawWorkbook, column_letters
from census_api.intake.reading.tables import (
    Mark,
    OrganisationForm,
    ReturnTable,
    Source,
    make_decoder,
    shorten_text,
)
from census_api.questionnaire.model import Spec, SpecSheet, fold_text, show_code
from census_api.questionnaire.templates.names import (
    CENSUS_YEAR,
    HELPER_SHEETS,
    INSTRUCTIONS,
    LAST_YEAR,
    LISTS,
    PROVENANCE,
    SPEC_DIGEST,
    TEMPLATE_VERSION,
    is_findings_sheet,
)

UNREAD = frozenset({INSTRUCTIONS, LISTS})
"""Sheets of the template in which nobody answers: their cells need not be read."""
_TOTAL = re.compile(r"^(?:grand |sub-?)?totals?\b", re.IGNORECASE)
_TOP_ROWS = 50
_FORM_HEADS = frozenset({"question", "questions", "label", "field"})
_LAST_YEAR = fold_text(LAST_YEAR).rstrip(":")


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    """What the hidden sheet says. Anything may be missing."""

    census_year: int | None = None
    template_version: int | None = None
    spec_digest: str | None = None


def template_facts(book: RawWorkbook) -> TemplateFacts:
    """Year, version and digest from the template's hidden sheet, wherever its name stands."""
    for raw in book.sheets:
        if fold_text(raw.name) == fold_text(PROVENANCE) and raw.frame.width >= 2:
            facts = {str(row[0]): row[1] for row in raw.frame.iter_rows() if row[0] is not None}
            return TemplateFacts(
                _whole(facts.get(CENSUS_YEAR)), _whole(facts.get(TEMPLATE_VERSION)), facts.get(SPEC_DIGEST)
            )
    return TemplateFacts()


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,6}", text.strip()) else None


def year_of(book: RawWorkbook, asked: int | None) -> int:
    """The year to judge by: the one asked for, else the template's own."""
    year = asked if asked is not None else template_facts(book).census_year
    if year is None:
        raise InvalidRequest(
            "This workbook does not say which census year it is for, because the hidden sheet of the template is missing. "
            "Say the year yourself (on the command line with --year), or start again from the template of the year."
        )
    return year


def source_of(book: RawWorkbook, spec: Spec) -> Source:
    """Tables, form and marks of a workbook."""
    marks: list[Mark] = list(_about_template(book, spec))
    found, extra = _sheets_by_key(book, spec, marks)
    marks.extend(_about_sheets(extra, found, spec))
    form, tables, rows_read = OrganisationForm(), {}, {}
    for sheet in spec.sheets:
        raw = found.get(sheet.key)
        if sheet.kind == "form":
            form = _form(sheet, raw, marks) if raw else OrganisationForm()
            continue
        table = _table(sheet, spec, raw, marks) if raw else ReturnTable.empty(sheet)
        tables[sheet.key] = table
        rows_read[sheet.title] = len(table.positions)
    return Source(book.kind, spec, form, tables, marks, rows_read)


def _about_template(book: RawWorkbook, spec: Spec) -> Iterator[Mark]:
    facts = template_facts(book)
    if facts.census_year is not None and facts.census_year != spec.year:
        yield Mark("wrong_year", value=str(facts.census_year), shown=str(facts.census_year), detail=str(spec.year))
    elif facts.template_version is not None and facts.template_version != spec.collection.template_version:
        now = str(spec.collection.template_version)
        yield Mark("old_template", value=str(facts.template_version), shown=str(facts.template_version), detail=now)


def _sheets_by_key(book: RawWorkbook, spec: Spec, marks: list[Mark]) -> tuple[dict[str, RawSheet], list[RawSheet]]:
    names = {fold_text(name): sheet.key for sheet in spec.sheets for name in (sheet.title, sheet.key)}
    found: dict[str, RawSheet] = {}
    extra: list[RawSheet] = []
    for raw in book.sheets:
        key = names.get(fold_text(raw.name))
        if key is None:
            if raw.name not in HELPER_SHEETS and not is_findings_sheet(raw.name, _first_cell(raw)):
                extra.append(raw)
        elif key in found:
            marks.append(Mark("repeated_sheet", sheet=raw.name, shown=raw.name))
        else:
            found[key] = raw
    return found, extra


def _first_cell(raw: RawSheet) -> str | None:
    at_a1 = raw.frame.height and raw.frame.width and raw.first_row == raw.first_column == 1
    return raw.frame.item(0, 0) if at_a1 else None


def _about_sheets(extra: list[RawSheet], found: dict[str, RawSheet], spec: Spec) -> Iterator[Mark]:
    for sheet in spec.sheets:
        if sheet.key not in found:
            yield Mark("missing_sheet", sheet=sheet.title, shown=sheet.title)
    for raw in extra:
        if raw.frame.height:
            yield Mark("unknown_sheet", sheet=raw.name, shown=raw.name, detail=str(raw.frame.height))
    for raw in (*found.values(), *extra):
        facts = raw.facts
        if facts.state != "visible" and raw.frame.height:
            yield Mark("hidden_sheet", sheet=raw.name, shown=raw.name)
    for key, raw in found.items():
        yield from _about_cells(raw, spec.sheet[key])


def _about_cells(raw: RawSheet, sheet: SpecSheet) -> Iterator[Mark]:
    facts, title = raw.facts, sheet.title
    for cell in facts.formulas_without_value:
        yield Mark("formula_without_value", title, cell.cell, value=cell.text, shown=cell.text)
    for cell in facts.error_cells:
        yield Mark("error_cell", title, cell.cell, value=cell.text, shown=cell.text)
    for area in facts.merged:
        if not (sheet.kind == "form" and area.startswith("A1:")):
            yield Mark("merged_cells", title, area.split(":")[0], value=area, shown=area)
    if facts.filtered:
        yield Mark("filtered", title, shown=title)
    elif facts.hidden_rows:
        rows = ", ".join(map(str, facts.hidden_rows[:10]))
        yield Mark("hidden_rows", title, shown=rows, detail=str(len(facts.hidden_rows)))
    if facts.hidden_columns:
        yield Mark(
            "hidden_columns", title, shown=", ".join(facts.hidden_columns[:10]), detail=str(len(facts.hidden_columns))
        )
    if facts.rows_present > raw.frame.height + len(facts.formulas_without_value) + len(facts.error_cells):
        yield Mark("rows_lost", title, shown=str(raw.frame.height), detail=str(facts.rows_present))


# --- the Organisation form ------------------------------------------------------------------------------------


def _form(sheet: SpecSheet, raw: RawSheet, marks: list[Mark]) -> OrganisationForm:
    """Labels in column A, answers in column B; further columns are help and last year's answers."""
    names = {fold_text(name): q.key for q in sheet.fields for name in (q.label, q.key)}
    form = OrganisationForm()
    label_at, answer_at = 1 - raw.first_column, 2 - raw.first_column
    for index, row in enumerate(raw.frame.iter_rows()):
        label = row[label_at] if 0 <= label_at < len(row) else None
        answer = (row[answer_at] if 0 <= answer_at < len(row) else None) or None
        position = raw.first_row + index
        answer = answer.strip() or None if answer else None
        folded = fold_text(label) if label else ""
        key = names.get(folded) or names.get(folded.rstrip(" *:"))
        if key is None:
            if answer is not None and folded not in _FORM_HEADS:
                marks.append(_unknown(sheet, f"B{position}" if not folded else f"A{position}", label or answer))
        elif key in form.cells:
            marks.append(
                Mark("repeated_column", sheet.title, f"A{position}", column=key, value=label, shown=str(label))
            )
        else:
            form.cells[key] = f"B{position}"
            form.answers[key] = answer
    _missing(sheet, set(form.cells), marks)
    return form


def _unknown(sheet: SpecSheet, cell: str, text: str) -> Mark:
    return Mark("unknown_column", sheet.title, cell, value=shorten_text(text), shown=shorten_text(text) or "")


def _missing(sheet: SpecSheet, present: set[str], marks: list[Mark]) -> None:
    gone = (question for question in sheet.fields if question.key not in present and not question.optional)
    marks += [Mark("missing_column", sheet.title, column=question.key, shown=question.label) for question in gone]


# --- tables ---------------------------------------------------------------------------------------------------


def _table(sheet: SpecSheet, spec: Spec, raw: RawSheet, marks: list[Mark]) -> ReturnTable:
    cells = [column.to_list() for column in raw.frame.get_columns()]
    start = _header_row(cells, _header_names(sheet, spec))
    if start is None:
        marks.append(Mark("no_headings", sheet.title, f"A{raw.first_row}", shown=sheet.title))
        return ReturnTable.empty(sheet)
    header = [column[start] for column in cells]
    if raw.first_row + start != 1:
        marks.append(Mark("header_not_first", sheet.title, shown=str(raw.first_row + start)))
    found = _match_headers(sheet, spec, header, raw, raw.first_row + start, marks)
    _missing(sheet, set(found), marks)
    _outside(sheet, header, cells, raw, start, marks)
    height = raw.frame.height - start - 1
    columns: dict[str, list[str | None]] = {
        question.key: cells[found[question.key]][start + 1 :] if question.key in found else [None] * height
        for question in sheet.fields
    }
    letters = {key: column_letters(raw.first_column + index) for key, index in found.items()}
    first = raw.first_row + start + 1
    table = ReturnTable(sheet, columns, list(range(first, first + height)), letters)
    return _without_blank_and_total_rows(table, spec, marks)


def _header_row(cells: list[list[str | None]], names: dict[str, str]) -> int | None:
    """Index of the row of headings: the first of the top rows with at least two of them, failing that with one."""
    height = len(cells[0]) if cells else 0
    only_one: int | None = None
    for index in range(min(height, _TOP_ROWS)):
        found = {names.get(fold_text(column[index] or "")) for column in cells} - {None}
        if len(found) > 1:
            return index
        if found and only_one is None:
            only_one = index
    return only_one


_HEADERS: dict[tuple[str, str], dict[str, str]] = {}


def _header_names(sheet: SpecSheet, spec: Spec) -> dict[str, str]:
    """Folded header -> question key: label, key, and for categories `code - label`."""
    at = (spec.digest, sheet.key)
    if at not in _HEADERS:
        names = {fold_text(q.label): q.key for q in sheet.fields} | {fold_text(q.key): q.key for q in sheet.fields}
        if sheet.categories:
            names |= {fold_text(show_code(code)): code.code for code in spec.code_lists[sheet.categories].codes}
        _HEADERS[at] = names
    return _HEADERS[at]


def _match_headers(
    sheet: SpecSheet, spec: Spec, header: list[str | None], raw: RawSheet, row: int, marks: list[Mark]
) -> dict[str, int]:
    names = _header_names(sheet, spec)
    columns: dict[str, int] = {}
    for index, text in enumerate(header):
        folded = fold_text(text) if text is not None else ""
        if text is None or not folded:
            continue
        key = names.get(folded)
        cell = f"{column_letters(raw.first_column + index)}{row}"
        if key is None:
            if not folded.startswith(_LAST_YEAR):
                marks.append(_unknown(sheet, cell, text))
        elif key in columns:
            marks.append(Mark("repeated_column", sheet.title, cell, column=key, value=shorten_text(text), shown=text))
        else:
            columns[key] = index
    return columns


def _outside(
    sheet: SpecSheet,
    header: list[str | None],
    cells: list[list[str | None]],
    raw: RawSheet,
    start: int,
    marks: list[Mark],
) -> None:
    """Values below an empty header cell belong to no question."""
    for index, (text, column) in enumerate(zip(header, cells, strict=True)):
        if text is None or not text.strip():
            for offset, value in enumerate(column[start + 1 :], start=raw.first_row + start + 1):
                if value is not None and value.strip():
                    cell = f"{column_letters(raw.first_column + index)}{offset}"
                    marks.append(
                        Mark(
                            "outside_table",
                            sheet.title,
                            cell,
                            value=shorten_text(value),
                            shown=shorten_text(value) or "",
                        )
                    )
                    break


def _without_blank_and_total_rows(table: ReturnTable, spec: Spec, marks: list[Mark]) -> ReturnTable:
    """Blank rows go; totals rows and repeated header rows are set aside with a mark that names them."""
    sheet, first = table.sheet, table.sheet.fields[0].key
    texts = table.columns[first]
    codes = make_decoder(spec, str(sheet.fields[0].code_list)).column(texts)
    if None not in codes:
        return table
    labels = [table.columns[key] for key in sheet.business_key]
    headers = {fold_text(sheet.fields[0].label), fold_text(first)}
    gone: set[int] = set()
    for index, (text, code) in enumerate(zip(texts, codes, strict=True)):
        if code is not None:
            continue
        label = next((column[index] for column in labels if _TOTAL.match((column[index] or "").strip())), None)
        if label is not None or (text is not None and fold_text(text) in headers):
            kind = "second_table" if label is None else "totals_row"
            at = table.positions[index]
            cell = f"{table.letters.get(first, 'A')}{at}"
            marks.append(Mark(kind, sheet.title, cell, column=first, value=shorten_text(label or text), shown=str(at)))
            gone.add(index)
        elif all(column[index] is None or not column[index].strip() for column in table.columns.values()):  # type: ignore[union-attr]  # None is asked about first
            gone.add(index)
    if not gone:
        return table
    stays = [index for index in range(len(texts)) if index not in gone]
    columns = {key: [column[index] for index in stays] for key, column in table.columns.items()}
    return ReturnTable(sheet, columns, [table.positions[index] for index in stays], table.letters)
