"""Answers as rows of worksheet XML. Text always goes through the table of shared strings: it is never a formula."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from census_api.domain.collecting.content import ContentCell
from census_api.questionnaire.model import SheetQuestion, Spec, show_code

WriteCell = Callable[[int, ContentCell], str]

# Shortest forms that stay what they are as a spreadsheet's number. Readers round at the ninth decimal place, which
# leaves a fraction alone only where the digits before and after the point are at most 15; longer ones stay text.
_EXACT_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,5})(?:\.[0-9]{0,5}[1-9])?|-?[1-9][0-9]{6,14}")
_EXACT_COUNT = 10**15
_NOT_XML = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ROWS_A_PIECE = 500
LINE_HEIGHT = 15
"""Of one line of text, in points."""


@dataclass(slots=True)
class SharedStrings:
    """The package's table of texts: each distinct text once, referred to by its number."""

    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))

    def part(self) -> Iterator[bytes]:
        """xl/sharedStrings.xml in pieces."""
        yield b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        yield b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        for text in self.numbers:
            yield f'<si><t xml:space="preserve">{xml_text(text)}</t></si>'.encode()
        yield b"</sst>"


@dataclass(frozen=True, slots=True)
class AnswerColumn:
    """One column that answers are written to: the key in a row's cells, and the number of the cells' style."""

    key: str
    letter: str
    style: int
    question: SheetQuestion
    width: float


def xml_text(text: str) -> str:
    """Text for an XML element; characters that XML cannot hold are written as spreadsheets write them, `_x0007_`."""
    return escape(_NOT_XML.sub(lambda match: f"_x{ord(match[0]):04X}_", text))


def text_writer(letter: str, style: int, strings: SharedStrings) -> WriteCell:
    def write(row: int, value: ContentCell) -> str:
        return f'<c r="{letter}{row}" s="{style}" t="s"><v>{strings.number(str(value))}</v></c>'

    return write


def answer_writer(spec: Spec, column: AnswerColumn, strings: SharedStrings) -> WriteCell:
    """Writes answers to one question: codes as `code - label`, numbers as numbers, all else as text."""
    letter, style = column.letter, column.style
    write_text = text_writer(letter, style, strings)
    if column.question.code_list is not None:
        labels = {code.code: show_code(code) for code in spec.code_lists[column.question.code_list].codes}
        return lambda row, value: write_text(row, labels.get(str(value), value))
    decimal = column.question.type == "decimal"

    def write(row: int, value: ContentCell) -> str:
        if isinstance(value, int):
            exact = abs(value) < _EXACT_COUNT
        else:
            exact = decimal and _EXACT_NUMBER.fullmatch(value) is not None
        return f'<c r="{letter}{row}" s="{style}"><v>{value}</v></c>' if exact else write_text(row, value)

    return write


def lines_of(text: str, width: float) -> int:
    """How many lines `text` takes in a cell as wide as `width` figures. Codes and prose differ; on the safe side."""
    if len(text) <= width and "\n" not in text:
        return 1
    return sum(max(len(textwrap.wrap(paragraph, max(int(width), 1))), 1) for paragraph in text.splitlines())


def row_start(number: int, lines: int) -> str:
    """The start tag of a row of so many lines. The height is a first guess that editing a cell corrects."""
    return f'<row r="{number}" ht="{lines * LINE_HEIGHT:g}">' if lines > 1 else f'<row r="{number}">'


def table_rows(
    spec: Spec, columns: Sequence[AnswerColumn], rows: Iterable[Mapping[str, ContentCell]], strings: SharedStrings
) -> Iterator[bytes]:
    """Rows from row 2 on, in pieces of some hundred rows, so that memory does not grow with their number."""
    writers = [(column.key, answer_writer(spec, column, strings)) for column in columns]
    wrapped = [(column.key, _line_counter(spec, column)) for column in columns if not column.question.numeric]
    piece: list[str] = []
    for number, cells in enumerate(rows, start=2):
        written = "".join([write(number, cells[key]) for key, write in writers if cells.get(key, "") != ""])
        lines = max((count(cells[key]) for key, count in wrapped if key in cells), default=1)
        piece.append(f"{row_start(number, lines)}{written}</row>")
        if len(piece) == _ROWS_A_PIECE:
            yield "".join(piece).encode()
            piece.clear()
    yield "".join(piece).encode()


def _line_counter(spec: Spec, column: AnswerColumn) -> Callable[[ContentCell], int]:
    code_list, width = column.question.code_list, column.width
    known = {} if code_list is None else {
        code.code: lines_of(show_code(code), width) for code in spec.code_lists[code_list].codes
    }  # fmt: skip
    return lambda value: known.get(str(value)) or lines_of(str(value), width)
