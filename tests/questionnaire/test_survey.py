"""The mappings to the survey's groups: total on both sides in every year, or refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from census_api.domain.kit.errors import SpecError
from census_api.questionnaire.load import load_library
from census_api.questionnaire.resources import find_folder
from census_api.questionnaire.survey import (
    GROUPINGS,
    NOT_COVERED,
    Grouping,
    collapse_rules,
    survey_groups,
    survey_professions,
)
from census_api.statistics.margins.totals import IN_SCOPE_ROUTES

YEARS = load_library().years


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("grouping", GROUPINGS)
def test_every_role_has_a_group_with_every_employer(year: int, grouping: Grouping) -> None:
    spec = load_library().spec(year)
    groups = survey_groups(spec, grouping)
    roles, sectors = (spec.code_lists[name].codes for name in ("roles", "sectors"))
    assert set(groups.professions) == {(role.code, sector.code) for role in roles for sector in sectors}
    assert set(groups.professions.values()) == {*survey_professions(spec), NOT_COVERED}


@pytest.mark.parametrize("year", YEARS)
def test_only_roles_that_are_never_paid_are_not_covered(year: int) -> None:
    spec = load_library().spec(year)
    groups = survey_groups(spec, "survey")
    outside = {role for (role, _), group in groups.professions.items() if group == NOT_COVERED}
    basis = {role.code: role.attributes["pay_basis"] for role in spec.code_lists["roles"].codes}
    assert {basis[role] for role in outside} <= {"unpaid", "not_reportable"}


@pytest.mark.parametrize("year", YEARS)
def test_every_sector_has_an_organisation_type_and_every_route_a_side(year: int) -> None:
    spec = load_library().spec(year)
    types = {sector.attributes["organisation_type"] for sector in spec.code_lists["sectors"].codes}
    assert types == set(spec.code_lists["organisation_types"].by_code)
    routes = spec.code_lists["commissioning_routes"].codes
    assert {route.code for route in routes if route.attributes["in_survey"] == "yes"} == IN_SCOPE_ROUTES


def test_the_plan_counts_accredited_registers_as_regulated_and_moves_nobody_else() -> None:
    spec = load_library().spec(2024)
    survey, plan = (survey_groups(spec, grouping).professions for grouping in GROUPINGS)
    moved = {(survey[key], plan[key]) for key in survey if survey[key] != plan[key]}
    assert moved == {("unregulated_frontline", "regulated_frontline")}
    roles = spec.code_lists["roles"].by_code
    kinds = {
        roles[role].attributes["regulated"] for role, sector in survey if survey[role, sector] != plan[role, sector]
    }
    assert "yes" not in kinds
    assert "no" not in kinds


def test_commissioners_of_local_authorities_are_commissioning() -> None:
    groups = survey_groups(load_library().spec(2024), "survey").professions
    assert groups["DATA_P", "la_delivered"] == "commissioning"
    assert groups["DATA_P", "voluntary"] == "management_administrative"


@pytest.mark.parametrize(
    ("line", "why"),
    [("region,E12000001,E99999999", "E99999999"), ("colour,red,blue", "colour"), ("region,E1,E12000001", "E1")],
)
def test_a_join_with_a_category_that_is_not_there_is_refused(tmp_path: Path, line: str, why: str) -> None:
    root = tmp_path / "schemas"
    shutil.copytree(find_folder("schemas"), root)
    file = root / "survey" / "collapse.csv"
    file.write_text(f"{file.read_text()}{line}\n")
    with pytest.raises(SpecError, match=why):
        collapse_rules(root, load_library().spec(2024))


def test_a_mapping_that_leaves_a_sector_out_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "schemas"
    shutil.copytree(find_folder("schemas"), root)
    file = root / "2022" / "profession_map.csv"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("DAW,nhs,survey")]
    file.write_text("\n".join(lines) + "\n")
    with pytest.raises(SpecError, match="DAW, nhs"):
        survey_groups(load_library(root).spec(2022), "survey")
