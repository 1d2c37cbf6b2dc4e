"""What a year's census asks and checks, as pages for everybody: the rules and the data dictionary, from the spec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response

from census_api.api.kit.dependencies import Year, may
from census_api.domain.collecting.findings import SEVERITIES, Severity
from census_api.questionnaire.model import STATE_LABELS, Rule, SheetQuestion, Spec, State
from census_api.questionnaire.pages.dictionary import (
    KINDS,
    PROVENANCE,
    SHORT_LIST,
    TYPES,
    list_asked,
    list_title,
    range_of,
)
from census_api.questionnaire.pages.markdown import SEVERITY_WORDS
from census_api.questionnaire.pages.rule_pages import (
    CHECKS_FILE,
    FAMILIES,
    describe_decider,
    describe_places,
    group_rules,
)
from census_api.web.kit.visit import TheVisit, Visit

router = APIRouter(include_in_schema=False)

_DOOR = [may("collection.read")]
_BREAKDOWNS, _WHOLE = "breakdowns", "whole"
_PLACE_WORDS = {_BREAKDOWNS: "Breakdown sheets", _WHOLE: "The file or the return as a whole"}
SheetFilter = Annotated[str, Query(max_length=40)]
SeverityFilter = Annotated[str, Query(max_length=10)]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of a sheet, in words."""

    label: str
    key: str
    answer: str
    codes: str | None
    required: str
    allowed: str
    range: str
    since: int
    help: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A code list: its heading, the columns beside code and label, and a row for each code, former ones apart."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    former: tuple[tuple[str, str, str, str], ...]


@router.get("/rules", dependencies=_DOOR)
def newest_rules(visit: TheVisit) -> Response:
    """To the rules of the newest census."""
    return visit.go(f"/rules/{_years(visit)[0]}")


@router.get("/rules/{year}", dependencies=_DOOR)
def show_rules(visit: TheVisit, year: Year, sheet: SheetFilter = "", severity: SeverityFilter = "") -> Response:
    """Every rule of a year, with what it says, why, and how to put it right. Each has an address of its own."""
    spec = visit.platform.spec(year)
    options = _sheets_of(spec)
    wanted = [rule for rule in spec.rules if _passes(rule, spec, sheet, severity)]
    return visit.page(
        "rules.html",
        year=year,
        years=_years(visit),
        groups=[(FAMILIES.get(prefix, prefix), found) for prefix, found in group_rules(wanted).items()],
        shown=len(wanted),
        total=len(spec.rules),
        where={rule.code: describe_places(rule, spec) for rule in wanted},
        decider={rule.code: describe_decider(rule) for rule in wanted},
        homes={rule.code: spec.find_home(rule.code) for rule in wanted},
        checks_file=CHECKS_FILE,
        severities=[("", "All"), *((entry, entry.capitalize()) for entry in SEVERITIES)],
        words={name: text.partition(": ")[2] for name, text in SEVERITY_WORDS.items()},
        sheets=[("", "All"), *options],
        sheet=sheet if sheet in dict(options) else "",
        severity=severity if severity in SEVERITIES else "",
    )


@router.get("/dictionary", dependencies=_DOOR)
def newest_dictionary(visit: TheVisit) -> Response:
    """To the dictionary of the newest census."""
    return visit.go(f"/dictionary/{_years(visit)[0]}")


@router.get("/dictionary/{year}", dependencies=_DOOR)
def show_dictionary(visit: TheVisit, year: Year) -> Response:
    """Every sheet, question and code of a year."""
    spec = visit.platform.spec(year)
    return visit.page(
        "dictionary.html",
        year=year,
        years=_years(visit),
        collection=spec.collection,
        sheets=[
            (sheet, KINDS[sheet.kind], [_asked(question, spec) for question in sheet.fields]) for sheet in spec.sheets
        ],
        lists=[_listed(spec, name) for name in list_asked(spec)],
        states=list(STATE_LABELS.items()),
    )


def _years(visit: Visit) -> list[int]:
    """The years that have a census, the newest first."""
    return sorted(visit.platform.specs.years, reverse=True)


def _sheets_of(spec: Spec) -> list[tuple[str, str]]:
    own = [(sheet.key, sheet.title) for sheet in spec.sheets if sheet.kind != "breakdown"]
    return [*own, *_PLACE_WORDS.items()]


def _place(rule: Rule, spec: Spec) -> str:
    """The key of the sheet that a rule is about, or which group of sheets."""
    if rule.on.startswith("breakdown") or rule.sheet in {sheet.key for sheet in spec.breakdowns}:
        return _BREAKDOWNS
    return next((key for key in (rule.sheet, rule.on) if key in spec.sheet), _WHOLE) or _WHOLE


def _passes(rule: Rule, spec: Spec, sheet: str, severity: str) -> bool:
    """A filter that names nothing there is filters nothing."""
    known: Severity | None = next((entry for entry in SEVERITIES if entry == severity), None)
    if known is not None and rule.severity != known:
        return False
    return sheet not in dict(_sheets_of(spec)) or _place(rule, spec) == sheet


def _asked(question: SheetQuestion, spec: Spec) -> Asked:
    codes = spec.code_lists[question.code_list].codes if question.code_list else ()
    short = ", ".join(entry.code for entry in codes) if len(codes) <= SHORT_LIST else ""
    answer = f"one of {short}" if short else "one of the list" if codes else TYPES[question.type]
    required = "yes" if question.required else "no; the column may be left out" if question.optional else "no"
    return Asked(
        question.label,
        question.key,
        answer,
        question.code_list,
        required,
        ", ".join(_state(state) for state in question.states),
        range_of(question),
        question.since,
        question.help,
    )


def _state(state: State) -> str:
    return f"{state} ({STATE_LABELS[state]})"


def _listed(spec: Spec, name: str) -> Listed:
    found = spec.code_lists[name]
    columns = [key for key in (found.codes[0].attributes if found.codes else ()) if key not in PROVENANCE]
    told = tuple(key for key in columns if any(code.attributes.get(key) for code in found.codes))
    return Listed(
        name,
        list_title(name),
        tuple(key.replace("_", " ").capitalize() for key in told),
        tuple(
            (code.code, code.label, *(code.attributes.get(key, "").replace(";", ", ") for key in told))
            for code in found.codes
        ),
        tuple(
            (code.code, code.label, code.attributes.get("valid_to", ""), ", ".join(code.many("successors")))
            for code in found.former
        ),
    )
