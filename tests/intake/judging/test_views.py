"""The views that rules read: the declared columns, and sums that know what they do not know."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from census_api.intake.judging import total_views
from census_api.intake.judging.judge import read_source, reading_views
from census_api.intake.judging.views import Reading, ViewFrame, reading_of
from census_api.questionnaire.load import load_library, load_spec
from census_api.questionnaire.rulebook import VIEWS, column_types
from tests.factories.returns import Draft, clean_draft, counts, staff, staff_row

SPEC = load_spec(2024)


def reading(draft: Draft) -> Reading:
    return reading_of(read_source(draft.data(), draft.spec.year), draft.context())


def views(draft: Draft) -> dict[str, ViewFrame]:
    return {name: build() for name, build in reading_views(reading(draft))}


def rows(draft: Draft, view: str) -> list[dict[str, Any]]:
    return views(draft)[view].frame.to_dicts()


@pytest.mark.parametrize("year", load_library().years)
def test_every_view_has_the_declared_columns_and_a_place_for_every_row(year: int) -> None:
    draft = clean_draft(load_spec(year))
    draft.row("staff", "GP")["paid_wte"] = "many"
    built = views(draft)
    assert set(built) | {"platform"} == set(VIEWS)
    for name, place in built.items():
        declared = column_types(draft.spec, VIEWS[name])
        assert dict(place.frame.schema).items() <= declared.items()
        left_out = set(declared) - set(place.frame.columns)
        assert all(column.endswith(("__raw", "__former")) for column in left_out), name
        for per_row in (place.sheets, place.positions, place.keys, place.columns):
            assert not per_row or isinstance(per_row, str) or len(per_row) == place.frame.height


def test_without_context_its_views_are_left_out() -> None:
    draft = clean_draft(SPEC)
    draft.last_year = draft.frame = draft.register = None
    assert set(VIEWS) - set(views(draft)) == {"platform", *(name for name, view in VIEWS.items() if view.needs)}


def test_sums_of_staff_over_lines_and_the_largest_line() -> None:
    pay = {row["row"]: row for row in rows(clean_draft(SPEC), "breakdown_rows") if row["kind"] == "pay"}
    assert (pay["DAW"]["staff_total"], pay["DAW"]["staff_largest_line"]) == (16, 9)
    assert (pay["GP"]["staff_total"], pay["GP"]["staff_largest_line"]) == (2, 2)


@pytest.mark.parametrize("cell", ["NK", "many", None, -1, 900_000])
def test_a_part_that_cannot_be_counted_leaves_the_sum_unknown(cell: object) -> None:
    draft = clean_draft(SPEC)
    staff(paid_headcount=cell)(draft)
    found = [row for row in rows(draft, "breakdown_rows") if row["role_group"] == "drug_alcohol_workers"]
    assert found
    assert {row["staff_total"] for row in found} == {None}
    others = [row for row in rows(draft, "breakdown_rows") if row["role_group"] == "nursing"]
    assert {row["staff_total"] for row in others} == {3}


def test_a_role_that_nobody_can_read_leaves_all_sums_unknown() -> None:
    draft = clean_draft(SPEC)
    staff(role_code="Wizard")(draft)
    assert {row["staff_total"] for row in rows(draft, "breakdown_rows")} == {None}


def test_only_one_breakdown_by_role_group_is_held_against_staff() -> None:
    held = [row for row in rows(clean_draft(SPEC), "breakdown_rows") if row["compared_total"] is not None]
    by_group = [(row["kind"], row["row"]) for row in held if row["kind"] != "pay"]
    assert len(by_group) == len({group for _, group in by_group}) == 5
    assert {kind for kind, _ in by_group} == {"contract"}


def test_the_one_held_against_staff_has_the_total_that_most_have() -> None:
    draft = clean_draft(SPEC)
    counts({"PERM": 3}, draft, "contract", "nursing")
    assert {
        row["kind"]
        for row in rows(draft, "breakdown_rows")
        if row["row"] == "nursing" and row["compared_total"] is not None
    } == {"contract"}
    counts({"PERM": 1}, draft, "contract", "nursing")
    held = [
        row for row in rows(draft, "breakdown_rows") if row["row"] == "nursing" and row["compared_total"] is not None
    ]
    assert [(row["kind"], row["compared_total"]) for row in held] == [("hours", 3)]


@pytest.mark.parametrize(("vacant", "total"), [("NK", None), (None, None), ("0", 0.0), ("1.5", 1.5)])
def test_a_column_of_not_known_is_no_zero(vacant: str | None, total: float | None) -> None:
    draft = clean_draft(SPEC)
    draft.tree["staff"] = [staff_row("DAW", 5, "4", vacant_wte=vacant)]
    (row,) = rows(draft, "return")
    assert row["vacant_wte"] == total


def test_lines_know_their_staff() -> None:
    first, second = rows(clean_draft(SPEC), "lines")
    assert (first["paid_headcount"], first["staff_rows"], first["service"]) == (16, 5, "Adult community treatment")
    assert (second["paid_headcount"], second["local_authority"]) == (8, "Middlesbrough")
    assert not first["key_role_missing"]


def test_a_view_is_built_only_when_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(total_views, "lines_view", broken)
    names = [name for name, _ in reading_views(reading(clean_draft(SPEC)))]
    assert "lines" in names


def test_views_hold_no_more_rows_than_the_return() -> None:
    draft = clean_draft(SPEC)
    built = views(draft)
    assert built["staff"].frame.height == len(draft.rows("staff"))
    assert built["services"].frame.height == 2
    assert built["breakdown"].frame.height == 0
    assert built["organisation"].frame.height == built["return"].frame.height == 1
    assert isinstance(built["staff"].frame, pl.DataFrame)
