"""LibreOffice opens the workbooks, prints them, saves them without change, and reckons the number checks as meant."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import fastexcel
import pytest
from openpyxl import Workbook, load_workbook

from census_api.intake.judging.judge import Context, judge_return
from census_api.questionnaire.load import load_spec
from census_api.questionnaire.templates.cell_checks import answer_check
from census_api.questionnaire.templates.workbook import build_template, fill_template
from tests.factories.whole_returns import ORGANISATION, whole_return
from tests.patience import PATIENCE
from tests.questionnaire.templates.test_workbook_filled import strings

pytestmark = pytest.mark.needs("libreoffice")
SPEC = load_spec(2024)


@pytest.fixture(scope="module")
def workbooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one workbook of each kind."""
    folder = tmp_path_factory.mktemp("workbooks")
    kinds = {
        "blank": build_template(SPEC),
        "prefilled": build_template(SPEC, organisation=ORGANISATION, last_year=whole_return(load_spec(2023))),
        "filled": fill_template(SPEC, whole_return(SPEC)),
    }
    for name, data in kinds.items():
        (folder / f"{name}.xlsx").write_bytes(data)
    return folder


def converted(folder: Path, kind: str, names: list[str]) -> dict[str, bytes]:
    """The workbooks as LibreOffice saves them; its own profile, so that tests can run side by side."""
    program = shutil.which("soffice") or shutil.which("libreoffice")
    assert program
    target = folder / kind
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    files = [str(folder / f"{name}.xlsx") for name in names]
    command = [program, profile, "--headless", "--convert-to", kind, "--outdir", str(target), *files]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    return {name: (target / f"{name}.{kind}").read_bytes() for name in names}


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_saved_by_libreoffice_they_hold_the_same(workbooks: Path, kind: str) -> None:
    for name, data in converted(workbooks, kind, ["blank", "prefilled", "filled"]).items():
        original = (workbooks / f"{name}.xlsx").read_bytes()
        assert strings(data) == strings(original), name
        assert (
            judge_return(data, None, Context()).content.sha256()
            == judge_return(original, None, Context()).content.sha256()
        )


def test_libreoffice_keeps_drop_downs_and_checks(workbooks: Path) -> None:
    saved = load_workbook(io.BytesIO(converted(workbooks, "xlsx", ["blank"])["blank"]))
    for sheet in SPEC.sheets:
        checks = saved[sheet.title].data_validations.dataValidation
        assert sum(len(check.sqref.ranges) for check in checks) == len(sheet.fields)
        assert saved[sheet.title].protection.sheet
    assert "list_roles" in saved.defined_names


def test_they_can_be_printed(workbooks: Path) -> None:
    pages = {name: data.count(b"/Type/Page/") + data.count(b"/Type/Page\n") for name, data in converted(
        workbooks, "pdf", ["blank", "filled"]
    ).items()}  # fmt: skip
    assert pages["blank"] <= 14, "no empty pages below or beside the questions"
    assert len(SPEC.sheets) < pages["blank"] <= pages["filled"] <= 25


def test_number_checks_take_what_the_field_takes(tmp_path: Path) -> None:
    tried: list[object] = [0, 7, 1.5, 0.25, 0.333, -1, 20_000, 20_001, "NK", "REFUSED", "NA", "about 5"]
    whole = {0, 7, 20_000}
    accepted = {
        "paid_wte": whole | {1.5, 0.25},
        "unpaid_headcount": whole | {"NK"},
        "starters": whole | {"NK", "REFUSED"},
        "establishment_wte": whole | {1.5, 0.25, "NK", "NA"},
    }
    workbook = Workbook()
    worksheet = workbook.active
    assert worksheet is not None
    for row, value in enumerate(tried, start=1):
        worksheet.cell(row, 1, value)
        for column, key in enumerate(accepted, start=2):
            check = answer_check(SPEC.sheet["staff"].by_key[key], f"A{row}")
            assert check.type == "custom"
            worksheet.cell(row, column, f"=IF({check.formula1},1,0)")
    workbook.save(tmp_path / "checks.xlsx")
    data = converted(tmp_path, "ods", ["checks"])["checks"]
    reckoned = fastexcel.read_excel(data).load_sheet(0, header_row=None, dtypes="string").to_polars().rows()
    for column, (key, values) in enumerate(accepted.items(), start=1):
        assert {value for value, row in zip(tried, reckoned, strict=True) if row[column] == "1"} == values, key
