"""The spec of one collection year as typed, frozen objects: what is asked and what makes an answer acceptable."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting

FieldType = Literal["text", "email", "phone", "code", "count", "decimal"]
State = Literal["NK", "REFUSED", "NA"]
Severity = Literal["error", "query", "note"]
SheetKind = Literal["form", "table", "breakdown"]
Decider = Literal["census team", "developers"]

STATES: tuple[State, ...] = ("NK", "REFUSED", "NA")
STATE_LABELS: Mapping[State, str] = {"NK": "not known", "REFUSED": "refused", "NA": "not applicable"}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Collection(_Frozen):
    """One year's census. Dates are local dates in England; the flow period ends on the reference date."""

    year: int
    title: str
    reference_date: dt.date
    flow_from: dt.date
    flow_to: dt.date
    opens: dt.date
    closes: dt.date
    late_until: dt.date
    template_version: int = 1


class Code(_Frozen):
    """One entry of a code list. `attributes` holds the list's other columns as text."""

    code: str
    label: str
    attributes: Mapping[str, str] = Setting(default_factory=dict)

    def many(self, attribute: str) -> tuple[str, ...]:
        """A semicolon-separated attribute as a tuple of codes."""
        return tuple(part for part in self.attributes.get(attribute, "").split(";") if part)


class CodeList(_Frozen):
    """Codes of one list that are valid in the year, in order, and those that were valid in an earlier year."""

    name: str
    codes: tuple[Code, ...]
    former: tuple[Code, ...] = ()

    @functools.cached_property
    def by_code(self) -> Mapping[str, Code]:
        return {code.code: code for code in self.codes}

    @functools.cached_property
    def lookup(self) -> Mapping[str, str]:
        """Folded text a person may write (code, label unique in the list, `code - label`) -> code."""
        table: dict[str, str] = {}
        labels: dict[str, int] = {}
        for entry in self.codes:
            labels[fold_text(entry.label)] = labels.get(fold_text(entry.label), 0) + 1
        for entry in self.codes:
            if labels[fold_text(entry.label)] == 1:
                table[fold_text(entry.label)] = entry.code
            table[fold_text(show_code(entry))] = entry.code
        for entry in self.codes:
            table[fold_text(entry.code)] = entry.code
        return table


class SheetQuestion(_Frozen):
    """One field of a sheet: a column of a table, or a line of the Organisation form.

    `required`: a blank answer is an error. `optional`: the whole column or line may be left out of the file.
    """

    key: str
    label: str
    type: FieldType
    help: str
    required: bool = False
    optional: bool = False
    code_list: str | None = None
    minimum: float = 0
    maximum: float | None = None
    places: int = 2
    states: tuple[State, ...] = ()
    max_length: int = 200
    since: int = 2022
    width: float = 14

    @property
    def numeric(self) -> bool:
        return self.type in ("count", "decimal")


class SpecSheet(_Frozen):
    """One sheet of the workbook, one key of the JSON return."""

    key: str
    title: str
    kind: SheetKind
    help: str
    business_key: tuple[str, ...]
    fields: tuple[SheetQuestion, ...]
    rows_by: str | None = None
    categories: str | None = None
    unknown_category: str | None = None

    @functools.cached_property
    def by_key(self) -> Mapping[str, SheetQuestion]:
        return {question.key: question for question in self.fields}

    @property
    def counts(self) -> tuple[SheetQuestion, ...]:
        return tuple(question for question in self.fields if question.numeric)


class Rule(_Frozen):
    """One check with a stable code. It names a check and its parameters and holds no expression.

    `on` is the view it reads; `columns` are where its findings are placed (one mask a column for checks of
    one column). `missing` says what a blank, not known or unreadable input means: `skip` leaves the row
    unjudged, `judge` means the check itself decides about blanks. Rows that fail a rule of `unless` are not judged:
    that rule has said what is wrong. `sheet` places the findings of a view that is about no one sheet.
    `source` says where the rule comes from, `decided_by` who may change it; neither changes how a return is judged.
    A rule that does not say is ours, and the census team's. Those that are shipped all say.
    """

    code: str
    on: str
    check: str
    columns: tuple[str, ...]
    params: Mapping[str, Any] = Setting(default_factory=dict)
    where: Mapping[str, Any] = Setting(default_factory=dict)
    unless: tuple[str, ...] = ()
    sheet: str | None = None
    severity: Severity
    title: str
    message: str
    expected: str
    fix: str
    why: str
    source: str = Setting("Ours", min_length=1)
    decided_by: Decider = "census team"
    missing: Literal["skip", "judge"] = "skip"
    since: int = 2022


class RuleHome(_Frozen):
    """Where a rule lives in the repository: every line (`file:number`) that declares or changes it, the oldest first,
    and the files whose cases test it."""

    declared: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()


class Spec(_Frozen):
    """A year, resolved: every sheet, code list, mapping and rule in force, and the digest of all of it."""

    collection: Collection
    sheets: tuple[SpecSheet, ...]
    code_lists: Mapping[str, CodeList]
    mappings: Mapping[str, tuple[Mapping[str, str], ...]]
    rules: tuple[Rule, ...]
    digest: str
    rule_homes: Mapping[str, RuleHome] = Setting(default_factory=dict)

    @property
    def year(self) -> int:
        return self.collection.year

    @functools.cached_property
    def sheet(self) -> Mapping[str, SpecSheet]:
        return {sheet.key: sheet for sheet in self.sheets}

    @functools.cached_property
    def rule(self) -> Mapping[str, Rule]:
        return {rule.code: rule for rule in self.rules}

    def find_home(self, code: str) -> RuleHome:
        """Where a rule lives; a rule that was not read from files lives nowhere."""
        return self.rule_homes.get(code, RuleHome())

    @functools.cached_property
    def breakdowns(self) -> tuple[SpecSheet, ...]:
        return tuple(sheet for sheet in self.sheets if sheet.kind == "breakdown")


def fold_text(text: str) -> str:
    """Text as headers and codes are matched: trimmed, case folded, runs of white space as one space."""
    return " ".join(text.split()).casefold()


def show_code(code: Code) -> str:
    """A code as drop-downs and prefilled cells show it: `code - label`."""
    return f"{code.code} - {code.label}"
