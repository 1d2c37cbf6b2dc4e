"""The JSON return, read strictly: no duplicate keys, no NaN, no guessing of types. Values become the same trimmed
text that a workbook's cells give, so that one grammar and one set of rules judges both."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NoReturn

from census_api.domain.kit.errors import InvalidRequest
from census_api.intake.preflight.refusals import refuse_file
from census_api.intake.reading.tables import Mark, OrganisationForm, ReturnTable, Source, shorten_text
from census_api.questionnaire import grammar
from census_api.questionnaire.model import SheetQuestion, Spec, SpecSheet

MAX_UNKNOWN = 200
"""Unknown fields that are named one by one."""
_MAX_DIGITS = 40
_WHOLE = re.compile(grammar.WHOLE.removesuffix("$") + r"\Z")
_MAX_EXPONENT = 18
_NOISE_PLACES = 9


class _Number(str):
    """A JSON number as it was written; `whole` where it has neither point nor exponent."""

    __slots__ = ()

    @property
    def whole(self) -> bool:
        return self.lstrip("-").isdigit()


def parse_json(data: bytes) -> dict[str, Any]:
    """The top-level object. Raises Refused for everything that is not one JSON object in UTF-8."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        refuse_file("json_encoding")
    try:
        tree = json.loads(
            text, object_pairs_hook=_no_duplicates, parse_int=_Number, parse_float=_Number, parse_constant=_constant
        )
    except RecursionError:
        refuse_file("json_depth")
    except json.JSONDecodeError as error:
        refuse_file("json_broken", line=str(error.lineno), column=str(error.colno))
    if not isinstance(tree, dict):
        refuse_file(
            "json_shape", place="the whole return", wanted="one object, with organisation, services and staff as keys"
        )
    return tree


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        name = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add returns None: the key is remembered, not chosen
        refuse_file("json_duplicate_key", key=shorten_text(_clean(name)) or "(empty)")
    return result


def _constant(word: str) -> NoReturn:
    refuse_file("json_not_a_number", word=word)


def year_of(tree: dict[str, Any], asked: int | None) -> int:
    """The year to judge by: the one asked for, else `census_year`."""
    stated = tree.get("census_year")
    if asked is not None:
        return asked
    if isinstance(stated, _Number) and re.fullmatch(r"[0-9]{4}", stated):
        return int(stated)
    raise InvalidRequest(
        'This return does not say which census year it is for. Add "census_year", for example "census_year": 2024, '
        "or say the year yourself (on the command line with --year)."
    )


def source_of(tree: dict[str, Any], spec: Spec) -> Source:
    """Tables, form and marks of a JSON return. A wrong shape (a table that is no list of objects) is Refused."""
    marks: list[Mark] = []
    marks += _about_year(tree.get("census_year"), spec)
    known = {sheet.key for sheet in spec.sheets} | {"census_year"}
    extra = [name for name in tree if name not in known]
    marks += [_unknown_sheet(name) for name in extra[:MAX_UNKNOWN]]
    if len(extra) > MAX_UNKNOWN:
        marks.append(Mark("unknown_sheet", shown=f"and {len(extra) - MAX_UNKNOWN} more"))
    form, tables, rows_read = OrganisationForm(), {}, {}
    for sheet in spec.sheets:
        value = tree.get(sheet.key)
        if sheet.kind == "form":
            form = _form(sheet, value, marks)
            continue
        tables[sheet.key] = _table(sheet, value, marks)
        rows_read[sheet.title] = len(tables[sheet.key].positions)
    return Source("json", spec, form, tables, marks, rows_read)


def _about_year(stated: Any, spec: Spec) -> list[Mark]:
    if stated is None or (isinstance(stated, _Number) and stated == str(spec.year)):
        return []
    if isinstance(stated, _Number):
        value = shorten_text(stated) or ""
        return [Mark("wrong_year", pointer="/census_year", value=value, shown=value, detail=str(spec.year))]
    return [
        Mark(
            "json_type",
            pointer="/census_year",
            column="census_year",
            shown=_type_of(stated),
            detail=f"the number {spec.year}",
        )
    ]


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "a text" if isinstance(value, str) else "a list or an object"


def _form(sheet: SpecSheet, value: Any, marks: list[Mark]) -> OrganisationForm:
    if value is None:
        return OrganisationForm()
    if not isinstance(value, dict):
        refuse_file("json_shape", place=f"/{sheet.key}", wanted="an object of answers")
    form = OrganisationForm()
    extra = _unknown(value, sheet)
    marks += [_unknown_field(sheet, f"/{sheet.key}/{_escaped(name)}", name) for name in extra[:MAX_UNKNOWN]]
    if len(extra) > MAX_UNKNOWN:
        marks.append(_more_unknown(sheet, len(extra)))
    for question in sheet.fields:
        form.answers[question.key] = _text(
            question, value.get(question.key), sheet, f"/{sheet.key}/{question.key}", marks
        )
    return form


def _table(sheet: SpecSheet, value: Any, marks: list[Mark]) -> ReturnTable:
    if value is None:
        return ReturnTable.empty(sheet)
    if not isinstance(value, list):
        refuse_file("json_shape", place=f"/{sheet.key}", wanted="a list of rows")
    columns: dict[str, list[str | None]] = {question.key: [] for question in sheet.fields}
    positions: list[int] = []
    named = 0
    for index, row in enumerate(value):
        if not isinstance(row, dict):
            refuse_file("json_shape", place=f"/{sheet.key}/{index}", wanted="an object, one value a column")
        if not row.keys() <= columns.keys():
            for name in _unknown(row, sheet):
                if named < MAX_UNKNOWN:
                    marks.append(_unknown_field(sheet, f"/{sheet.key}/{index}/{_escaped(name)}", name))
                named += 1
        texts = [
            None if (cell := row.get(question.key)) is None
            else _text(question, cell, sheet, f"/{sheet.key}/{index}/{question.key}", marks)
            for question in sheet.fields
        ]  # fmt: skip
        if any(text is not None for text in texts):
            positions.append(index)
            for texts_of, text in zip(columns.values(), texts, strict=True):
                texts_of.append(text)
    if named > MAX_UNKNOWN:
        marks.append(_more_unknown(sheet, named))
    return ReturnTable(sheet, columns, positions)


def _text(question: SheetQuestion, value: Any, sheet: SpecSheet, pointer: str, marks: list[Mark]) -> str | None:
    """A JSON value as a cell's text. A value of the wrong type keeps a form that the grammar refuses."""
    if value is None:
        return None
    if isinstance(value, _Number):
        if question.numeric:
            return _plain(value) if question.type == "decimal" else str(value[: _MAX_DIGITS + 1])
        _wrong_type(question, sheet, pointer, str(value[:_MAX_DIGITS]), "a number", marks)
        return str(value[:_MAX_DIGITS])
    if isinstance(value, str):
        text = _unicode(value, question, sheet, pointer, marks).strip() or None
        if question.type == "count" and text is not None and _WHOLE.match(text):
            return f'"{text}"'  # in quotation marks, which the grammar refuses: counts are JSON integers
        return text
    shown = _type_of(value)
    if question.numeric and isinstance(value, bool):
        return shown
    _wrong_type(question, sheet, pointer, shown, shown, marks)
    return None


def _wrong_type(
    question: SheetQuestion, sheet: SpecSheet, pointer: str, value: str, what: str, marks: list[Mark]
) -> None:
    wanted = "a number or a state word" if question.numeric else "text in quotation marks"
    marks.append(Mark("json_type", sheet.title, None, pointer, question.key, value, shown=what, detail=wanted))


def _plain(number: _Number) -> str:
    """A JSON number in the notation of the grammar: 1E2 -> 100, 5.6000000000000005 -> 5.6.

    Floating point noise goes at the ninth decimal place, as the reader of workbooks does it. Absurd exponents stay as
    they are written, for the grammar to refuse.
    """
    if number.whole:
        return str(number[: _MAX_DIGITS + 1])
    value = Decimal(number[:_MAX_DIGITS])
    if abs(value.adjusted()) > _MAX_EXPONENT:
        return str(number[:_MAX_DIGITS])
    rounded = format(round(value, _NOISE_PLACES), "f")
    return rounded.rstrip("0").rstrip(".")


def _unicode(text: str, question: SheetQuestion, sheet: SpecSheet, pointer: str, marks: list[Mark]) -> str:
    """Text that Postgres can keep: NUL and lone surrogates become U+FFFD, with a mark."""
    if text.isascii() and "\x00" not in text:
        return text
    clean = _clean(text)
    if clean != text:
        marks.append(Mark("unreadable_character", sheet.title, None, pointer, question.key, shorten_text(clean)))
    return clean


def _clean(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unknown(row: dict[str, Any], sheet: SpecSheet) -> list[str]:
    return [name for name in row if name not in sheet.by_key]


def _more_unknown(sheet: SpecSheet, number: int) -> Mark:
    return Mark("unknown_column", sheet.title, pointer=f"/{sheet.key}", shown=f"and {number - MAX_UNKNOWN} more")


def _unknown_sheet(name: str) -> Mark:
    shown = shorten_text(_clean(name)) or ""
    return Mark("unknown_sheet", pointer="/" + _escaped(name), value=shown, shown=shown)


def _unknown_field(sheet: SpecSheet, pointer: str, name: str) -> Mark:
    return Mark(
        "unknown_column",
        sheet.title,
        None,
        pointer,
        None,
        shorten_text(_clean(name)),
        shown=shorten_text(_clean(name)) or "",
    )


def _escaped(name: str) -> str:
    return (shorten_text(_clean(name)) or "").replace("~", "~0").replace("/", "~1")
