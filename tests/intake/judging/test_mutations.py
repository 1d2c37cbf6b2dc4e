"""Damage of any kind to a good workbook: the same rows, or a refusal; never anything else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from census_api.domain.kit.errors import Refused
from census_api.intake.preflight.inspection import REFUSALS, inspect_package
from census_api.intake.reading.reader import read_workbook
from census_api.intake.sandbox import Sandbox
from tests.factories.packages import (
    SHEET,
    cell,
    ods_cell,
    ods_parts,
    ods_row,
    packed,
    row,
    sheet_xml,
    table,
    xlsx_parts,
)
from tests.intake.corpus import GOOD_ROWS

XLSX = packed(xlsx_parts(GOOD_ROWS + row(4, cell("A4", "RNN") + cell("C4", 3))))
ODS = packed(
    ods_parts(table(ods_row(ods_cell("DAW") + ods_cell(7.5)) + ods_row(ods_cell(), 2) + ods_row(ods_cell("RNN"))))
)
GOOD = {"xlsx": XLSX, "ods": ODS}
CHANGES = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4)
Sheets = list[tuple[str, list[tuple[object, ...]]]]

relaxed = settings(max_examples=80)


def rows_of(data: bytes) -> Sheets:
    """All cells, plain enough to cross the boundary of a process."""
    return [(sheet.name, sheet.frame.rows()) for sheet in read_workbook(data).sheets]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workers=1, seconds=10) as made:
        yield made


def outcome(sandbox: Sandbox, data: bytes) -> Sheets | str:
    try:
        return sandbox.run(rows_of, data)
    except Refused as refused:
        return refused.reason


def changed(data: bytes, changes: list[tuple[float, int]]) -> bytes:
    out = bytearray(data)
    for place, value in changes:
        out[int(place * len(out))] = value
    return bytes(out)


@relaxed
@given(kind=st.sampled_from(sorted(GOOD)), changes=CHANGES)
def test_changed_bytes_of_the_package(sandbox: Sandbox, kind: str, changes: list[tuple[float, int]]) -> None:
    found = outcome(sandbox, changed(GOOD[kind], changes))
    assert found in REFUSALS if isinstance(found, str) else found == rows_of(GOOD[kind])


@relaxed
@given(kind=st.sampled_from(sorted(GOOD)), cut=st.floats(0, 1, exclude_max=True))
def test_a_cut_package_is_refused(sandbox: Sandbox, kind: str, cut: float) -> None:
    data = GOOD[kind]
    assert outcome(sandbox, data[: int(cut * len(data))]) in REFUSALS


@relaxed
@given(changes=CHANGES)
def test_changed_bytes_inside_a_sheet_lose_no_cell(sandbox: Sandbox, changes: list[tuple[float, int]]) -> None:
    data = packed(xlsx_parts() | {SHEET: changed(sheet_xml(GOOD_ROWS).encode(), changes)})
    found = outcome(sandbox, data)
    try:
        facts = inspect_package(data, exact=True).sheets[0]
    except Refused:
        return  # no longer XML that can be walked cell by cell: there is nothing to hold the rows against
    if not isinstance(found, str):
        kept = sum(value is not None for line in found[0][1] for value in line)
        assert kept >= facts.values or facts.blank_text
