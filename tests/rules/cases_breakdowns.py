"""Cases of the rules about the breakdown sheets, by themselves and against the Staff sheet."""

from __future__ import annotations

from tests.factories.returns import (
    SECOND,
    Case,
    Change,
    Draft,
    both,
    breakdown,
    counts,
    fails,
    passes,
    rebuilt,
    staff_row,
    unchanged,
)

DAW = "drug_alcohol_workers"
LINE_TWO = (SECOND, "adult_community")


def people(sheet: str, code: str, **names: int) -> Change:
    return lambda draft: counts(names, draft, sheet, code)


def first_cell(sheet: str, code: str, value: object) -> Change:
    def change(draft: Draft) -> None:
        draft.row(sheet, code)[draft.spec.sheet[sheet].counts[0].key] = value

    return change


def _everywhere(code: str, total: int, *sheets: str) -> Change:
    """This many people in a role group on these sheets (default: all that have role groups)."""

    def change(draft: Draft) -> None:
        for sheet in draft.spec.breakdowns:
            if sheet.rows_by == "role_group" and (not sheets or sheet.key in sheets):
                names = [question.key for question in sheet.counts]
                counts({names[0]: total}, draft, sheet.key, code)

    return change


def _cells() -> list[Case]:
    cases: list[Case] = []
    for value in ("four", 1.5, "4"):
        cases.append(fails("BRK-003", repr(value), first_cell("contract", DAW, value)))
    return [
        *cases,
        passes("BRK-003", "0", first_cell("contract", DAW, 0)),
        fails("BRK-001", "no role group", breakdown("age", DAW, role_group=None), "/age/0/role_group"),
        passes("BRK-001", "a role group", unchanged),
        fails("BRK-002", "no such role", breakdown("pay", "DAW", role_code="WIZARD"), "/pay/0/role_code"),
        fails("BRK-002", "no such role group", breakdown("age", DAW, role_group="wizards"), "/age/0/role_group"),
        passes("BRK-002", "a label", breakdown("age", DAW, role_group="Drug and alcohol workers")),
        fails("BRK-004", "one below 0", first_cell("contract", DAW, -1)),
        passes("BRK-004", "0", first_cell("contract", DAW, 0)),
        fails("BRK-005", "one above", first_cell("contract", DAW, 100_001)),
        passes("BRK-005", "the maximum", first_cell("contract", DAW, 100_000)),
        fails("BRK-006", "NK in a cell", first_cell("contract", DAW, "NK")),
        passes("BRK-006", "a number in the last column", breakdown("contract", DAW, NK=1)),
        fails("BRK-007", "twice", lambda draft: draft.rows("age").append(dict(draft.row("age", DAW)))),
        passes("BRK-007", "on two sheets", unchanged),
        fails("BRK-008", "one cell blank", first_cell("contract", DAW, None), "/contract/0/role_group"),
        passes("BRK-008", "a number in every cell", unchanged),
        fails("BRK-009", "no rows", _empty("hours"), "/hours"),
        passes("BRK-009", "rows", unchanged),
        passes("BRK-009", "nobody is paid", rebuilt(_nobody_paid)),
    ]  # fmt: skip


def _empty(sheet: str) -> Change:
    return lambda draft: draft.rows(sheet).clear()


def _nobody_paid(draft: Draft) -> None:
    draft.tree["staff"] = [draft.row("staff", "VOL")]


def _against_staff() -> list[Case]:
    # 16 workers on Staff, the larger line has 9; pay is by role, the other sheets by role group
    at = "/contract/0/role_group"
    return [
        fails("BRK-010", "one too many", _everywhere(DAW, 17), at),
        passes("BRK-010", "as many", _everywhere(DAW, 16)),
        fails("BRK-010", "one too many in pay", people("pay", "DAW", B5=17), "/pay/0/role_code"),
        fails("BRK-011", "one fewer than the larger line", _everywhere(DAW, 8), at),
        passes("BRK-011", "as many as the larger line", _everywhere(DAW, 9)),
        fails("BRK-011", "one fewer in pay", people("pay", "DAW", B5=8), "/pay/0/role_code"),
        fails("BRK-012", "one fewer than on Staff", _everywhere(DAW, 15), at),
        passes("BRK-012", "as many", _everywhere(DAW, 16)),
        passes("BRK-012", "fewer than one line is another rule's", _everywhere(DAW, 8)),
        fails("BRK-013", "one sheet has one fewer", _everywhere(DAW, 15, "age"), "/age/0/role_group"),
        fails("BRK-013", "one sheet has one more", _everywhere(DAW, 17, "hours"), "/hours/0/role_group"),
        passes("BRK-013", "all agree", unchanged),
        fails("BRK-018", "a row left out", lambda draft: draft.rows("age").remove(draft.row("age", "nursing")), "/age"),
        fails("BRK-018", "a role left out", lambda draft: draft.rows("pay").remove(draft.row("pay", "ADMIN")), "/pay"),
        passes("BRK-018", "no row for volunteers", unchanged),
        fails("BRK-019", "a salary for volunteers", lambda draft: draft.rows("pay").append(draft.row("pay", "GP") | {"role_code": "VOL"}),
              "/pay/5/role_code"),
        passes("BRK-019", "zeros for volunteers", _no_salary),
        fails("BRK-022", "zeros", _everywhere(DAW, 0, "age"), "/age/0/role_group"),
        passes("BRK-022", "people", unchanged),
    ]  # fmt: skip


def _no_salary(draft: Draft) -> None:
    row = dict(draft.row("pay", "GP"))
    draft.rows("pay").append({key: "VOL" if key == "role_code" else 0 for key in row})


def _team(role: str, total: int) -> Change:
    """So many people in a role on one line, and breakdowns that fit."""
    row = staff_row(role, total, str(total * 9 / 10), LINE_TWO)
    return rebuilt(lambda draft: draft.rows("staff").append(row))


def _shares() -> list[Case]:
    nurses, admin = "NURSE_B7", "DATA_P"
    return [
        fails("BRK-014", "4 of 16 not known", people("age", DAW, **{"20_29": 12, "NK": 4}), "/age/0/role_group"),
        passes("BRK-014", "3 of 16 not known", people("age", DAW, **{"20_29": 13, "NK": 3})),
        passes("BRK-014", "exactly one in five", both(_team("PHARM", 10), people("age", "pharmacy", **{"20_29": 8, "NK": 2}))),
        fails("BRK-015", "half", people("pay", "GP", B4_BELOW=1, B8A=1), "/pay/2/role_code"),
        passes("BRK-015", "fewer than half", both(_team("GP_ESR", 5), people("pay", "GP_ESR", B4_BELOW=2, B8A=3))),
        fails("BRK-016", "9 of 10", both(_team(nurses, 10), people("pay", nurses, B4_BELOW=9, B5=1))),
        passes("BRK-016", "8 of 10", both(_team(nurses, 10), people("pay", nurses, B4_BELOW=8, B5=2))),
        fails("BRK-017", "3 of 10", both(_team(admin, 10), people("pay", admin, B5=7, B8B=2, B9=1))),
        passes("BRK-017", "2 of 10", both(_team(admin, 10), people("pay", admin, B5=8, B8B=1, B9=1))),
        fails("BRK-020", "all 30", both(_team("OT", 30), people("gender", "allied_health", F=30))),
        passes("BRK-020", "all 29", both(_team("OT", 29), people("gender", "allied_health", F=29))),
        passes("BRK-020", "29 of 30", both(_team("OT", 30), people("gender", "allied_health", F=29, M=1))),
        fails("BRK-021", "none of 10", both(_team("OT", 10), people("age", "allied_health", NK=10))),
        passes("BRK-021", "none of 9", both(_team("OT", 9), people("age", "allied_health", NK=9))),
        passes("BRK-021", "1 of 10", both(_team("OT", 10), people("age", "allied_health", **{"20_29": 1, "NK": 9}))),
    ]  # fmt: skip


CASES = [*_cells(), *_against_staff(), *_shares()]
