"""The synthetic population: deterministic, clean, and with every kind of difference between years in it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import defaultdict

import pytest

from census_api.demo.parameters import OPEN_YEAR, SECTORS, YEARS
from census_api.demo.population import (
    DemoPopulation,
    as_workbooks,
    frame_rows,
    iterate_returns,
    local_authority_codes,
    make_population,
    register_rows,
)
from census_api.demo.structure import FIXED
from census_api.domain.collecting.content import Content
from census_api.domain.collecting.findings import Finding
from census_api.domain.kit.errors import InvalidRequest
from census_api.intake.judging.judge import Context, RegisterEntry, judge_return
from census_api.questionnaire.load import load_spec
from tests.patience import PATIENCE

_EXPECTED_QUERIES = {
    # a line or organisation that really changed: won, lost, merged, split, begun, ended
    "LYR-001", "LYR-002", "LYR-003", "LYR-004", "LYR-005", "LYR-009", "LYR-010", "LYR-011", "LYR-012", "LYR-018",
    # figures that happen to be the same twice in small organisations, and an entrant whom nobody has left
    "LYR-006", "LYR-013", "LYR-014", "RET-007",
    # councils that do not know what their staff earn, and the first nil return of a unit that closed
    "BRK-014", "LYR-016",
}  # fmt: skip


@pytest.fixture(scope="module")
def people() -> DemoPopulation:
    return make_population()


def _judged(people: DemoPopulation, year: int) -> dict[str, list[Finding]]:
    frame: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in frame_rows(people, year):
        frame[line.organisation].append((line.local_authority_code, line.service_type))
    sectors = {one.code: one.sector for one in people.organisations}
    before = set(people.answered(year - 1)) if year > YEARS[0] else set()
    findings: dict[str, list[Finding]] = {}
    for code, content in iterate_returns(people, year):
        entry = RegisterEntry(known=True, status="open", sector=sectors[code], successor=None)
        last = people.content(year - 1, code) if code in before else None
        context = Context(organisation=code, last_year=last, frame=tuple(frame[code]), register=entry)
        report = judge_return(json.dumps(content.as_json()).encode(), year, context).report
        assert "failed" not in report.rules_by_status.values()
        findings[code] = report.findings
    return findings


@pytest.mark.parametrize("year", YEARS)
def test_every_return_is_judged_without_an_error_and_most_without_a_query(people: DemoPopulation, year: int) -> None:
    findings = _judged(people, year)
    spoilt = {"DEMO-ERRORS", "DEMO-QUERIES"} if year == OPEN_YEAR else set()
    ordinary = {code: found for code, found in findings.items() if code not in spoilt}
    assert [(code, one.rule) for code, found in ordinary.items() for one in found if one.severity == "error"] == []
    assert {one.rule for found in ordinary.values() for one in found if one.severity == "query"} <= _EXPECTED_QUERIES
    clean = [code for code, found in ordinary.items() if not any(one.severity == "query" for one in found)]
    assert len(clean) >= len(ordinary) / 2
    assert "DEMO-CLEAN" in clean
    assert len(people.content(year, "DEMO-LARGE").table("staff")) >= 1900
    if year == OPEN_YEAR:
        assert findings["DEMO-NIL"] == []
        errors = {one.rule for one in findings["DEMO-ERRORS"] if one.severity == "error"}
        sheets = {one.sheet for one in findings["DEMO-ERRORS"]}
        assert len(errors) >= 12
        assert sheets >= {"Organisation", "Services", "Staff", "Gender", "Age"}
        queries = findings["DEMO-QUERIES"]
        assert {one.severity for one in queries} == {"query"}
        assert len({one.rule for one in queries}) >= 5


def _people_of(content: Content, sheet: str, group_of: dict[str, str]) -> dict[str, int]:
    totals: dict[str, int] = defaultdict(int)
    for row in content.table(sheet):
        group = group_of[str(row["role_code"])] if "role_code" in row else str(row["role_group"])
        if sheet == "staff":
            totals[group] += int(row["paid_headcount"])
        else:
            totals[group] += sum(value for value in row.values() if isinstance(value, int))
    return {group: total for group, total in totals.items() if total}


@pytest.mark.parametrize("year", [2022, 2024])
def test_breakdowns_agree_with_staff_and_the_year_adds_up(people: DemoPopulation, year: int) -> None:
    spec = load_spec(year)
    group_of = {role.code: role.attributes["role_group"] for role in spec.code_lists["roles"].codes}
    for _, content in iterate_returns(people, year):
        staff = _people_of(content, "staff", group_of)
        for sheet in spec.breakdowns:
            assert _people_of(content, sheet.key, group_of) == staff
        for row in content.table("staff"):
            assert int(row["paid_headcount"]) * 0.5 <= float(row["paid_wte"]) <= int(row["paid_headcount"])
            if row["leavers"] == "NK":
                continue
            inflow = int(row["opening_headcount"]) + int(row["starters"]) + int(row["transfers_in"])
            assert inflow - int(row["leavers"]) - int(row["transfers_out"]) == row["paid_headcount"]


def test_opening_headcount_is_what_was_answered_a_year_before(people: DemoPopulation) -> None:
    for code in ("DEMO-LARGE", "DEMO-CLEAN", "VOL-002"):
        key = ("local_authority_code", "service_type", "role_code")
        before = {tuple(row[part] for part in key): row for row in people.content(2023, code).table("staff")}
        after = people.content(2024, code).table("staff")
        pairs = [(row, before[at]) for row in after if (at := tuple(row[part] for part in key)) in before]
        assert len(pairs) > 10
        assert all(row["opening_headcount"] == old["paid_headcount"] for row, old in pairs)


def test_response_is_near_four_in_five_and_lower_while_the_collection_is_open(people: DemoPopulation) -> None:
    for year in YEARS:
        share = len(people.answered(year)) / len(people.asked(year))
        low, high = (0.5, 0.7) if year == OPEN_YEAR else (0.78, 0.85)
        assert low <= share <= high
        assert set(FIXED) <= set(people.answered(year))


def test_every_kind_of_difference_between_years_is_there(people: DemoPopulation) -> None:
    kinds = {edge.kind for edge in people.edges}
    assert kinds == {"merged", "split", "contract_transfer", "renamed"}
    assert {one.status for one in people.organisations} == {"open", "closed", "merged"}
    asked = {year: set(people.asked(year)) for year in YEARS}
    silent = {year: people.staff[year].response.silent for year in YEARS}
    assert asked[2023] - asked[2022]
    assert asked[2023] - asked[2024]
    assert (silent[2022] & asked[2023]) - silent[2023]
    assert (silent[2023] & asked[2022]) - silent[2022]
    for year in YEARS[1:]:
        before, after = (
            {(line.organisation, line.area, line.service) for line in people.structure.in_year(y)}
            for y in (year - 1, year)
        )
        stayed = asked[year] & asked[year - 1]
        moved = {key for edge in people.moves for key in (edge.source, edge.target)}
        assert [key for key in after - before if key[0] in stayed and key not in moved], "scope gained"
        assert [key for key in before - after if key[0] in stayed and key not in moved], "scope lost"
        assert {"none", "flows"} == set(people.staff[year].response.gaps.values())
    assert any(row.transfers_in for row in people.staff[2024].rows.values())
    assert any(row.transfers_out for row in people.staff[2024].rows.values())


def test_local_authorities_are_those_of_the_year(people: DemoPopulation) -> None:
    for year in YEARS:
        known = load_spec(year).code_lists["local_authorities"].by_code
        assert {line.local_authority_code for line in frame_rows(people, year)} <= set(known)
        assert len({line.local_authority_code for line in frame_rows(people, year)}) >= 150
    assert local_authority_codes(load_spec(2022))["E06000063"] == "E10000006"
    assert local_authority_codes(load_spec(2025))["E08000016"] == "E08000038"
    recoded = {edge.source[1]: edge.target[1] for edge in people.edges if edge.kind == "renamed"}
    assert recoded["E10000027"] == "E06000066"
    assert recoded["E08000019"] == "E08000039"


def test_edges_join_lines_of_the_two_frames(people: DemoPopulation) -> None:
    frames = {
        year: {(line.organisation, line.local_authority_code, line.service_type) for line in frame_rows(people, year)}
        for year in YEARS
    }
    for edge in people.edges:
        assert edge.source in frames[edge.from_year]
        assert edge.target in frames[edge.to_year]
        assert edge.from_year <= edge.effective.year <= edge.to_year
        assert edge.evidence
        assert edge.confirmed_by


def test_register_names_parents_before_children_and_has_every_sector(people: DemoPopulation) -> None:
    seen: set[str] = set()
    for one in register_rows(people):
        assert {code for code in (one.parent, one.merged_into) if code} <= seen
        seen.add(one.code)
    assert len(seen) == len(people.organisations) == 200
    assert {one.sector for one in people.organisations} == set(SECTORS)
    assert all("(demonstration" in one.name for one in people.organisations)
    assert len({one.name for one in people.organisations}) == 200
    assert any(one.parent for one in people.organisations)


def test_at_least_thirty_returns_of_every_sector_are_meant_as_workbooks(people: DemoPopulation) -> None:
    for year in YEARS:
        codes = as_workbooks(people, year)
        assert len(codes) == len(set(codes)) >= 30
        assert set(codes) <= set(people.answered(year))
        assert {people.structure.sector(code) for code in codes} == set(SECTORS)


def test_the_same_population_comes_out_of_another_process(people: DemoPopulation) -> None:
    program = (
        "import hashlib\n"
        "from census_api.demo.population import iterate_returns, make_population\n"
        "text = ''.join(content.sha256() for _, content in iterate_returns(make_population(), 2023))\n"
        "print(hashlib.sha256(text.encode()).hexdigest())\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    other = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    here = hashlib.sha256(
        "".join(content.sha256() for _, content in iterate_returns(people, 2023)).encode()
    ).hexdigest()
    assert other.stdout.strip() == here


def test_another_number_of_organisations_has_totals_in_proportion() -> None:
    people = make_population(7, 100)
    assert len(people.organisations) == 100
    hundredths = sum(
        row.paid_wte + row.unpaid_wte
        for key, row in people.staff[2024].rows.items()
        if people.staff[2024].answered(key)
    )
    assert hundredths / 100 == pytest.approx(14121 / 2, rel=0.001)


@pytest.mark.parametrize("number", [0, 99, 4001])
def test_too_few_or_too_many_organisations_are_refused_in_words(number: int) -> None:
    with pytest.raises(InvalidRequest, match="100 to 4,000"):
        make_population(1, number)
