"""The cells of one question, read: text to value by the number grammar and the code lists.

Returns repeat themselves (0, 1, 2.5, the same codes), so each question remembers what it has read: a warm process
reads a usual cell with one dictionary look. Free text is never remembered.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from census_api.domain.collecting.content import ContentCell
from census_api.intake.reading.tables import Decoder, make_decoder
from census_api.questionnaire import grammar
from census_api.questionnaire.model import SheetQuestion, Spec
from census_api.questionnaire.usual_cells import UsualCells

_WHOLE = re.compile(grammar.WHOLE.removesuffix("$") + r"\Z")
_DECIMAL = re.compile(grammar.DECIMAL.removesuffix("$") + r"\Z")
_REMEMBERED: Final = 50_000

Value = int | float | str


@dataclass(slots=True)
class ReadColumn:
    """One question's cells, a list entry a row. `texts` are trimmed, blank is None; `values` None where there is none.

    `odd` are the rows of filled cells to which a rule about single cells may object. `filled`: no cell is blank.
    `former` gives codes of earlier years (None if there are none in the whole column).
    """

    texts: list[str | None]
    values: list[Any]
    odd: list[int]
    filled: bool
    reader: CellReader
    former: list[str | None] | None = None

    @property
    def plain(self) -> bool:
        """No rule about single cells can object to any cell."""
        return not self.odd

    def pieces(self) -> list[str | None]:
        """Each cell as `"key":value` of canonical JSON, None where blank."""
        known = self.reader.piece_of
        try:
            return [known[text] for text in self.texts]
        except KeyError:
            return [self.reader.piece(text) for text in self.texts]

    def cells(self) -> list[ContentCell | None]:
        """Each cell as content: valid counts as int, everything else as text."""
        return [self.reader.cell(text) for text in self.texts]

    def series(self) -> list[pl.Series]:
        """The column as a view has it: value, text, and for codes the former code.

        Text and former codes are left out where no rule can want them: every cell is filled and plain.
        """
        question = self.reader.question
        if not question.numeric and question.type != "code":
            texts = pl.Series(question.key, self.texts, pl.String())
            return [texts, texts.alias(f"{question.key}__raw")]
        dtype = {"count": pl.Int64(), "decimal": pl.Float64()}.get(question.type, pl.String())
        series = [pl.Series(question.key, self.values, dtype)]
        if not (self.plain and self.filled):
            series.append(pl.Series(f"{question.key}__raw", self.texts, pl.String()))
            if question.type == "code":
                former = self.former or [None] * len(self.texts)
                series.append(pl.Series(f"{question.key}__former", former, pl.String()))
        return series


class CellReader:
    """Reads the cells of one question of one spec. Made once a process."""

    def __init__(self, question: SheetQuestion, codes: Decoder | None, usual: UsualCells) -> None:
        self.question = question
        self.codes = codes
        self.usual = usual
        self.value_of: dict[str | None, Any] = {None: None}
        self.cell_of: dict[str | None, ContentCell | None] = {None: None}
        self.piece_of: dict[str | None, str | None] = {None: None}

    def read(self, texts: list[str | None]) -> ReadColumn:
        """The column of these texts, which need not be trimmed."""
        known = self.value_of
        try:
            values = [known[text] for text in texts]
        except KeyError:
            return self._read_new([text.strip() or None if text else None for text in texts])
        return ReadColumn(texts, values, odd=[], filled=None not in texts, reader=self)

    def _read_new(self, texts: list[str | None]) -> ReadColumn:
        if self.question.type not in ("count", "decimal", "code"):
            return ReadColumn(texts, list(texts), odd=[], filled=None not in texts, reader=self)
        value_of, odd_value_of = self._read_each(texts)
        values: list[Any] = []
        former: list[str | None] = []
        odd: list[int] = []
        for row, text in enumerate(texts):
            old = None
            if text in value_of:
                values.append(value_of[text])
            else:
                odd.append(row)
                values.append(odd_value_of[str(text)])
                old = self.codes.former(str(text)) if self.codes and values[-1] is None else None
            former.append(old.code if old else None)
        has_former = any(code is not None for code in former)
        return ReadColumn(texts, values, odd, None not in texts, self, former if has_former else None)

    def _read_each(self, texts: list[str | None]) -> tuple[dict[str | None, Any], dict[str, Any]]:
        """The value of every usual text, and of every odd one. What is usual is remembered."""
        usual = {text: self.value_of[text] for text in set(texts) if text in self.value_of}
        new = [text for text in dict.fromkeys(texts) if text is not None and text not in usual]
        values = [self.value(text) for text in new]
        odd: dict[str, Any] = {}
        for text, value, is_usual in zip(new, values, self.usual.find_usual(new, values), strict=True):
            if is_usual:
                usual[text] = value
                self._remember(text, value)
            else:
                odd[text] = value
        return usual, odd

    def _remember(self, text: str, value: Any) -> None:
        if len(self.value_of) > _REMEMBERED:
            for memory in (self.value_of, self.cell_of, self.piece_of):
                memory.clear()
                memory[None] = None
        self.cell_of[text], self.piece_of[text] = self.cell(text), self.piece(text)
        self.value_of[text] = value

    def value(self, text: str) -> Value | None:
        """What the text is, or None where it is not what the question asks for."""
        match self.question.type:
            case "count":
                return int(text) if _WHOLE.match(text) else None
            case "decimal":
                return float(text) if _DECIMAL.match(text) else None
            case "code":
                return self.codes.code(text) if self.codes else None
            case _:
                return text

    def cell(self, text: str | None) -> ContentCell | None:
        """The canonical content of a cell."""
        if text in self.cell_of:
            return self.cell_of[text]
        value = self.value(str(text))
        if value is None:
            return text
        if self.question.type == "decimal":
            return str(text).rstrip("0").rstrip(".") if "." in str(text) else text
        return value if isinstance(value, int | str) else text

    def piece(self, text: str | None) -> str | None:
        if text in self.piece_of:
            return self.piece_of[text]
        return f"{json.dumps(self.question.key)}:{json.dumps(self.cell(text), ensure_ascii=False)}"


_READERS: dict[tuple[str, str], dict[str, CellReader]] = {}


def make_readers(spec: Spec, sheet: str) -> dict[str, CellReader]:
    """The readers of a sheet's questions, made once a process."""
    at = (spec.digest, sheet)
    if at not in _READERS:
        _READERS[at] = {question.key: make_reader(spec, sheet, question) for question in spec.sheet[sheet].fields}
    return _READERS[at]


def make_reader(spec: Spec, sheet: str, question: SheetQuestion) -> CellReader:
    """A reader that remembers nothing yet."""
    codes = make_decoder(spec, question.code_list) if question.code_list else None
    return CellReader(question, codes, UsualCells(spec, spec.sheet[sheet], question))
