"""Whether two years asked the same: reference dates, items, roles, categories and areas, as their specs say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from census_api.domain.comparing import ComparisonQuestion
from census_api.domain.kit.measures import ROLE_DIMENSIONS
from census_api.questionnaire.areas import AREAS, areas_after
from census_api.questionnaire.model import CodeList, Spec

Role = Mapping[str, str]
"""A role's code as `role`, and its group, regulated status and profession group."""


@dataclass(frozen=True, slots=True)
class Definitions:
    """What differs between two years, in sentences: for every cell, and by dimension and value.

    `renamed` gives, by dimension, the later year's value of an earlier value that was only renamed or joined.
    """

    everywhere: tuple[str, ...] = ()
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    renamed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def changes(self, cell: Mapping[str, str | None]) -> list[str]:
        """What differs for a cell. Empty: its two years are of one definition."""
        own = [self.values.get(name, {}).get(value or "") for name, value in cell.items()]
        return [*self.everywhere, *(sentence for sentence in own if sentence)]


def compare_definitions(
    asked: ComparisonQuestion, specs: tuple[Spec, Spec], roles: tuple[Sequence[Role], Sequence[Role]]
) -> Definitions:
    """What differs between two years for a question (methods.md 1.4, DEFINITION_CHANGE)."""
    values: dict[str, dict[str, str]] = {}
    renamed: dict[str, dict[str, str]] = {}
    if "local_authority" in asked.by:
        values["local_authority"], renamed["local_authority"] = _areas(*specs)
    crosswalk = _crosswalk(specs, roles)
    for name in ROLE_DIMENSIONS:
        if name in asked.by:
            values[name] = _roles(name, roles, crosswalk)
    if "role" in asked.by:
        renamed["role"] = crosswalk
    if asked.breakdown is not None:
        values[asked.breakdown.key] = _categories(asked.breakdown.key, specs)
    return Definitions(tuple(_everywhere(asked, specs)), values, renamed)


def _everywhere(asked: ComparisonQuestion, specs: tuple[Spec, Spec]) -> list[str]:
    dates = [(spec.collection.reference_date.month, spec.collection.reference_date.day) for spec in specs]
    found = []
    if dates[0] != dates[1]:
        found.append("The two years were counted at different days of the year.")
    lengths = [(spec.collection.flow_to - spec.collection.flow_from).days for spec in specs]
    # a leap year is not another period
    if abs(lengths[0] - lengths[1]) > 1:
        found.append("Starters and leavers were counted over periods of different length.")
    found += [
        f"{item} was not asked in {spec.year}."
        for spec in specs
        for item in asked.measure.items
        if item not in spec.sheet["staff"].by_key
    ]
    return found


def _areas(before: Spec, after: Spec) -> tuple[dict[str, str], dict[str, str]]:
    """Authorities that were divided, and the later code of those that were renumbered or joined."""
    known = after.code_lists[AREAS].by_code
    changed: dict[str, str] = {}
    renamed: dict[str, str] = {}
    for area in before.code_lists[AREAS].codes:
        if area.code in known:
            continue
        later = areas_after(after, area.code)
        if len(later) == 1:
            renamed[area.code] = later[0]
            continue
        names = ", ".join(known[code].label for code in later) or "nothing that the list names"
        for code in (area.code, *later):
            changed[code] = f"The local authority {area.label} was divided into {names}."
    return changed, renamed


def _crosswalk(specs: tuple[Spec, Spec], roles: tuple[Sequence[Role], Sequence[Role]]) -> dict[str, str]:
    """Earlier roles that the later list no longer has -> the one role that it declares in their place."""
    later = {role["role"] for role in roles[1]}
    declared = {code.code: code.many("successors") for code in specs[1].code_lists["roles"].former}
    for code in specs[1].code_lists["roles"].codes:
        for earlier in code.many("predecessors"):
            declared[earlier] = tuple(dict.fromkeys((*declared.get(earlier, ()), code.code)))
    gone = [role["role"] for role in roles[0] if role["role"] not in later]
    return {code: declared[code][0] for code in gone if len(declared.get(code, ())) == 1 and declared[code][0] in later}


def _roles(name: str, roles: tuple[Sequence[Role], Sequence[Role]], crosswalk: Mapping[str, str]) -> dict[str, str]:
    """Values of a dimension of roles whose roles are not the same in both years."""
    after = {role["role"]: role[name] for role in roles[1]}
    changed: dict[str, str] = {}
    for role in roles[0]:
        old, code = role[name], crosswalk.get(role["role"], role["role"])
        new = after.get(code)
        if new is None:
            changed[old] = f"The role {code} is no longer asked in the later year."
        elif new not in (old, code):
            sentence = f"The role {code} is counted under {old} in the earlier year and under {new} in the later."
            changed |= {old: sentence, new: sentence}
    asked_before = {crosswalk.get(role["role"], role["role"]) for role in roles[0]}
    for code, value in after.items():
        if code not in asked_before:
            changed[value] = f"The role {code} was not asked in the earlier year."
    return changed


def _categories(key: str, specs: tuple[Spec, Spec]) -> dict[str, str]:
    """Categories of a breakdown that one year does not have, or whose limits differ."""
    before, after = (_limits(spec, key) for spec in specs)
    changed: dict[str, str] = {}
    for code in sorted(before.keys() | after.keys()):
        if code not in before or code not in after:
            changed[code] = f"The category {code} of {key} is asked in one of the two years only."
        elif before[code] != after[code]:
            changed[code] = f"The limits of the category {code} of {key} differ between the two years."
    return changed


def _limits(spec: Spec, key: str) -> dict[str, tuple[str, ...]]:
    """The categories that a breakdown asks, with the limits that their list gives."""
    sheet = spec.sheet[key]
    listed: CodeList = spec.code_lists[sheet.categories or ""]
    asked = {question.key for question in sheet.counts}
    return {
        code.code: tuple(
            value for name, value in sorted(code.attributes.items()) if name.startswith(("lower", "upper"))
        )
        for code in listed.codes
        if code.code in asked
    }
