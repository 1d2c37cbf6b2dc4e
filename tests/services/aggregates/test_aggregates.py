"""Aggregates equal what plain Python works out of the same rows, for every measure and many breakdowns."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from typing import Any

import duckdb
import polars as pl
import pytest

from census_api.domain.aggregates import AggregateFigure, Aggregates
from census_api.domain.kit.access import SYSTEM
from census_api.domain.kit.measures import LINE_DIMENSIONS, MEASURES, ROLE_DIMENSIONS
from census_api.services.aggregates.asking import compute_aggregates
from census_api.services.aggregates.question import Wanted
from census_api.services.kit.platform import Platform
from tests.factories.populations import described, random_breakdowns, random_lines, random_staff
from tests.factories.snapshots import LineRow, StaffRow, make_snapshot
from tests.services.aggregates.plain_aggregates import FORMULAS, plain

CROSSABLE = (*LINE_DIMENSIONS, *ROLE_DIMENSIONS)
WHOLE = ("total",)


def frozen(platform: Platform, lines: list[LineRow], staff: list[StaffRow], **more: Any) -> None:
    with platform.database.transaction(SYSTEM) as session:
        make_snapshot(session, 2024, lines=lines, staff=staff, **more)


def asked(platform: Platform, by: str = "", measures: str = "", **filters: str) -> Aggregates:
    wanted = Wanted([by], [measures], {name: [codes] for name, codes in filters.items()})
    return compute_aggregates(platform, SYSTEM, "2024", wanted)


def by_codes(found: Aggregates) -> dict[tuple[str | None, ...], dict[str, AggregateFigure]]:
    return {cell.by: {figure.measure: figure for figure in cell.figures} for cell in found.cells}


def said(figure: AggregateFigure) -> dict[str, Any]:
    answers = {
        name: getattr(figure.answers, name)
        for name in ("value", "zero", "blank", "not_known", "refused", "not_applicable")
    }
    made = {
        "value": figure.value, "reason": figure.reason, "answers": {name: n for name, n in answers.items() if n},
        "left_out": figure.left_out, "rows": figure.coverage.rows, "people": figure.coverage.paid_headcount,
        "pool": figure.coverage.denominator,
    }  # fmt: skip
    if figure.denominator is not None and figure.value is not None:
        made |= {"numerator": figure.numerator, "denominator": figure.denominator}
    return made


def expected(figure: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in figure.items() if name not in ("organisations", "parents")}
    return {**kept, "answers": {name: n for name, n in figure["answers"].items() if n}}


def agree(found: AggregateFigure, reckoned: dict[str, Any]) -> None:
    left, right = said(found), expected(reckoned)
    for name, value in right.items():
        assert left[name] == (pytest.approx(value, abs=1e-6) if isinstance(value, float) else value), (
            name,
            left,
            right,
        )


@pytest.mark.parametrize("seed", range(4))
def test_random_breakdowns_are_what_plain_python_makes_of_the_rows(platform: Platform, seed: int) -> None:
    lines = random_lines(seed, 14)
    staff = random_staff(seed, lines)
    rows = described(lines, staff)
    frozen(platform, lines, staff)
    dice = random.Random(seed)
    for number in range(12):
        by = tuple(dice.sample(CROSSABLE, number % 4))
        measures = [name for name in FORMULAS if not (name == "regulated_ratio" and {"role", "regulated"} & set(by))]
        name = dice.choice(CROSSABLE)
        codes = sorted({row[name] for row in rows if row[name] is not None})
        filters = {name: tuple(dice.sample(codes, min(2, len(codes))))} if number % 3 == 0 else {}
        found = asked(
            platform, ",".join(by), ",".join(measures), **{one: ",".join(given) for one, given in filters.items()}
        )
        cells = list(found.cells)
        figures = {cell.by: cell.figures for cell in cells}
        who = {cell.by: cell.contributors for cell in cells}
        for place, measure in enumerate(measures):
            reckoned = plain(rows, by, measure, filters)
            listed = {
                codes for codes, own in figures.items() if own[place].answers.asked or own[place].answers.not_applicable
            }
            assert listed == set(reckoned), (by, filters)
            for key, figure in reckoned.items():
                agree(figures[key][place], figure)
                if set(by) & set(ROLE_DIMENSIONS) or set(filters) & set(ROLE_DIMENSIONS):
                    assert (who[key].organisations, who[key].parents) == (figure["organisations"], figure["parents"])
            whole = plain(rows, (), measure, filters)
            if whole:
                agree(found.total.figures[place], whole[()])


def test_sums_are_what_duckdb_makes_of_the_rows(platform: Platform) -> None:
    lines = random_lines(7, 30)
    # without NA: SQL has one word for all that is missing
    staff = [
        StaffRow(row.line_no, row.role, {item: None if value == "NA" else value for item, value in row.items.items()})
        for row in random_staff(7, lines, unsure=0.05)
    ]
    rows = described(lines, staff)
    frozen(platform, lines, staff)
    numbers = [
        {name: value if not isinstance(value, str) or name in CROSSABLE else None for name, value in row.items()}
        for row in rows
    ]
    facts = pl.DataFrame(numbers, infer_schema_length=None)
    assert facts.height == len(staff)
    found = by_codes(asked(platform, "sector,role_group", "paid_wte,leavers,vacancy_rate"))
    reckoned = duckdb.execute(
        "SELECT sector, role_group, sum(paid_wte), sum(leavers), sum(vacant_wte) FILTER (WHERE paid_wte IS NOT NULL) "
        "/ sum(vacant_wte + paid_wte) FROM facts GROUP BY ALL"
    ).fetchall()
    assert len(reckoned) == len(found)
    for sector, group, *values in reckoned:
        figures = found[sector, group]
        for name, value in zip(("paid_wte", "leavers", "vacancy_rate"), values, strict=True):
            if figures[name].value is None:
                # nothing known, or nobody to divide by
                assert value is None or math.isnan(value)
            else:
                assert figures[name].value == pytest.approx(value, abs=1e-6)


def test_each_answer_is_counted_as_what_it_is(platform: Platform) -> None:
    line = [LineRow("ALPHA")]
    given = {
        "NURSE_B5": 4,
        "GP": 0,
        "DAW": None,
        "CORP": "NK",
        "MHWP": "REFUSED",
        "COUNSELLOR": "NA",
        "PEER_MENTOR": None,
    }
    frozen(platform, line, [StaffRow(1, role, {"vacant_wte": answer}) for role, answer in given.items()])
    found = by_codes(asked(platform, "role", "vacant_wte"))
    values = {codes[0]: (figures["vacant_wte"].value, figures["vacant_wte"].reason) for codes, figures in found.items()}
    assert values == {
        "NURSE_B5": (4, None),
        "GP": (0, None),
        "DAW": (None, "blank"),
        "CORP": (None, "not_known"),
        "MHWP": (None, "refused"),
        "COUNSELLOR": (None, "not_applicable"),
        "PEER_MENTOR": (None, "not_applicable"),
    }
    (total,) = asked(platform, measures="vacant_wte").total.figures
    answers = total.answers
    assert (total.value, answers.value, answers.zero, answers.blank) == (4, 1, 1, 1)
    assert (answers.not_known, answers.refused, answers.not_applicable) == (1, 1, 2)
    assert total.coverage.rows == pytest.approx(0.4)


def test_a_line_that_is_silent_is_unknown_and_a_nil_return_is_zero(platform: Platform) -> None:
    lines = [
        LineRow("ALPHA", "E06000001"),
        LineRow("NIL", "E08000001"),
        LineRow("SILENT", "E09000002", reported=False),
        LineRow("EMPTY", "E10000034", data_available="partial"),
    ]
    frozen(platform, lines, [StaffRow(1, "DAW", {"paid_wte": 2.5})], nil=["NIL"])
    found = {codes[0]: figures["wte"] for codes, figures in by_codes(asked(platform, "local_authority", "wte")).items()}
    assert {code: (figure.value, figure.reason) for code, figure in found.items()} == {
        "E06000001": (2.5, None),
        "E08000001": (0, None),
        "E09000002": (None, "not_reported"),
        "E10000034": (None, "not_known"),
    }
    # who reports, and has nobody in a role, has nobody in it
    doctors = by_codes(asked(platform, "local_authority", "wte", role="GP"))
    assert [figures["wte"].value for figures in doctors.values()] == [0, 0, None, None]


def test_lines_organisations_and_parents_are_counted(platform: Platform) -> None:
    lines = [
        LineRow("A", "E06000001", parent="P"),
        LineRow("A", "E06000002", parent="P"),
        LineRow("B", "E06000001", parent="P"),
        LineRow("C", "E06000001", reported=False),
        LineRow("D", "E06000001", in_frame=False),
    ]
    frozen(platform, lines, [StaffRow(n, "DAW", {"paid_wte": 1}) for n in (1, 2, 3, 5)])
    (cell,) = asked(platform, "region", "wte").cells
    assert cell.contributors.organisations == 3
    assert cell.contributors.parents == 2
    assert (cell.contributors.expected, cell.contributors.reported) == (4, 4)
    (by_role,) = asked(platform, "region,role", "wte").cells
    assert (by_role.contributors.organisations, by_role.contributors.parents) == (3, 2)


def test_shares_of_a_breakdown_add_up_to_one(platform: Platform) -> None:
    lines = random_lines(3)
    frozen(platform, lines, random_staff(3, lines))
    for by in ("sector", "region,role_group", "role,paid"):
        shares = [cell.figures[0].share for cell in asked(platform, by, "wte").cells]
        assert sum(share for share in shares if share is not None) == pytest.approx(1, abs=1e-4)


def test_paid_and_unpaid_are_the_two_halves_of_the_whole(platform: Platform) -> None:
    lines = [LineRow("ALPHA")]
    frozen(
        platform,
        lines,
        [
            StaffRow(1, "DAW", {"paid_wte": 3, "paid_headcount": 4}),
            StaffRow(1, "PEER_MENTOR", {"unpaid_wte": 1.5, "unpaid_headcount": 2}),
        ],
    )
    found = by_codes(asked(platform, "paid", "wte,headcount"))
    assert {codes[0]: (own["wte"].value, own["headcount"].value) for codes, own in found.items()} == {
        "paid": (3, 4),
        "unpaid": (1.5, 2),
    }
    assert asked(platform, measures="wte", paid="unpaid").total.figures[0].value == 1.5


def test_a_line_with_leavers_and_nobody_to_leave_stays_out_of_the_rate(platform: Platform) -> None:
    flows = {"opening_headcount": 0, "paid_headcount": 0, "leavers": 2, "starters": 2}
    good = {"opening_headcount": 10, "paid_headcount": 10, "leavers": 1, "starters": 1}
    frozen(
        platform,
        [LineRow("ALPHA", "E06000001"), LineRow("BETA", "E09000002")],
        [StaffRow(1, "DAW", flows), StaffRow(2, "DAW", good), StaffRow(2, "GP", flows)],
    )
    (figure,) = asked(platform, measures="turnover_avg").total.figures
    # the doctor's post on BETA's line counts: it is the line that must have somebody
    assert (figure.numerator, figure.denominator, figure.left_out) == (3, 10, 1)
    found = by_codes(asked(platform, "region", "turnover_avg,leavers"))
    alone = found["E12000001",]
    assert (alone["turnover_avg"].value, alone["turnover_avg"].reason) == (None, "numerator_without_denominator")
    assert alone["leavers"].value == 2


def test_stability_is_bounded_and_not_known(platform: Platform) -> None:
    rows = [
        StaffRow(1, "DAW", {"opening_headcount": 20, "leavers": 5, "starters": 3}),
        StaffRow(1, "GP", {"opening_headcount": 0, "leavers": 0, "starters": 0}),
    ]
    frozen(platform, [LineRow("ALPHA")], rows)
    (figure,) = asked(platform, measures="stability").total.figures
    assert (figure.value, figure.reason, figure.denominator) == (None, "bounds_only", 20)
    assert (figure.lower, figure.upper) == (0.75, 0.9)
    found = by_codes(asked(platform, "role", "stability"))
    assert found["GP",]["stability"].reason == "zero_denominator"


@pytest.mark.parametrize("seed", range(3))
def test_breakdowns_of_people_are_what_their_cells_add_up_to(platform: Platform, seed: int) -> None:
    lines = random_lines(seed, 10)
    cells = random_breakdowns(seed, lines)
    frozen(platform, lines, random_staff(seed, lines), breakdowns=cells)
    homes: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        if line.reported:
            homes[line.organisation].add(line.local_authority_code)
    sector = {line.organisation: line.sector for line in lines}
    whole: dict[tuple[str, ...], list[Any]] = defaultdict(list)
    for cell in cells:
        if cell.sheet == "age":
            whole[sector[cell.organisation], cell.category].append(cell.value)
            if len(homes[cell.organisation]) == 1:
                whole[next(iter(homes[cell.organisation])), cell.row_key, cell.category].append(cell.value)
    found = by_codes(asked(platform, "sector,age")) | by_codes(asked(platform, "local_authority,role_group,age"))
    assert set(found) == set(whole)
    for codes, values in whole.items():
        figure = found[codes]["paid_headcount"]
        numbers = [value for value in values if isinstance(value, int | float)]
        assert figure.value == (sum(numbers) if numbers else None)
        assert figure.answers.known == len(numbers)
        assert figure.answers.refused == values.count("REFUSED")
    pay = asked(platform, "regulated,pay")
    total = sum(cell.value for cell in cells if cell.sheet == "pay" and isinstance(cell.value, int | float))
    assert pay.total.figures[0].value == total


def test_the_coverage_of_a_breakdown_says_how_much_of_the_place_it_holds(platform: Platform) -> None:
    from tests.factories.snapshots import BreakdownCell

    lines = [LineRow("A", "E06000001"), LineRow("B", "E06000001"), LineRow("B", "E09000002")]
    staff = [StaffRow(n, "GP", {"paid_headcount": 10}) for n in (1, 2, 3)]
    cells = [
        BreakdownCell(code, "age", "medical", category, people)
        for code, people in (("A", 5), ("B", 10))
        for category in ("20_29", "30_39")
    ]
    frozen(platform, lines, staff, breakdowns=cells)
    (young, older) = asked(platform, "region,age").cells
    assert young.figures[0].value == older.figures[0].value == 5
    assert young.figures[0].coverage.paid_headcount == 0.5
    assert young.contributors.organisations == 1
    everybody = asked(platform, "age")
    assert [cell.figures[0].value for cell in everybody.cells] == [15, 15]
    assert everybody.total.figures[0].coverage.paid_headcount == 1
    assert asked(platform, age="20_29").total.figures[0].value == 15


def test_every_measure_has_a_formula_here() -> None:
    assert set(MEASURES) - set(FORMULAS) == {"stability"}
