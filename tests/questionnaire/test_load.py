"""Reading a year's folder: what is wrong in it stops the start, and names the file and the key."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from census_api.domain.kit.errors import NotFound, SpecError
from census_api.questionnaire.load import SpecLibrary, load_library, load_spec
from census_api.questionnaire.model import Spec
from census_api.questionnaire.plan import compile_plan
from census_api.questionnaire.resources import find_folder

YEAR = 2026
HEAD = f"""
extends = 2025
[collection]
year = {YEAR}
title = "Census of {YEAR}"
reference_date = {YEAR}-06-30
flow_from = {YEAR - 1}-07-01
flow_to = {YEAR}-06-30
opens = {YEAR}-07-03
closes = {YEAR}-09-15
late_until = {YEAR}-10-13
"""
RULE = """
[rules.STF-101]
title = "A new rule"
on = "staff"
check = "at_most_sum"
columns = ["vacant_wte"]
params = { parts = ["paid_wte"] }
severity = "query"
message = "Vacant WTE is {vacant_wte}."
expected = "Less."
fix = "Correct it."
why = "A test."
source = "Ours"
decided_by = "census team"
"""


class Folder:
    """A copy of the schemas with a year of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.year = root / str(YEAR)
        self.year.mkdir()
        self.toml()

    def toml(self, more: str = "", *, head: str = HEAD) -> None:
        (self.year / "census.toml").write_text(head + more, "utf-8")

    def csv(self, name: str, text: str) -> None:
        (self.year / f"{name}.csv").write_text(text, "utf-8")

    def register(self, line: str) -> None:
        codes = self.root / "rule_codes.csv"
        codes.write_text(codes.read_text("utf-8") + line + "\n", "utf-8")

    def load(self) -> Spec:
        spec = SpecLibrary(self.root).spec(YEAR)
        compile_plan(spec)
        return spec


@pytest.fixture
def schemas(tmp_path: Path) -> Folder:
    shutil.copytree(find_folder("schemas"), tmp_path / "schemas")
    return Folder(tmp_path / "schemas")


def test_a_year_that_says_nothing_new_is_the_year_before(schemas: Folder) -> None:
    spec, before = schemas.load(), load_spec(2025)
    assert (spec.sheets, spec.code_lists, spec.rules) == (before.sheets, before.code_lists, before.rules)
    assert spec.digest != before.digest


def test_the_digest_stands_for_what_decides_about_a_return(schemas: Folder) -> None:
    plain = schemas.load().digest
    schemas.toml(head=HEAD.replace("2026-09-15", "2026-09-30"))
    assert schemas.load().digest == plain
    schemas.toml('[rules.STF-023]\nparams = { of = "paid_headcount", factor = 0.25 }')
    assert schemas.load().digest != plain


# --- wrong, and where -------------------------------------------------------------------------------------------

FIELD = "[sheets.staff.fields.agency]\n"
WRONG: dict[str, tuple[str, str]] = {
    "no TOML": ("a = ", "(whole file)"),
    "an unknown top key": ("[colours]\nred = 1", "colours"),
    "an unknown collection key": ("[collection.more]\na = 1", "collection.more"),
    "an unknown sheet key": ("[sheets.staff]\ncolour = 1", "sheets.staff.colour"),
    "an unknown field key": ("[sheets.staff.fields.starters]\ncolour = 1", "sheets.staff.fields.starters.colour"),
    "an unknown rule key": ("[rules.STF-023]\ncolour = 1", "rules.STF-023.colour"),
    "an unknown list key": ("[code_lists.roles]\ncolour = 1", "code_lists.roles.colour"),
    "an unknown type": (FIELD + 'label = "A"\ntype = "date"\nhelp = "h"', "sheets.staff.fields.agency.type"),
    "a field without a label": (FIELD + 'type = "count"\nhelp = "h"', "sheets.staff.fields.agency.label"),
    "a wrong after": (FIELD + 'after = "nowhere"\nlabel = "A"\ntype = "count"\nhelp = "h"', "sheets.staff.fields.agency.after"),
    "a header twice": (FIELD + 'label = "paid  HEADCOUNT"\ntype = "count"\nhelp = "h"', "sheets.staff.fields.agency"),
    "a code without a list": (FIELD + 'label = "A"\ntype = "code"\nhelp = "h"', "sheets.staff.fields.agency"),
    "no such list": (FIELD + 'label = "A"\ntype = "code"\ncode_list = "colours"\nhelp = "h"', "sheets.staff.fields.agency.code_list"),
    "a list without a file": ("[code_lists.colours]", "colours"),
    "a link to no list": ('[code_lists.roles]\nlinks = { role_group = "colours" }', "roles.links.role_group"),
    "a link of no column": ('[code_lists.roles]\nlinks = { colour = "roles" }', "colour"),
    "a business key of no field": ('[sheets.staff]\nbusiness_key = ["colour"]', "sheets.staff.business_key"),
    "rows by something else": ('[sheets.age]\nrows_by = "colour"', "sheets.age.rows_by"),
    "categories of no list": ('[sheets.age]\ncategories = "colours"', "sheets.age.categories"),
    "left out of no list": ('[sheets.age]\nleave_out = ["PURPLE"]', "sheets.age"),
    "the unknown not last": ('[sheets.age]\nunknown = "U20"', "sheets.age"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_names_itself_and_the_key(schemas: Folder, name: str) -> None:
    text, key = WRONG[name]
    schemas.toml(text)
    with pytest.raises(SpecError) as problem:
        schemas.load()
    assert problem.value.key == key
    assert problem.value.file in (f"schemas/{YEAR}/census.toml", "roles.csv")


def test_lists_of_what_is_withdrawn_name_what_exists(schemas: Folder) -> None:
    for key, value in {"withdrawn_rules": "STF-999", "removed_fields": "staff.colour"}.items():
        schemas.toml(head=f'{key} = ["{value}"]\n{HEAD}')
        with pytest.raises(SpecError, match=f"{key}: {value} is not a"):
            schemas.load()


def test_what_is_withdrawn_is_gone(schemas: Folder) -> None:
    schemas.toml(head=f'withdrawn_rules = ["STF-035"]\nremoved_fields = ["services.note"]\n{HEAD}')
    with pytest.raises(SpecError, match="SRV-012"):
        schemas.load()  # rules still speak about the field
    schemas.toml(head=f'withdrawn_rules = ["STF-035"]\n{HEAD}')
    assert "STF-035" not in schemas.load().rule


@pytest.mark.parametrize(
    ("extends", "what"),
    [("2027", "must be an earlier year"), ('"2025"', "must be an earlier year"), ("2019", "no such file")],
)
def test_a_year_extends_an_earlier_one(schemas: Folder, extends: str, what: str) -> None:
    schemas.toml(head=HEAD.replace("extends = 2025", f"extends = {extends}"))
    with pytest.raises(SpecError, match=what):
        schemas.load()


def test_a_folder_holds_its_own_year(schemas: Folder) -> None:
    schemas.toml(head=HEAD.replace(f"year = {YEAR}\n", "year = 2030\n"))
    with pytest.raises(SpecError, match=r"collection\.year: says 2030 in the folder of 2026"):
        schemas.load()


# --- rules ------------------------------------------------------------------------------------------------------

WRONG_RULES: dict[str, tuple[Callable[[str], str], str]] = {
    "no such view": (lambda rule: rule.replace('"staff"', '"kitchen"'), "rules.STF-101.on"),
    "no such check": (lambda rule: rule.replace('"at_most_sum"', '"is_nice"'), "rules.STF-101.check"),
    "no such parameter": (lambda rule: rule.replace("] }", "], colour = 1 }"), "rules.STF-101.params.colour"),
    "a parameter missing": (lambda rule: rule.replace('parts = ["paid_wte"]', ""), "rules.STF-101.params"),
    "a part of no column": (lambda rule: rule.replace('["paid_wte"]', '["colour"]'), "rules.STF-101.params"),
    "a column that is not there": (lambda rule: rule.replace('["vacant_wte"]', '["colour"]'), "rules.STF-101.columns"),
    "a placeholder of nothing": (lambda rule: rule.replace("{vacant_wte}", "{colour}"), "rules.STF-101.message"),
    "where of no column": (lambda rule: rule + "where = { colour = 1 }\n", "rules.STF-101.where.colour"),
    "unless no rule": (lambda rule: rule + 'unless = ["STF-999"]\n', "rules.STF-101.unless"),
    "unless a rule elsewhere": (lambda rule: rule + 'unless = ["BRK-001"]\n', "rules.STF-101.unless"),
    "unless itself": (lambda rule: rule + 'unless = ["STF-101"]\n', "rules.STF-101.unless"),
    "no such sheet": (lambda rule: rule + 'sheet = "kitchen"\n', "rules.STF-101.sheet"),
    "no such severity": (lambda rule: rule.replace('"query"', '"panic"'), "rules.STF-101.severity"),
    "no message": (lambda rule: rule.replace("message", "# message"), "rules.STF-101.message"),
    "no such pattern": (
        lambda rule: rule.replace("at_most_sum", "matches").replace('parts = ["paid_wte"]', 'pattern = "colour"'),
        "rules.STF-101.params.pattern",
    ),
    "no such mapping": (
        lambda rule: rule.replace("at_most_sum", "possible").replace(
            'parts = ["paid_wte"]', 'columns = ["role_code", "service_type"], mapping = "colours", attribute = "x"'
        ),
        "rules.STF-101.params",
    ),
}


@pytest.mark.parametrize("name", WRONG_RULES)
def test_a_wrong_rule_stops_the_start(schemas: Folder, name: str) -> None:
    change, key = WRONG_RULES[name]
    schemas.register("STF-101,2026,A new rule")
    schemas.toml(RULE)
    assert "STF-101" in schemas.load().rule
    schemas.toml(change(RULE))
    with pytest.raises(SpecError) as problem:
        schemas.load()
    assert (problem.value.file, problem.value.key) == (f"schemas/{YEAR}/census.toml", key)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (RULE.replace('"Ours"', '""'), r"rules\.STF-101\.source: String should have at least 1"),
        (RULE.replace('"census team"', '"somebody"'), r"rules\.STF-101\.decided_by: Input should be 'census team' or"),
    ],
)
def test_a_rule_says_where_it_comes_from_and_who_decides(schemas: Folder, wrong: str, what: str) -> None:
    schemas.register("STF-101,2026,A new rule,tests/rules/cases_staff.py")
    schemas.toml(wrong)
    with pytest.raises(SpecError, match=what):
        schemas.load()


def test_a_rule_that_a_later_year_changes_is_declared_twice(schemas: Folder) -> None:
    schemas.register("STF-101,2026,A new rule,tests/rules/cases_staff.py;tests/rules/test_faults.py")
    schemas.toml(RULE + "\n[rules.STF-012]\nseverity = 'query'\n")
    before, spec = load_spec(2025), schemas.load()
    assert [place.partition(":")[0] for place in spec.rule_homes["STF-012"].declared] == [
        "schemas/2022/census.toml", "schemas/2026/census.toml",
    ]  # fmt: skip
    assert spec.rule_homes["STF-101"].cases == ("tests/rules/cases_staff.py", "tests/rules/test_faults.py")
    assert before.rule_homes["STF-012"].declared == spec.rule_homes["STF-012"].declared[:1]


def test_who_decides_is_no_part_of_how_a_return_is_judged(schemas: Folder) -> None:
    schemas.toml()
    digest = schemas.load().digest
    schemas.toml("[rules.STF-012]\nsource = 'Elsewhere'\ndecided_by = 'developers'\n")
    assert schemas.load().digest == digest


def test_a_rule_that_does_not_say_is_ours_and_those_that_are_shipped_all_say(schemas: Folder) -> None:
    silent = RULE.replace('source = "Ours"\n', "").replace('decided_by = "census team"\n', "")
    schemas.register("STF-101,2026,A new rule,")
    schemas.toml(silent)
    rule = schemas.load().rule["STF-101"]
    assert (rule.source, rule.decided_by) == ("Ours", "census team")
    for file in find_folder("schemas").rglob("*.toml"):
        for code, given in tomllib.loads(file.read_text("utf-8")).get("rules", {}).items():
            # a later year changes parts of a rule
            assert {"source", "decided_by"} <= given.keys() or "check" not in given, (file, code)


def test_a_rule_needs_a_code_of_the_register(schemas: Folder) -> None:
    schemas.toml(RULE)
    with pytest.raises(SpecError, match=r"rules\.STF-101: is not in rule_codes\.csv"):
        schemas.load()
    schemas.toml(RULE.replace("STF-101", "staff-1"))
    with pytest.raises(SpecError, match="three capital letters"):
        schemas.load()


def test_no_code_is_registered_twice(schemas: Folder) -> None:
    schemas.register("STF-001,2026,Something else")
    with pytest.raises(SpecError, match=r"rule_codes\.csv: STF-001: is listed twice"):
        schemas.load()
    (schemas.root / "rule_codes.csv").unlink()
    with pytest.raises(SpecError, match="no such file"):
        schemas.load()


# --- code lists -------------------------------------------------------------------------------------------------

WRONG_LISTS: dict[str, tuple[str, str]] = {
    "no change column": ("code,label\nmaybe,Maybe\n", "change"),
    "an unknown change": ("change,code,label\nrenamed,yes,Ja\n", "line 2"),
    "added again": ("change,code,label\nadded,yes,Ja\n", "line 2"),
    "changed before it was there": ("change,code,label\nchanged,maybe,Maybe\n", "line 2"),
    "removed before it was there": ("change,code,label\nremoved,yes,Yes\nremoved,yes,Yes\n", "line 3"),
    "a line too short": ("change,code,label\nadded,maybe\n", "line 2"),
    "a line too long": ("change,code,label\nadded,maybe,Maybe,more\n", "line 2"),
    "no label": ("change,code,label\nadded,maybe,\n", "maybe"),
}


@pytest.mark.parametrize("name", WRONG_LISTS)
def test_a_wrong_change_of_a_list_names_its_line(schemas: Folder, name: str) -> None:
    text, key = WRONG_LISTS[name]
    schemas.csv("yes_no", text)
    with pytest.raises(SpecError) as problem:
        schemas.load()
    assert problem.value.key == key
    assert "yes_no.csv" in problem.value.file


def test_a_code_that_others_use_cannot_go(schemas: Folder) -> None:
    schemas.csv("role_groups", "change,code,label\nremoved,nursing,Nursing\n")
    with pytest.raises(SpecError, match="`nursing` is not in role_groups"):
        schemas.load()


def test_a_removed_code_is_remembered_and_one_that_comes_back_is_not(schemas: Folder) -> None:
    schemas.csv("sexes", "change,code,label,group,status\nremoved,OTH,Other,,general\n")
    sexes = schemas.load().code_lists["sexes"]
    assert [code.code for code in sexes.codes] == ["F", "M", "NK"]
    assert [code.code for code in sexes.former] == ["OTH"]
    schemas.csv("local_authorities", _readded("E10000006"))
    assert "E10000006" not in {code.code for code in schemas.load().code_lists["local_authorities"].former}


def _readded(code: str) -> str:
    lines = (find_folder("schemas") / "2022" / "local_authorities.csv").read_text("utf-8").splitlines()
    line = next(line for line in lines if line.startswith(code))
    return f"change,{lines[0]}\nadded,{line}\n"


# --- the years there are ----------------------------------------------------------------------------------------


def test_the_years_and_their_local_authorities() -> None:
    assert load_library().years == (2022, 2023, 2024, 2025)
    assert [len(load_spec(year).code_lists["local_authorities"].codes) for year in load_library().years] == [
        152,
        153,
        153,
        153,
    ]


def test_successors_of_local_authorities() -> None:
    def successors(year: int) -> dict[str, tuple[str, ...]]:
        former = load_spec(year).code_lists["local_authorities"].former
        return {code.code: code.many("successors") for code in former}

    reform = {
        "E10000006": ("E06000063", "E06000064"), "E10000023": ("E06000065",), "E10000027": ("E06000066",),
    }  # fmt: skip
    assert successors(2022) == {}
    assert successors(2023) == successors(2024) == reform
    assert successors(2025) == reform | {"E08000016": ("E08000038",), "E08000019": ("E08000039",)}


@pytest.mark.parametrize("year", load_library().years)
def test_successors_are_authorities_of_the_year(year: int) -> None:
    authorities = load_spec(year).code_lists["local_authorities"]
    for former in authorities.former:
        assert former.many("successors")
        assert set(former.many("successors")) <= set(authorities.by_code)


def test_every_year_has_a_digest_of_its_own_and_is_read_once() -> None:
    digests = {load_spec(year).digest for year in load_library().years}
    assert len(digests) == 4
    assert load_spec(2024) is load_spec(2024)


def test_a_year_without_a_census_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"There is no census of 1999\. The years are 2022, 2023, 2024, 2025\."):
        load_spec(1999)
