"""Cases of the rules that need more than the file: the frame, last year's return, the register."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from tests.factories.returns import (
    FIRST,
    LINES,
    SECOND,
    Case,
    Change,
    Draft,
    both,
    fails,
    form,
    passes,
    service_row,
    staff,
    staff_row,
    unchanged,
)

ELSEWHERE = ("E06000003", "adult_community")


def frame(*lines: tuple[str, str]) -> Change:
    return lambda draft: setattr(draft, "frame", lines)


def before(role: str = "DAW", **cells: Any) -> Change:
    return lambda draft: draft.before(role).update(cells)


def before_all(**cells: Any) -> Change:
    def change(draft: Draft) -> None:
        assert draft.last_year is not None
        for row in draft.last_year["staff"]:
            row.update(cells)

    return change


def form_before(**cells: Any) -> Change:
    def change(draft: Draft) -> None:
        assert draft.last_year is not None
        draft.last_year["organisation"].update(cells)

    return change


def service_before(*lines: tuple[str, str]) -> Change:
    def change(draft: Draft) -> None:
        assert draft.last_year is not None
        draft.last_year["services"] = [service_row(*line) for line in lines]

    return change


def line_two(paid: int, wte: str, paid_before: int, wte_before: str) -> Change:
    """The second line: so many workers now and last year, and nobody else."""

    def change(draft: Draft) -> None:
        assert draft.last_year is not None
        for tree, heads, hours in ((draft.tree, paid, wte), (draft.last_year, paid_before, wte_before)):
            rows = [row for row in tree["staff"] if row["local_authority_code"] == FIRST]
            tree["staff"] = [*rows, staff_row("DAW", heads, hours, (SECOND, "adult_community"))]

    return change


def only_row(now: dict[str, Any], last: dict[str, Any]) -> Change:
    """One Staff row this year and last year, with these cells."""

    def change(draft: Draft) -> None:
        assert draft.last_year is not None
        draft.tree["staff"] = [staff_row("DAW", 30, "27") | now]
        draft.last_year["staff"] = [staff_row("DAW", 30, "27") | last]

    return change


def roles_now_and_then(now: list[int], then: list[int]) -> Change:
    """Roles of one line with these headcounts."""

    def change(draft: Draft) -> None:
        assert draft.last_year is not None
        roles = [code.code for code in draft.spec.code_lists["roles"].codes if code.attributes["pay_basis"] == "paid"]
        draft.tree["staff"] = [staff_row(role, heads, "1") for role, heads in zip(roles, now, strict=False)]
        draft.last_year["staff"] = [staff_row(role, heads, "1") for role, heads in zip(roles, then, strict=False)]

    return change


def _same_staff(draft: Draft) -> None:
    assert draft.last_year is not None
    draft.last_year["staff"] = copy.deepcopy(draft.tree["staff"])


def _same_pay(draft: Draft) -> None:
    assert draft.last_year is not None
    draft.last_year["pay"] = copy.deepcopy(draft.tree["pay"])


def _nil(draft: Draft) -> None:
    draft.tree = {"census_year": draft.spec.year, "organisation": draft.form | {"nil_return": "yes"}}


def entry(**facts: Any) -> Change:
    def change(draft: Draft) -> None:
        assert draft.register is not None
        draft.register = replace(draft.register, **facts)

    return change


_LINES = [
    fails("FRM-001", "one is missing", frame(*LINES, ELSEWHERE), "/services"),
    passes("FRM-001", "all are there", unchanged),
    passes("FRM-001", "a nil return", _nil),
    fails("FRM-002", "one more", frame(LINES[0]), "/services/1/service_type"),
    passes("FRM-002", "all are expected", unchanged),
    fails("FRM-003", "none of them", frame(ELSEWHERE), "/services"),
    passes("FRM-003", "one of them", frame(ELSEWHERE, LINES[0])),
    fails("LYR-001", "not there last year", service_before(LINES[0]), "/services/1/service_type"),
    passes("LYR-001", "there last year", unchanged),
    fails("LYR-002", "there last year", service_before(*LINES, ELSEWHERE), "/services"),
    passes("LYR-002", "still there", unchanged),
    fails("LYR-003", "21 after 10", line_two(21, "5", 10, "5"), "/services/1/service_type"),
    passes("LYR-003", "20 after 10", line_two(20, "5", 10, "5")),
    fails("LYR-003", "4 after 10", line_two(4, "5", 10, "5")),
    passes("LYR-003", "5 after 10", line_two(5, "5", 10, "5")),
    passes("LYR-003", "1 after 9", line_two(1, "5", 9, "5")),
    fails("LYR-004", "20.01 after 10", line_two(15, "20.01", 15, "10")),
    passes("LYR-004", "20 after 10", line_two(15, "20", 15, "10")),
    fails("LYR-004", "4.99 after 10", line_two(15, "4.99", 15, "10")),
    passes("LYR-004", "1 after 9.99", line_two(5, "1", 5, "9.99")),
]
_ROWS = [
    fails("LYR-005", "one of eight", roles_now_and_then([10] * 7 + [40], [10] * 8), "/staff/7/paid_headcount"),
    passes("LYR-005", "one person more", roles_now_and_then([10] * 7 + [11], [10] * 8)),
    passes("LYR-005", "only seven", roles_now_and_then([10] * 6 + [40], [10] * 7)),
    passes("LYR-005", "all doubled", roles_now_and_then([20] * 8, [10] * 8)),
    fails(
        "LYR-006",
        "10 flows",
        only_row({"starters": 6, "leavers": 4}, {"starters": 6, "leavers": 4, "paid_headcount": 28}),
    ),
    passes(
        "LYR-006",
        "9 flows",
        only_row({"starters": 5, "leavers": 4}, {"starters": 5, "leavers": 4, "paid_headcount": 28}),
    ),
    passes(
        "LYR-006",
        "one differs",
        only_row({"starters": 6, "leavers": 4}, {"starters": 6, "leavers": 5, "paid_headcount": 28}),
    ),
    fails("LYR-007", "one fewer", before(paid_headcount=9), "/staff/0/opening_headcount"),
    passes("LYR-007", "the same", unchanged),
    passes("LYR-007", "not known", both(staff(opening_headcount="NK"), before(paid_headcount=9))),
    fails(
        "LYR-009",
        "10 before",
        both(staff(paid_headcount=0, paid_wte=0), before(paid_headcount=10)),
        "/staff/0/paid_headcount",
    ),
    passes("LYR-009", "9 before", both(staff(paid_headcount=0, paid_wte=0), before(paid_headcount=9))),
    passes("LYR-009", "one left", both(staff(paid_headcount=1), before(paid_headcount=10))),
    fails("LYR-018", "10 now", both(staff(paid_headcount=10), before(paid_headcount=0)), "/staff/0/paid_headcount"),
    passes("LYR-018", "9 now", before(paid_headcount=0)),
    passes("LYR-018", "one before", both(staff(paid_headcount=10), before(paid_headcount=1))),
]
_TOTALS = [
    fails("LYR-008", "was NHS", form_before(sector="nhs"), "/organisation/sector"),
    passes("LYR-008", "the same", unchanged),
    fails("LYR-010", "161 after 100", only_row({"paid_headcount": 161}, {"paid_headcount": 100}), "/staff"),
    passes("LYR-010", "160 after 100", only_row({"paid_headcount": 160}, {"paid_headcount": 100})),
    fails("LYR-010", "59 after 100", only_row({"paid_headcount": 59}, {"paid_headcount": 100})),
    passes("LYR-010", "60 after 100", only_row({"paid_headcount": 60}, {"paid_headcount": 100})),
    passes("LYR-010", "19 after 2", only_row({"paid_headcount": 19}, {"paid_headcount": 2})),
    fails("LYR-011", "51 after 20", only_row({"unpaid_headcount": 51}, {"unpaid_headcount": 20}), "/staff"),
    passes("LYR-011", "50 after 20", only_row({"unpaid_headcount": 50}, {"unpaid_headcount": 20})),
    fails("LYR-011", "7 after 20", only_row({"unpaid_headcount": 7}, {"unpaid_headcount": 20})),
    passes("LYR-011", "8 after 20", only_row({"unpaid_headcount": 8}, {"unpaid_headcount": 20})),
    fails("LYR-012", "10 before", only_row({"unpaid_headcount": 0}, {"unpaid_headcount": 10}), "/staff"),
    passes("LYR-012", "9 before", only_row({"unpaid_headcount": 0}, {"unpaid_headcount": 9})),
    fails("LYR-013", "10 WTE", only_row({"vacant_wte": "10"}, {"vacant_wte": "10", "paid_headcount": 29}), "/staff"),
    passes("LYR-013", "9.99 WTE", only_row({"vacant_wte": "9.99"}, {"vacant_wte": "9.99"})),
    passes("LYR-013", "another figure", only_row({"vacant_wte": "10"}, {"vacant_wte": "10.01"})),
    fails("LYR-014", "the same", _same_pay, "/pay"),
    passes("LYR-014", "one person differs", unchanged),
    fails("LYR-015", "the same", _same_staff, "/staff"),
    passes("LYR-015", "one figure differs", both(_same_staff, staff(starters=4))),
    fails("LYR-016", "staff last year", _nil, "/organisation/nil_return"),
    passes("LYR-016", "nobody last year", both(_nil, before_all(paid_headcount=0))),
    fails("LYR-017", "another name", form_before(name="Beta Recovery"), "/organisation/name"),
    passes("LYR-017", "the same", unchanged),
]
_REGISTER = [
    fails("REG-001", "unknown", entry(known=False), "/organisation/organisation_code"),
    passes("REG-001", "known", unchanged),
    fails("REG-002", "closed", entry(status="closed"), "/organisation/organisation_code"),
    passes("REG-002", "open", unchanged),
    fails("REG-003", "merged", entry(status="merged", successor="BETA"), "/organisation/organisation_code"),
    passes("REG-003", "open", unchanged),
    fails("REG-004", "another code", form(organisation_code="BETA"), "/organisation/organisation_code"),
    passes("REG-004", "the same code", unchanged),
    fails("REG-005", "another sector", entry(sector="nhs"), "/organisation/sector"),
    passes("REG-005", "the same sector", unchanged),
    passes("REG-005", "the register does not say", entry(sector=None)),
]

CASES: list[Case] = [*_LINES, *_ROWS, *_TOTALS, *_REGISTER]
