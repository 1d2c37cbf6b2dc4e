"""`census check`: the whole judgement of one file, without a database."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from census_api.cli.kit.offline import READERS, annotate_file, judge_file
from census_api.domain.kit.errors import InvalidRequest, Refused
from census_api.questionnaire.load import load_library

if TYPE_CHECKING:
    from census_api.domain.collecting.content import Content
    from census_api.domain.collecting.findings import Report
    from census_api.intake.sandbox import Sandbox
    from census_api.questionnaire.model import SpecSheet


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What is asked for on the command line."""

    file: Path
    year: int | None = None
    last_year: Path | None = None
    annotated: Path | None = None
    sheet: str | None = None


def run_check(request: CheckRequest, *, as_json: bool) -> int:
    """Prints the report. 0 when clean, 1 with findings to correct or explain. Raises CensusError otherwise."""
    from census_api.intake.sandbox import Sandbox

    _refuse_misuse(request)
    with Sandbox(workers=1, preload=READERS) as sandbox:
        report = _judged(sandbox, request, _read(request.file))
    if as_json:
        json.dump(report.as_json(), sys.stdout, ensure_ascii=True, indent=2)
        sys.stdout.write("\n")
    else:
        from census_api.cli.kit.report_table import print_report

        print_report(report, load_library().spec(report.collection), request.file.name)
    return 0 if report.outcome == "clean" else 1


def _judged(sandbox: Sandbox, request: CheckRequest, data: bytes) -> Report:
    sheet = _csv_sheet(request)
    if sheet is not None:
        data = _of_csv(data, sheet)
    before = _last_year(sandbox, request)
    report, _, kind = sandbox.run(judge_file, data, request.year, before, False)
    if before is not None and before.census_year != report.collection - 1:
        raise InvalidRequest(
            f"The file of --last-year is of the census of {before.census_year}, but the return is of {report.collection}. "
            f"Give the return of {report.collection - 1}."
        )
    if sheet is not None:
        from census_api.cli.kit.csv_sheet import of_one_sheet

        report = of_one_sheet(report, sheet, load_library().spec(report.collection))
    if request.annotated is not None:
        _write_annotated(sandbox, request.annotated, data, kind, report)
    return report


def _write_annotated(sandbox: Sandbox, target: Path, data: bytes, kind: str, report: Report) -> None:
    from census_api.cli.kit.printing import say

    body = sandbox.run(annotate_file, data, kind, report, load_library().spec(report.collection))
    target.write_bytes(body)
    say(f"The workbook with the findings in it is {target}")


def _csv_sheet(request: CheckRequest) -> SpecSheet | None:
    if request.file.suffix.lower() != ".csv":
        return None
    if request.year is None:
        raise InvalidRequest("A .csv file does not say which census it is for. Add --year, for example --year 2025.")
    from census_api.cli.kit.csv_sheet import sheet_of

    return sheet_of(load_library().spec(request.year), request.file, request.sheet)


def _of_csv(data: bytes, sheet: SpecSheet) -> bytes:
    from census_api.cli.kit.csv_sheet import as_workbook
    from census_api.intake.preflight.refusals import make_refusal

    if not data:
        raise make_refusal("empty_file")
    return as_workbook(data, sheet)


def _last_year(sandbox: Sandbox, request: CheckRequest) -> Content | None:
    if request.last_year is None:
        return None
    data = _read(request.last_year)
    try:
        return sandbox.run(judge_file, data, None, None, True)[1]
    except InvalidRequest:
        if request.year is None:
            raise
        # it does not say its year, so it is what it was said to be
        return sandbox.run(judge_file, data, request.year - 1, None, True)[1]
    except Refused as problem:
        raise Refused(problem.reason, f"The file of --last-year cannot be used. {problem.message}") from None


def _refuse_misuse(request: CheckRequest) -> None:
    if request.year is not None:
        load_library().spec(request.year)
    if request.sheet is not None and request.file.suffix.lower() != ".csv":
        raise InvalidRequest(
            "--sheet is for .csv files, which hold one sheet. This file says itself what its sheets are."
        )
    target = request.annotated
    if target is None:
        return
    if target.suffix.lower() != ".xlsx":
        raise InvalidRequest("The workbook with the findings is an .xlsx file. Give --annotated a name that ends so.")
    if not target.resolve().parent.is_dir():
        raise InvalidRequest("The folder of --annotated does not exist. Make it first, or choose another.")
    for source in (request.file, request.last_year):
        if source is not None and target.exists() and source.exists() and target.samefile(source):
            raise InvalidRequest("--annotated would write over the return itself. Choose another name for it.")


def _read(file: Path) -> bytes:
    from census_api.intake.preflight.container import MAX_BYTES
    from census_api.intake.preflight.refusals import make_refusal

    if not file.exists():
        raise InvalidRequest(f"There is no file {file}. Check its name and folder.")
    if file.is_dir():
        raise InvalidRequest(f"{file} is a folder. Give the file of one return.")
    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise make_refusal("too_large")
    return data
