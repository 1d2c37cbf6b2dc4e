"""A clean return as its JSON tree, with everything the platform knows beside it: the start of every rule's cases."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from census_api.domain.collecting.content import content_from_json
from census_api.domain.collecting.findings import Finding, Report
from census_api.intake.judging.judge import Context, RegisterEntry, judge_return
from census_api.questionnaire.model import Spec, SpecSheet

Row = dict[str, Any]
Tree = dict[str, Any]

FIRST, SECOND = "E06000001", "E06000002"
LINES = ((FIRST, "adult_community"), (SECOND, "adult_community"))
# role, line, paid, wte, opening, starters, leavers, vacant, unpaid, unpaid wte
_STAFF = (
    ("DAW", 0, 9, "8.4", 8, 3, 2, "1", 0, "0"),
    ("NURSE_B6", 0, 3, "2.7", 3, 1, 1, "0.5", 0, "0"),
    ("GP", 0, 2, "0.9", 2, 0, 0, "0", 0, "0"),
    ("ADMIN", 0, 2, "1.6", 1, 1, 0, "0", 0, "0"),
    ("VOL", 0, 0, "0", 0, 0, 0, "0", 4, "1.2"),
    ("DAW", 1, 7, "6.5", 6, 2, 1, "0", 0, "0"),
    ("RECOVERY_COACH", 1, 1, "0.6", 1, 0, 0, "0", 3, "0.7"),
)


@dataclass(slots=True)
class Draft:
    """A return being changed, and its context. `last_year`, `frame` and `register` are clean as well."""

    spec: Spec
    tree: Tree
    last_year: Tree | None = None
    frame: tuple[tuple[str, str], ...] | None = None
    register: RegisterEntry | None = None
    organisation: str | None = None

    @property
    def form(self) -> Row:
        form: Row = self.tree["organisation"]
        return form

    def rows(self, sheet: str) -> list[Row]:
        rows: list[Row] = self.tree[sheet]
        return rows

    def row(self, sheet: str, code: str) -> Row:
        """The first row of a sheet that is about a role or role group."""
        return next(row for row in self.rows(sheet) if code in (row.get("role_code"), row.get("role_group")))

    def before(self, role: str) -> Row:
        """Last year's first Staff row of a role."""
        assert self.last_year is not None
        return next(row for row in self.last_year["staff"] if row["role_code"] == role)

    def param(self, rule: str, name: str) -> Any:
        return self.spec.rule[rule].params[name]

    def rebuild(self) -> None:
        """Breakdowns that fit the Staff sheet as it is now."""
        self.tree |= breakdowns(self.spec, self.rows("staff"))

    def context(self) -> Context:
        last = content_from_json(copy.deepcopy(self.last_year), business_keys(self.spec)) if self.last_year else None
        return Context(self.organisation, last, self.frame, self.register)

    def data(self) -> bytes:
        return json.dumps(self.tree).encode()

    def judged(self) -> Report:
        return judge_return(self.data(), self.spec.year, self.context(), keep_content=False).report

    def findings(self, rule: str) -> list[Finding]:
        return [finding for finding in self.judged().findings if finding.rule == rule]


def business_keys(spec: Spec) -> dict[str, tuple[str, ...]]:
    return {sheet.key: sheet.business_key for sheet in spec.sheets}


def clean_tree(spec: Spec) -> Tree:
    """The JSON return of a small organisation about which no rule has anything to say."""
    tree: Tree = {
        "census_year": spec.year,
        "organisation": {
            "organisation_code": "ALPHA", "name": "Alpha Recovery", "sector": "voluntary", "contact_name": "HR desk",
            "contact_email": "hr@example.org", "contact_phone": "020 7946 0958", "nil_return": "no",
            "comments": "Two teams share one office.",
        },
        "services": [service_row(*line) for line in LINES],
        "staff": [_staff_row(*values) for values in _STAFF],
    }  # fmt: skip
    return tree | breakdowns(spec, tree["staff"])


def service_row(authority: str, service: str, **more: Any) -> Row:
    return {
        "local_authority_code": authority, "service_type": service, "commissioning_route": "la_commissioned",
        "data_available": "full", **more,
    }  # fmt: skip


def _staff_row(
    role: str,
    line: int,
    paid: int,
    wte: str,
    opening: int,
    starters: int,
    leavers: int,
    vacant: str,
    unpaid: int,
    hours: str,
) -> Row:
    row = staff_row(role, paid, wte, line=LINES[line])
    flows = {"opening_headcount": opening, "starters": starters, "leavers": leavers}
    return row | flows | {"vacant_wte": vacant, "unpaid_headcount": unpaid, "unpaid_wte": hours}


def staff_row(role: str, paid: int, wte: str, line: tuple[str, str] = LINES[0], **more: Any) -> Row:
    """A Staff row in which nobody came or went."""
    return {
        "local_authority_code": line[0], "service_type": line[1], "role_code": role, "paid_headcount": paid,
        "paid_wte": wte, "unpaid_headcount": 0, "unpaid_wte": "0", "opening_headcount": paid, "starters": 0,
        "leavers": 0, "transfers_in": 0, "transfers_out": 0, "vacant_wte": "0", **more,
    }  # fmt: skip


def breakdowns(spec: Spec, staff: list[Row]) -> dict[str, list[Row]]:
    """Every breakdown of these Staff rows: the paid people of a role or role group over the first categories."""
    return {sheet.key: _breakdown(spec, sheet, staff) for sheet in spec.breakdowns}


def _breakdown(spec: Spec, sheet: SpecSheet, staff: list[Row]) -> list[Row]:
    by = sheet.fields[0].key
    totals: dict[str, int] = {}
    for row in staff:
        role = spec.code_lists["roles"].by_code.get(row["role_code"])
        paid = row["paid_headcount"]
        if role is not None and isinstance(paid, int) and paid > 0:
            code = role.code if by == "role_code" else role.attributes["role_group"]
            totals[code] = totals.get(code, 0) + paid
    names = [question.key for question in sheet.counts]
    return [{by: code, **spread(names, total)} for code, total in totals.items()]


def spread(names: list[str], total: int) -> Row:
    """`total` people over the second and third category, or the first two where there are only three."""
    counts = dict.fromkeys(names, 0)
    first = 1 if len(names) > 3 else 0
    counts[names[first]] = total - total // 3
    counts[names[first + 1]] = total // 3
    return counts


def last_year_tree(tree: Tree, year: int) -> Tree:
    """A return of the year before that leads to `tree`: this year's opening headcounts were its headcounts."""
    before = copy.deepcopy(tree) | {"census_year": year - 1}
    for row in before["staff"]:
        row |= {"paid_headcount": row["opening_headcount"], "starters": 0, "leavers": 0, "vacant_wte": "0.2"}
    for row in before["pay"]:
        row["B5"] += 1
    return before


def clean_draft(spec: Spec) -> Draft:
    """The clean return with a clean context: last year's return, the frame and the register fit it."""
    tree = clean_tree(spec)
    entry = RegisterEntry(known=True, status="open", sector="voluntary")
    return Draft(spec, tree, last_year_tree(tree, spec.year), LINES, entry, "ALPHA")


Change = Callable[[Draft], None]


@dataclass(frozen=True, slots=True)
class Case:
    """One change of the clean return, and whether the rule then speaks, where (a JSON pointer), from which year on."""

    rule: str
    name: str
    change: Change = field(compare=False)
    fails: bool
    at: str | None = None
    since: int = 2022

    @property
    def id(self) -> str:
        return f"{self.rule} {'fails' if self.fails else 'passes'}: {self.name}"


def fails(rule: str, name: str, change: Change, at: str | None = None, *, since: int = 2022) -> Case:
    return Case(rule, name, change, fails=True, at=at, since=since)


def passes(rule: str, name: str, change: Change) -> Case:
    return Case(rule, name, change, fails=False)


def unchanged(_: Draft) -> None:
    """The clean return as it is."""


def staff(role: str = "DAW", /, **cells: Any) -> Change:
    """Changes cells of the first Staff row of a role."""
    return lambda draft: draft.row("staff", role).update(cells)


def service(index: int = 0, /, **cells: Any) -> Change:
    return lambda draft: draft.rows("services")[index].update(cells)


def form(**cells: Any) -> Change:
    return lambda draft: draft.form.update(cells)


def breakdown(sheet: str, code: str, /, **cells: Any) -> Change:
    """Changes cells of the row of a role or role group."""
    return lambda draft: draft.row(sheet, code).update(cells)


def both(*changes: Change) -> Change:
    def apply(draft: Draft) -> None:
        for change in changes:
            change(draft)

    return apply


def rebuilt(*changes: Change) -> Change:
    """The changes, and breakdowns that fit the Staff sheet after them."""
    return both(*changes, Draft.rebuild)


def counts(names: Mapping[str, int], draft: Draft, sheet: str, code: str) -> None:
    """Gives a breakdown row exactly these people: everything else is 0."""
    row = draft.row(sheet, code)
    for question in draft.spec.sheet[sheet].counts:
        row[question.key] = names.get(question.key, 0)
