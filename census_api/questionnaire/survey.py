"""How the census's roles and employers become the groups of the workforce survey: mappings that are total, or refused.

`profession_map.csv` of a year says the profession group of every role by sector, once as the survey groups job titles
(`survey`) and once as the strategic plan does (`plan`); a role that it leaves out is in the group of its own entry in
`roles.csv`. `survey/collapse.csv` names the category that a thin one is joined with.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from census_api.domain.kit.errors import SpecError
from census_api.questionnaire.model import Code, CodeList, Spec

Grouping = Literal["survey", "plan"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)

NOT_COVERED = "not_covered"
"""The group of roles that the survey does not speak for: unpaid ones."""
_COLLAPSE = "survey/collapse.csv"
_COLLAPSE_COLUMNS = ["dimension", "category", "parent"]


@dataclass(frozen=True, slots=True)
class SurveyGroups:
    """(role, sector) -> profession group, and the SHA-256 of the whole mapping: its version."""

    grouping: Grouping
    year: int
    professions: Mapping[tuple[str, str], str]
    sha256: str

    def profession(self, role: str, sector: str) -> str:
        return self.professions[role, sector]


@dataclass(frozen=True, slots=True)
class CollapseRules:
    """Dimension -> category -> the category it is joined with where it is thin, and the SHA-256 of all of it."""

    parents: Mapping[str, Mapping[str, str]]
    sha256: str


def survey_groups(spec: Spec, grouping: Grouping) -> SurveyGroups:
    """The mapping of a year. Raises SpecError for a role that has a group in some sectors only, or in none."""
    written = {
        (row["role"], row["sector"]): row["profession_group"]
        for row in spec.mappings["profession_map"]
        if row["grouping"] == grouping
    }
    roles, sectors = (spec.code_lists[name] for name in ("roles", "sectors"))
    known = spec.code_lists["profession_groups"].by_code
    found: dict[tuple[str, str], str] = {}
    for role in _all(roles):
        here = {sector.code: written.get((role.code, sector.code), "") for sector in sectors.codes}
        own = role.attributes.get("profession_group", "")
        if not any(here.values()):
            here = dict.fromkeys(here, own)
        for sector, group in here.items():
            if group not in known:
                raise SpecError("profession_map.csv", f"{role.code}, {sector}, {grouping}", "has no profession group")
            found[role.code, sector] = group
    return SurveyGroups(grouping, spec.year, found, _digest({f"{a},{b}": group for (a, b), group in found.items()}))


def survey_professions(spec: Spec) -> tuple[str, ...]:
    """The profession groups that a survey is weighted to, in order."""
    return tuple(code.code for code in spec.code_lists["profession_groups"].codes if code.code != NOT_COVERED)


def collapse_rules(root: Path, spec: Spec) -> CollapseRules:
    """What stands in `survey/collapse.csv`. Raises SpecError for a category that the year does not have."""
    lists = {"region": "regions", "profession_group": "profession_groups", "organisation_type": "organisation_types"}
    parents: dict[str, dict[str, str]] = {name: {} for name in lists}
    try:
        with (root / _COLLAPSE).open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            rows = list(reader)
    except FileNotFoundError:
        raise SpecError(_COLLAPSE, "(whole file)", "there is no such file") from None
    if reader.fieldnames != _COLLAPSE_COLUMNS:
        raise SpecError(_COLLAPSE, "(first row)", f"must be {','.join(_COLLAPSE_COLUMNS)}")
    for row in rows:
        dimension = row["dimension"]
        if dimension not in lists:
            raise SpecError(_COLLAPSE, dimension, "is no dimension of the margins")
        for code in (row["category"], row["parent"]):
            if code not in spec.code_lists[lists[dimension]].by_code:
                raise SpecError(_COLLAPSE, f"{dimension}: {code}", f"is not in {lists[dimension]}.csv")
        parents[dimension][row["category"]] = row["parent"]
    return CollapseRules(parents, _digest(parents))


def _all(codes: CodeList) -> tuple[Code, ...]:
    return (*codes.codes, *codes.former)


def _digest(tree: object) -> str:
    return hashlib.sha256(json.dumps(tree, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
