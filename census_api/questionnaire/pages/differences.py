"""What changed from one year's census to the next: questions, codes and rules, in one page for all years."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from census_api.questionnaire.model import CodeList, SheetQuestion, Spec
from census_api.questionnaire.pages.dictionary import list_title
from census_api.questionnaire.pages.markdown import quote_code, write_page, write_table
from census_api.questionnaire.pages.rule_pages import list_changes

_QUESTION_PARTS = tuple(name for name in SheetQuestion.model_fields if name != "key")
_PROVENANCE = frozenset({"evidence", "basis", "status", "org_id"})
_NO_CHANGE = "Nothing changed but the dates."


def differences_page(specs: Sequence[Spec]) -> str:
    """The page as Markdown. `specs`: all years, oldest first."""
    blocks = [block for before, spec in itertools.pairwise(specs) for block in _year(before, spec)]
    return write_page(
        "What changed from year to year",
        f"Each year's census as it differs from the year before; what is not named here is as it was. "
        f"The first year is {specs[0].year}. Dates differ every year and are in the list of [years](../README.md).",
        *blocks,
    )


def _year(before: Spec, spec: Spec) -> Iterator[str]:
    yield f"## {spec.year}, since {before.year}"
    parts = [
        ("Question", "questions", list(_questions(before, spec))),
        ("Code", "codes", list(_codes(before, spec))),
        ("Rule", "rules", [(quote_code(code), words) for code, words in list_changes(spec, before)]),
    ]
    if not any(rows for _, _, rows in parts):
        yield _NO_CHANGE
    for heading, noun, rows in parts:
        if rows:
            yield f"### {spec.year}: {noun}"
            yield write_table((heading, "Change"), rows)


def _questions(before: Spec, spec: Spec) -> Iterator[tuple[str, str]]:
    """A row for each question that is new, gone or changed, and for each sheet that came or went."""
    for key in [*spec.sheet, *(key for key in before.sheet if key not in spec.sheet)]:
        old, new = before.sheet.get(key), spec.sheet.get(key)
        if old is None or new is None:
            yield f"sheet {quote_code(key)}", "new" if old is None else "no longer asked"
            continue
        for change in _compare(old.by_key, new.by_key):
            name, words = change
            if not _is_category(name, before, spec):
                yield quote_code(f"{key}.{name}"), words


def _compare(old: Mapping[str, SheetQuestion], new: Mapping[str, SheetQuestion]) -> Iterator[tuple[str, str]]:
    for name in [*new, *(name for name in old if name not in new)]:
        if name not in old:
            yield name, f"new: {new[name].label}"
        elif name not in new:
            yield name, "no longer asked"
        elif parts := [part for part in _QUESTION_PARTS if getattr(old[name], part) != getattr(new[name], part)]:
            yield name, f"changed: {', '.join(parts)}"


def _is_category(name: str, before: Spec, spec: Spec) -> bool:
    """Whether the column of a breakdown is a code, which the list of codes tells already."""
    lists = {sheet.categories for year in (before, spec) for sheet in year.sheets if sheet.categories}
    return any(name in year.code_lists[key].by_code for year in (before, spec) for key in lists)


def _codes(before: Spec, spec: Spec) -> Iterator[tuple[str, str]]:
    """A row for each code that is new, gone or changed."""
    for name, now in spec.code_lists.items():
        old = before.code_lists.get(name, CodeList(name=name, codes=()))
        for code in [*now.codes, *(code for code in old.codes if code.code not in now.by_code)]:
            row = f"{list_title(name).removesuffix(' (codes)')}: {quote_code(code.code)} {code.label}"
            if code.code not in old.by_code:
                yield row, "new"
            elif code.code not in now.by_code:
                yield row, "no longer valid"
            elif words := _changed_parts(old, now, code.code):
                yield row, words


def _changed_parts(old: CodeList, now: CodeList, code: str) -> str:
    """What people would notice of a changed code: `label`, or the names of its columns with the new values."""
    before, after = old.by_code[code], now.by_code[code]
    parts = [] if before.label == after.label else [f"label, was {before.label}"]
    parts += [
        f"{column.replace('_', ' ')} {before.attributes.get(column) or 'empty'} -> {value or 'empty'}"
        for column, value in after.attributes.items()
        if column not in _PROVENANCE and before.attributes.get(column, "") != value
    ]
    return f"changed: {', '.join(parts)}" if parts else ""
