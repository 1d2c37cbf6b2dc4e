"""`census check`: exit codes, the table, the JSON, the annotated workbook, last year, and one sheet as .csv."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from census_api.cli.run import run_command
from census_api.demo.population import make_population
from census_api.domain.collecting.content import Content
from census_api.questionnaire.load import load_spec
from census_api.questionnaire.templates.workbook import fill_template

pytestmark = pytest.mark.usefixtures("kept_sandbox")

Captured = pytest.CaptureFixture[str]


def answers(code: str, year: int = 2025) -> Content:
    return make_population().content(year, code)


def write(folder: Path, content: Content, name: str = "return.xlsx") -> str:
    file = folder / name
    if file.suffix == ".xlsx":
        file.write_bytes(fill_template(load_spec(content.census_year), content))
    else:
        file.write_text(json.dumps(content.as_json()), "utf-8")
    return str(file)


def checked(capsys: Captured, *arguments: str, code: int = 1) -> dict[str, Any]:
    capsys.readouterr()
    assert run_command(["check", *arguments, "--format", "json"]) == code
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


@pytest.mark.parametrize(("organisation", "code"), [("DEMO-CLEAN", 0), ("DEMO-QUERIES", 1), ("DEMO-ERRORS", 1)])
@pytest.mark.parametrize("name", ["return.xlsx", "return.json"])
def test_the_exit_code_says_whether_there_is_something_to_do(
    tmp_path: Path, capsys: Captured, organisation: str, code: int, name: str
) -> None:
    file = write(tmp_path, answers(organisation), name)
    report = checked(capsys, file, code=code)
    outcome = {"DEMO-CLEAN": "clean", "DEMO-QUERIES": "queries", "DEMO-ERRORS": "errors"}[organisation]
    assert (report["organisation"], report["collection"], report["outcome"]) == (organisation, 2025, outcome)


def test_workbook_and_json_of_one_return_have_the_same_report_but_for_the_places(
    tmp_path: Path, capsys: Captured
) -> None:
    content = answers("DEMO-ERRORS")
    by_file = checked(capsys, write(tmp_path, content))
    by_json = checked(capsys, write(tmp_path, content, "return.json"))
    assert by_file["content_sha256"] == by_json["content_sha256"]
    assert sorted(row["key"] for row in by_file["findings"]) == sorted(row["key"] for row in by_json["findings"])


def test_the_table_is_readable_in_80_columns_and_without_colour(tmp_path: Path, capsys: Captured) -> None:
    assert run_command(["check", write(tmp_path, answers("DEMO-ERRORS"))]) == 1
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert text.startswith("return.xlsx: ")
    assert re.search(r"^Found: \d+ errors, \d+ queries and \d+ notes?\.$", text, re.MULTILINE)
    assert re.search(r"^ERRORS \(\d+\)$", text, re.MULTILINE)
    assert "not a number" in text
    assert "To do: " in text


def test_every_finding_is_in_the_table_by_its_place_or_its_count(tmp_path: Path, capsys: Captured) -> None:
    file = write(tmp_path, answers("DEMO-ERRORS"))
    report = checked(capsys, file)
    assert run_command(["check", file]) == 1
    text = " ".join(capsys.readouterr().out.split())
    for group in report["groups"]:
        assert group["rule"] in text
        if group["count"] > 1:
            assert f"({group['count']:,} times)" in text


def test_the_table_says_which_rules_were_not_checked_and_why(tmp_path: Path, capsys: Captured) -> None:
    assert run_command(["check", write(tmp_path, answers("DEMO-CLEAN"))]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "There is nothing to correct or explain." in text
    assert re.search(r"\d+ rules against last year's return \(give it with --last-year\)", text)
    assert re.search(r"\d+ rules against the register of organisations", text)
    assert re.search(r"\d+ rules against the services expected this year", text)


def test_text_of_the_file_cannot_act_on_the_terminal(tmp_path: Path, capsys: Captured) -> None:
    content = answers("DEMO-CLEAN")
    content.organisation["sector"] = "\x1b[31mvoluntary\x9b"
    tree = content.as_json()
    (tmp_path / "r.json").write_text(json.dumps(tree), "utf-8")
    assert run_command(["check", str(tmp_path / "r.json")]) == 1
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "\x9b" not in text


def test_the_annotated_workbook_is_written_beside_the_report(tmp_path: Path, capsys: Captured) -> None:
    file = write(tmp_path, answers("DEMO-ERRORS"))
    target = tmp_path / "checked.xlsx"
    report = checked(capsys, file, "--annotated", str(target))
    book = openpyxl.load_workbook(target)
    finding = next(row for row in report["findings"] if row["sheet"] == "Staff" and row["cell"])
    assert finding["rule"] in book["Staff"][finding["cell"]].comment.text
    from_json = tmp_path / "from_json.xlsx"
    checked(capsys, write(tmp_path, answers("DEMO-ERRORS"), "r.json"), "--annotated", str(from_json))
    assert "Findings" in openpyxl.load_workbook(from_json).sheetnames


def test_the_annotated_workbook_never_replaces_the_return(tmp_path: Path, capsys: Captured) -> None:
    file = write(tmp_path, answers("DEMO-CLEAN"))
    before = Path(file).read_bytes()
    for target in (file, str(tmp_path / "out.txt"), str(tmp_path / "no" / "out.xlsx")):
        assert run_command(["check", file, "--annotated", target]) == 2
    assert Path(file).read_bytes() == before


def test_last_year_is_compared_when_it_is_given(tmp_path: Path, capsys: Captured) -> None:
    now, before = write(tmp_path, answers("DEMO-CLEAN")), write(tmp_path, answers("DEMO-CLEAN", 2024), "before.xlsx")
    alone = checked(capsys, now, code=0)
    both = checked(capsys, now, "--last-year", before, code=0)
    assert any(code.startswith("LYR") for code in alone["rules_not_applicable"])
    assert not any(code.startswith("LYR") for code in both["rules_not_applicable"])
    assert run_command(["check", now, "--last-year", now]) == 2
    assert "Give the return of 2024." in capsys.readouterr().err


def test_a_file_of_last_year_without_a_year_is_taken_at_its_word(tmp_path: Path, capsys: Captured) -> None:
    tree = answers("DEMO-CLEAN", 2024).as_json()
    del tree["census_year"]
    (tmp_path / "before.json").write_text(json.dumps(tree), "utf-8")
    now = write(tmp_path, answers("DEMO-CLEAN"))
    assert run_command(["check", now, "--last-year", str(tmp_path / "before.json")]) == 2
    assert "--year" in capsys.readouterr().err
    checked(capsys, now, "--year", "2025", "--last-year", str(tmp_path / "before.json"), code=0)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.xlsx", b""),
        ("text.xlsx", b"these are not the cells that you are looking for"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
        ("broken.json", b'{"a": '),
        ("cut.xlsx", b"PK\x03\x04" + b"\0" * 100),
        ("large.xlsx", b"\0" * 20_000_001),
    ],
)
def test_what_cannot_be_read_ends_with_2_and_a_sentence(
    tmp_path: Path, capsys: Captured, name: str, data: bytes
) -> None:
    (tmp_path / name).write_bytes(data)
    assert run_command(["check", str(tmp_path / name)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"census: .+\.\n", captured.err)
    assert "looking for" not in captured.err


def staff_csv(content: Content) -> list[list[str]]:
    fields = load_spec(content.census_year).sheet["staff"].fields
    rows = [[str(cells.get(field.key, "")) for field in fields] for cells in content.table("staff")]
    return [[field.label for field in fields], *rows]


def write_csv(file: Path, rows: list[list[str]], **layout: str) -> str:
    out = io.StringIO()
    csv.writer(out, **layout).writerows(rows)  # type: ignore[arg-type]  # the layout is one of pytest's parameters
    file.write_text(out.getvalue(), "utf-8-sig")
    return str(file)


def test_one_sheet_as_csv_has_the_findings_of_that_sheet_alone(tmp_path: Path, capsys: Captured) -> None:
    spec = load_spec(2025)
    rows = staff_csv(answers("DEMO-ERRORS"))
    report = checked(capsys, write_csv(tmp_path / "Staff.csv", rows), "--year", "2025")
    whole = checked(capsys, write(tmp_path, answers("DEMO-ERRORS")))
    own = {rule.code for rule in spec.rules if rule.on in ("marks", "staff")} - {"STF-033", "STF-034"}
    wanted = [row for row in whole["findings"] if row["sheet"] == "Staff" and row["rule"] in own]
    shown = ("rule", "cell", "value", "message")
    assert [[row[name] for name in shown] for row in report["findings"]] == [
        [row[name] for name in shown] for row in wanted
    ]
    assert len(wanted) > 5
    assert report["rows_read"] == {"Staff": len(rows) - 1}
    assert run_command(["check", str(tmp_path / "Staff.csv"), "--year", "2025"]) == 1
    assert "that need the other sheets of the return" in " ".join(capsys.readouterr().out.split())


def test_a_clean_sheet_is_clean_under_any_name(tmp_path: Path, capsys: Captured) -> None:
    file = write_csv(tmp_path / "export.csv", staff_csv(answers("DEMO-CLEAN")))
    checked(capsys, file, "--year", "2025", "--sheet", "staff", code=0)


def test_csv_formulas_stay_text_in_the_annotated_copy(tmp_path: Path, capsys: Captured) -> None:
    rows = staff_csv(answers("DEMO-CLEAN"))
    rows[1][4] = "=1+1"
    target = tmp_path / "out.xlsx"
    checked(capsys, write_csv(tmp_path / "Staff.csv", rows), "--year", "2025", "--annotated", str(target))
    cell = openpyxl.load_workbook(target)["Staff"]["E2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_csv_that_cannot_be_used_is_refused_with_what_to_do(tmp_path: Path, capsys: Captured) -> None:
    rows = staff_csv(answers("DEMO-CLEAN"))
    good = write_csv(tmp_path / "Staff.csv", rows)
    other = write_csv(tmp_path / "mine.csv", rows)
    semicolons = write_csv(tmp_path / "Pay.csv", rows, delimiter=";")
    (tmp_path / "Age.csv").write_bytes(b"\xff\xfe" + "Role".encode("utf-16-le"))
    (tmp_path / "Hours.csv").write_bytes(b'a,"b\n')
    (tmp_path / "Gender.csv").write_bytes(b"a,\x01b\n")
    (tmp_path / "Contract.csv").write_bytes(b"")
    for file, arguments, words in (
        (good, [], "Add --year"),
        (other, ["--year", "2025"], "--sheet"),
        (semicolons, ["--year", "2025"], "not separated by commas"),
        (str(tmp_path / "Age.csv"), ["--year", "2025"], "UTF-8"),
        (str(tmp_path / "Hours.csv"), ["--year", "2025"], "quotation marks"),
        (str(tmp_path / "Gender.csv"), ["--year", "2025"], "no text"),
        (str(tmp_path / "Contract.csv"), ["--year", "2025"], "empty"),
        (write(tmp_path, answers("DEMO-CLEAN")), ["--sheet", "Staff"], "--sheet is for .csv files"),
    ):
        assert run_command(["check", file, *arguments]) == 2
        assert words in capsys.readouterr().err
