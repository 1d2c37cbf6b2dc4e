"""A census of 2026 made of data alone: no Python, no migration, and every part of the platform works with it."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import openpyxl
import pytest

from census_api.domain.collecting.submission import Upload
from census_api.domain.register.organisations import Organisation
from census_api.intake.judging.judge import Context, judge_return
from census_api.intake.sandbox import Sandbox
from census_api.questionnaire.json_schema import json_schema
from census_api.questionnaire.load import SpecLibrary, load_library
from census_api.questionnaire.model import Spec
from census_api.questionnaire.resources import find_folder
from census_api.questionnaire.templates.workbook import build_template, fill_template
from census_api.services.collecting.collections import ensure_collections
from census_api.services.collecting.submissions import get_content, get_report
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import load_organisations
from census_api.settings import Settings
from census_api.store.kit.session import connect_database
from tests.factories.actors import ANN, NOW
from tests.factories.returns import Tree, breakdowns, clean_tree, staff_row

YEAR = 2026
CENSUS = """
extends = 2025

[collection]
year = 2026
title = "Drug and alcohol treatment and recovery workforce census 2026"
reference_date = 2026-06-30
flow_from = 2025-07-01
flow_to = 2026-06-30
opens = 2026-07-03
closes = 2026-09-15
late_until = 2026-10-13

[sheets.staff.fields.agency_wte]
after = "vacant_wte"
optional = true
label = "Agency WTE"
type = "decimal"
maximum = 20000
states = ["NK"]
since = 2026
help = "Optional: the WTE of agency staff who covered this role on the reference date."

[rules.STF-023]
params = { of = "paid_headcount", factor = 0.3 }

[rules.STF-101]
title = "More agency staff than posts"
on = "staff"
check = "at_most_sum"
columns = ["agency_wte"]
params = { parts = ["paid_wte", "vacant_wte"] }
severity = "query"
since = 2026
message = "Agency WTE is {agency_wte} beside {paid_wte} WTE in post and {vacant_wte} vacant."
expected = "As a rule no more agency staff than posts."
fix = "Correct it, or say why there were so many."
why = "It is often hours given as WTE."

[rules.STF-007]
columns = ["paid_wte", "unpaid_wte", "vacant_wte", "establishment_wte", "agency_wte"]
"""
ROLES = """change,code,label,role_group,regulated,register,profession_group,setting,service_types,pay_basis,drug_strategy_target,evidence,after
added,DIGITAL,Digital recovery worker,drug_alcohol_workers,no,,unregulated_frontline,treatment,adult_community;young_people,paid,no,new in 2026,DAW_TR
"""
BANDS = """change,code,label,lower_gbp_inclusive,upper_gbp_exclusive,pay_year,evidence,basis
changed,B5,Band 5 equivalent,27000,34000,2025/26,test,test
"""


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("census") / "schemas"
    shutil.copytree(find_folder("schemas"), root)
    year = root / str(YEAR)
    year.mkdir()
    (year / "census.toml").write_text(CENSUS, "utf-8")
    (year / "roles.csv").write_text(ROLES, "utf-8")
    (year / "salary_bands.csv").write_text(BANDS, "utf-8")
    codes = root / "rule_codes.csv"
    codes.write_text(codes.read_text("utf-8") + "STF-101,2026,More agency staff than posts\n", "utf-8")
    return root


@pytest.fixture(scope="module")
def spec(schemas: Path) -> Spec:
    return load_library(schemas).spec(YEAR)


def new_tree(spec: Spec, **cells: Any) -> Tree:
    """A return of 2026 with the new role and the new question."""
    tree = clean_tree(spec)
    tree["staff"].append(staff_row("DIGITAL", 3, "2.4", agency_wte="1.5") | cells)
    return tree | breakdowns(spec, tree["staff"])


def test_the_year_is_loaded_with_its_changes_and_no_others(schemas: Path, spec: Spec) -> None:
    before = load_library(schemas).spec(2025)
    assert load_library(schemas).years[-1] == YEAR
    names = [question.key for question in spec.sheet["staff"].fields]
    assert names.index("agency_wte") == names.index("vacant_wte") + 1
    assert set(spec.sheet["staff"].by_key) - set(before.sheet["staff"].by_key) == {"agency_wte"}
    roles = [code.code for code in spec.code_lists["roles"].codes]
    assert roles.index("DIGITAL") == roles.index("DAW_TR") + 1
    assert spec.code_lists["salary_bands"].by_code["B5"].attributes["upper_gbp_exclusive"] == "34000"
    assert set(spec.rule) - set(before.rule) == {"STF-101"}
    assert {code for code in before.rule if before.rule[code] != spec.rule[code]} == {"STF-007", "STF-023"}
    assert spec.digest != before.digest


def test_earlier_years_are_as_they_were(schemas: Path) -> None:
    installed = SpecLibrary(find_folder("schemas"))
    for year in installed.years:
        assert load_library(schemas).spec(year).digest == installed.spec(year).digest


def test_the_template_asks_the_new_question_and_offers_the_new_role(spec: Spec) -> None:
    book = openpyxl.load_workbook(io.BytesIO(build_template(spec)))
    assert "Agency WTE" in [cell.value for cell in book["Staff"][1]]
    listed = {cell.value for row in book["Lists"].iter_rows() for cell in row}
    assert "DIGITAL - Digital recovery worker" in listed


def test_the_json_schema_takes_the_new_answers(spec: Spec) -> None:
    schema = json_schema(spec)
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert validator.is_valid(new_tree(spec))
    assert not validator.is_valid(new_tree(spec) | {"staff": [staff_row("DIGITAL", 3, "2.4", agency_temps="1")]})


def test_a_return_is_judged_by_the_new_rules(schemas: Path, spec: Spec) -> None:
    def rules(**cells: Any) -> list[str]:
        data = json.dumps(new_tree(spec, **cells)).encode()
        return [finding.rule for finding in judge_return(data, YEAR, Context(), schemas=schemas).report.findings]

    assert rules() == []
    assert rules(agency_wte="2.4") == []
    assert rules(agency_wte="2.41") == ["STF-101"]
    assert rules(agency_wte="NK") == []
    assert rules(agency_wte="a few") == ["STF-007"]
    assert rules(paid_wte="0.9", agency_wte=None) == []
    assert rules(paid_wte="0.89", agency_wte=None) == ["STF-023"]


def test_the_same_answers_are_not_asked_in_2025(schemas: Path) -> None:
    tree = new_tree(load_library(schemas).spec(2025)) | {"census_year": 2025}
    rules = {
        finding.rule
        for finding in judge_return(json.dumps(tree).encode(), 2025, Context(), schemas=schemas).report.findings
    }
    assert {"FIL-007", "STF-005"} <= rules


def test_workbook_and_json_are_the_same_return(schemas: Path, spec: Spec) -> None:
    of_json = judge_return(json.dumps(new_tree(spec)).encode(), YEAR, Context(), schemas=schemas)
    of_workbook = judge_return(fill_template(spec, of_json.content), None, Context(), schemas=schemas)
    assert of_workbook.report.collection == YEAR
    assert of_workbook.report.findings == of_json.report.findings == []
    assert of_workbook.report.content_sha256 == of_json.report.content_sha256
    assert of_workbook.content.table("staff")[-1]["agency_wte"] == "1.5"
    assert of_workbook.content.table("staff")[-1]["role_code"] == "DIGITAL"


@pytest.fixture
def platform(fresh_database_url: str, schemas: Path) -> Iterator[Platform]:
    with Sandbox(workers=1) as sandbox:
        database = connect_database(fresh_database_url)
        platform = Platform(database, sandbox, Settings(), clock=lambda: NOW, schemas=schemas)
        ensure_collections(platform, ANN)
        load_organisations(platform, ANN, [Organisation("ALPHA", "Alpha Recovery", "voluntary")])
        yield platform
        database.close()


@pytest.mark.parametrize("kind", ["json", "xlsx"])
def test_a_return_is_sent_in_and_stored_row_by_row(platform: Platform, spec: Spec, schemas: Path, kind: str) -> None:
    tree = new_tree(spec, agency_wte="2.41")
    data = json.dumps(tree).encode()
    judged = judge_return(data, YEAR, Context(), schemas=schemas)
    if kind == "xlsx":
        data = fill_template(spec, judged.content)
    answer = submit_return(platform, ANN, YEAR, "ALPHA", Upload(data, f"return.{kind}", None))
    assert answer.report is not None
    assert (answer.submission.number, answer.submission.kind, answer.report.outcome) == (1, kind, "queries")
    stored = get_content(platform, ANN, YEAR, "ALPHA", 1)
    assert stored.table("staff")[-1]["agency_wte"] == "2.41"
    assert stored.sha256() == judged.report.content_sha256 == answer.report.content_sha256
    assert "STF-101" in [finding.rule for finding in answer.report.findings]
    assert get_report(platform, ANN, YEAR, "ALPHA", 1).spec_digest == spec.digest
