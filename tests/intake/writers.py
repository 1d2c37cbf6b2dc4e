"""The same small table written by every program that an employer may use."""

from __future__ import annotations

import io
import subprocess
import tempfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import odf.opendocument
import odf.table
import odf.text
import openpyxl
import pandas
import xlsxwriter

from tests.patience import PATIENCE

Table = list[list[object]]


def by_openpyxl(table: Table) -> bytes:
    """openpyxl, as most scripts use it."""
    book = openpyxl.Workbook()
    for values in table:
        book.active.append(values)
    return _saved(book.save)


def by_openpyxl_streaming(table: Table) -> bytes:
    """openpyxl in write-only mode."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Staff")
    for values in table:
        sheet.append(values)
    return _saved(book.save)


def by_xlsxwriter(table: Table, **options: object) -> bytes:
    """XlsxWriter with shared strings, or in constant memory with strings in line."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, **options}) as book:
        sheet = book.add_worksheet("Staff")
        styles = {
            date: book.add_format({"num_format": "dd/mm/yyyy"}),
            datetime: book.add_format({"num_format": "dd/mm/yy hh:mm"}),
        }
        for number, values in enumerate(table):
            for column, value in enumerate(values):
                if isinstance(value, date):
                    sheet.write_datetime(number, column, value, styles[type(value)])
                else:
                    sheet.write(number, column, value)
    return out.getvalue()


def by_pandas(table: Table, engine: str) -> bytes:
    """A pandas frame written by one of its engines."""
    frame = pandas.DataFrame(table[1:], columns=table[0], dtype=object)
    return _saved(lambda out: frame.to_excel(out, index=False, engine=engine))


def by_odfpy(table: Table) -> bytes:
    """odfpy, cell by cell."""
    document = odf.opendocument.OpenDocumentSpreadsheet()
    sheet = odf.table.Table(name="Staff")
    for values in table:
        line = odf.table.TableRow()
        for value in values:
            line.addElement(_odf_cell(value))
        sheet.addElement(line)
    document.spreadsheet.addElement(sheet)
    return _saved(document.save)


def by_libreoffice(table: Table, suffix: str) -> bytes:
    """An openpyxl workbook saved again by LibreOffice, as xlsx or ods."""
    with tempfile.TemporaryDirectory() as folder:
        home, source = Path(folder), Path(folder, "in.xlsx")
        source.write_bytes(by_openpyxl(table))
        command = [
            "soffice",
            f"-env:UserInstallation={(home / 'profile').as_uri()}",
            "--headless",
            "--convert-to",
            suffix,
        ]
        subprocess.run([*command, "--outdir", home / "out", source], check=True, timeout=PATIENCE, capture_output=True)
        return (home / "out" / f"in.{suffix}").read_bytes()


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    out = io.BytesIO()
    save(out)
    return out.getvalue()


def _odf_cell(value: object) -> odf.table.TableCell:
    if value is None:
        return odf.table.TableCell()
    if isinstance(value, bool):
        return odf.table.TableCell(valuetype="boolean", booleanvalue=str(value).lower())
    if isinstance(value, date):
        return odf.table.TableCell(valuetype="date", datevalue=value.isoformat())
    if isinstance(value, int | float):
        return odf.table.TableCell(valuetype="float", value=value)
    made = odf.table.TableCell(valuetype="string")
    made.addElement(odf.text.P(text=value))
    return made


WRITERS: dict[str, Callable[[Table], bytes]] = {
    "openpyxl": by_openpyxl,
    "openpyxl streaming": by_openpyxl_streaming,
    "xlsxwriter": by_xlsxwriter,
    "xlsxwriter in constant memory": lambda table: by_xlsxwriter(table, constant_memory=True),
    "pandas with openpyxl": lambda table: by_pandas(table, "openpyxl"),
    "pandas with xlsxwriter": lambda table: by_pandas(table, "xlsxwriter"),
    "pandas with odfpy": lambda table: by_pandas(table, "odf"),
    "odfpy": by_odfpy,
}
