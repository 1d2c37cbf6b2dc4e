"""The JSON Schema of a year: well formed, complete, and no stricter than the platform itself."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from census_api.intake.judging.judge import Context, judge_return
from census_api.questionnaire.json_schema import json_schema
from census_api.questionnaire.load import load_library, load_spec
from census_api.questionnaire.model import SheetQuestion

SPEC = load_spec(2024)
SCHEMA = json_schema(SPEC)
LINE = {"local_authority_code": "E06000001", "service_type": "adult_community"}
TYPES: dict[str, Any] = {"object": dict, "array": list, "string": str, "null": type(None)}


def is_type(value: Any, name: str) -> bool:
    if name in ("integer", "number"):
        return isinstance(value, int | float) and not isinstance(value, bool) and (name == "number" or value % 1 == 0)
    return isinstance(value, TYPES[name])


def problems(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "") -> list[str]:
    """What the keywords that our schemas use have to say, as the 2020-12 specification words them."""
    assert not schema.keys() - KNOWN, "the schema uses a keyword that this test does not check"
    if "$ref" in schema:
        return problems(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, at)
    names = schema.get("type", [])
    if names and not any(is_type(value, name) for name in ([names] if isinstance(names, str) else names)):
        return [f"{at}: type"]
    found = [f"{at}: {keyword}" for keyword in about_value(value, schema)]
    if "anyOf" in schema and all(problems(value, option, root, at) for option in schema["anyOf"]):
        found.append(f"{at}: anyOf")
    if isinstance(value, list):
        for index, item in enumerate(value):
            found += problems(item, schema.get("items", {}), root, f"{at}/{index}")
    return found + (about_object(value, schema, root, at) if isinstance(value, dict) else [])


def about_value(value: Any, schema: dict[str, Any]) -> list[str]:
    """Keywords that the value does not satisfy by itself."""
    is_text, is_number = isinstance(value, str), is_type(value, "number")
    satisfied: dict[str, Callable[[Any], object]] = {
        "enum": lambda limit: value in limit,
        "const": lambda limit: value == limit,
        "minLength": lambda limit: not is_text or len(value) >= limit,
        "maxLength": lambda limit: not is_text or len(value) <= limit,
        "pattern": lambda limit: not is_text or re.search(limit, value),
        "minimum": lambda limit: not is_number or value >= limit,
        "maximum": lambda limit: not is_number or value <= limit,
    }
    return [keyword for keyword, holds in satisfied.items() if keyword in schema and not holds(schema[keyword])]


def about_object(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], at: str) -> list[str]:
    found = [f"{at}/{name}: required" for name in schema.get("required", []) if name not in value]
    for name, item in value.items():
        inner = schema.get("properties", {}).get(name, schema.get("additionalProperties", {}))
        found += [f"{at}/{name}: additional"] if inner is False else problems(item, inner, root, f"{at}/{name}")
    return found


KNOWN = {
    "$schema", "$id", "$defs", "$ref", "title", "description", "examples", "type", "enum", "const", "anyOf",
    "properties", "required", "additionalProperties", "items", "minimum", "maximum", "minLength", "maxLength", "pattern",
}  # fmt: skip


def whole_return() -> dict[str, Any]:
    organisation = {
        "organisation_code": "DEMO-CLEAN", "name": "Trust", "sector": "nhs", "contact_name": "A Person",
        "contact_email": "hr@example.org", "nil_return": "no",
    }  # fmt: skip
    staff = {
        **LINE, "role_code": "DAW", "paid_headcount": 4, "paid_wte": "3.5", "unpaid_headcount": 0, "unpaid_wte": 0,
        "opening_headcount": 4, "starters": 1, "leavers": 1, "transfers_in": 0, "transfers_out": 0, "vacant_wte": 1,
    }  # fmt: skip
    services = [{**LINE, "commissioning_route": "la_commissioned", "data_available": "full"}]
    tree: dict[str, Any] = {
        "census_year": 2024, "organisation": organisation, "services": services, "staff": [staff]
    }  # fmt: skip
    for sheet in SPEC.breakdowns:
        first, *rest = [question.key for question in sheet.fields[1:]]
        row = "DAW" if sheet.rows_by == "role_code" else "drug_alcohol_workers"
        tree[sheet.key] = [{str(sheet.rows_by): row, first: 4, **dict.fromkeys(rest, 0)}]
    return tree


def outcome(tree: Any) -> str:
    return judge_return(json.dumps(tree).encode(), 2024, Context(), keep_content=False).report.outcome


def test_a_clean_return_validates() -> None:
    assert outcome(whole_return()) == "clean"
    assert problems(whole_return(), SCHEMA, SCHEMA) == []


@pytest.mark.parametrize("year", load_library().years)
def test_the_example_is_a_clean_return_and_every_reference_leads_somewhere(year: int) -> None:
    schema = json_schema(load_spec(year))
    (example,) = schema["examples"]
    assert problems(example, schema, schema) == []
    report = judge_return(json.dumps(example).encode(), year, Context()).report
    assert report.outcome == "clean"
    references = set(re.findall(r'"\$ref": "#/\$defs/(\w+)"', json.dumps(schema)))
    assert references == set(schema["$defs"])
    assert schema["properties"]["census_year"]["const"] == year
    assert "/" not in schema["$id"]


def test_it_says_what_the_spec_says() -> None:
    for sheet in SPEC.sheets:
        shape = SCHEMA["properties"][sheet.key] if sheet.kind == "form" else SCHEMA["$defs"][f"{sheet.key}_row"]
        assert list(shape["properties"]) == [question.key for question in sheet.fields]
        for question in sheet.fields:
            described = shape["properties"][question.key]
            assert (described["title"], described["description"]) == (question.label, question.help)
            assert (question.key in shape["required"]) == question.required
    assert SCHEMA["$defs"]["roles"]["enum"] == [code.code for code in SPEC.code_lists["roles"].codes]


WRONG = [
    ("staff", "paid_headcount", "4"), ("staff", "paid_headcount", -1), ("staff", "paid_headcount", 12.5),
    ("staff", "paid_headcount", False), ("staff", "paid_headcount", 20_001), ("staff", "paid_headcount", "NK"),
    ("staff", "paid_headcount", None), ("staff", "paid_wte", "12,5"), ("staff", "paid_wte", "1e2"),
    ("staff", "paid_wte", "01"), ("staff", "paid_wte", -0.5), ("staff", "leavers", "NA"), ("staff", "role_code", 7),
    ("staff", "shoe_size", 44), ("organisation", "name", ["x"]), ("organisation", "name", "x" * 161),
    ("age", "20_29", "3"), (None, "census_year", 2023), (None, "staff", {}), (None, "rota", []),
]  # fmt: skip


@pytest.mark.parametrize(("table", "field", "value"), WRONG)
def test_what_the_platform_finds_wrong_in_one_cell_is_wrong_here_too(table: str | None, field: str, value: Any) -> None:
    tree = whole_return()
    place = tree if table is None else tree[table]
    (place[0] if isinstance(place, list) else place)[field] = value
    found = problems(tree, SCHEMA, SCHEMA)
    assert found
    assert all(field in problem or str(table) in problem for problem in found)


def values(question: SheetQuestion) -> st.SearchStrategy[Any]:
    """Good, odd and bad answers to one question."""
    odd = st.sampled_from([None, "", " ", 0, 1, 1.5, -1, "3", "3.25", "NK", "REFUSED", "NA", True, "x", 10**6, "0.500"])
    if question.code_list is None:
        return odd | st.text(max_size=12)
    codes = SPEC.code_lists[question.code_list].codes
    spellings = [text for code in codes[:40] for text in (code.code, code.label, f" {code.code} - {code.label} ")]
    return odd | st.sampled_from(spellings)


@st.composite
def changed_returns(draw: st.DrawFn) -> dict[str, Any]:
    tree = copy.deepcopy(whole_return())
    for _ in range(draw(st.integers(1, 3))):
        sheet = draw(st.sampled_from(SPEC.sheets))
        question = draw(st.sampled_from(sheet.fields))
        row = tree[sheet.key] if sheet.kind == "form" else tree[sheet.key][0]
        if draw(st.booleans()):
            row[question.key] = draw(values(question))
        else:
            row.pop(question.key, None)
    if draw(st.booleans()):
        table = draw(st.sampled_from([sheet.key for sheet in SPEC.sheets if sheet.kind != "form"]))
        tree[table] = draw(st.sampled_from([[], None, [*tree[table], {}], [{"role_code": None}, *tree[table]]]))
    return tree


@settings(max_examples=300)
@given(changed_returns())
def test_whatever_the_platform_accepts_validates(tree: dict[str, Any]) -> None:
    found = problems(tree, SCHEMA, SCHEMA)
    if found:
        assert outcome(tree) == "errors", found
