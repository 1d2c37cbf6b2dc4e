"""A census of 2026 made of data alone, as docs/add-a-year.md says: every part of the platform works with it."""

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
from tests.contracts.recipes import copy_project, follow_step, read_steps
from tests.factories.actors import ANN, NOW
from tests.factories.returns import Tree, breakdowns, clean_tree, staff_row

YEAR = 2026
PAGE = "docs/add-a-year.md"


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The specs with the year that the page tells how to make."""
    root = tmp_path_factory.mktemp("census")
    shutil.copytree(find_folder("schemas"), root / "schemas")
    written = [step for step in read_steps(PAGE) if step.path and step.path.startswith("schemas/")]
    assert len(written) == 4
    for step in written:
        follow_step(step, root)
    return root / "schemas"


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


def test_the_page_is_followed_to_the_letter(tmp_path: Path, server_folder: Path) -> None:
    project = copy_project(tmp_path / "project")
    printed = "".join(follow_step(step, project, server_folder) for step in read_steps(PAGE))
    assert "Every file is current." in printed
    book = openpyxl.load_workbook(project / "template.xlsx")
    assert "Agency WTE" in [cell.value for cell in book["Staff"][1]]
    differences = (project / "docs/reference/common/differences.md").read_text("utf-8")
    section = differences.partition("## 2026, since 2025")[2]
    for row in (
        "`staff.agency_wte` | new: Agency WTE", "Roles: `DIGITAL` Digital recovery worker | new", "`STF-101` | new",
        "`STF-023` | changed: params", "`STF-007` | changed: columns",
    ):  # fmt: skip
        assert f"| {row} |" in section, row
    assert "Salary bands: `B5`" in section
    assert len([line for line in section.splitlines() if line.startswith("| ") and "---" not in line]) == 6 + 3
    index = (project / "docs/reference/README.md").read_text("utf-8")
    installed = SpecLibrary(find_folder("schemas"))
    assert all(installed.spec(year).digest[:16] in index for year in installed.years)
