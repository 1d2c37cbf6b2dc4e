"""Tables in every format: nothing in them is a formula, and nothing that is not known is a zero."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from subprocess import run

import openpyxl
import polars as pl
import pytest

from census_api.services.kit.tables_out import OutputSheet, safe_text, write_sheet
from tests.patience import PATIENCE

WICKED = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠x", " =1",
    '=HYPERLINK("http://example.org")', "[words](http://example.org)",
]  # fmt: skip


def sheet(*rows: tuple[str | float | None, ...], columns: tuple[str, ...] = ("name", "value")) -> OutputSheet:
    return OutputSheet("A table", columns, rows, ["=note"], ["=cover"])


def whole(table: OutputSheet, kind: str) -> bytes:
    return b"".join(write_sheet(table, kind))  # type: ignore[arg-type]  # the kind is one of pytest's parameters


def test_a_csv_runs_nothing_and_keeps_numbers() -> None:
    table = sheet(*((text, -2.5) for text in WICKED), columns=("=name", "value"))
    rows = list(csv.reader(io.StringIO(whole(table, "csv").decode(), newline="")))
    assert rows[0] == ["'=name", "value"]
    for text, (name, value) in zip(WICKED, rows[1:], strict=True):
        assert name == (text if text.startswith("[") else f"'{text}")
        assert value == "-2.5"


def test_plain_text_and_numbers_stay_as_they_are() -> None:
    assert safe_text("St Helens - north") == "St Helens - north"
    body = whole(sheet(("a", None), ("b", 0), ("c", 3.0), ("d", -0.25), ("e", True)), "csv").decode()
    assert body.splitlines()[1:] == ["a,", "b,0", "c,3", "d,-0.25", "e,yes"]


def test_a_workbook_holds_text_and_no_formula_or_link() -> None:
    data = whole(sheet(*((text, -2.5) for text in WICKED)), "xlsx")
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["Cover", "Notes", "Table"]
    types = {cell.data_type for tab in book for row in tab.iter_rows() for cell in row if cell.value is not None}
    assert types == {"s", "n"}
    assert not any(cell.hyperlink for tab in book for row in tab.iter_rows() for cell in row if cell.value in WICKED)
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        assert not any("example.org" in package.read(name).decode() for name in package.namelist() if "rels" in name)
    values = [row[1] for row in book["Table"].iter_rows(values_only=True) if isinstance(row[1], float)]
    assert values == [-2.5] * len(WICKED)


@pytest.mark.needs("libreoffice")
@pytest.mark.slow
def test_libreoffice_reads_the_text_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "table.xlsx"
    # a line break in a cell is one in the CSV too, and two programs may write it in two ways
    texts = [text for text in WICKED if text.isprintable() and not text.startswith("[")]
    path.write_bytes(whole(sheet(*((text, 1) for text in texts)), "xlsx"))
    option = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,3"
    command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/office", "--headless", "--convert-to", option]
    run([*command, "--outdir", str(tmp_path), str(path)], check=True, capture_output=True, timeout=PATIENCE)
    (made,) = tmp_path.glob("*.csv")
    rows = [row for row in csv.reader(io.StringIO(made.read_text("utf-8"))) if len(row) > 1 and row[1] == "1"]
    assert [row[0] for row in rows] == texts


def test_parquet_keeps_types_and_what_is_not_known() -> None:
    frame = pl.read_parquet(whole(sheet(("a", None), ("b", 0.5), ("c", 2)), "parquet"))
    assert frame.schema == {"name": pl.String, "value": pl.Float64}
    assert frame.rows() == [("a", None), ("b", 0.5), ("c", 2.0)]
    empty = pl.read_parquet(whole(sheet(), "parquet"))
    assert empty.columns == ["name", "value"]


def test_json_is_one_document_however_it_is_cut() -> None:
    rows = [(f"row {number}" * 20, float(number)) for number in range(2_000)]
    pieces = list(write_sheet(sheet(*rows), "json"))
    assert len(pieces) > 2
    found = json.loads(b"".join(pieces))
    assert found["notes"] == ["=note"]
    assert found["rows"][1999] == {"name": rows[1999][0], "value": 1999.0}


def test_rows_are_written_as_they_come() -> None:
    made = []

    def rows() -> object:
        for number in range(100_000):
            made.append(number)
            yield ("x" * 50, number)

    pieces = write_sheet(OutputSheet("A table", ("name", "value"), rows()), "csv")  # type: ignore[arg-type]  # a generator, to see that rows are taken one by one
    next(pieces)
    assert len(made) < 5_000
