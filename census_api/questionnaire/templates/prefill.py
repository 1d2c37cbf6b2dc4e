"""Which rows a prefilled workbook starts with: the organisation's lines, and the rows it sent last year."""

from __future__ import annotations

from collections.abc import Mapping

from census_api.domain.collecting.content import Content, ContentCell
from census_api.questionnaire.model import SheetQuestion, Spec, SpecSheet
from census_api.questionnaire.templates.names import LAST_YEAR

Row = Mapping[str, ContentCell]


def prefilled_tables(
    spec: Spec, lines: list[dict[str, ContentCell]] | None, last_year: Content | None
) -> dict[str, list[Row]]:
    """Rows of each table, by sheet key. Last year's answers stand under keys that begin with `LAST_YEAR`."""
    services = next((sheet for sheet in spec.sheets if sheet.key == "services"), None)
    tables: dict[str, list[Row]] = {}
    if last_year is not None:
        for sheet in spec.sheets:
            if sheet.kind != "form":
                tables[sheet.key] = _last_years_rows(spec, sheet, last_year)
    if services is None or lines is None:
        return tables
    known = {_key(services, row): row for row in tables.get("services", ())}
    tables["services"] = [{**known.get(_key(services, line), {}), **line} for line in lines]
    wanted = {_key(services, line) for line in lines}
    for sheet in spec.sheets:
        if sheet.kind == "table" and sheet is not services and set(services.business_key) <= set(sheet.by_key):
            tables[sheet.key] = [row for row in tables.get(sheet.key, ()) if _key(services, row) in wanted]
    return tables


def _last_years_rows(spec: Spec, sheet: SpecSheet, last_year: Content) -> list[Row]:
    """Last year's rows with their keys for this year, and their answers under the headers of last year."""
    rows: dict[tuple[ContentCell, ...], Row] = {}
    for cells in last_year.table(sheet.key):
        key = _key(sheet, cells)
        if all(_possible(spec, sheet.by_key[name], cells.get(name, "")) for name in sheet.business_key):
            before = {LAST_YEAR + name: cell for name, cell in cells.items() if name not in sheet.business_key}
            rows.setdefault(key, {**dict(zip(sheet.business_key, key, strict=True)), **before})
    return list(rows.values())


def _possible(spec: Spec, question: SheetQuestion, value: ContentCell) -> bool:
    return question.code_list is None or str(value) in spec.code_lists[question.code_list].by_code


def _key(sheet: SpecSheet, cells: Row) -> tuple[ContentCell, ...]:
    return tuple(cells.get(name, "") for name in sheet.business_key)
