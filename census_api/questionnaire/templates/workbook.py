"""The workbook that employers fill in: blank, prefilled with last year's rows, or filled with a return."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from openpyxl import Workbook

from census_api.domain.collecting.content import Content, ContentCell
from census_api.questionnaire.model import Spec
from census_api.questionnaire.templates import names
from census_api.questionnaire.templates.code_lists import add_lists
from census_api.questionnaire.templates.form import FormStyles, add_form, form_rows, form_styles
from census_api.questionnaire.templates.instructions import add_instructions
from census_api.questionnaire.templates.package import Part, date_properties, read_parts, write_package
from census_api.questionnaire.templates.prefill import Row, prefilled_tables
from census_api.questionnaire.templates.rows import AnswerColumn, SharedStrings, table_rows, text_writer
from census_api.questionnaire.templates.sheets import add_table

_CAPACITIES = (1_000, 10_000, 100_000, 1_048_575)
"""Rows that drop-downs and checks reach: at least twice as many as are written."""
_SHELLS_KEPT = 8
_END = b"</sheetData>"
_DIMENSION = re.compile(rb'<dimension ref="[^"]*"')
_STRINGS_PART = "xl/sharedStrings.xml"
_STRINGS_TYPE = (
    b'<Override PartName="/xl/sharedStrings.xml" ContentType='
    b'"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml" /></Types>'
)
_STRINGS_LINK = (
    b'<Relationship Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" '
    b'Target="sharedStrings.xml" Id="rIdStrings" /></Relationships>'
)


@dataclass(frozen=True, slots=True)
class _Shell:
    """A workbook without answers: its parts, and where and in which styles answers are written into them."""

    spec: Spec
    capacity: int
    with_last_year: bool
    parts: Mapping[str, bytes]
    part_of: Mapping[str, str]
    columns: Mapping[str, tuple[AnswerColumn, ...]]
    form: FormStyles


_shells: list[_Shell] = []


def build_template(
    spec: Spec,
    *,
    organisation: dict[str, ContentCell] | None = None,
    lines: list[dict[str, ContentCell]] | None = None,
    last_year: Content | None = None,
) -> bytes:
    """The workbook of the year as .xlsx, the same bytes inside for the same arguments.

    Blank when nothing else is given. `organisation` is typed into the form and `lines` (cells of the Services sheet)
    into Services. With `last_year`, the keys of last year's rows are filled in where they are still possible (codes
    of this year, Staff rows of `lines`), and last year's answers stand beside this year's empty cells.
    """
    form: Row = organisation or {}
    tables = prefilled_tables(spec, lines, last_year)
    before = last_year.organisation if last_year is not None else None
    return _written(spec, form, tables, before, prefilled_for=form.get("organisation_code"))


def fill_template(spec: Spec, content: Content) -> bytes:
    """The blank workbook with `content` typed into it, as .xlsx. Cells of fields that `spec` does not ask are left out.

    Time and size grow with the number of rows, memory with the number of different texts.
    """
    tables: dict[str, list[Row]] = {}
    for row in content.rows:
        tables.setdefault(row.sheet, []).append(row.cells)
    return _written(spec, content.organisation, tables, None, prefilled_for=None)


def _written(
    spec: Spec, form: Row, tables: Mapping[str, list[Row]], before: Row | None, prefilled_for: ContentCell | None
) -> bytes:
    longest = max(map(len, tables.values()), default=0)
    capacity = next((size for size in _CAPACITIES if 2 * longest <= size), _CAPACITIES[-1])
    shell = _shell(spec, capacity, before is not None)
    strings = SharedStrings()
    rows: dict[str, tuple[int, Iterable[bytes]]] = {}
    for sheet in spec.sheets:
        if sheet.kind == "form":
            body = form_rows(spec, sheet, shell.form, form, before, strings)
            rows[shell.part_of[sheet.key]] = (len(sheet.fields) + 1, body)
        elif tables.get(sheet.key):
            body = table_rows(spec, shell.columns[sheet.key], tables[sheet.key], strings)
            rows[shell.part_of[sheet.key]] = (len(tables[sheet.key]) + 1, body)
    if prefilled_for is not None:
        write_key, write_value = (text_writer(letter, 0, strings) for letter in "AB")
        cells = write_key(4, names.PREFILLED_FOR) + write_value(4, prefilled_for)
        rows[shell.part_of[names.PROVENANCE]] = (4, [f'<row r="4">{cells}</row>'.encode()])
    return write_package(_parts(shell, rows, strings))


def _parts(shell: _Shell, rows: Mapping[str, tuple[int, Iterable[bytes]]], strings: SharedStrings) -> Iterator[Part]:
    for name, content in shell.parts.items():
        yield name, _with_rows(content, *rows[name]) if name in rows else content
    yield _STRINGS_PART, strings.part()  # last: by now every row has been written


def _with_rows(worksheet: bytes, last_row: int, rows: Iterable[bytes]) -> Iterator[bytes]:
    head, end, tail = worksheet.partition(_END)
    yield _DIMENSION.sub(lambda match: re.sub(rb'\d+"$', b'%d"' % last_row, match[0]), head, count=1)
    yield from rows
    yield end + tail


def _shell(spec: Spec, capacity: int, with_last_year: bool) -> _Shell:
    """The shell for this very spec object. The last few are kept: building one takes far longer than filling it."""
    for kept in _shells:
        if kept.spec is spec and (kept.capacity, kept.with_last_year) == (capacity, with_last_year):
            return kept
    shell = _build_shell(spec, capacity, with_last_year)
    _shells.append(shell)
    del _shells[:-_SHELLS_KEPT]
    return shell


def _build_shell(spec: Spec, capacity: int, with_last_year: bool) -> _Shell:
    workbook = Workbook()
    workbook.remove(workbook.active)
    add_instructions(workbook, spec, with_last_year)
    columns: dict[str, tuple[AnswerColumn, ...]] = {}
    for sheet in spec.sheets:
        if sheet.kind == "form":
            add_form(workbook, sheet, with_last_year)
        else:
            columns[sheet.key] = add_table(workbook, sheet, capacity, with_last_year)
    add_lists(workbook, spec)
    _add_provenance(workbook, spec)
    form = form_styles(workbook)
    _describe(workbook, spec)
    titles = {sheet.key: sheet.title for sheet in spec.sheets} | {names.PROVENANCE: names.PROVENANCE}
    part_of = {key: f"xl/worksheets/sheet{workbook.sheetnames.index(title) + 1}.xml" for key, title in titles.items()}
    buffer = io.BytesIO()
    workbook.save(buffer)
    return _Shell(spec, capacity, with_last_year, _finished(buffer.getvalue(), spec), part_of, columns, form)


def _add_provenance(workbook: Workbook, spec: Spec) -> None:
    worksheet = workbook.create_sheet(names.PROVENANCE)
    worksheet.sheet_state = "veryHidden"
    worksheet.protection.sheet = True
    worksheet.append([names.CENSUS_YEAR, str(spec.year)])
    worksheet.append([names.TEMPLATE_VERSION, str(spec.collection.template_version)])
    worksheet.append([names.SPEC_DIGEST, spec.digest])


def _describe(workbook: Workbook, spec: Spec) -> None:
    workbook.security.lockStructure = True
    workbook.calculation.fullCalcOnLoad = False
    workbook.properties.title = spec.collection.title
    workbook.properties.creator = "Workforce census"
    workbook.properties.language = "en-GB"


def _finished(saved: bytes, spec: Spec) -> dict[str, bytes]:
    """The parts as saved, dated by the census and not by the clock, with a place for the shared strings."""
    parts = read_parts(saved)
    midnight = dt.datetime.combine(spec.collection.reference_date, dt.time())
    parts["docProps/core.xml"] = date_properties(parts["docProps/core.xml"], midnight)
    # the Normal style, by whose figures every column width is measured
    normal = parts["xl/styles.xml"].replace(b'<name val="Calibri" />', b'<name val="Arial" />')
    parts["xl/styles.xml"] = normal.replace(b'<scheme val="minor" />', b"")
    types, links = "[Content_Types].xml", "xl/_rels/workbook.xml.rels"
    parts[types] = parts[types].replace(b"</Types>", _STRINGS_TYPE)
    parts[links] = parts[links].replace(b"</Relationships>", _STRINGS_LINK)
    return parts
