"""What changed between two versions: every cell that differs, once, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.collecting.content import Content, ContentCell, ContentRow
from census_api.domain.collecting.diff import CellChange, compare_contents
from tests.factories.judgements import make_content

_CELLS = st.dictionaries(
    st.sampled_from(["paid_headcount", "paid_wte", "note"]),
    st.one_of(st.integers(0, 9), st.sampled_from(["1.5", "NK", "text", "-"])),
)
_ROWS = st.lists(st.tuples(st.sampled_from(["services", "staff"]), st.sampled_from("AB"), _CELLS), max_size=6)


def content(form: dict[str, ContentCell], rows: list[tuple[str, str, dict[str, ContentCell]]]) -> Content:
    made = Content(2024, form)
    made.rows = [ContentRow(sheet, index, key, cells) for index, (sheet, key, cells) in enumerate(rows)]
    return made


_CONTENTS = st.builds(content, _CELLS, _ROWS)


def test_a_changed_cell_says_by_how_much() -> None:
    before, after = make_content(), make_content()
    after.rows[1].cells |= {"paid_headcount": 5, "paid_wte": "0.75"}
    after.organisation["name"] = "Alpha Recovery Ltd"
    key = "E06000001|adult_community|R1"
    assert compare_contents(before, after) == [
        CellChange("changed", "organisation", "", "name", "Alpha Recovery", "Alpha Recovery Ltd", None),
        CellChange("changed", "staff", key, "paid_headcount", 1, 5, "4"),
        CellChange("changed", "staff", key, "paid_wte", "1.5", "0.75", "-0.75"),
    ]


def test_order_of_rows_is_no_change() -> None:
    before, after = make_content(), make_content()
    after.rows.reverse()
    assert compare_contents(before, after) == []


def test_a_row_that_came_and_one_that_went_are_shown_by_cell() -> None:
    before, after = make_content(2), make_content(3)
    added = compare_contents(before, after)
    assert {(change.kind, change.row) for change in added} == {("added", "E06000001|adult_community|R2")}
    assert len(added) == 3
    assert [
        replace(c, kind="added", before=c.after, after=c.before, difference=None)
        for c in compare_contents(after, before)
    ] == added


def test_blank_and_not_known_are_different_answers_and_no_numbers() -> None:
    before, after = make_content(1), make_content(1)
    after.rows[0].cells["paid_headcount"] = "NK"
    del after.rows[0].cells["paid_wte"]
    assert [(c.column, c.before, c.after, c.difference) for c in compare_contents(before, after)] == [
        ("paid_headcount", 0, "NK", None),
        ("paid_wte", "0.5", None, None),
    ]


@given(_CONTENTS)
def test_nothing_differs_from_itself(one: Content) -> None:
    assert compare_contents(one, one) == []


@given(_CONTENTS, _CONTENTS)
def test_there_and_back_are_the_same_changes(one: Content, other: Content) -> None:
    there, back = compare_contents(one, other), compare_contents(other, one)
    turned = {(c.sheet, c.row, c.column, str(c.after), str(c.before)) for c in back}
    assert {(c.sheet, c.row, c.column, str(c.before), str(c.after)) for c in there} == turned
    assert len(there) == len(back)


@given(_CONTENTS, _CONTENTS)
def test_same_content_and_no_change_go_together(one: Content, other: Content) -> None:
    filled = [entry for entry in (one, other) if all(row.cells for row in entry.rows)]
    if len(filled) == 2 and one.sha256() == other.sha256():
        assert compare_contents(one, other) == []
