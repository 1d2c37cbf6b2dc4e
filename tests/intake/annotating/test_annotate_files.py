"""Annotated answers to uploads that are no .xlsx, files that other programs saved, and LibreOffice's opinion."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from census_api.domain.collecting.content import Content, ContentCell, ContentRow
from census_api.domain.collecting.findings import Finding, Report
from census_api.intake.annotating.annotate import annotate_workbook
from census_api.intake.annotating.marks import FILLS
from census_api.intake.annotating.rebuilding import from_raw
from census_api.intake.judging.judge import Context, judge_return
from census_api.intake.reading.reader import read_workbook
from census_api.questionnaire.load import load_spec
from census_api.questionnaire.templates.names import FINDINGS_SHEET
from census_api.questionnaire.templates.workbook import fill_template
from tests.patience import PATIENCE

SPEC = load_spec(2024)
LINE: dict[str, ContentCell] = {"local_authority_code": "E06000001", "service_type": "adult_community"}
ORGANISATION: dict[str, ContentCell] = {
    "organisation_code": "DEMO-ERRORS",
    "name": "=Trust",
    "sector": "nhs",
    "nil_return": "no",
}
LIBREOFFICE = pytest.mark.needs("libreoffice")


def content() -> Content:
    staff: dict[str, ContentCell] = {
        **LINE,
        "role_code": "DAW",
        "paid_headcount": 4,
        "paid_wte": "12,5",
        "leavers": "NK",
    }
    rows = [
        ContentRow("services", 0, "", {**LINE, "data_available": "full", "note": "@home"}),
        ContentRow("staff", 0, "", dict(staff)),
        ContentRow("staff", 1, "", {**staff, "role_code": "DAW_SNR", "paid_wte": "3.25", "starters": 0}),
        ContentRow("age", 0, "", {"role_group": "drug_alcohol_workers", "U20": 0, "NK": 8}),
    ]
    return Content(2024, dict(ORGANISATION), rows)


def finding(cell: str | None, pointer: str, sheet: str = "Staff") -> Finding:
    return Finding("k", "CEL-001", "error", sheet, cell, pointer, "paid_wte", "12,5", "No number.", "12.5", "Type it.")


def report(*findings: Finding) -> Report:
    return Report(2024, "DEMO-ERRORS", None, {"Staff": 2}, {"CEL-001": "ran"}, "0" * 64, SPEC.digest, list(findings))


def converted(data: bytes, suffix: str, to: str, folder: Path) -> bytes:
    """The file as LibreOffice saves it. A profile of its own, so that tests may run beside each other."""
    source = folder / f"return.{suffix}"
    source.write_bytes(data)
    program = shutil.which("soffice") or "libreoffice"
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    out = folder / "out"
    command = [program, profile, "--headless", "--convert-to", to, "--outdir", str(out), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    return (out / f"return.{to.partition(':')[0]}").read_bytes()


def strings(data: bytes) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of the sheets that hold answers, as the intake reads them, without trailing blanks."""
    titles = {sheet.title for sheet in SPEC.sheets}
    read = [sheet for sheet in read_workbook(data).sheets if sheet.name in titles]
    return {sheet.name: [_without_tail(row) for row in sheet.frame.iter_rows()] for sheet in read}


def _without_tail(row: tuple[Any, ...]) -> tuple[Any, ...]:
    while row and row[-1] is None:
        row = row[:-1]
    return row


def test_a_json_return_comes_back_as_the_workbook_with_marks_at_its_pointers() -> None:
    tree = {**content().as_json(), "census_year": 2024}
    tree["staff"][1]["shoe/size"] = 44
    findings = [
        finding(None, "/staff/0/paid_wte"), finding(None, "/staff/1/shoe~1size"), finding(None, "/staff/1"),
        finding(None, "/organisation/name", "Organisation"), finding(None, "/staff"), finding(None, "/nowhere/3/x"),
    ]  # fmt: skip
    book = load_workbook(io.BytesIO(annotate_workbook(json.dumps(tree).encode(), "json", report(*findings), SPEC)))
    staff = book["Staff"]
    filled_cells = {cell.coordinate for row in staff.iter_rows() for cell in row if cell.comment}
    assert filled_cells == {"E2", "O3", "A3"}
    assert (staff["E2"].value, staff["E3"].value, staff["O1"].value, staff["O3"].value) == (
        "12,5",
        3.25,
        "shoe/size",
        44,
    )
    assert staff["E2"].fill.fgColor.rgb == FILLS["error"]
    assert staff["A2"].value == "E06000001 - Hartlepool"
    assert (book["Organisation"]["B3"].value, book["Organisation"]["B3"].data_type) == ("=Trust", "s")
    assert book["Organisation"]["B3"].comment is not None
    assert "answers copied into the workbook of the year" in str(book[FINDINGS_SHEET]["A5"].value)


def test_a_json_return_and_its_annotated_workbook_have_the_same_content() -> None:
    data = json.dumps(content().as_json()).encode()
    judged = judge_return(data, 2024, Context())
    again = judge_return(annotate_workbook(data, "json", judged.report, SPEC), None, Context())
    assert again.report.content_sha256 == judged.report.content_sha256
    assert [f.rule for f in again.report.findings if f.sheet == FINDINGS_SHEET] == []


def test_odd_json_values_are_shown_and_none_is_a_formula() -> None:
    tree = {
        "organisation": {"name": "=1+1", "sector": True, "extra": ["x"]},
        "staff": [{"paid_headcount": 12345678901234567890, "paid_wte": 1e400, "leavers": {"a": 1}}, {}],
        "pay": None,
    }
    text = json.dumps(tree).replace("Infinity", "1e400").encode()
    book = load_workbook(io.BytesIO(annotate_workbook(text, "json", report(), SPEC)))
    assert (book["Staff"]["D2"].value, book["Staff"]["E2"].value) == ("12345678901234567890", "1e400")
    assert (book["Organisation"]["B3"].data_type, book["Organisation"]["B4"].value) == ("s", "true")


def test_a_sheet_as_csv_comes_back_in_the_workbook() -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["Role", "Paid WTE", "Paid headcount"], ["DAW", "12,5", "4"], ["=1+1", "2.5", ""]])
    data = annotate_workbook(
        out.getvalue().encode("utf-8-sig"), "csv", report(finding("B2", "/staff/0/paid_wte")), SPEC
    )
    staff = load_workbook(io.BytesIO(data))["Staff"]
    assert [[cell.value for cell in row[:3]] for row in staff["A1:C3"]] == [
        ["Role", "Paid WTE", "Paid headcount"], ["DAW", "12,5", 4], ["=1+1", 2.5, None],
    ]  # fmt: skip
    assert staff["B2"].comment is not None
    assert staff["A3"].data_type == "s"
    assert not staff.data_validations.dataValidation, "the template's checks would stand on the wrong columns"


def test_a_file_that_only_the_reader_understands_is_copied() -> None:
    data = fill_template(SPEC, content())
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as package, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as damaged:
        for name in package.namelist():
            part = package.read(name)
            damaged.writestr(name, part.replace(b'patternType="solid"', b'patternType="glitter"'))
    result = annotate_workbook(out.getvalue(), "xlsx", report(finding("E2", "/staff/0/paid_wte")), SPEC)
    assert strings(result) == strings(data)
    assert load_workbook(io.BytesIO(result))["Staff"]["E2"].comment is not None


def test_an_annotated_workbook_is_judged_as_the_original_was() -> None:
    data = fill_template(SPEC, content())
    first = judge_return(data, None, Context()).report
    assert first.counts["error"] > 3
    again = judge_return(annotate_workbook(data, "xlsx", first, SPEC), None, Context()).report
    assert again.content_sha256 == first.content_sha256
    assert again.findings == first.findings


@pytest.mark.parametrize("kind", ["merged", "linked"])
def test_an_area_over_the_whole_sheet_does_not_fill_the_memory(kind: str) -> None:
    data = fill_template(SPEC, content())
    area = {
        "merged": b'</sheetData><mergeCells count="1"><mergeCell ref="P1:XFD1048576"/></mergeCells>',
        "linked": b'</sheetData><hyperlinks><hyperlink ref="P1:XFD1048576" location="A1"/></hyperlinks>',
    }
    book, out = load_workbook(io.BytesIO(data)), io.BytesIO()
    part = f"xl/worksheets/sheet{book.sheetnames.index('Staff') + 1}.xml"
    with zipfile.ZipFile(io.BytesIO(data)) as package, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as hostile:
        for name in package.namelist():
            content_of = package.read(name)
            hostile.writestr(name, content_of.replace(b"</sheetData>", area[kind]) if name == part else content_of)
    result = annotate_workbook(out.getvalue(), "xlsx", report(finding("E2", "")), SPEC)
    assert strings(result) == strings(data)
    assert load_workbook(io.BytesIO(result))["Staff"]["E2"].comment is not None


def test_every_sheet_of_an_upload_is_copied_once() -> None:
    raw = read_workbook(fill_template(SPEC, content()))
    staff = next(sheet for sheet in raw.sheets if sheet.name == "Staff")
    raw.sheets += [replace(staff, name="STAFF"), replace(staff, name="Rota [May]")]
    book = from_raw(raw, SPEC)
    cells = {name: book[name]["E2"].value for name in book.sheetnames if book[name]["A1"].value == "Local authority"}
    assert cells == {"Services": "@home", "Staff": "12,5", "STAFF1": "12,5", "Rota _May_": "12,5"}


@LIBREOFFICE
def test_an_ods_comes_back_as_xlsx_with_the_same_answers(tmp_path: Path) -> None:
    ods = converted(fill_template(SPEC, content()), "xlsx", "ods", tmp_path)
    result = annotate_workbook(ods, "ods", report(finding("E2", "/staff/0/paid_wte")), SPEC)
    assert strings(result) == strings(ods)
    book = load_workbook(io.BytesIO(result))
    assert book["Staff"]["E2"].comment is not None
    assert book["Staff"]["E3"].value == 3.25
    assert book["Staff"].data_validations.dataValidation, "a sheet that fits the template keeps its checks"


@LIBREOFFICE
def test_marks_go_from_a_file_that_libreoffice_saved_in_between(tmp_path: Path) -> None:
    once = annotate_workbook(fill_template(SPEC, content()), "xlsx", report(finding("E2", ""), finding("K2", "")), SPEC)
    saved = converted(once, "xlsx", "xlsx", tmp_path)
    book = load_workbook(io.BytesIO(annotate_workbook(saved, "xlsx", report(), SPEC)))
    assert [name for name in book.sheetnames if name.startswith(FINDINGS_SHEET)] == [FINDINGS_SHEET]
    for cell in ("E2", "K2"):
        assert book["Staff"][cell].comment is None
        assert book["Staff"][cell].fill.fill_type is None
        assert not book["Staff"][cell].protection.locked


@LIBREOFFICE
@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1-1", "@SUM(A1)", "＝1+1"])
def test_libreoffice_reads_dangerous_text_as_text(text: str, tmp_path: Path) -> None:
    hostile = Finding("k", "CEL-001", "error", "Staff", "E2", None, "paid_wte", text, text, text, text)
    utf8 = "csv:Text - txt - csv (StarCalc):44,34,76"
    shown = converted(
        annotate_workbook(fill_template(SPEC, content()), "xlsx", report(hostile), SPEC), "xlsx", utf8, tmp_path
    )
    rows = list(csv.reader(io.StringIO(shown.decode())))
    assert next(row for row in rows if row[0] == "Error" and row[1] == "Staff")[4:8] == [text] * 4
