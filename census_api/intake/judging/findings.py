"""Failures of rules to findings: where they stand in the employer's file, and the sentences people read."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from census_api.domain.collecting.findings import Finding, finding_key
from census_api.intake.judging.views import ViewFrame
from census_api.intake.reading.columns import make_readers
from census_api.intake.reading.tables import Mark, ReturnTable, Source, make_decoder, shorten_text
from census_api.questionnaire.model import STATE_LABELS, Rule, SheetQuestion, Spec, fold_text, show_code
from census_api.questionnaire.plan import Failures
from census_api.questionnaire.rulebook import COUNT, VIEWS, list_placeholders, list_questions

PLATFORM_FAULT = "SYS-001"
_MAX_NEAREST = 500
_MAX_OFFERED = 3


class FindingWriter:
    """Writes the findings of one return. Occurrences of the same thing are numbered in order of writing."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.spec: Spec = source.spec
        self._seen: dict[tuple[str, str, str, str], int] = defaultdict(int)
        self._nearest: dict[tuple[str, str], str] = {}
        self._index: dict[str, dict[int, int]] = {}

    def of_failures(self, view: str, place: ViewFrame, failures: Failures) -> Iterator[Finding]:
        """One finding a failing row."""
        rule, column = failures.rule, failures.column
        needed = list_placeholders(rule)
        needed_too = {f"{column}__raw", column, rule.params.get("value", column)}
        names = [name for name in place.frame.columns if name in needed or name in needed_too]
        rows = place.frame[failures.rows].select(names).to_dicts() if names else [{}] * len(failures.rows)
        question = list_questions(self.spec, VIEWS[view]).get(column)
        for index, values in zip(failures.rows, rows, strict=True):
            if view == "marks":
                yield self._of_mark(rule, self.source.marks[index])
                continue
            at = place.column(index, column)
            sheet_key, position = place.sheet(index) or rule.sheet, place.position(index)
            raw = values.get(f"{column}__raw")
            # a column without anything odd has no text of its own in the view
            has_text = question is not None and f"{column}__raw" in values
            value = raw if has_text else self._cell_text(sheet_key, position, at)
            judged = values.get(rule.params.get("value", column)) if "value" in rule.params or value is None else None
            if isinstance(judged, int | float) and not isinstance(judged, bool):
                # an explanation stands while the value stands: a sum that is judged is the value
                value = _plain(judged)
            elif value is not None and sheet_key is not None and at in self.spec.sheet[sheet_key].by_key:
                value = str(make_readers(self.spec, sheet_key)[at].cell(value))
            texts = self._texts(rule, values, question, at, sheet_key, value, place, index)
            yield self._finding(rule, sheet_key, place.key(index), at, self._cell(sheet_key, position, at),
                                self._pointer(sheet_key, position, at), value, texts)  # fmt: skip

    def platform_fault(self, code: str) -> Finding:
        """The finding for a rule that could not run."""
        rule = self.spec.rule[PLATFORM_FAULT]
        texts = {"value": code, "column": "", "sheet": ""}
        return self._finding(rule, None, code, "", None, None, code, texts)

    # --- where ------------------------------------------------------------------------------------------------

    def _cell(self, sheet_key: str | None, position: int | None, column: str) -> str | None:
        if sheet_key is None or not self.source.is_workbook:
            return None
        if sheet_key == "organisation":
            return self.source.form.cells.get(column)
        table = self.source.tables[sheet_key]
        letter = table.letters.get(column) or table.letters.get(table.sheet.fields[0].key)
        return f"{letter}{position}" if letter and position is not None else None

    def _pointer(self, sheet_key: str | None, position: int | None, column: str) -> str | None:
        if sheet_key is None:
            return None
        if sheet_key == "organisation":
            return f"/organisation/{column}" if column in self.spec.sheet[sheet_key].by_key else "/organisation"
        if position is None:
            return f"/{sheet_key}"
        index = self._row_index(self.source.tables[sheet_key]).get(position, 0)
        known = column in self.spec.sheet[sheet_key].by_key
        return f"/{sheet_key}/{index}/{column}" if known else f"/{sheet_key}/{index}"

    def _row_index(self, table: ReturnTable) -> dict[int, int]:
        """Source row -> index in the JSON return of the same content."""
        key = table.sheet.key
        if key not in self._index:
            by_list_index = not self.source.is_workbook
            self._index[key] = {at: at if by_list_index else index for index, at in enumerate(table.positions)}
        return self._index[key]

    def _cell_text(self, sheet_key: str | None, position: int | None, column: str) -> str | None:
        if sheet_key == "organisation":
            return self.source.form.answers.get(column)
        if sheet_key is None or position is None:
            return None
        table = self.source.tables[sheet_key]
        if column not in table.columns:
            return None
        index = self._row_index(table) if self.source.is_workbook else {at: i for i, at in enumerate(table.positions)}
        text = table.columns[column][index[position]]
        return text.strip() if text else None

    # --- what -------------------------------------------------------------------------------------------------

    def _texts(
        self, rule: Rule, values: dict[str, Any], question: SheetQuestion | None, column: str,
        sheet_key: str | None, value: str | None, place: ViewFrame, index: int,
    ) -> dict[str, str]:  # fmt: skip
        needed = list_placeholders(rule)
        own = self.spec.sheet[sheet_key].by_key.get(column) if sheet_key else None
        texts = {name: _plain(item) for name, item in rule.params.items() if name in needed}
        texts |= {name: _plain(item) for name, item in values.items() if name in needed}
        texts["value"] = shorten_text(self._with_label(own, value)) or "blank"
        texts["column"] = own.label if own else question.label if question else column
        texts["sheet"] = self.spec.sheet[sheet_key].title if sheet_key else ""
        field = own if (own and question in (None, COUNT)) or question is None else question
        if "nearest" in needed:
            lists = own.code_list if own else None
            texts["nearest"] = self._suggest(str(lists), value) if lists and value else ""
        if "successors" in needed and own and own.code_list and value:
            texts["successors"] = self._successors(own.code_list, value)
        if "states" in needed:
            texts["states"] = _states(own or question)
        if "maximum" in needed and field is not None:
            texts["maximum"] = _plain(field.maximum)
        if "first_row" in needed:
            texts["first_row"] = self._first_row(place, index)
        return texts

    def _with_label(self, question: SheetQuestion | None, value: str | None) -> str | None:
        """A code as people know it."""
        if value is None or question is None or question.code_list is None:
            return value
        code = self.spec.code_lists[question.code_list].by_code.get(value)
        return show_code(code) if code else value

    def _first_row(self, place: ViewFrame, index: int) -> str:
        """The row that this one repeats, as the employer sees it."""
        same = next(
            i for i, key in enumerate(place.keys) if key == place.keys[index] and place.sheet(i) == place.sheet(index)
        )
        position = place.position(same)
        if self.source.is_workbook:
            return f"row {position}"
        return self._pointer(place.sheet(same), position, "") or ""

    def _suggest(self, code_list: str, value: str) -> str:
        key = (code_list, value)
        if key not in self._nearest and len(self._nearest) < _MAX_NEAREST:
            self._nearest[key] = find_nearest(self.spec, code_list, value)
        return self._nearest.get(key, "")

    def _successors(self, code_list: str, value: str) -> str:
        former = make_decoder(self.spec, code_list).former(value)
        known = self.spec.code_lists[code_list].by_code
        names = [show_code(known[code]) for code in former.many("successors") if code in known] if former else []
        return " or ".join(names)

    def _of_mark(self, rule: Rule, mark: Mark) -> Finding:
        title = {sheet.title: sheet.key for sheet in self.spec.sheets}
        sheet_key = title.get(mark.sheet or "")
        question = self.spec.sheet[sheet_key].by_key.get(mark.column) if sheet_key and mark.column else None
        label = question.label if question else mark.column or mark.shown
        texts = {"value": mark.value or mark.shown or "blank", "column": label, "sheet": mark.sheet or "", "shown": mark.shown,
                 "detail": mark.detail, "kind": mark.kind}  # fmt: skip
        pointer = mark.pointer or (f"/{sheet_key}" if sheet_key else None)
        return self._finding(rule, sheet_key, f"{mark.sheet or ''}|{mark.shown}", mark.column or "", mark.cell, pointer,
                             mark.value, texts, mark.sheet)  # fmt: skip

    def _finding(
        self, rule: Rule, sheet_key: str | None, business_key: str, column: str, cell: str | None,
        pointer: str | None, value: str | None, texts: dict[str, str], title: str | None = None,
    ) -> Finding:  # fmt: skip
        about = (rule.code, sheet_key or title or "", business_key, column)
        occurrence = self._seen[about]
        self._seen[about] += 1
        return Finding(
            key=finding_key(*about, occurrence), rule=rule.code, severity=rule.severity,
            sheet=self.spec.sheet[sheet_key].title if sheet_key else title, cell=cell, pointer=pointer,
            column=column or None, value=shorten_text(value), message=_written(rule.message, texts),
            expected=_written(rule.expected, texts), fix=_written(rule.fix, texts),
        )  # fmt: skip


def find_nearest(spec: Spec, code_list: str, value: str) -> str:
    """A sentence that offers the nearest valid code, or a few that hold the text, or nothing when none is near."""
    lookup = spec.code_lists[code_list].lookup
    # labels explain themselves in brackets, which nobody types
    names = {name.split(" (")[0]: code for name, code in lookup.items()} | dict(lookup)
    text = fold_text(value[:200])
    head = text.split(" - ")[0]
    holding = list(dict.fromkeys(code for name, code in names.items() if len(head) >= 4 and head in name))
    if close := difflib.get_close_matches(head, names, n=1, cutoff=0.9):
        found = [names[close[0]]]
    elif 1 <= len(holding) <= _MAX_OFFERED:
        found = holding
    else:
        near = difflib.get_close_matches(head, names, n=1, cutoff=0.7) or difflib.get_close_matches(text, names, n=1)
        found = [names[name] for name in near]
    offered = " or ".join(show_code(spec.code_lists[code_list].by_code[code]) for code in found)
    return f"Did you mean {offered}? " if offered else ""


def _states(question: SheetQuestion | None) -> str:
    allowed = question.states if question else ()
    if not allowed:
        return "Only a number can be given here."
    return "Here you may also write " + " or ".join(f"{state} ({STATE_LABELS[state]})" for state in allowed) + "."


def _plain(value: object) -> str:
    """A value as people write it: no trailing .0, at most four decimals, lists with commas."""
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return str(value)


class _Texts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "not given"


def _written(pattern: str, texts: dict[str, str]) -> str:
    return pattern.format_map(_Texts(texts)).strip() if "{" in pattern else pattern


def in_order(findings: Iterable[Finding], spec: Spec) -> list[Finding]:
    """Findings as they stand in the file: by sheet, row and question; those about more than a row come first.

    The order follows pointers, so it is the same for a workbook and for the JSON return of the same content.
    """
    sheets = {sheet.title: index for index, sheet in enumerate(spec.sheets, start=1)}
    questions = {
        (sheet.title, question.key): index
        for sheet in spec.sheets
        for index, question in enumerate(sheet.fields, start=1)
    }

    def place(finding: Finding) -> tuple[int, int, int, str, str]:
        sheet, column = finding.sheet or "", finding.column or ""
        row = _row_of(finding.pointer)
        return sheets.get(sheet, 0), row, questions.get((sheet, column), 0), finding.rule, column

    return sorted(findings, key=place)


def _row_of(pointer: str | None) -> int:
    """The row index in a pointer, -1 where it names no row."""
    parts = (pointer or "").split("/")
    return int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else -1
