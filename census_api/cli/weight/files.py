"""The files that `census weight` reads: the survey's answers, and how they become categories of the margins."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.margins.document import MarginDocument
from census_api.statistics.margins.weighting import EXEMPT, AnswerMap, default_maps, fold_category

MOST_BYTES = 200_000_000
_COLUMNS = ("dimension", "column", "answer", "category")
_KEYS = {"column", "answers", "exempt", "join"}


@dataclass(frozen=True, slots=True)
class Survey:
    """The rows of a survey as they were written. Every row has a cell for each column."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def answers(self, column: str) -> list[str]:
        """The cells of a column. Raises InvalidRequest that names the columns there are."""
        if column not in self.columns:
            shown = ", ".join(name[:40] for name in self.columns[:20])
            raise InvalidRequest(
                f"The survey has no column {column[:60]!r}. Its columns are {shown}. Say in a mapping file (--mapping) "
                "which column holds what."
            )
        place = self.columns.index(column)
        return [row[place] for row in self.rows]


def read_survey(path: Path) -> Survey:
    """A CSV file with names in its first row. Raises InvalidRequest for rows that are not as long as that one."""
    rows = _csv_rows(path)
    if len(rows) < 2:
        raise InvalidRequest(
            f"{path.name} has no answers. The first row names the columns, each further row is a person."
        )
    columns = tuple(rows[0])
    doubles = sorted({name for name in columns if columns.count(name) > 1})
    if doubles:
        raise InvalidRequest(f"{path.name} has two columns named {doubles[0][:60]!r}. Rename one.")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(columns):
            raise InvalidRequest(
                f"{path.name}, row {number}: {len(row)} cells where the first row has {len(columns)}. Correct that row."
            )
    return Survey(columns, tuple(tuple(row) for row in rows[1:]))


def read_maps(path: Path | None, document: MarginDocument) -> dict[str, AnswerMap]:
    """How answers become categories: the mapping file, over the census's own codes and labels.

    A `.toml` has a table for each dimension with `column`, `answers`, `exempt` and `join`; a `.csv` the columns
    dimension, column, answer and category, where a blank category is exempt. Raises InvalidRequest.
    """
    maps = default_maps(document)
    if path is None:
        return maps
    settings = _of_csv(path) if path.suffix.lower() == ".csv" else _of_toml(path)
    for dimension, table in settings.items():
        if dimension not in maps:
            known = ", ".join(document.dimensions)
            raise InvalidRequest(f"{path.name}: {dimension[:60]} is no dimension of these margins. They have {known}.")
        maps[dimension] = _merged(path.name, dimension, table, maps[dimension], document)
    return maps


def _merged(
    file: str, dimension: str, table: Mapping[str, Any], default: AnswerMap, document: MarginDocument
) -> AnswerMap:
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise InvalidRequest(
            f"{file}: {dimension}.{unknown[0][:60]} is not known. Known are {', '.join(sorted(_KEYS))}."
        )
    answers, joins = (_texts(file, f"{dimension}.{key}", table.get(key, {})) for key in ("answers", "join"))
    exempt = table.get("exempt", [])
    if not isinstance(exempt, list) or not all(isinstance(text, str) for text in exempt):
        raise InvalidRequest(f"{file}: {dimension}.exempt must be a list of answers.")
    known = document.margins[dimension]
    for key, categories in (("answers", answers.values()), ("join", [*joins, *joins.values()])):
        for category in categories:
            if category not in known:
                raise InvalidRequest(
                    f"{file}: {dimension}.{key} names the category {category[:60]!r}, which these margins do not have. "
                    f"They have {', '.join(known)}."
                )
    return replace(
        default,
        column=str(table.get("column", default.column)),
        categories={
            **default.categories,
            **{fold_category(text): category for text, category in answers.items()},
            **dict.fromkeys(map(fold_category, exempt), EXEMPT),
        },
        parents={**default.parents, **joins},
    )


def _texts(file: str, where: str, table: object) -> dict[str, str]:
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise InvalidRequest(f'{file}: {where} must hold lines such as "their words" = "category".')
    return table


def _of_toml(path: Path) -> dict[str, Mapping[str, Any]]:
    try:
        tree = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as problem:
        raise InvalidRequest(f"{path.name} is not TOML: {problem}.") from None
    for name, table in tree.items():
        if not isinstance(table, dict):
            raise InvalidRequest(f"{path.name}: {name[:60]} stands outside a table. Put it under [the dimension].")
    return tree


def _of_csv(path: Path) -> dict[str, Mapping[str, Any]]:
    rows = _csv_rows(path)
    if not rows or tuple(fold_category(name) for name in rows[0]) != _COLUMNS:
        raise InvalidRequest(f"{path.name}: the first row must be {','.join(_COLUMNS)}.")
    found: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(_COLUMNS):
            raise InvalidRequest(f"{path.name}, row {number}: it must have {len(_COLUMNS)} cells.")
        dimension, column, answer, category = (cell.strip() for cell in row)
        table = found.setdefault(dimension, {"column": column, "answers": {}, "exempt": []})
        if table["column"] != column:
            raise InvalidRequest(f"{path.name}, row {number}: {dimension[:60]} is read from two columns. Keep to one.")
        if category:
            table["answers"][answer] = category
        else:
            table["exempt"].append(answer)
    return {name: dict(table) for name, table in found.items()}


def _csv_rows(path: Path) -> list[list[str]]:
    try:
        return [row for row in csv.reader(io.StringIO(_text(path), newline=""), strict=True) if row]
    except csv.Error as problem:
        raise InvalidRequest(f"{path.name} cannot be read as CSV: {problem}.") from None


def _text(path: Path) -> str:
    data = path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
    if data is None:
        raise InvalidRequest(
            f"{path.name} is larger than {MOST_BYTES // 1_000_000} MB. Leave out columns not needed here."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest(f"{path.name} is not text in UTF-8. Save it again as CSV UTF-8.") from None
