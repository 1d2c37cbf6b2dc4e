"""The data dictionary of a year: every sheet, every question, every code."""

from __future__ import annotations

from collections.abc import Mapping

from census_api.questionnaire.model import STATE_LABELS, Code, CodeList, SheetQuestion, Spec, SpecSheet
from census_api.questionnaire.pages.markdown import (
    count_of,
    quote_code,
    write_bullets,
    write_link,
    write_page,
    write_table,
)

SHORT_LIST = 8
# how sure we are of a code is for the keepers of the lists, and stays in the CSV files
PROVENANCE = frozenset({"evidence", "basis", "status", "org_id"})
KINDS = {
    "form": "a form: the question in column A, the answer in column B",
    "table": "a table: row 1 holds the headers, each row below is one answer",
    "breakdown": "a breakdown of paid headcount: one row each, one column for each category",
}
TYPES = {
    "text": "text",
    "email": "email address",
    "phone": "telephone number",
    "code": "one of a list",
    "count": "whole number",
    "decimal": "number with decimals",
}


def data_dictionary(spec: Spec) -> str:
    """The page for `spec` as Markdown."""
    return write_page(
        f"Data dictionary {spec.year}",
        _opening(spec),
        "## Sheets",
        write_table(
            ("Sheet", "Key in JSON", "What it asks", "Questions"),
            ((write_link(s.title, s.title), quote_code(s.key), s.help, len(s.fields)) for s in spec.sheets),
        ),
        *(_sheet(sheet, spec) for sheet in spec.sheets),
        "## Code lists",
        "A cell takes the code, `code - label` as the drop-down shows it, or a label that only one code of the list has.",
        *(_code_list(spec.code_lists[name], spec) for name in list_asked(spec)),
    )


def _opening(spec: Spec) -> str:
    collection = spec.collection
    dates = write_bullets(
        [
            ("Reference date", f"{collection.reference_date:%-d %B %Y}"),
            ("Starters and leavers", f"{collection.flow_from:%-d %B %Y} to {collection.flow_to:%-d %B %Y}"),
            ("Open", f"{collection.opens:%-d %B %Y} to {collection.closes:%-d %B %Y}"),
            ("Late returns taken until", f"{collection.late_until:%-d %B %Y}"),
        ]
    )
    answers = write_table(
        ("In a cell", "Means"),
        [
            ("(blank)", "not answered"),
            ("0", "there are none"),
            *((quote_code(state), label) for state, label in STATE_LABELS.items()),
        ],
    )
    return (
        f"{collection.title}: what is asked, and in which form the answers are read.\n\n{dates}\n\n"
        "Five answers look alike and are kept apart, from the file to the last table. "
        f"Each question says below which of them it takes.\n\n{answers}"
    )


def _sheet(sheet: SpecSheet, spec: Spec) -> str:
    keys = ", ".join(quote_code(key) for key in sheet.business_key)
    facts = write_bullets(
        [
            ("Kind", KINDS[sheet.kind]),
            ("Key in JSON", quote_code(sheet.key)),
            ("One row for each", keys),
            ("Category that means not known", quote_code(sheet.unknown_category) if sheet.unknown_category else ""),
        ]
    )
    headers = ("Question", "Key", "Answer", "Required", "Also allowed", "Range", "Asked since", "Help")
    rows = (_question_row(question, spec) for question in sheet.fields)
    return f"## {sheet.title}\n\n{sheet.help}\n\n{facts}\n\n{write_table(headers, rows)}"


def _question_row(question: SheetQuestion, spec: Spec) -> tuple[str, ...]:
    return (
        question.label,
        quote_code(question.key),
        _answer(question, spec),
        "yes" if question.required else "no, and the column may be left out" if question.optional else "no",
        ", ".join(f"{quote_code(state)} ({STATE_LABELS[state]})" for state in question.states),
        range_of(question),
        str(question.since),
        question.help,
    )


def _answer(question: SheetQuestion, spec: Spec) -> str:
    if question.code_list is None:
        return TYPES[question.type]
    codes = spec.code_lists[question.code_list].codes
    if len(codes) <= SHORT_LIST:
        return "one of " + ", ".join(quote_code(entry.code) for entry in codes)
    return "one of " + write_link(list_title(question.code_list), list_title(question.code_list))


def range_of(question: SheetQuestion) -> str:
    """How large a number or how long a text may be, in words; empty where a list of codes says it."""
    if not question.numeric:
        return "" if question.code_list else f"up to {count_of(question.max_length, 'character')}"
    upper = "or more" if question.maximum is None else f"to {question.maximum:,.0f}"
    places = f", up to {count_of(question.places, 'decimal')}" if question.type == "decimal" else ""
    return f"{question.minimum:g} {upper}{places}"


def list_asked(spec: Spec) -> list[str]:
    """Names of the lists that a person meets, in the order of the questions; columns of breakdowns are codes too."""
    names = [name for sheet in spec.sheets for question in sheet.fields if (name := question.code_list)]
    names += [sheet.categories for sheet in spec.sheets if sheet.categories]
    return list(dict.fromkeys(names))


def list_title(name: str) -> str:
    """The heading of a code list."""
    return name.replace("_", " ").capitalize() + " (codes)"


def _code_list(code_list: CodeList, spec: Spec) -> str:
    columns = [name for name in (code_list.codes[0].attributes if code_list.codes else ()) if name not in PROVENANCE]
    # a column that says nothing for any code of the list is left out
    told = [column for column in columns if any(entry.attributes.get(column) for entry in code_list.codes)]
    headers = ("Code", "Label", *(column.replace("_", " ").capitalize() for column in told))
    rows = (_code_row(entry, told) for entry in code_list.codes)
    size = f"{count_of(len(code_list.codes), 'code')} valid in {spec.year}."
    return f"### {list_title(code_list.name)}\n\n{size}\n\n{write_table(headers, rows)}{_former(code_list.former)}"


def _code_row(entry: Code, columns: list[str]) -> tuple[str, ...]:
    attributes: Mapping[str, str] = entry.attributes
    return (quote_code(entry.code), entry.label, *(attributes.get(column, "").replace(";", ", ") for column in columns))


def _former(codes: tuple[Code, ...]) -> str:
    if not codes:
        return ""
    rows = [
        (quote_code(entry.code), entry.label, entry.attributes.get("valid_to", ""), ", ".join(entry.many("successors")))
        for entry in codes
    ]
    return "\n\nNo longer valid:\n\n" + write_table(("Code", "Label", "Valid to", "Use instead"), rows)
