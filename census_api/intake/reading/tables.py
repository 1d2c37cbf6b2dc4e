"""What both readers (workbook and JSON) make of a file: tables of trimmed text that remember their addresses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from census_api.questionnaire.model import Code, CodeList, Spec, SpecSheet, fold_text

MAX_SHOWN = 100
"""Characters of an employer's text that a finding repeats."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something the intake met while reading: a rule on the view `marks` turns it into a finding."""

    kind: str
    sheet: str | None = None
    cell: str | None = None
    pointer: str | None = None
    column: str | None = None
    value: str | None = None
    shown: str = ""
    detail: str = ""


@dataclass(slots=True)
class ReturnTable:
    """One table of the return. `columns` has every question's cells as text (None where blank), no blank rows.

    `positions` are sheet rows (1-based, from a workbook) or list indexes (0-based, from JSON), one a row.
    `letters` give each question's column in the workbook; empty for JSON.
    """

    sheet: SpecSheet
    columns: dict[str, list[str | None]]
    positions: list[int]
    letters: dict[str, str] = field(default_factory=dict)

    @classmethod
    def empty(cls, sheet: SpecSheet) -> ReturnTable:
        return cls(sheet, {question.key: [] for question in sheet.fields}, [])


@dataclass(slots=True)
class OrganisationForm:
    """The Organisation sheet: trimmed answers by question, and the cell each stands in (workbook only)."""

    answers: dict[str, str | None] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Source:
    """A whole return as read, before any rule has looked at it."""

    kind: str
    spec: Spec
    form: OrganisationForm
    tables: dict[str, ReturnTable]
    marks: list[Mark]
    rows_read: dict[str, int]

    @property
    def is_workbook(self) -> bool:
        return self.kind != "json"


class Decoder:
    """Text of a code cell -> code, by the folded lookup of the list; the usual spellings cost one dictionary look."""

    def __init__(self, code_list: CodeList) -> None:
        self.list = code_list
        self._folded = code_list.lookup
        self._former = {fold_text(name): code for code in code_list.former for name in _names(code)}
        self._known: dict[str, str | None] = {}

    def code(self, text: str) -> str | None:
        if text not in self._known:
            self._known[text] = self._folded.get(fold_text(text)) if len(text) <= 400 else None
            if len(self._known) > 20_000:
                self._known.clear()
                return self.code(text)
        return self._known[text]

    def former(self, text: str) -> Code | None:
        """The code of an earlier year that is meant, if the text is not a code of this year."""
        return self._former.get(fold_text(text)) if len(text) <= 400 else None

    def column(self, texts: Iterable[str | None]) -> list[str | None]:
        known = self._known
        try:  # every text was met before: the usual case of a warm process
            return [None if text is None else known[text] for text in texts]
        except KeyError:
            return [None if text is None else self.code(text) for text in texts]


def _names(code: Code) -> tuple[str, str, str]:
    return code.code, code.label, f"{code.code} - {code.label}"


_DECODERS: dict[tuple[str, str], Decoder] = {}


def make_decoder(spec: Spec, code_list: str) -> Decoder:
    """The decoder of a code list, made once a process."""
    key = (spec.digest, code_list)
    if key not in _DECODERS:
        _DECODERS[key] = Decoder(spec.code_lists[code_list])
    return _DECODERS[key]


def shorten_text(text: str | None) -> str | None:
    """Text as a finding repeats it."""
    return text if text is None or len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
