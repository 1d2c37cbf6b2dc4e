"""The rule catalogue of a year, and what changed in the rules from year to year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from census_api.questionnaire.model import Rule, SheetQuestion, Spec, SpecSheet
from census_api.questionnaire.pages.markdown import (
    SEVERITY_WORDS,
    count_of,
    escape_cell,
    quote_code,
    write_bullets,
    write_link,
    write_page,
    write_table,
)

FAMILIES: Mapping[str, str] = {
    "SYS": "The platform itself",
    "FIL": "The file and its sheets",
    "ORG": "Organisation",
    "SRV": "Services",
    "STF": "Staff",
    "BRK": "Breakdowns",
    "RET": "The return as a whole",
    "FRM": "Against the lines expected",
    "LYR": "Against last year",
    "REG": "Against the register of organisations",
}
"""Headings by the letters that rule codes begin with. A family that is not here is headed by its letters."""

_VIEW_WORDS = {
    "marks": "the file as a whole, its sheets and columns",
    "breakdown": "every count of every breakdown sheet",
    "breakdown_rows": "every row of every breakdown sheet, against Staff",
    "breakdown_sheets": "every breakdown sheet as a whole",
    "breakdown_gaps": "every breakdown sheet: rows that Staff leads us to expect",
    "lines": "every line of Services with its Staff rows",
    "return": "the whole return",
    "last_year_rows": "every role, against last year's return",
    "last_year_lines": "every line, against last year's return",
    "last_year_return": "the whole return, against last year's",
    "frame_lines": "the lines expected from the organisation",
    "register": "the organisation, against the register",
    "platform": "the platform itself",
}
_VIEWS_WITHOUT_ANSWERS = ("marks", "platform")
_MISSING_WORDS = {
    "skip": "a row where a needed answer is blank, not known or unreadable is not judged by this rule",
    "judge": "the rule itself judges what is blank, not known or unreadable",
}
CHECKS_FILE = "census_api/questionnaire/checks.py"
_COMPARED = tuple(name for name in Rule.model_fields if name != "code")


def rule_catalogue(spec: Spec, before: Spec | None) -> str:
    """The page of `spec`'s rules. `before` is the spec of the year before, to mark what is new or changed."""
    groups = group_rules(spec.rules)
    return write_page(
        f"Rules {spec.year}",
        f"What a return of {spec.year} is checked for: {count_of(len(spec.rules), 'rule')}. "
        "Every finding names its rule by the code; a code never changes its meaning and is never used again.",
        write_bullets((severity.capitalize(), words.partition(": ")[2]) for severity, words in SEVERITY_WORDS.items()),
        f"Words in braces, such as {quote_code('{value}')}, stand for what the finding fills in.",
        _changes(spec, before),
        *(_overview(prefix, rules, spec, before) for prefix, rules in groups.items()),
        "## Each rule",
        *(_section(rule, spec, before) for rules in groups.values() for rule in rules),
    )


def rules_over_years(specs: Sequence[Spec]) -> str:
    """One table of all rules of all years (`specs` oldest first): in force, new, changed or withdrawn."""
    latest = {code_: rule for spec in specs for code_, rule in spec.rule.items()}
    headers = ("Rule", "Severity", "What it looks for", *(str(spec.year) for spec in specs))
    blocks = []
    for prefix, rules in group_rules(latest.values()).items():
        rows = [(quote_code(rule.code), rule.severity, rule.title, *_history(rule.code, specs)) for rule in rules]
        blocks.append(f"## {FAMILIES.get(prefix, prefix)}\n\n{write_table(headers, rows)}")
    return write_page(
        "Rules of all years",
        f"Which rule is in force in which year. The details: [{specs[-1].year}](../{specs[-1].year}/rules.md), and of "
        f"any year on the site at {quote_code('/rules/YEAR')}.",
        "`yes` = in force, `changed` = in force and not the same as the year before, `-` = not in force.",
        *blocks,
    )


def group_rules(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    """The rules by the letters that their codes begin with, in order."""
    groups: dict[str, list[Rule]] = {}
    for rule in rules:
        groups.setdefault(rule.code.partition("-")[0], []).append(rule)
    return groups


def _history(rule_code: str, specs: Sequence[Spec]) -> list[str]:
    words: list[str] = []
    before: Spec | None = None
    for spec in specs:
        change = _change(rule_code, spec, before)
        words.append("-" if rule_code not in spec.rule else "changed" if change.startswith("changed") else "yes")
        before = spec
    return words


def _change(rule_code: str, spec: Spec, before: Spec | None) -> str:
    """`new`, `changed: what`, or nothing where the rule is the same as in `before`."""
    if before is None or rule_code not in spec.rule:
        return ""
    if rule_code not in before.rule:
        return "new"
    now, then = spec.rule[rule_code], before.rule[rule_code]
    changed = [name for name in _COMPARED if getattr(now, name) != getattr(then, name)]
    return f"changed: {', '.join(changed)}" if changed else ""


def list_changes(spec: Spec, before: Spec) -> list[tuple[str, str]]:
    """Code and `new`, `changed: what` or `withdrawn`, of each rule that is not as it was in the year before."""
    changed = [(rule.code, _change(rule.code, spec, before)) for rule in spec.rules]
    withdrawn = [(rule.code, "withdrawn") for rule in before.rules if rule.code not in spec.rule]
    return [(code, words) for code, words in [*changed, *withdrawn] if words]


def _changes(spec: Spec, before: Spec | None) -> str:
    if before is None:
        return ""
    lines = [f"- {quote_code(code)}: {words}" for code, words in list_changes(spec, before)]
    listed = "\n".join(lines) if lines else "No rule was added, changed or withdrawn."
    return f"## Changes since {before.year}\n\n{listed}"


def _overview(prefix: str, rules: Sequence[Rule], spec: Spec, before: Spec | None) -> str:
    rows = [
        (
            write_link(rule.code, _heading(rule)),
            rule.severity,
            rule.title,
            describe_places(rule, spec),
            _change(rule.code, spec, before),
        )
        for rule in rules
    ]
    headers = ("Rule", "Severity", "What it looks for", "Where", "New or changed")
    return f"## {FAMILIES.get(prefix, prefix)}\n\n{write_table(headers, rows)}"


def _heading(rule: Rule) -> str:
    return f"{rule.code} {rule.title}"


def _section(rule: Rule, spec: Spec, before: Spec | None) -> str:
    home = spec.find_home(rule.code)
    facts = write_bullets(
        [
            ("Severity", SEVERITY_WORDS[rule.severity]),
            ("Where", describe_places(rule, spec)),
            ("Why", escape_cell(rule.why)),
            ("Message", escape_cell(rule.message)),
            ("Expected", escape_cell(rule.expected)),
            ("How to fix it", escape_cell(rule.fix)),
            ("Check", f"{quote_code(rule.check)} of {quote_code(CHECKS_FILE)}{_settings(rule.params)}"),
            ("Applies where", _settings(rule.where).removeprefix(" with ")),
            ("Not where these have found something", ", ".join(map(quote_code, rule.unless))),
            ("Missing values", "" if rule.on in _VIEWS_WITHOUT_ANSWERS else _MISSING_WORDS[rule.missing]),
            ("In force since", str(rule.since)),
            ("Source", escape_cell(rule.source)),
            ("Decided by", describe_decider(rule)),
            ("Declared at", ", ".join(map(quote_code, home.declared))),
            ("Tested by", ", ".join(map(quote_code, home.cases))),
            (f"Against {before.year}" if before else "", _change(rule.code, spec, before)),
        ]
    )
    return f"### {_heading(rule)}\n\n{facts}"


def describe_decider(rule: Rule) -> str:
    """Who may change a rule, in words."""
    return {"census team": "the census team", "developers": "the developers of the platform"}[rule.decided_by]


def _settings(values: Mapping[str, object]) -> str:
    told = ", ".join(f"{name} = {_value(value)}" for name, value in values.items())
    return f" with {told}" if told else ""


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_value(inner)}" for key, inner in value.items())
    return quote_code(str(value).lower() if isinstance(value, bool) else str(value))


def describe_places(rule: Rule, spec: Spec) -> str:
    """Sheet and columns by their titles and labels, where the rule reads a sheet; else what it reads."""
    sheet = spec.sheet.get(rule.on)
    if sheet is None:
        return _VIEW_WORDS.get(rule.on, rule.on.replace("_", " "))
    if not rule.columns:
        return sheet.title
    return f"{sheet.title}: " + ", ".join(_label(sheet, column) for column in rule.columns)


def _label(sheet: SpecSheet, column: str) -> str:
    question: SheetQuestion | None = sheet.by_key.get(column)
    return question.label if question else column
