"""JSON Schema (2020-12) of the JSON return of one year.

It is no stricter than the platform: a return that is checked clean validates, unless there are spaces around an
answer, which the platform forgives. It is looser where JSON Schema cannot say what a rule says (labels for codes,
one field against another): the rule catalogue has the rest.
"""

from __future__ import annotations

from typing import Any

from census_api.questionnaire.model import STATE_LABELS, SheetQuestion, Spec, SpecSheet

DECIMAL_TEXT = r"^(0|[1-9]\d{0,14})(\.\d+)?$"
_BLANK: dict[str, Any] = {"type": ["string", "null"], "pattern": r"^\s*$", "description": "Blank."}
_EXAMPLE_NUMBERS: dict[str, list[Any]] = {"count": [4], "decimal": [3.5, "3.5"]}


def json_schema(spec: Spec) -> dict[str, Any]:
    """The schema of `{"census_year": ..., "organisation": {...}, "services": [...], ...}` as plain JSON values."""
    forms = [sheet for sheet in spec.sheets if sheet.kind == "form"]
    properties: dict[str, Any] = {"census_year": _census_year(spec.year)}
    for sheet in spec.sheets:
        properties[sheet.key] = _object(sheet, spec) if sheet.kind == "form" else _table(sheet)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"census-{spec.year}-return.schema.json",
        "title": spec.collection.title,
        "description": (
            "One organisation's return as JSON: the same answers as the workbook, a key for each sheet. "
            "null, an empty text and a missing key all mean blank, which is not the same as 0."
        ),
        "type": "object",
        "properties": properties,
        "required": [sheet.key for sheet in forms],
        "additionalProperties": False,
        "$defs": {
            "blank_row": {
                "title": "A blank row",
                "description": "A row in which nothing is answered. It is ignored.",
                "type": "object",
                "additionalProperties": _BLANK,
            },
            **{f"{sheet.key}_row": _object(sheet, spec) for sheet in spec.sheets if sheet.kind != "form"},
            **{name: _codes(name, spec) for name in _used_lists(spec)},
        },
        "examples": [_example(spec)],
    }


def _census_year(year: int) -> dict[str, Any]:
    return {
        "title": "Census year",
        "description": f"The year of the collection, {year}. It may be left out where the address or command names it.",
        "const": year,
    }


def _table(sheet: SpecSheet) -> dict[str, Any]:
    return {
        "title": sheet.title,
        "description": sheet.help,
        "type": ["array", "null"],
        "items": {"anyOf": [{"$ref": f"#/$defs/{sheet.key}_row"}, {"$ref": "#/$defs/blank_row"}]},
    }


def _object(sheet: SpecSheet, spec: Spec) -> dict[str, Any]:
    title = sheet.title if sheet.kind == "form" else f"A row of {sheet.title}"
    return {
        "title": title,
        "description": sheet.help,
        "type": "object",
        "properties": {question.key: _property(question, spec) for question in sheet.fields},
        "required": [question.key for question in sheet.fields if question.required],
        "additionalProperties": False,
    }


def _property(question: SheetQuestion, spec: Spec) -> dict[str, Any]:
    choices = _choices(question)
    if question.states:
        choices.append({"enum": list(question.states), "description": _states_text(question)})
    if not question.required:
        choices.append(dict(_BLANK))
    known = {"title": question.label, "description": question.help}
    examples = _examples(question, spec)
    return {**known, "anyOf": choices, **({"examples": examples} if examples else {})}


def _choices(question: SheetQuestion) -> list[dict[str, Any]]:
    if question.type == "code":
        words = "Also accepted: `code - label`, or a label that only one code of the list has."
        return [{"$ref": f"#/$defs/{question.code_list}"}, {"type": "string", "minLength": 1, "description": words}]
    if not question.numeric:
        return [{"type": "string", "minLength": 1, "maxLength": question.max_length}]
    bounds: dict[str, Any] = {"minimum": _tidy(question.minimum)}
    if question.maximum is not None:
        bounds["maximum"] = _tidy(question.maximum)
    if question.type == "count":
        return [{"type": "integer", **bounds}]
    text = {"type": "string", "pattern": DECIMAL_TEXT, "description": f"At most {question.places} decimals."}
    return [{"type": "number", **bounds}, text]


def _tidy(number: float) -> int | float:
    return int(number) if number == int(number) else number


def _states_text(question: SheetQuestion) -> str:
    return ", ".join(f"{state} = {STATE_LABELS[state]}" for state in question.states)


def _examples(question: SheetQuestion, spec: Spec) -> list[Any]:
    if question.code_list is not None:
        return [spec.code_lists[question.code_list].codes[0].code]
    return [*_EXAMPLE_NUMBERS.get(question.type, []), *question.states]


def _used_lists(spec: Spec) -> list[str]:
    used = (question.code_list for sheet in spec.sheets for question in sheet.fields)
    return list(dict.fromkeys(name for name in used if name is not None))


def _codes(name: str, spec: Spec) -> dict[str, Any]:
    codes = spec.code_lists[name].codes
    return {
        "title": name.replace("_", " ").capitalize(),
        "description": f"Codes valid in {spec.year}. Their labels are in the data dictionary.",
        "enum": [code.code for code in codes],
    }


def _example(spec: Spec) -> dict[str, Any]:
    """A nil return: the shortest whole return there is."""
    answers: dict[str, Any] = {"organisation_code": "DEMO-NIL", "name": "Example Recovery Trust", "nil_return": "yes"}
    answers.update(contact_name="A. Person", contact_email="hr@example.org")
    form = next(sheet for sheet in spec.sheets if sheet.kind == "form")
    filled = {
        question.key: answers.get(question.key) or next(iter(_examples(question, spec)), "Example")
        for question in form.fields
        if question.required
    }
    return {"census_year": spec.year, form.key: filled}
