"""The words of the rules, read as a set: complete, plain, and of one pattern."""

from __future__ import annotations

import csv
import re

import pytest

from census_api.domain.collecting.findings import SEVERITIES
from census_api.questionnaire.load import load_library, load_spec
from census_api.questionnaire.model import Rule
from census_api.questionnaire.resources import find_folder

YEARS = load_library().years
RULES = {rule.code: rule for year in YEARS for rule in load_spec(year).rules}
TEXTS = ("message", "expected", "fix", "why")

JARGON = (
    "null", "boolean", "string", "integer", "float", "regex", "parse", "schema mismatch", "invalid", "illegal", "enum",
    "exception", "validation", "constraint", "field", "tuple", "payload", "populate", "utilise", "foreign key",
    "cardinality", "numeric", "threshold", "outlier", "parameter", "mandatory", "n/a", "etc",
)  # fmt: skip
BLAME = (
    "you failed",
    "you forgot",
    "your mistake",
    "you have not",
    "wrongly",
    "you must",
    "obviously",
    "simply",
    "just ",
)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_text_is_there_and_is_a_sentence(rule: Rule) -> None:
    assert rule.title
    assert not rule.title.endswith(".")
    for name in TEXTS:
        text = getattr(rule, name)
        assert text.strip() == text
        assert text.endswith((".", "{states}")), f"{name}: {text}"
        assert text[0].isupper() or text[0] in "{0123456789", f"{name}: {text}"
        assert "  " not in text
        assert len(text) < 300


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_words_are_plain_and_blame_nobody(rule: Rule) -> None:
    for name in ("title", *TEXTS):
        text = re.sub(r"\{.*?\}", "", getattr(rule, name)).lower()
        for word in JARGON:
            assert not re.search(rf"\b{re.escape(word)}s?\b", text), f"{name} says {word}"
        for phrase in BLAME:
            assert phrase not in text, f"{name} says {phrase}"
        assert "!" not in text


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_fix_tells_what_to_do(rule: Rule) -> None:
    assert re.match(r"(\{nearest\}|It was replaced by \{successors\}\. )?[A-Z][a-z]+", rule.fix)
    if rule.severity == "query":
        can_explain = (
            "say",
            "confirm",
            "if not",
            "NK",
            "Correct",
            "check",
            "Unhide",
            "Write the reason",
            "Change",
            "Type",
        )
        assert any(word.lower() in rule.fix.lower() for word in can_explain)
    if rule.severity == "note":
        assert "do not need to answer" in rule.fix or "may delete" in rule.fix


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_source_is_a_place_in_a_document_or_ours(rule: Rule) -> None:
    assert re.fullmatch(r"Ours|(Design, section 3|Methods, section 6): \S.*[^.]", rule.source)


def test_a_query_of_the_same_kind_reads_the_same() -> None:
    texts = [(rule.message, rule.on, rule.columns) for rule in RULES.values()]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("year", YEARS)
def test_severities_and_years(year: int) -> None:
    for rule in load_spec(year).rules:
        assert rule.severity in SEVERITIES
        assert rule.since <= year


@pytest.mark.parametrize("year", YEARS)
def test_there_are_at_least_ninety_rules_in_every_year(year: int) -> None:
    assert len(load_spec(year).rules) >= 90


def test_the_register_of_codes_is_complete_and_says_the_same() -> None:
    with (find_folder("schemas") / "rule_codes.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    codes = [row["code"] for row in rows]
    assert codes == sorted(set(codes))
    assert set(RULES) <= set(codes)
    first = {code: min(year for year in YEARS if code in load_spec(year).rule) for code in RULES}
    for row in rows:
        if row["code"] in RULES:
            assert row["title"] == load_spec(first[row["code"]]).rule[row["code"]].title
            assert int(row["since"]) == first[row["code"]]


FAMILIES = {
    "wrong year or old template": "FIL-001 FIL-002", "sheets": "FIL-003 FIL-004 FIL-005", "columns": "FIL-006 FIL-007 FIL-008 FIL-025",
    "blank and nil": "FIL-023 FIL-024", "formulas and errors": "FIL-009 FIL-010", "merged": "FIL-011", "hidden": "FIL-012 FIL-013 FIL-014",
    "totals row": "FIL-016 FIL-017", "rows present": "FIL-018", "number grammar": "STF-006 STF-007 BRK-003",
    "required": "STF-001 STF-012 SRV-001 ORG-001", "range": "STF-008 STF-009 BRK-004 BRK-005", "decimals": "STF-010",
    "code lists": "SRV-002 SRV-004 STF-002 STF-004 STF-005 BRK-002 ORG-004", "text": "ORG-007 ORG-008 SRV-012 SRV-013",
    "people in texts": "ORG-009 ORG-010 SRV-014 SRV-015", "WTE and headcount": "STF-016 STF-017 STF-019 STF-020 STF-021 STF-022 STF-038",
    "flows": "STF-024 STF-025 STF-026 STF-036 STF-039", "establishment": "STF-027", "paid and unpaid roles": "STF-029 STF-030",
    "mean WTE": "STF-023", "role and service, service and sector": "STF-031 SRV-009", "duplicates": "SRV-008 STF-032 BRK-007",
    "breakdowns agree": "BRK-013", "breakdowns and Staff": "BRK-010 BRK-011 BRK-012", "breakdown blank": "BRK-008 BRK-009",
    "not known": "BRK-014 BRK-021", "pay": "BRK-015 BRK-016 BRK-017", "round numbers": "RET-008",
    "lines and staff": "RET-003 SRV-011 STF-033", "frame": "FRM-001 FRM-002 FRM-003", "one authority": "RET-004",
    "key role": "RET-005", "vacancies": "RET-006", "lines of last year": "LYR-001 LYR-002", "ratios": "LYR-003 LYR-004 LYR-010",
    "HB": "LYR-005", "identical": "LYR-006 LYR-013 LYR-014 LYR-015", "opening": "LYR-007", "sector": "LYR-008",
    "large share now zero": "LYR-009 LYR-012", "register": "REG-001 REG-002 REG-003 REG-004",
}  # fmt: skip


def test_every_family_of_rules_is_covered() -> None:
    assert {code for codes in FAMILIES.values() for code in codes.split()} <= set(RULES)
