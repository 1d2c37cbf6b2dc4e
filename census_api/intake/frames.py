"""Trimmed text to typed columns: the number grammar, the code lists, and the canonical content with its hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import polars as pl

from census_api.domain.content import Cell, ContentRow
from census_api.intake.tables import Form, Table, decoder
from census_api.spec import grammar
from census_api.spec.model import Question, Spec

_EXACT_DIGITS: Final = 15
_LONG: Final = 17


def typed(table: Table, spec: Spec) -> pl.DataFrame:
    """A table's text as typed columns: for a question `f` the value `f`, the text `f__raw`, for codes `f__former`.

    Values are null where the text is blank, a state word or not readable.
    """
    frame = _without_float_noise(table)
    exprs: list[pl.Expr | pl.Series] = []
    for question in table.sheet.fields:
        raw = pl.col(question.key)
        if question.numeric:
            pattern, dtype = (grammar.WHOLE, pl.Int64) if question.type == "count" else (grammar.DECIMAL, pl.Float64)
            exprs.append(pl.when(raw.str.contains(pattern)).then(raw.cast(dtype, strict=False)).alias(question.key))
        elif question.type == "code":
            exprs += _codes(frame.get_column(question.key), question, spec)
        else:
            exprs.append(raw)
        exprs.append(raw.alias(f"{question.key}__raw"))
    return frame.select(exprs)


def _codes(texts: pl.Series, question: Question, spec: Spec) -> list[pl.Series]:
    known = decoder(spec, str(question.code_list))
    raws = texts.to_list()
    codes = known.column(raws)
    former: list[str | None] = [None] * len(raws)
    for index, (raw, code) in enumerate(zip(raws, codes, strict=True)):
        if code is None and raw is not None and (old := known.former(raw)):
            former[index] = old.code
    return [
        pl.Series(question.key, codes, pl.String()),
        pl.Series(f"{question.key}__former", former, pl.String()),
    ]


def _without_float_noise(table: Table) -> pl.DataFrame:
    """Numbers with more digits than a spreadsheet shows (0.30000000000000004) as it shows them (15 digits)."""
    numeric = [question.key for question in table.sheet.fields if question.numeric]
    frame = table.frame
    if not numeric or frame.height == 0:
        return frame
    longest = frame.select(pl.max_horizontal(pl.col(numeric).str.len_bytes().max())).item()
    if longest is None or longest < _LONG:
        return frame
    return frame.with_columns(
        pl.when(pl.col(key).str.contains(grammar.DECIMAL) & (pl.col(key).str.len_bytes() >= _LONG))
        .then(pl.col(key).map_elements(shown_number, return_dtype=pl.String()))
        .otherwise(pl.col(key))
        .alias(key)
        for key in numeric
    )


def shown_number(text: str) -> str:
    """A decimal text with at most 15 significant digits, shortest form. Text that is no number stays as it is."""
    digits = text.replace(".", "").lstrip("-0")
    if len(digits) <= _EXACT_DIGITS:
        return text
    try:
        return format(Decimal(format(float(text), f".{_EXACT_DIGITS}g")), "f")
    except (ValueError, ArithmeticError):
        return text


# --- canonical content ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class WideTable:
    """Services or Staff: the table, its typed frame and its business keys, one a row (`|` between the parts)."""

    table: Table
    frame: pl.DataFrame
    keys: list[str]

    def canonical_rows(self) -> list[str]:
        """Each row as canonical JSON text: what `json.dumps(row, sort_keys=True)` gives for its content."""
        return _canonical_rows(self, _canonical_cells(self))

    def content_rows(self) -> list[ContentRow]:
        """Each row with its cells: valid counts as int, everything else as text, blanks left out."""
        cells = _canonical_cells(self)
        counts = {question.key for question in self.table.sheet.fields if question.type == "count"}
        columns: list[list[Cell | None]] = []
        for name in cells.columns:
            texts: list[Cell | None] = cells[name].to_list()
            if name in counts:
                numbers = self.frame[name].to_list()
                texts = [text if number is None else number for number, text in zip(numbers, texts, strict=True)]
            columns.append(texts)
        return [
            ContentRow(self.table.sheet.key, position, key, _filled(cells.columns, row))
            for position, key, row in zip(self.table.positions, self.keys, zip(*columns, strict=True), strict=True)
        ]


def _filled(names: list[str], row: tuple[Cell | None, ...]) -> dict[str, Cell]:
    return {name: value for name, value in zip(names, row, strict=True) if value is not None}


def wide_table(table: Table, spec: Spec) -> WideTable:
    frame = typed(table, spec)
    parts = [pl.coalesce(pl.col(key), pl.col(f"{key}__raw"), pl.lit("")) for key in table.sheet.business_key]
    keys = frame.select(pl.concat_str(parts, separator="|")).to_series().to_list() if frame.height else []
    return WideTable(table, frame, keys)


def _canonical_cells(wide: WideTable) -> pl.DataFrame:
    """One String column a question with the canonical text of its cells; blanks are null.

    Counts are their digits, decimals their shortest form, codes the code, everything else the trimmed text.
    """
    exprs: list[pl.Expr] = []
    for question in wide.table.sheet.fields:
        raw = pl.col(f"{question.key}__raw")
        if question.type == "code":
            exprs.append(pl.coalesce(pl.col(question.key), raw).alias(question.key))
        elif question.type == "decimal":
            short = raw.str.strip_chars_end("0").str.strip_chars_end(".")
            is_long = pl.col(question.key).is_not_null() & raw.str.contains(".", literal=True)
            exprs.append(pl.when(is_long).then(short).otherwise(raw).alias(question.key))
        else:
            exprs.append(raw.alias(question.key))
    return wide.frame.select(exprs)


def _canonical_rows(wide: WideTable, cells: pl.DataFrame) -> list[str]:
    if cells.height == 0:
        return []
    valid = wide.frame
    pieces: list[pl.Expr] = []
    for question in sorted(wide.table.sheet.fields, key=lambda question: question.key):
        name = json.dumps(question.key, ensure_ascii=False)
        text = pl.format(f"{name}:\"{{}}\"", _escaped(pl.col(question.key)))
        if question.type == "count":
            is_count = valid.get_column(question.key).is_not_null()
            text = pl.when(is_count).then(pl.format(f"{name}:{{}}", pl.col(question.key))).otherwise(text)
        pieces.append(text)
    joined = pl.concat_str(pieces, separator=",", ignore_nulls=True)
    return cells.select(pl.format("{{{}}}", joined)).to_series().to_list()


def _escaped(text: pl.Expr) -> pl.Expr:
    """JSON string escapes. Most cells need none, and for those it costs one search."""
    special = text.str.contains(r'[\x00-\x1f"\\]')
    return pl.when(special).then(text.map_elements(_json_text, return_dtype=pl.String())).otherwise(text)


def _json_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def form_cells(form: Form, spec: Spec) -> dict[str, Cell]:
    """The Organisation form's canonical cells."""
    cells: dict[str, Cell] = {}
    for question in spec.sheets[0].fields:
        text = form.answers.get(question.key)
        if text is not None:
            code = decoder(spec, question.code_list).code(text) if question.code_list else None
            cells[question.key] = code or text
    return cells


def content_hash(year: int, organisation: dict[str, Cell], tables: dict[str, tuple[list[str], list[str]]]) -> str:
    """The hash of `Content.sha256`, from each table's business keys and canonical rows (without building rows)."""
    parts = {key: "[" + ",".join(text for _, text in sorted(zip(*table, strict=True))) + "]" for key, table in tables.items() if table[0]}
    parts["census_year"] = str(year)
    parts["organisation"] = json.dumps(organisation, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    text = "{" + ",".join(f"{json.dumps(key)}:{parts[key]}" for key in sorted(parts)) + "}"
    return hashlib.sha256(text.encode()).hexdigest()
