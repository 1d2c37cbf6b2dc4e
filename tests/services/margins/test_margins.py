"""Margins of a snapshot: who counts, one total, one id, and figures that give nobody away."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from census_api.domain.kit.access import Actor
from census_api.domain.kit.errors import Forbidden, InvalidRequest, NotFound
from census_api.services.kit.platform import Platform
from census_api.services.margins.making import get_margin, get_margins
from census_api.statistics.margins.canonical import content_id
from census_api.statistics.margins.totals import MarginsRefused
from census_api.statistics.margins.weighting import default_maps, weigh_answers
from tests.factories.actors import ADMINISTRATOR, ANALYST, EVE, make_actor
from tests.factories.counted import freeze, heads, many, margins_of, paid
from tests.factories.demo_snapshots import demo_rows
from tests.factories.snapshots import LineRow, StaffRow
from tests.factories.surveys import drawn_answers
from tests.statistics.margins.survey_tools import ipfn_weights, misses, samplics_weights, weightipy_weights

PIPELINE = make_actor("piper", "pipeline")


def test_all_margins_have_one_total_and_one_table(platform: Platform) -> None:
    freeze(platform, *many())

    found = get_margins(platform, PIPELINE, "2024")

    totals = {sum(part.values()) for part in found.margins.values()}
    assert totals == {found.total} == {Fraction(found.tree["total"])}
    assert {name: len(part) for name, part in found.margins.items()} == {
        "region": 9, "profession_group": 5, "organisation_type": 5,
    }  # fmt: skip
    cells = [cell["value"] for cell in found.tree["joint"]]
    assert len(cells) == 225
    assert None not in cells
    assert sum(Fraction(value) for value in cells) == found.total


def test_only_paid_people_outside_head_offices_on_routes_in_scope_count(platform: Platform) -> None:
    lines, staff = many()
    plain = sum(map(heads, staff))
    for number in range(4):
        lines.append(LineRow(f"prison-{number}", commissioning_route="other"))
        staff.append(paid(len(lines), 11))
        lines.append(LineRow(f"office-{number}", service_type="head_office", commissioning_route=None))
        staff.append(paid(len(lines), 13, "DIRECTOR"))
        lines.append(LineRow(f"volunteers-{number}"))
        staff.append(StaffRow(len(lines), "VOL", {"unpaid_headcount": 17}))
    freeze(platform, lines, staff)

    found = get_margins(platform, ANALYST, "2024")

    assert found.total == plain
    assert found.tree["left_out"] == {
        "head_office": "52", "route_out_of_scope": "44", "not_covered": "0", "staff_rows_without_a_number": 0,
    }  # fmt: skip


def test_what_is_left_out_gives_nobody_away(platform: Platform) -> None:
    lines, staff = many()
    lines.append(LineRow("prison", commissioning_route="other"))
    freeze(platform, lines, [*staff, paid(len(lines), 11)])

    assert get_margins(platform, ANALYST, "2024").tree["left_out"]["route_out_of_scope"] is None


def test_a_service_without_a_route_stops_the_margins(platform: Platform) -> None:
    lines, staff = many()
    lines.append(LineRow("unclear", commissioning_route=None))
    freeze(platform, lines, [*staff, paid(len(lines), 3)])

    with pytest.raises(MarginsRefused, match="commissioning route must all be answered") as caught:
        get_margins(platform, PIPELINE, "2024")
    assert caught.value.reason == "eligibility_unknown"


def test_the_id_is_the_hash_of_the_document_and_stays(platform: Platform) -> None:
    freeze(platform, *many())

    first = get_margins(platform, PIPELINE, "2024")
    again = get_margins(platform, ANALYST, "2024.1")

    assert again.tree == first.tree
    assert content_id({key: value for key, value in first.tree.items() if key != "id"}) == first.id
    assert get_margin(platform, PIPELINE, first.id).tree == first.tree
    assert get_margin(platform, PIPELINE, first.id.upper()).tree == first.tree


def test_a_later_revision_supersedes_and_the_earlier_one_stays(platform: Platform) -> None:
    lines, staff = many()
    freeze(platform, lines, staff)
    first = get_margins(platform, PIPELINE, "2024")
    freeze(platform, lines, [replace(staff[0], items={"paid_headcount": 400}), *staff[1:]], revision=2)

    second = get_margins(platform, PIPELINE, "2024")

    assert second.tree["supersedes"] == first.id
    assert second.total > first.total
    assert first.tree["supersedes"] is None
    assert get_margins(platform, PIPELINE, "2024.1").id == first.id
    assert get_margin(platform, PIPELINE, first.id).tree == first.tree


def test_margins_never_supersede_those_of_a_later_revision(platform: Platform) -> None:
    lines, staff = many()
    freeze(platform, lines, staff)
    freeze(platform, lines, [replace(staff[0], items={"paid_headcount": 400}), *staff[1:]], revision=2)
    freeze(platform, lines, [replace(staff[0], items={"paid_headcount": 500}), *staff[1:]], revision=3)
    second = get_margins(platform, PIPELINE, "2024.2")
    first = get_margins(platform, PIPELINE, "2024.1")
    third = get_margins(platform, PIPELINE, "2024.3")
    assert [one.tree["supersedes"] for one in (first, second, third)] == [None, None, second.id]


def test_margins_say_where_they_come_from(platform: Platform) -> None:
    freeze(platform, *many())

    tree = get_margins(platform, PIPELINE, "2024").tree

    assert tree["population"] == "eligible_paid_headcount"
    assert (tree["estimator"], tree["grouping"], tree["reference_date"]) == ("reported", "survey", "2024-06-30")
    assert tree["snapshot_name"] == "2024.1"
    assert len(tree["snapshot_content_hash"]) == 64
    assert tree["method"]["profession_map"]["grouping"] == "survey"
    assert tree["collapse"]["parents"]["organisation_type"]["lero"] == "voluntary"
    assert tree["labels"]["region"]["E12000007"] == "London"
    assert all(isinstance(value, str) for part in tree["margins"].values() for value in part.values())


def test_a_full_census_has_no_error_and_full_coverage(platform: Platform) -> None:
    freeze(platform, *many())

    reported, adjusted = (get_margins(platform, PIPELINE, "2024", estimator=one) for one in ("reported", "adjusted"))

    assert margins_of(reported) == margins_of(adjusted)
    for tree in (reported.tree, adjusted.tree):
        assert {error for part in tree["standard_error"].values() for error in part.values()} == {"0"}
        assert {status for part in tree["status"].values() for status in part.values()} == {"good"}
        assert tree["coverage"]["total"] == {"lines": "1", "size": "1", "people": "1"}


def test_adjusting_stands_in_for_those_who_did_not_answer(platform: Platform) -> None:
    lines, staff = many()
    silent = {number for number, line in enumerate(lines, start=1) if line.organisation == "nhs-0"}
    lines = [replace(line, reported=number not in silent) for number, line in enumerate(lines, start=1)]
    freeze(platform, lines, [row for row in staff if row.line_no not in silent])

    reported, adjusted = (get_margins(platform, PIPELINE, "2024", estimator=one) for one in ("reported", "adjusted"))

    kind = "organisation_type"
    assert adjusted.margins[kind]["voluntary"] == reported.margins[kind]["voluntary"]
    assert adjusted.margins[kind]["nhs"] / reported.margins[kind]["nhs"] == pytest.approx(1.2, abs=0.01)
    assert Fraction(adjusted.tree["standard_error"][kind]["nhs"]) > 0
    assert adjusted.tree["standard_error"][kind]["voluntary"] == "0"
    assert float(reported.tree["coverage"][kind]["nhs"]["lines"]) == pytest.approx(5 / 6, abs=1e-6)
    assert float(reported.tree["coverage"][kind]["nhs"]["people"]) == pytest.approx(5 / 6, abs=0.01)
    assert {sum(part.values()) for part in adjusted.margins.values()} == {adjusted.total}


def test_last_year_s_answer_stands_in_before_size_does(platform: Platform) -> None:
    lines, staff = many()
    freeze(platform, lines, staff, year=2023)
    silent = {number for number, line in enumerate(lines, start=1) if line.organisation == "nhs-0"}
    lines = [replace(line, reported=number not in silent, size=1.0) for number, line in enumerate(lines, start=1)]
    grown = [replace(row, items={"paid_headcount": 2 * heads(row)}) for row in staff]
    freeze(platform, lines, [row for row in grown if row.line_no not in silent])

    adjusted = get_margins(platform, PIPELINE, "2024", estimator="adjusted")

    assert adjusted.total == 2 * sum(map(heads, staff))
    assert adjusted.tree["method"]["snapshot_before"]["name"] == "2023.1"


def test_the_plan_s_grouping_moves_roles_on_accredited_registers(platform: Platform) -> None:
    lines, staff = many()
    staff += [paid(number, 4, "COUNSELLOR") for number in range(1, len(lines) + 1)]
    freeze(platform, lines, staff)

    survey, plan = (get_margins(platform, PIPELINE, "2024", grouping=one) for one in ("survey", "plan"))

    moved = 4 * len(lines)
    groups = "profession_group"
    assert plan.margins[groups]["regulated_frontline"] - survey.margins[groups]["regulated_frontline"] == moved
    assert survey.margins[groups]["unregulated_frontline"] - plan.margins[groups]["unregulated_frontline"] == moved
    assert plan.total == survey.total
    for cell in plan.tree["joint"]:
        apart = cell["profession_group"] in ("regulated_frontline", "unregulated_frontline")
        assert (cell["value"] is None) == apart


@pytest.mark.parametrize("actor", [EVE, ADMINISTRATOR])
def test_margins_are_for_pipelines_analysts_and_the_team(platform: Platform, actor: Actor) -> None:
    freeze(platform, *many())
    with pytest.raises(Forbidden):
        get_margins(platform, actor, "2024")
    with pytest.raises(Forbidden):
        get_margin(platform, actor, "0" * 64)


def test_what_is_not_there_is_said_to_be_not_there(platform: Platform) -> None:
    with pytest.raises(NotFound, match="no frozen snapshot"):
        get_margins(platform, PIPELINE, "2024")
    with pytest.raises(NotFound, match="no margins with this id"):
        get_margin(platform, PIPELINE, "0" * 64)
    with pytest.raises(InvalidRequest, match="reported or adjusted"):
        get_margins(platform, PIPELINE, "2024", estimator="guessed")
    with pytest.raises(InvalidRequest, match="survey or plan"):
        get_margins(platform, PIPELINE, "2024", grouping="mine")


def test_a_snapshot_without_such_people_has_no_margins(platform: Platform) -> None:
    freeze(platform, [LineRow("ALPHA", commissioning_route="other")], [paid(1, 30)])
    with pytest.raises(MarginsRefused, match="nobody of the survey's population"):
        get_margins(platform, PIPELINE, "2024")


def test_the_demonstration_has_the_published_shares(platform: Platform) -> None:
    rows = demo_rows(2024)
    freeze(platform, rows.lines, rows.staff, nil=rows.nil)

    found = get_margins(platform, PIPELINE, "2024")

    published = {
        "profession_group": {"peer_support_worker": 3, "unregulated_frontline": 55, "regulated_frontline": 12,
                             "management_administrative": 25, "commissioning": 5},
        "organisation_type": {"lero": 3, "voluntary": 78, "local_authority": 8, "nhs": 9, "for_profit": 2},
    }  # fmt: skip
    for dimension, shares in published.items():
        assert {name: round(100 * share) for name, share in found.shares(dimension).items()} == shares
    withheld = found.tree["disclosure"]["cells_withheld"]
    assert 0 < withheld < 225


@pytest.mark.parametrize("estimator", ["reported", "adjusted"])
def test_other_tools_weight_to_the_demonstration_as_we_do(platform: Platform, estimator: str) -> None:
    for year in (2023, 2024):
        rows = demo_rows(year)
        freeze(platform, rows.lines, rows.staff, year=year, nil=rows.nil)
    document = get_margins(platform, PIPELINE, "2024", estimator=estimator)
    answers = drawn_answers(document)

    ours = np.array(weigh_answers(document, answers, default_maps(document)).weights)

    assert max(misses(document, answers, ours).values()) < 1e-6
    for tool in (weightipy_weights, samplics_weights, ipfn_weights):
        theirs = tool(document, answers)
        assert max(misses(document, answers, theirs).values()) < 1e-6
        assert theirs / theirs.mean() == pytest.approx(ours, rel=1e-6)
