"""Cases of the rules about lines and about the return as a whole."""

from __future__ import annotations

from typing import Any

from tests.factories.returns import (
    Change,
    Draft,
    both,
    fails,
    passes,
    rebuilt,
    service,
    service_row,
    staff,
    staff_row,
    unchanged,
)

THIRD = ("E06000003", "adult_community")


def _large(paid: int, /, **more: Any) -> Change:
    """The workers of the first line become so many."""
    return rebuilt(staff(paid_headcount=paid, paid_wte=str(paid * 9 / 10), opening_headcount=paid - 1, **more))


def _without_staff(draft: Draft) -> None:
    draft.tree["staff"] = [row for row in draft.rows("staff") if row["local_authority_code"] == "E06000001"]
    draft.rebuild()


def _all_staff(**cells: object) -> Change:
    def change(draft: Draft) -> None:
        for row in draft.rows("staff"):
            row.update(cells)

    return change


def _three_lines(first: int, others: int) -> Change:
    """Three lines with one row each: `first` workers on the first, `others` on the two others together."""

    def change(draft: Draft) -> None:
        draft.rows("services").append(service_row(*THIRD))
        lines = [("E06000001", "adult_community"), ("E06000002", "adult_community"), THIRD]
        numbers = [first, others - others // 2, others // 2]
        draft.tree["staff"] = [
            staff_row("DAW", paid, str(paid * 9 / 10), line, vacant_wte="1")
            for line, paid in zip(lines, numbers, strict=True)
        ]

    return rebuilt(change)


def _rows(count: int, heads: int, whole: int) -> Change:
    """`count` Staff rows of `heads` people; WTE is the same as headcount in the first `whole` of them."""

    def change(draft: Draft) -> None:
        roles = [code.code for code in draft.spec.code_lists["roles"].codes if code.attributes["pay_basis"] == "paid"]
        draft.tree["staff"] = [
            staff_row(role, heads, str(heads if index < whole else heads - 0.5))
            for index, role in enumerate(roles[:count])
        ]

    return rebuilt(change)


def _round_numbers(share: float, numbers: int) -> Change:
    """A return of which this share of `numbers` figures (Staff and breakdowns) end in 0."""

    def change(draft: Draft) -> None:
        fives = round(share * numbers)
        for sheet in draft.spec.breakdowns:
            draft.rows(sheet.key).clear()
        roles = [code.code for code in draft.spec.code_lists["roles"].codes if code.attributes["pay_basis"] == "paid"]
        draft.tree["staff"] = [
            staff_row(role, 10 if index < fives else 3, "2.5") for index, role in enumerate(roles[:numbers])
        ]

    return change


def _head_office_only(draft: Draft) -> None:
    for row in draft.rows("services"):
        row.update(service_type="head_office", commissioning_route=None)


def _leavers(total: int) -> Change:
    """46 people at the start and the end: half of the two together plus 10 is 56."""
    everybody = {"paid_headcount": 6, "opening_headcount": 6, "leavers": 0}
    return both(_all_staff(**everybody), staff("ADMIN", paid_headcount=10, opening_headcount=10, leavers=total))


CASES = [
    fails("RET-001", "no rows", lambda draft: draft.rows("services").clear(), "/services"),
    passes(
        "RET-001",
        "a nil return",
        lambda draft: draft.tree.update(services=[], organisation=draft.form | {"nil_return": "yes"}),
    ),
    fails("RET-002", "no rows", lambda draft: draft.rows("staff").clear(), "/staff"),
    passes("RET-002", "rows", unchanged),
    fails("RET-003", "full, and nobody", _without_staff, "/services/1/data_available"),
    fails(
        "RET-003", "partial, and nobody", both(service(1, data_available="partial", note="Payroll."), _without_staff)
    ),
    passes("RET-003", "none, and why", both(service(1, data_available="none", note="Payroll."), _without_staff)),
    fails("RET-004", "91 of 100", _three_lines(91, 9), "/services/0/local_authority_code"),
    passes("RET-004", "90 of 100", _three_lines(90, 10)),
    passes("RET-004", "48 of 49", _three_lines(48, 1)),
    fails("RET-004", "49 of 50", _three_lines(49, 1)),
    fails("RET-005", "no worker", staff(role_code="IPS"), "/services/0/service_type"),
    passes("RET-005", "a vacancy", staff(paid_headcount=0, paid_wte=0, opening_headcount=1, leavers=1, starters=0)),
    passes("RET-005", "a role that nobody can read", staff(role_code="DRUG WIZARD")),
    fails("RET-006", "50 people", both(_all_staff(vacant_wte="0"), _large(35, vacant_wte="0")), "/staff"),
    passes("RET-006", "49 people", both(_all_staff(vacant_wte="0"), _large(34, vacant_wte="0"))),
    passes("RET-006", "0.01 WTE", both(_all_staff(vacant_wte="0"), _large(35, vacant_wte="0.01"))),
    passes("RET-006", "not known", both(_all_staff(vacant_wte="NK"), _large(35))),
    fails("RET-007", "50 people", both(_all_staff(leavers=0), _large(35)), "/staff"),
    passes("RET-007", "49 people", both(_all_staff(leavers=0), _large(34))),
    passes("RET-007", "one", both(_all_staff(leavers=0), _large(35, leavers=1))),
    passes("RET-007", "not known", both(_all_staff(leavers="NK"), _large(35))),
    fails("RET-008", "13 of 20", _round_numbers(0.65, 20), "/staff"),
    passes("RET-008", "12 of 20", _round_numbers(0.6, 20)),
    passes("RET-008", "19 of 19", _round_numbers(1, 19)),
    fails("RET-009", "20 of 20", _rows(20, 3, 20), "/staff"),
    fails("RET-009", "10 of 10", _rows(10, 3, 10)),
    passes("RET-009", "19 of 20", _rows(20, 3, 19)),
    passes("RET-009", "9 of 9", _rows(9, 3, 9)),
    fails(
        "RET-010",
        "just above 0.6",
        both(_all_staff(paid_wte="1", vacant_wte="0.6"), staff(vacant_wte="0.61")),
        "/staff",
    ),
    passes("RET-010", "exactly 0.6", _all_staff(paid_wte="1", vacant_wte="0.6")),
    fails("RET-011", "just above half + 10", _leavers(57), "/staff"),
    passes("RET-011", "exactly half + 10", _leavers(56)),
    fails("RET-012", "only a head office", _head_office_only, "/services"),
    passes("RET-012", "a service as well", service(service_type="head_office", commissioning_route=None)),
]
