"""Cases of the rules about the Staff sheet. Thresholds are those of the year's parameters."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.factories.returns import (
    SECOND,
    Case,
    Change,
    Draft,
    both,
    fails,
    passes,
    rebuilt,
    service,
    staff,
    staff_row,
    unchanged,
)

_COUNTS = (
    "paid_headcount",
    "unpaid_headcount",
    "opening_headcount",
    "starters",
    "leavers",
    "transfers_in",
    "transfers_out",
)
_DECIMALS = ("paid_wte", "unpaid_wte", "vacant_wte", "establishment_wte")


def _cells() -> list[Case]:
    cases = [passes(rule, "the clean return", unchanged) for rule in ("STF-001", "STF-002", "STF-004", "STF-005")]
    for column in ("local_authority_code", "service_type", "role_code"):
        cases += [fails("STF-001", f"{column} blank", staff(**{column: None}), f"/staff/0/{column}")]
    cases += [
        fails("STF-002", "a district", staff(local_authority_code="E07000008"), "/staff/0/local_authority_code"),
        passes("STF-002", "a label", staff(local_authority_code="hartlepool")),
        fails(
            "STF-003",
            "Cumbria after 2023",
            staff(local_authority_code="E10000006"),
            "/staff/0/local_authority_code",
            since=2023,
        ),
        passes("STF-003", "an authority of the year", unchanged),
        fails("STF-004", "no such service", staff(service_type="outreach"), "/staff/0/service_type"),
        fails("STF-005", "no such role", staff(role_code="WIZARD"), "/staff/0/role_code"),
        passes(
            "STF-005", "code and label", staff(role_code="DAW - Drug and alcohol worker (recovery worker / keyworker)")
        ),
    ]
    for column in _COUNTS:
        at = f"/staff/0/{column}"
        cases += [fails("STF-006", f"{column} {value!r}", staff(**{column: value}), at) for value in (2.5, "many", "4")]
        cases += [passes("STF-006", f"{column} {value!r}", staff(**{column: value})) for value in (0, 12, None)]
    for column in _DECIMALS:
        at = f"/staff/0/{column}"
        cases += [
            fails("STF-007", f"{column} {value!r}", staff(**{column: value}), at) for value in ("12,5", "1e3", "½")
        ]
        cases += [
            passes("STF-007", f"{column} {value!r}", staff(**{column: value})) for value in (0, 1.25, "0.5", None)
        ]
        cases += [fails("STF-010", f"{column} three places", staff(**{column: "1.234"}), at)]
        cases += [passes("STF-010", f"{column} {value}", staff(**{column: value})) for value in ("1.23", "1.2300", "7")]
    for column in (*_COUNTS, *_DECIMALS):
        at, is_count = f"/staff/0/{column}", column in _COUNTS
        least, step = (-1, 1) if is_count else ("-0.01", "0.01")
        cases += [
            fails("STF-008", f"{column} {least}", staff(**{column: least}), at),
            passes("STF-008", f"{column} 0", staff(**{column: 0})),
            fails("STF-009", f"{column} above the maximum", _maximum(column, step), at),
            passes("STF-009", f"{column} at the maximum", _maximum(column, 0)),
            fails("STF-011", f"{column} with a word it does not take", _not_allowed(column), at),
        ]
    cases += [
        passes(
            "STF-011",
            "words that are allowed",
            staff(starters="REFUSED", unpaid_headcount="NK", establishment_wte="NA"),
        ),
        *(fails("STF-012", f"{c} blank", staff(**{c: None}), f"/staff/0/{c}") for c in ("paid_headcount", "paid_wte")),
        passes("STF-012", "blank for volunteers", staff("VOL", paid_headcount=None, paid_wte=None)),
        fails("STF-013", "volunteers blank", staff("VOL", unpaid_headcount=None), "/staff/4/unpaid_headcount"),
        passes("STF-013", "blank for a paid role", staff("DAW", unpaid_headcount=None)),
        passes("STF-013", "not known", staff("VOL", unpaid_headcount="NK")),
        *(
            fails("STF-014", f"{c} blank", staff(**{c: None}), f"/staff/0/{c}")
            for c in ("opening_headcount", "starters", "leavers")
        ),
        passes("STF-014", "not known", staff(starters="NK", leavers="REFUSED", opening_headcount="NK")),
        fails("STF-015", "blank", staff(vacant_wte=None), "/staff/0/vacant_wte"),
        passes("STF-015", "not known", staff(vacant_wte="NK")),
    ]
    return cases


def _maximum(column: str, step: int | str) -> Change:
    def change(draft: Draft) -> None:
        most = draft.spec.sheet["staff"].by_key[column].maximum
        assert most is not None
        draft.row("staff", "DAW")[column] = (
            str(Decimal(int(most)) + Decimal(step)) if isinstance(step, str) else int(most) + step
        )

    return change


def _not_allowed(column: str) -> Change:
    def change(draft: Draft) -> None:
        states = draft.spec.sheet["staff"].by_key[column].states
        draft.row("staff", "DAW")[column] = next(word for word in ("NK", "REFUSED", "NA") if word not in states)

    return change


def _ratios() -> list[Case]:
    heads = {"paid_headcount": 10, "opening_headcount": 9}
    unpaid = {"unpaid_headcount": 10}
    return [
        fails("STF-016", "just above 1.2", staff(**heads, paid_wte="12.01"), "/staff/0/paid_wte"),
        passes("STF-016", "exactly 1.2", staff(**heads, paid_wte="12")),
        fails("STF-017", "exactly 1.2", staff(**heads, paid_wte="12"), "/staff/0/paid_wte"),
        fails("STF-017", "just above 1", staff(**heads, paid_wte="10.01"), "/staff/0/paid_wte"),
        passes("STF-017", "exactly 1", staff(**heads, paid_wte="10")),
        passes("STF-017", "above 1.2 is another rule's", staff(**heads, paid_wte="12.01")),
        fails("STF-018", "just above 1", staff("VOL", **unpaid, unpaid_wte="10.01"), "/staff/4/unpaid_wte"),
        passes("STF-018", "exactly 1", staff("VOL", **unpaid, unpaid_wte="10")),
        fails("STF-019", "nobody", staff(paid_headcount=0, paid_wte="0.01"), "/staff/0/paid_wte"),
        passes("STF-019", "nobody and nothing", staff(paid_headcount=0, paid_wte="0")),
        fails("STF-020", "no hours", staff(paid_headcount=1, paid_wte="0"), "/staff/0/paid_headcount"),
        passes("STF-020", "some hours", staff(paid_headcount=1, paid_wte="0.01")),
        fails("STF-021", "nobody", staff("VOL", unpaid_headcount=0, unpaid_wte="0.5"), "/staff/4/unpaid_wte"),
        passes("STF-021", "not known how many", staff("VOL", unpaid_headcount="NK", unpaid_wte="0.5")),
        fails("STF-022", "no hours", staff("VOL", unpaid_headcount=1, unpaid_wte=0), "/staff/4/unpaid_headcount"),
        passes("STF-022", "hours not known", staff("VOL", unpaid_headcount=1, unpaid_wte="NK")),
        fails("STF-023", "just below 0.2", staff(**heads, paid_wte="1.99"), "/staff/0/paid_wte"),
        passes("STF-023", "exactly 0.2", staff(**heads, paid_wte="2")),
    ]


def _flows() -> list[Case]:
    def flows(**cells: Any) -> Change:
        return staff(**{"opening_headcount": 8, "starters": 3, "leavers": 2, **cells})

    return [
        fails("STF-024", "one too many", flows(leavers=12, paid_headcount=0, paid_wte=0), "/staff/0/leavers"),
        passes("STF-024", "everybody left", flows(leavers=11, paid_headcount=0, paid_wte=0)),
        passes("STF-024", "starters not known", flows(leavers=12, starters="NK")),
        fails("STF-025", "one too few", flows(paid_headcount=8), "/staff/0/paid_headcount"),
        fails("STF-025", "one too many", flows(paid_headcount=10), "/staff/0/paid_headcount"),
        passes("STF-025", "adds up", flows(transfers_in=4, transfers_out=2, paid_headcount=11)),
        passes("STF-025", "leavers not known", flows(leavers="NK", paid_headcount=3)),
        fails("STF-026", "one too many", flows(transfers_out=12), "/staff/0/transfers_out"),
        passes("STF-026", "everybody moved", flows(transfers_out=11)),
        fails("STF-027", "0.51 too much", staff(establishment_wte="9.91"), "/staff/0/establishment_wte"),
        passes("STF-027", "0.5 too much", staff(establishment_wte="9.9")),
        passes("STF-027", "0.5 too little", staff(establishment_wte="8.9")),
        fails("STF-027", "0.51 too little", staff(establishment_wte="8.89"), "/staff/0/establishment_wte"),
        fails("STF-028", "just above 1.5 x + 5", staff(vacant_wte="17.61"), "/staff/0/vacant_wte"),
        passes("STF-028", "exactly 1.5 x + 5", staff(vacant_wte="17.6")),
        fails("STF-036", "one too many", flows(starters=12), "/staff/0/starters"),
        passes("STF-036", "everybody is new", flows(starters=11)),
        fails(
            "STF-037",
            "just above",
            staff(paid_headcount=8, opening_headcount=8, leavers=18, starters=18),
            "/staff/0/leavers",
        ),
        passes("STF-037", "exactly", staff(paid_headcount=8, opening_headcount=8, leavers=17, starters=17)),
        fails("STF-038", "hours blank", staff("VOL", unpaid_wte=None), "/staff/4/unpaid_wte"),
        passes("STF-038", "no volunteers", staff("VOL", unpaid_headcount=0, unpaid_wte=None)),
        passes("STF-038", "not known", staff("VOL", unpaid_wte="NK")),
        fails("STF-039", "moved people left out", flows(transfers_in=None, paid_headcount=10), "/staff/0/transfers_in"),
        passes("STF-039", "blank but adds up", flows(transfers_in=None, transfers_out=None)),
        passes("STF-039", "not known", flows(transfers_in="NK", paid_headcount=10)),
    ]


def _roles_and_lines() -> list[Case]:
    return [
        fails("STF-029", "paid people", staff("VOL", paid_headcount=1, paid_wte="1"), "/staff/4/role_code"),
        passes("STF-029", "none", unchanged),
        fails("STF-030", "unpaid people", staff("DAW", unpaid_headcount=1, unpaid_wte="1"), "/staff/0/role_code"),
        passes("STF-030", "in a role that may be either", unchanged),
        fails("STF-031", "a commissioner in treatment", staff(role_code="COMM"), "/staff/0/role_code"),
        passes("STF-031", "a worker in treatment", unchanged),
        fails(
            "STF-032",
            "twice",
            lambda draft: draft.rows("staff").append(dict(draft.row("staff", "GP"))),
            "/staff/7/role_code",
        ),
        passes("STF-032", "the same role elsewhere", unchanged),
        fails("STF-033", "not on Services", staff(local_authority_code="E06000003"), "/staff/0/service_type"),
        passes("STF-033", "on Services", unchanged),
        passes(
            "STF-033", "Services names an authority that nobody can read", service(local_authority_code="Hartlepul")
        ),
        fails("STF-034", "no figures", service(data_available="none", note="Payroll."), "/staff/0/service_type"),
        passes("STF-034", "some figures", service(data_available="partial", note="Payroll.")),
        fails("STF-035", "zeros", both(staff("VOL", unpaid_headcount=0, unpaid_wte=0)), "/staff/4/role_code"),
        passes("STF-035", "somebody left", rebuilt(_gone)),
    ]


def _gone(draft: Draft) -> None:
    gone = staff_row("IPS", 0, "0", (SECOND, "adult_community"), opening_headcount=1, leavers=1)
    draft.rows("staff").append(gone)


CASES = [*_cells(), *_ratios(), *_flows(), *_roles_and_lines()]
