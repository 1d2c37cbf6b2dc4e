"""A downloaded workbook filled in as a person does it: answers typed under their headings, and the file saved."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from openpyxl import load_workbook

from census_api.questionnaire.model import Spec


def fill_in(workbook: bytes, spec: Spec, tree: Mapping[str, Any]) -> bytes:
    """The workbook as .xlsx with the answers of a JSON return in its cells."""
    book = load_workbook(io.BytesIO(workbook))
    for sheet in spec.sheets:
        page = book[sheet.title]
        if sheet.kind == "form":
            lines = {page.cell(row, 1).value: row for row in range(1, page.max_row + 1)}
            for question in sheet.fields:
                if tree[sheet.key].get(question.key) is not None:
                    page.cell(lines[question.label], 2).value = tree[sheet.key][question.key]
            continue
        columns = {page.cell(1, column).value: column for column in range(1, page.max_column + 1)}
        for row, answers in enumerate(tree.get(sheet.key, ()), start=2):
            for question in sheet.fields:
                if answers.get(question.key) is not None:
                    page.cell(row, columns[question.label]).value = _typed(answers[question.key])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _typed(answer: Any) -> Any:
    """A spreadsheet program stores a number that is typed as a number, and 12,5 as text."""
    if not isinstance(answer, str):
        return answer
    try:
        return float(answer)
    except ValueError:
        return answer
