"""One return as a workbook and as JSON: the same content, the same hash, the same findings in other places."""

from __future__ import annotations

import copy
import io
import json
import random
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from census_api.domain.collecting.findings import Finding
from census_api.intake.judging.judge import Context, Judged, judge_return
from census_api.questionnaire.load import load_library, load_spec
from census_api.questionnaire.templates.workbook import fill_template
from tests.factories.returns import Tree, clean_tree
from tests.rules.small_workbooks import small_workbook
from tests.strategies import clean_returns, spoilt_returns

YEAR = 2024
SPEC = load_spec(YEAR)


def of_json(tree: Tree, year: int = YEAR) -> Judged:
    return judge_return(json.dumps(tree).encode(), year, Context())


def of_workbook(data: bytes, year: int | None = None) -> Judged:
    return judge_return(data, year, Context())


def said(judged: Judged) -> list[tuple[Any, ...]]:
    """The findings apart from their cells, and from `row 5` of a workbook being a pointer in JSON."""

    def message(finding: Finding) -> str:
        return finding.message.split(" is already in ")[0].split(" are already in ")[0]

    return sorted(
        (f.key, f.rule, f.severity, f.sheet, f.pointer, f.column or "", f.value or "", message(f), f.expected, f.fix)
        for f in judged.report.findings
    )


def assert_the_same(left: Judged, right: Judged) -> None:
    assert left.content.as_json() == right.content.as_json()
    assert left.report.content_sha256 == right.report.content_sha256 == left.content.sha256() == right.content.sha256()
    assert said(left) == said(right)
    assert (left.report.counts, left.report.outcome, left.report.rows_read, left.report.rules) == (
        right.report.counts, right.report.outcome, right.report.rows_read, right.report.rules,
    )  # fmt: skip


def without_blanks(tree: Tree) -> Tree:
    """Rows in which nothing is answered are not in a workbook, so later rows have other places there."""
    return {
        key: [row for row in rows if any(cell is not None for cell in row.values())] if isinstance(rows, list) else rows
        for key, rows in tree.items()
    }


@settings(max_examples=15)
@given(tree=clean_returns(SPEC))
def test_a_clean_return_is_the_same_as_workbook_and_as_json(tree: Tree) -> None:
    judged = of_json(tree)
    assert judged.report.counts["error"] == 0
    assert_the_same(judged, of_workbook(fill_template(SPEC, judged.content)))


@settings(max_examples=25)
@given(tree=spoilt_returns(SPEC).map(without_blanks))
def test_a_spoilt_return_is_the_same_as_workbook_and_as_json(tree: Tree) -> None:
    judged = of_json(tree)
    assert_the_same(judged, of_workbook(fill_template(SPEC, judged.content)))


@settings(max_examples=60)
@given(tree=spoilt_returns(SPEC).map(without_blanks))
def test_content_sent_back_as_json_is_the_same_content(tree: Tree) -> None:
    judged = of_json(tree)
    assert_the_same(judged, of_json(json.loads(json.dumps(judged.content.as_json()))))


@settings(max_examples=60)
@given(tree=spoilt_returns(SPEC).map(without_blanks), small=st.just(True))
def test_a_workbook_without_the_template_reads_the_same(tree: Tree, small: bool) -> None:
    assert small
    assert_the_same(of_json(tree), of_workbook(small_workbook(SPEC, of_json(tree).content.as_json()).data()))


@pytest.mark.parametrize("year", load_library().years)
def test_every_year_reads_its_own_template(year: int) -> None:
    spec = load_spec(year)
    judged = of_json(clean_tree(spec), year)
    book = of_workbook(fill_template(spec, judged.content))
    assert book.report.collection == year
    assert book.report.findings == []
    assert_the_same(judged, book)


def test_findings_of_a_workbook_stand_at_its_cells() -> None:
    tree = clean_tree(SPEC)
    tree["staff"][1]["paid_wte"] = "many"
    (finding,) = of_workbook(fill_template(SPEC, of_json(tree).content)).report.findings
    assert (finding.sheet, finding.cell, finding.pointer, finding.value) == ("Staff", "E3", "/staff/1/paid_wte", "many")


# --- what does not change the hash, and what does ---------------------------------------------------------------


@settings(max_examples=25)
@given(tree=spoilt_returns(SPEC), seed=st.integers(0, 1_000))
def test_neither_row_order_nor_key_order_changes_the_hash(tree: Tree, seed: int) -> None:
    chance = random.Random(seed)
    mixed: Tree = {}
    for key in chance.sample(list(tree), len(tree)):
        value = copy.deepcopy(tree[key])
        if isinstance(value, list):
            chance.shuffle(value)
            value = [dict(chance.sample(list(row.items()), len(row))) for row in value]
        mixed[key] = value
    before, after = of_json(tree), of_json(mixed)
    assert before.report.content_sha256 == after.report.content_sha256
    assert {f.key for f in before.report.findings} >= {
        f.key for f in after.report.findings if f.rule.startswith("STF-00")
    }


def test_column_order_and_spelling_of_headings_do_not_change_the_hash() -> None:
    book = small_workbook(SPEC)
    for name, grid in book.grids.items():
        if name not in ("Organisation", "_census"):
            book.grids[name] = [row[::-1] for row in grid]
            book.grids[name][0] = [f"  {text.upper()} " for text in book.grids[name][0]]
    judged = of_workbook(book.data())
    assert judged.report.findings == []
    assert judged.report.content_sha256 == of_json(clean_tree(SPEC)).report.content_sha256


def test_formatting_blank_rows_and_labels_do_not_change_the_hash() -> None:
    judged = of_json(clean_tree(SPEC))
    book = openpyxl.load_workbook(io.BytesIO(fill_template(SPEC, judged.content)))
    sheet = book["Staff"]
    sheet["D2"].number_format = "0.00%"
    sheet["D2"].font = openpyxl.styles.Font(bold=True)
    sheet["A2"] = "hartlepool"
    sheet["E2"] = 8.4
    sheet.insert_rows(3)
    out = io.BytesIO()
    book.save(out)
    again = of_workbook(out.getvalue())
    assert again.report.content_sha256 == judged.report.content_sha256
    assert again.report.findings == []


@pytest.mark.parametrize(
    ("sheet", "field", "value"),
    [("organisation", "comments", "Another word."), ("organisation", "name", "Beta"), ("services", "note", "A word."),
     ("staff", "paid_wte", "8.5"), ("staff", "vacant_wte", None), ("pay", "B5", 0), ("staff", "starters", "NK")],
)  # fmt: skip
def test_every_answer_is_part_of_the_hash(sheet: str, field: str, value: object) -> None:
    tree = clean_tree(SPEC)
    place = tree[sheet] if sheet == "organisation" else tree[sheet][0]
    before = of_json(tree).report.content_sha256
    place[field] = value
    assert of_json(tree).report.content_sha256 != before


def test_blank_zero_not_known_refused_and_not_applicable_are_five_answers() -> None:
    hashes = set()
    for value in (None, 0, "NK", "REFUSED", "NA"):
        tree = clean_tree(SPEC)
        tree["staff"][0]["establishment_wte"] = value
        hashes.add(of_json(tree).report.content_sha256)
    assert len(hashes) == 5


def test_the_uploaders_context_is_no_part_of_the_hash() -> None:
    data = json.dumps(clean_tree(SPEC)).encode()
    plain = judge_return(data, YEAR, Context()).report
    framed = judge_return(data, YEAR, Context("BETA", None, (("E06000001", "lero"),), None)).report
    assert plain.content_sha256 == framed.content_sha256
    assert plain.findings != framed.findings
