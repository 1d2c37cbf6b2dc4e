"""Random small snapshots: every answer, every kind of line, parents of several organisations, nil returns."""

from __future__ import annotations

import random
from typing import Any

from census_api.domain.kit.measures import ITEMS
from census_api.questionnaire.load import load_spec
from tests.factories.snapshots import BreakdownCell, Given, LineRow, StaffRow

AREAS = ("E06000001", "E06000002", "E08000001", "E09000002", "E09000003", "E10000034")
SECTORS = ("voluntary", "nhs", "independent", "lero")
SERVICES = ("adult_community", "young_people", "residential_rehabilitation")
ROLES = ("DAW", "PEER_MENTOR", "RECOVERY_COACH", "NURSE_B5", "NURSE_STUDENT", "GP", "COUNSELLOR", "MHWP", "CORP")
_WTE = ("paid_wte", "unpaid_wte", "vacant_wte", "establishment_wte")


def random_lines(seed: int, organisations: int = 12) -> list[LineRow]:
    """One to four lines an organisation, some not reported, some outside the frame."""
    dice = random.Random(seed)
    lines = []
    for number in range(organisations):
        sector, home = dice.choice(SECTORS), dice.choice(AREAS)
        keys = {(dice.choice([home, dice.choice(AREAS)]), dice.choice(SERVICES)) for _ in range(dice.randint(1, 4))}
        silent = dice.random() < 0.2
        for area, service in sorted(keys):
            reported = not silent and dice.random() < 0.9
            lines.append(
                LineRow(
                    f"ORG{number:03}", area, service, sector, parent=f"PARENT{number % 5}", reported=reported,
                    in_frame=not reported or dice.random() < 0.9,
                )
            )  # fmt: skip
    return lines


def random_staff(seed: int, lines: list[LineRow], unsure: float = 0.15) -> list[StaffRow]:
    """Up to six roles a reported line; `unsure` is the share of items without a value, in every way there is."""
    dice = random.Random(seed + 1)
    rows = []
    for line_no, line in enumerate(lines, start=1):
        if line.reported:
            for role in dice.sample(ROLES, dice.randint(0, 6)):
                rows.append(StaffRow(line_no, role, {item: _given(dice, item, unsure) for item in ITEMS}))
    return rows


def random_breakdowns(seed: int, lines: list[LineRow]) -> list[BreakdownCell]:
    """Age by role group and pay by role, of the organisations that reported."""
    dice = random.Random(seed + 2)
    cells = []
    for organisation in sorted({line.organisation for line in lines if line.reported}):
        for sheet, keys, categories in (
            ("age", ("nursing", "medical", "drug_alcohol_workers"), ("U20", "20_29", "30_39", "NK")),
            ("pay", ("DAW", "NURSE_B5", "GP"), ("B4_BELOW", "B5", "NK")),
        ):
            for key in dice.sample(keys, dice.randint(0, 3)):
                cells += [
                    BreakdownCell(organisation, sheet, key, category, _given(dice, "paid_headcount", 0.2))
                    for category in categories
                ]
    return cells


def described(lines: list[LineRow], staff: list[StaffRow]) -> list[dict[str, Any]]:
    """Each staff row with its items and what its line and role are, for a reckoning of one's own."""
    spec = load_spec(2024)
    areas, roles = spec.code_lists["local_authorities"].by_code, spec.code_lists["roles"].by_code
    types = spec.code_lists["sectors"].by_code
    rows: list[dict[str, Any]] = []
    for row in staff:
        line, role = lines[row.line_no - 1], roles[row.role].attributes
        items: dict[str, Any] = {item: _applied(item, row.items.get(item), role["pay_basis"]) for item in ITEMS}
        rows.append(
            {
                **items,
                "line_no": row.line_no, "organisation": line.organisation, "parent": line.parent,
                "region": areas[line.local_authority_code].attributes["region"],
                "local_authority": line.local_authority_code, "service_type": line.service_type,
                "sector": line.sector, "organisation_type": types[line.sector].attributes["organisation_type"],
                "role": row.role,
                **{name: role[name] for name in ("role_group", "regulated", "profession_group")},
            }
        )  # fmt: skip
    return rows


def _given(dice: random.Random, item: str, unsure: float) -> Given:
    if dice.random() < unsure:
        return dice.choice([None, "NK", "REFUSED", "NA"])
    whole = dice.choice([0, 0, 1, 2, 3, 7, 12])
    return round(whole * 0.83, 2) if item in _WTE else whole


def _applied(item: str, given: Given, basis: str) -> Given:
    unpaid = item.startswith("unpaid")
    left_out = (basis == "paid" and unpaid) or (basis == "unpaid" and not unpaid)
    return "NA" if given is None and left_out else given
