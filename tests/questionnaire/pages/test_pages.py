"""The reference pages hold what the spec holds, in Markdown that stays in shape."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from census_api.domain.kit import errors
from census_api.questionnaire.load import SpecLibrary, load_library, load_spec
from census_api.questionnaire.model import Spec
from census_api.questionnaire.pages.all_pages import common_pages, error_catalogue, year_pages
from census_api.questionnaire.pages.markdown import escape_cell, make_anchor, write_table
from census_api.questionnaire.resources import find_folder

YEARS = load_library().years
REFUSALS = {"old_xls": "This is an old Excel file (.xls).\nSave it | as .xlsx."}


def pages_of(year: int) -> dict[str, str]:
    return year_pages(load_spec(year), load_spec(year - 1) if year - 1 in YEARS else None)


def all_pages() -> dict[str, str]:
    pages = {f"{year}/{name}": text for year in YEARS for name, text in pages_of(year).items()}
    return pages | common_pages([load_spec(year) for year in YEARS], REFUSALS)


@pytest.mark.parametrize("name", sorted(all_pages()))
def test_every_table_row_has_as_many_cells_as_its_header(name: str) -> None:
    for block in re.findall(r"(?:^\|.*\n)+", all_pages()[name], re.MULTILINE):
        sizes = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(sizes) == 1, block.splitlines()[0]


@pytest.mark.parametrize("name", sorted(all_pages()))
def test_every_link_leads_to_a_heading_or_a_page(name: str) -> None:
    pages = all_pages()
    anchors = [make_anchor(heading) for heading in re.findall(r"^#+ (.*)$", pages[name], re.MULTILINE)]
    assert len(anchors) == len(set(anchors))
    rendered = {*pages, *(f"{year}/{file}" for year in YEARS for file in ("schema.json", "spec.json"))}
    for target in re.findall(r"\]\(([^)]+)\)", pages[name]):
        if target.startswith("#"):
            assert target[1:] in anchors
        elif "templates_xlsx" not in target:
            folder = name.rpartition("/")[0]
            path = target.removeprefix("../") if target.startswith("../") else f"{folder}/{target}".lstrip("/")
            assert path in rendered


@pytest.mark.parametrize("year", YEARS)
def test_the_dictionary_has_every_question_and_every_code_that_people_meet(year: int) -> None:
    spec, page = load_spec(year), pages_of(year)["data-dictionary.md"]
    for sheet in spec.sheets:
        section = page.partition(f"\n## {sheet.title}\n")[2].partition("\n## ")[0]
        for question in sheet.fields:
            (row,) = [line for line in section.splitlines() if f"| `{question.key}` |" in line]
            for words in (question.label, question.help, "yes" if question.required else "no", *question.states):
                assert escape_cell(words) in row
    for sheet in spec.sheets:
        for name in filter(None, (sheet.categories, *(question.code_list for question in sheet.fields))):
            for code in spec.code_lists[name].codes:
                assert f"| `{code.code}` | {escape_cell(code.label)} |" in page


def test_codes_that_went_name_what_to_use_instead() -> None:
    page = pages_of(2023)["data-dictionary.md"]
    assert "| `E10000006` | Cumbria | 2023-03-31 | E06000063, E06000064 |" in page


@pytest.mark.parametrize("year", YEARS)
def test_the_catalogue_has_every_rule_with_all_its_words(year: int) -> None:
    spec, page = load_spec(year), pages_of(year)["rules.md"]
    for rule in spec.rules:
        section = page.partition(f"\n### {rule.code} ")[2].partition("\n### ")[0]
        for words in (rule.why, rule.message, rule.expected, rule.fix, rule.severity.capitalize(), rule.check):
            assert escape_cell(words) in section
        assert f"**In force since**: {rule.since}" in section


def test_every_family_of_rules_has_a_heading_for_people() -> None:
    for year in YEARS:
        assert not re.findall(r"^## [A-Z]{3}$", pages_of(year)["rules.md"], re.MULTILINE)


def changed(spec: Spec) -> Spec:
    """Next year: the first rule is gone, the second is a query with another threshold, and there is a new one."""
    _, second, *rest = spec.rules
    new = second.model_copy(update={"code": "STF-999", "title": "Something new"})
    second = second.model_copy(update={"severity": "note", "params": {"bound": 7}})
    collection = spec.collection.model_copy(update={"year": spec.year + 1})
    # made anew: a copy would keep what the spec has already worked out from its rules
    kept = {name: getattr(spec, name) for name in Spec.model_fields}
    return Spec(**{**kept, "rules": (second, *rest, new), "collection": collection})


def test_what_changed_from_year_to_year_is_marked() -> None:
    spec = load_spec(YEARS[-1])
    after = changed(spec)
    gone, second, *_ = (rule.code for rule in spec.rules)
    page = year_pages(after, spec)["rules.md"]
    assert f"- `{second}`: changed: params, severity\n" in page
    assert f"- `{gone}`: withdrawn" in page
    assert "- `STF-999`: new" in page
    rows = common_pages([spec, after], {})["common/rules.md"].splitlines()
    assert next(row for row in rows if f"`{gone}`" in row).endswith("| yes | - |")
    assert next(row for row in rows if f"`{second}`" in row).endswith("| yes | changed |")
    assert next(row for row in rows if "`STF-999`" in row).endswith("| - | yes |")


def test_the_error_catalogue_has_every_refusal_and_every_code() -> None:
    page = error_catalogue(REFUSALS)
    assert "| `old_xls` | This is an old Excel file (.xls). Save it \\| as .xlsx. |" in page
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.CensusError) and kind is not errors.CensusError:
            assert f"| `{kind.code}` | " in page


def test_the_year_that_the_readme_makes_works(tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    shutil.copytree(find_folder("schemas"), schemas)
    (schemas / "2026").mkdir()
    readme = (schemas / "README.md").read_text("utf-8").partition("## How to add a year")[2]
    for path, text in re.findall(r"`(2026/[\w.]+)`[^\n]*:\n\n```\w+\n(.*?)```", readme, re.DOTALL):
        (schemas / path).write_text(text, "utf-8")
    before, spec = (SpecLibrary(schemas).spec(year) for year in (2025, 2026))
    page = year_pages(spec, before)["rules.md"]
    assert "- `STF-016`: changed: params\n- `STF-017`: changed: severity\n" in page
    dictionary = year_pages(spec, before)["data-dictionary.md"]
    assert "| Agency WTE | `agency_wte` |" in dictionary
    assert "| `DAW_DIGITAL` | Digital recovery worker |" in dictionary
    order = [question.key for question in spec.sheet["staff"].fields]
    assert order.index("agency_wte") == order.index("unpaid_wte") + 1


def test_cells_of_tables_stay_on_their_line() -> None:
    assert write_table(("A",), [["x\ny | z"]]) == "| A |\n| --- |\n| x y \\| z |"
