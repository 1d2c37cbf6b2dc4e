"""A whole return of any year: every sheet has rows, every kind of answer occurs, and it reads as itself."""

from __future__ import annotations

import random

from census_api.domain.collecting.content import Content, ContentCell, ContentRow
from census_api.questionnaire.model import SheetQuestion, Spec, SpecSheet

FORMULA_LIKE = "=SUM(A1:A9)"
ORGANISATION: dict[str, ContentCell] = {
    "organisation_code": "DEMO-CLEAN",
    "name": "Demonstration Recovery Services",
    "sector": "voluntary",
    "contact_name": "Human resources",
    "contact_email": "hr@example.org",
    "nil_return": "no",
    "comments": "-1 post moved in May\n@ head office; +2 since & <still> there, “quoted”",
}


def whole_return(spec: Spec, *, authorities: int = 2, roles: int = 5, seed: int = 1) -> Content:
    """`authorities` x 2 lines, with `roles` Staff rows each, and every role and role group in the breakdowns."""
    chance = random.Random(seed)
    lists = {name: [code.code for code in codes.codes] for name, codes in spec.code_lists.items()}
    lines = [
        {"local_authority_code": authority, "service_type": service}
        for authority in lists["local_authorities"][:authorities]
        for service in lists["service_types"][:2]
    ]
    content = Content(spec.year, dict(ORGANISATION))
    _add(content, spec.sheet["services"], [{**line, "data_available": "full", "note": FORMULA_LIKE} for line in lines])
    staff = [{**line, "role_code": role} for line in lines for role in lists["roles"][:roles]]
    _add(content, spec.sheet["staff"], [_answered(row, spec.sheet["staff"], chance) for row in staff])
    for sheet in spec.breakdowns:
        key = sheet.fields[0]
        codes = lists[str(key.code_list)]
        _add(content, sheet, [_answered({key.key: code}, sheet, chance) for code in codes])
    return content


def _answered(key: dict[str, str], sheet: SpecSheet, chance: random.Random) -> dict[str, ContentCell]:
    return {**key, **{question.key: _answer(question, chance) for question in sheet.counts}}


def _answer(question: SheetQuestion, chance: random.Random) -> ContentCell:
    if question.states and chance.random() < 0.2:
        return chance.choice(question.states)
    number = chance.randint(0, 60)
    return number if question.type == "count" else f"{number / 4:g}"


def _add(content: Content, sheet: SpecSheet, rows: list[dict[str, ContentCell]]) -> None:
    for position, cells in enumerate(rows, start=2):
        key = "|".join(str(cells[name]) for name in sheet.business_key)
        content.rows.append(ContentRow(sheet.key, position, key, cells))
