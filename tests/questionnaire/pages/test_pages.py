"""The reference pages hold what the spec holds, in Markdown that stays in shape."""

from __future__ import annotations

import re

import pytest

from census_api.domain.kit import errors
from census_api.questionnaire.load import load_library, load_spec
from census_api.questionnaire.model import CodeList, Spec, SpecSheet
from census_api.questionnaire.pages.all_pages import common_pages, error_catalogue, year_pages
from census_api.questionnaire.pages.differences import differences_page
from census_api.questionnaire.pages.markdown import escape_cell, make_anchor, write_table

YEARS = load_library().years
REFUSALS = {"old_xls": "This is an old Excel file (.xls).\nSave it | as .xlsx."}


def pages_of(year: int) -> dict[str, str]:
    return year_pages(load_spec(year), load_spec(year - 1) if year - 1 in YEARS else None)


def all_pages() -> dict[str, str]:
    """The pages that are committed, by their place: those of the newest year, and those of no year."""
    pages = {f"{YEARS[-1]}/{name}": text for name, text in pages_of(YEARS[-1]).items()}
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
    rendered = {*pages, *(f"{YEARS[-1]}/{file}" for file in ("schema.json", "spec.json"))}
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
        assert f"**Source**: {escape_cell(rule.source)}\n" in section
        assert f"**Decided by**: the {rule.decided_by}" in section
        for place in (*spec.find_home(rule.code).declared, *spec.find_home(rule.code).cases):
            assert f"`{place}`" in section


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


def section_of(page: str, year: int) -> str:
    return page.partition(f"\n## {year}, since ")[2].partition("\n## ")[0]


def test_the_differences_name_each_code_that_came_or_went() -> None:
    page = differences_page([load_spec(year) for year in YEARS])
    assert "| Local authorities: `E06000063` Cumberland | new |" in section_of(page, 2023)
    assert "| Local authorities: `E10000006` Cumbria | no longer valid |" in section_of(page, 2023)
    assert "Nothing changed but the dates." in section_of(page, 2024)
    assert "### " not in section_of(page, 2024)


def test_the_differences_name_questions_codes_and_rules_that_changed() -> None:
    spec = load_spec(YEARS[-1])
    staff = spec.sheet["staff"]
    gone, relabelled, *rest = staff.fields
    new = rest[0].model_copy(update={"key": "agency_wte", "label": "Agency WTE"})
    fields = (relabelled.model_copy(update={"label": "Another"}), *rest, new)
    # made anew, like the spec below
    sheet = SpecSheet(**{name: getattr(staff, name) for name in SpecSheet.model_fields} | {"fields": fields})
    bands = spec.code_lists["salary_bands"]
    codes = tuple(
        code.model_copy(update={"attributes": {**code.attributes, "upper_gbp_exclusive": "34000"}})
        if code.code == "B5" else code
        for code in bands.codes
    )  # fmt: skip
    kept = {name: getattr(changed(spec), name) for name in Spec.model_fields}
    after = Spec(
        **{
            **kept,
            "sheets": tuple(sheet if old.key == "staff" else old for old in spec.sheets),
            "code_lists": {**spec.code_lists, "salary_bands": CodeList(name="salary_bands", codes=codes)},
        }
    )
    section = section_of(differences_page([spec, after]), YEARS[-1] + 1)
    assert f"| `staff.{relabelled.key}` | changed: label |" in section
    assert f"| `staff.{gone.key}` | no longer asked |" in section
    assert "| `staff.agency_wte` | new: Agency WTE |" in section
    assert re.search(r"\| Salary bands: `B5` .* \| changed: upper gbp exclusive \d+ -> 34000 \|", section)
    assert "| `STF-999` | new |" in section
    assert f"| `{spec.rules[1].code}` | changed: params, severity |" in section
    assert len([line for line in section.splitlines() if line.startswith("| `staff.")]) == 3


def test_cells_of_tables_stay_on_their_line() -> None:
    assert write_table(("A",), [["x\ny | z"]]) == "| A |\n| --- |\n| x y \\| z |"
