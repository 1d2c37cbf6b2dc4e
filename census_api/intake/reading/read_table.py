"""A table of the return with every cell read, the form likewise, and the hash of a return's content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from census_api.domain.collecting.content import ContentCell, ContentRow
from census_api.intake.reading.columns import ReadColumn, make_readers
from census_api.intake.reading.tables import OrganisationForm, ReturnTable
from census_api.questionnaire.model import Spec
from census_api.questionnaire.plan import KnownAnswers

_PIECE = 1_000


@dataclass(slots=True)
class ReadTable:
    """A table, its columns read, and its business keys, one a row (`|` between the parts)."""

    table: ReturnTable
    columns: dict[str, ReadColumn]
    keys: list[str]

    def values(self, key: str) -> list[Any]:
        """The values of one question, None where blank or not readable."""
        return self.columns[key].values

    def series(self) -> list[pl.Series]:
        """Every question's columns of the view."""
        return [series for column in self.columns.values() for series in column.series()]

    @property
    def known(self) -> KnownAnswers:
        return known_of(self.columns, self.left_out)

    @property
    def left_out(self) -> frozenset[str]:
        """Questions that the workbook's sheet does not have at all: a rule of the file has spoken about those."""
        letters = self.table.letters
        return frozenset(key for key in self.columns if key not in letters) if letters else frozenset()

    def canonical_rows(self) -> list[str]:
        """Each row as canonical JSON text: what `json.dumps(row, sort_keys=True)` gives for its content."""
        pieces = [self.columns[key].pieces() for key in sorted(self.columns)]
        return ["{" + ",".join(filter(None, row)) + "}" for row in zip(*pieces, strict=True)]

    def content_rows(self) -> list[ContentRow]:
        """Each row with its cells: valid counts as int, everything else as text, blanks left out."""
        names = list(self.columns)
        rows = zip(*(column.cells() for column in self.columns.values()), strict=True)
        return [
            ContentRow(self.table.sheet.key, position, key, _filled(names, row))
            for position, key, row in zip(self.table.positions, self.keys, rows, strict=True)
        ]


def known_of(columns: Mapping[str, ReadColumn], left_out: frozenset[str] = frozenset()) -> KnownAnswers:
    """What reading has shown about each question. That every cell of a question `left_out` is blank goes without saying."""
    return KnownAnswers(
        frozenset(key for key, column in columns.items() if column.plain),
        frozenset(key for key, column in columns.items() if column.filled) | left_out,
        frozenset(key for key, column in columns.items() if not any(column.texts)),
    )


def _filled(names: list[str], row: tuple[ContentCell | None, ...]) -> dict[str, ContentCell]:
    return {name: value for name, value in zip(names, row, strict=True) if value is not None}


def read_table(table: ReturnTable, spec: Spec) -> ReadTable:
    """A table's columns read, and its business keys (text stands in where a code cannot be read)."""
    of_question = make_readers(spec, table.sheet.key)
    columns = {key: of_question[key].read(texts) for key, texts in table.columns.items()}
    parts = [
        [value or text or "" for value, text in zip(columns[key].values, columns[key].texts, strict=True)]
        for key in table.sheet.business_key
    ]
    return ReadTable(table, columns, list(map("|".join, zip(*parts, strict=True))))


def read_answers(form: OrganisationForm, spec: Spec) -> dict[str, ReadColumn]:
    """The Organisation form's answers, each as a column of one cell."""
    of_question = make_readers(spec, spec.sheets[0].key)
    return {key: reader.read([form.answers.get(key)]) for key, reader in of_question.items()}


def form_cells(form: OrganisationForm, spec: Spec) -> dict[str, ContentCell]:
    """The Organisation form's canonical cells."""
    of_question = make_readers(spec, spec.sheets[0].key)
    cells = {key: of_question[key].cell(text) for key, text in form.answers.items()}
    return {key: cell for key, cell in cells.items() if cell is not None}


def content_hash(
    year: int, organisation: dict[str, ContentCell], tables: dict[str, tuple[list[str], list[str]]]
) -> str:
    """The hash of `Content.sha256`, from each table's business keys and canonical rows (without building rows).

    Fed to the hash in pieces: the canonical text of a long return is tens of megabytes.
    """
    form = json.dumps(organisation, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256()
    before = "{"
    for key in sorted({"census_year", "organisation", *(key for key, (keys, _) in tables.items() if keys)}):
        digest.update(f"{before}{json.dumps(key)}:".encode())
        before = ","
        if key in tables:
            _feed_table(digest, *tables[key])
        else:
            digest.update((form if key == "organisation" else str(year)).encode())
    digest.update(b"}")
    return digest.hexdigest()


def _feed_table(digest: hashlib._Hash, keys: list[str], rows: list[str]) -> None:
    """A table as a JSON list, its rows sorted by business key, then content."""
    order = sorted(range(len(rows)), key=lambda index: (keys[index], rows[index]))
    for start in range(0, len(order), _PIECE):
        text = ",".join(rows[index] for index in order[start : start + _PIECE])
        digest.update(("," if start else "[").encode() + text.encode())
    digest.update(b"]")
