"""From the returns as they were sent, through freezing, to aggregates: the same figures as from `data.json` by hand."""

from __future__ import annotations

from typing import Any

import pytest

from census_api.domain.kit.access import SYSTEM
from census_api.domain.kit.measures import ITEMS, LINE_DIMENSIONS, ROLE_DIMENSIONS
from census_api.services.aggregates.asking import compute_aggregates
from census_api.services.aggregates.question import Wanted
from census_api.services.collecting.submissions import get_content
from census_api.services.kit.platform import Platform
from census_api.services.snapshots.revisions import freeze_collection
from tests.factories.actors import ANALYST, ANN, TEAM
from tests.factories.frozen import HERE, THERE, accepted, corrected, framed, tree_for
from tests.services.aggregates.plain_aggregates import FORMULAS, plain

YEAR = 2024
SAID: dict[str, dict[str, Any]] = {
    "ALPHA": {"vacant_wte": "NK", "starters": 3},
    "BETA": {"vacant_wte": 2.5, "paid_wte": "8.25"},
}


@pytest.fixture
def frozen(platform: Platform) -> Platform:
    """The accepted returns of ALPHA and BETA, which say different things, frozen."""
    framed(platform, YEAR, *((code, place, "adult_community") for code in SAID for place in (HERE, THERE)))
    for code, staff in SAID.items():
        accepted(platform, code, YEAR, tree_for(platform, code, YEAR, staff))
    freeze_collection(platform, TEAM, YEAR)
    return platform


def rows_of(platform: Platform) -> list[dict[str, Any]]:
    """The staff rows of the accepted returns, as their `data.json` has them, with what their codes mean."""
    spec = platform.spec(YEAR)
    areas, roles = spec.code_lists["local_authorities"].by_code, spec.code_lists["roles"].by_code
    types = spec.code_lists["sectors"].by_code
    rows: list[dict[str, Any]] = []
    for line_no, code in enumerate(SAID):
        tree = get_content(platform, ANN, YEAR, code, 1).as_json()
        sector = tree["organisation"]["sector"]
        for row in tree["staff"]:
            role, area = roles[row["role_code"]].attributes, row["local_authority_code"]
            items: dict[str, Any] = {item: said(row.get(item), item, role["pay_basis"]) for item in ITEMS}
            rows.append(
                {
                    **items,
                    "line_no": (line_no, area), "organisation": code, "parent": code,
                    "region": areas[area].attributes["region"], "local_authority": area,
                    "service_type": row["service_type"], "sector": sector,
                    "organisation_type": types[sector].attributes["organisation_type"], "role": row["role_code"],
                    **{name: role[name] for name in ("role_group", "regulated", "profession_group")},
                }
            )  # fmt: skip
    return rows


def said(cell: Any, item: str, basis: str) -> Any:
    if cell in ("NK", "REFUSED", "NA"):
        return cell
    if cell is None:
        unpaid = item.startswith("unpaid")
        return "NA" if (basis == "paid" and unpaid) or (basis == "unpaid" and not unpaid) else None
    return float(cell)


def test_aggregates_of_a_frozen_census_are_those_of_its_returns(frozen: Platform) -> None:
    rows = rows_of(frozen)
    assert len(rows) == 14
    for by in (
        (),
        ("sector",),
        ("role",),
        ("local_authority", "role_group"),
        ("organisation_type", "profession_group"),
    ):
        measures = [name for name in FORMULAS if name != "regulated_ratio" or "role" not in by]
        found = compute_aggregates(frozen, ANALYST, str(YEAR), Wanted(by, measures))
        cells = {cell.by: cell.figures for cell in found.cells}
        for place, name in enumerate(measures):
            for codes, figure in plain(rows, by, name).items():
                value = cells[codes][place].value
                assert (value is None) == (figure["value"] is None), (by, name, codes)
                assert value is None or value == pytest.approx(figure["value"], abs=1e-6)
                assert cells[codes][place].reason == figure["reason"]
    assert set(LINE_DIMENSIONS) | set(ROLE_DIMENSIONS) <= set(rows[0])


def test_people_add_up_to_the_sheets_that_were_sent(frozen: Platform) -> None:
    sheets = [get_content(frozen, ANN, YEAR, code, 1).as_json() for code in SAID]
    for sheet, key in (("age", "role_group"), ("pay", "role_code")):
        sums: dict[str, float] = {}
        for tree in sheets:
            for row in tree[sheet]:
                for category, people in row.items():
                    if category != key:
                        sums[category] = sums.get(category, 0) + float(people)
        found = compute_aggregates(frozen, ANALYST, str(YEAR), Wanted([sheet]))
        assert {cell.by[0]: cell.figures[0].value for cell in found.cells} == sums


def test_a_new_revision_has_figures_of_its_own_and_the_old_keeps_its(frozen: Platform) -> None:
    def total(name: str) -> float | None:
        return compute_aggregates(frozen, SYSTEM, name, Wanted((), ["paid_wte"])).total.figures[0].value

    before = total("2024.1")
    corrected(frozen, "BETA", YEAR, tree_for(frozen, "BETA", YEAR, SAID["BETA"] | {"paid_wte": "7.25"}))
    freeze_collection(frozen, TEAM, YEAR)
    assert before is not None
    assert total("2024.1") == before
    assert total("2024.2") == total("2024") == pytest.approx(before - 1)
