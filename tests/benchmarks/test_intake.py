"""What a file costs from bytes to findings, beside the bare reading of the same file in the same run.

CPU time of one thread pool of one thread; the smallest of many runs, since the machine may be busy. Nothing here fails
for being slow: the figures are printed, and docs/benchmarks.md keeps those of a quiet run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable

import fastexcel
import pytest

from census_api.domain.collecting.content import content_from_json
from census_api.intake.judging.judge import Context, judge_return
from census_api.questionnaire.load import load_spec
from census_api.questionnaire.templates.workbook import fill_template
from tests.benchmarks.returns import return_of

SPEC = load_spec(2024)
KEYS = {sheet.key: sheet.business_key for sheet in SPEC.sheets}


def cpu_ms(work: Callable[[], object], runs: int) -> float:
    """Smallest CPU time of `runs` calls, in ms, after three that warm up."""
    for _ in range(3):
        work()
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times) * 1000


def bare(data: bytes) -> None:
    """The typed reading of the answer sheets by the reading library alone."""
    book = fastexcel.read_excel(data)
    for sheet in SPEC.sheets:
        book.load_sheet(sheet.title).to_polars()


@pytest.mark.parametrize(("staff_rows", "roles", "runs"), [(225, 25, 60), (5_000, 60, 10), (50_000, 69, 4)])
def test_file_to_findings(staff_rows: int, roles: int, runs: int, capsys: pytest.CaptureFixture[str]) -> None:
    tree = return_of(SPEC, staff_rows, roles_a_line=roles)
    data = fill_template(SPEC, content_from_json(tree, KEYS))
    report = judge_return(data, 2024, Context(), keep_content=False).report
    assert report.rows_read["Staff"] == len(tree["staff"])
    assert report.counts["error"] == len([f for f in report.findings if f.severity == "error"])
    whole = cpu_ms(lambda: judge_return(data, 2024, Context(), keep_content=False), runs)
    read = cpu_ms(lambda: bare(data), runs)
    rows = sum(report.rows_read.values())
    with capsys.disabled():
        print(
            f"\nfile to findings, {rows:>6} rows on 11 sheets: {whole:8.2f} ms CPU;"
            f" bare typed reading {read:8.2f} ms; ratio {whole / read:.1f}"
        )


def test_twenty_thousand_findings(capsys: pytest.CaptureFixture[str]) -> None:
    tree = return_of(SPEC, 20_000, roles_a_line=69)
    for number, row in enumerate(tree["staff"]):
        row["paid_wte"] = f"about {number}"
    data = json.dumps(tree).encode()
    start = time.process_time()
    report = judge_return(data, 2024, Context()).report
    text = json.dumps(report.as_json())
    took = time.process_time() - start
    assert report.counts["error"] >= 20_000
    assert json.loads(text)["findings_total"] == len(report.findings)
    with capsys.disabled():
        print(
            f"\n{len(report.findings)} findings, judged and written as JSON: {took:.2f} s CPU, {len(text) / 1e6:.1f} MB"
        )


_MEMORY = """
import re, sys
from pathlib import Path
from census_api.intake.judging.judge import Context, judge_return
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
data = Path(sys.argv[1]).read_bytes()
before = peak()
judge_return(data, 2024, Context(), keep_content=False)
print(before, peak())
"""


def test_memory_of_fifty_thousand_rows(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path_factory.mktemp("memory") / "long.xlsx"
    tree = return_of(SPEC, 50_000, roles_a_line=69)
    path.write_bytes(fill_template(SPEC, content_from_json(tree, KEYS)))
    done = subprocess.run([sys.executable, "-c", _MEMORY, str(path)], capture_output=True, text=True, check=True)
    before, after = map(float, done.stdout.split())
    assert after >= before
    with capsys.disabled():
        print(
            f"\n{len(tree['staff'])} Staff rows in a fresh process: {after:.0f} MB at most, {before:.0f} MB before the file"
        )


def test_help_is_quick(capsys: pytest.CaptureFixture[str]) -> None:
    code = (
        "import resource, subprocess, sys; subprocess.run([sys.executable, '-m', 'census_api', '--help'], "
        "capture_output=True, check=True); u = resource.getrusage(resource.RUSAGE_CHILDREN); print(u.ru_utime + u.ru_stime)"
    )
    took = min(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    )
    assert took > 0
    with capsys.disabled():
        print(f"\ncensus --help: {took:.3f} s CPU")
