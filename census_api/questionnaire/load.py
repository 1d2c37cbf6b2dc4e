"""Reads a year's folder under `schemas/` into a Spec. Everything wrong is a SpecError that names file and key."""

from __future__ import annotations

import csv
import functools
import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from census_api.domain.kit.errors import NotFound, SpecError
from census_api.questionnaire import verify
from census_api.questionnaire.model import Code, CodeList, Collection, Rule, SheetQuestion, Spec, SpecSheet
from census_api.questionnaire.resources import find_folder
from census_api.questionnaire.rule_homes import find_rule_homes

_Model = TypeVar("_Model", bound=BaseModel)
_ROW_FIELDS = {"role_code": ("roles", "Role"), "role_group": ("role_groups", "Role group")}
_TOP_KEYS = {"extends", "collection", "code_lists", "mappings", "sheets", "rules", "withdrawn_rules", "removed_fields"}
_MAX_BREAKDOWN_COUNT = 100_000
_NOT_JUDGED_BY = {"source", "decided_by"}


class _ListSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    links: dict[str, str] = {}


class SpecLibrary:
    """All years under one `schemas/` folder. Specs are read once and shared; they never change afterwards."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._specs: dict[int, Spec] = {}

    @property
    def years(self) -> tuple[int, ...]:
        return tuple(sorted(int(path.parent.name) for path in self.root.glob("[0-9][0-9][0-9][0-9]/census.toml")))

    def spec(self, year: int) -> Spec:
        """The spec of `year`. Raises NotFound when there is no such year, SpecError when its files are wrong."""
        if year not in self._specs:
            if year not in self.years:
                known = ", ".join(map(str, self.years))
                raise NotFound(f"There is no census of {year}. The years are {known}.")
            self._specs[year] = _resolve(self.root, year)
        return self._specs[year]


@functools.cache
def load_library(root: Path | None = None) -> SpecLibrary:
    """The library of the installed `schemas/`, or of another folder."""
    return SpecLibrary(root or find_folder("schemas"))


def load_spec(year: int) -> Spec:
    """The spec of a year from the installed `schemas/`."""
    return load_library().spec(year)


def _resolve(root: Path, year: int) -> Spec:
    chain = _chain(root, year)
    where = f"schemas/{year}/census.toml"
    merged: dict[str, Any] = {}
    for file, layer in chain:
        merged = _merged(merged, layer, file)
    lists = {name: _code_list(root, _years(chain), name, where) for name in _table(merged, "code_lists", where)}
    mappings = {name: tuple(_rows(root, _years(chain), name, where)) for name in _table(merged, "mappings", where)}
    collection = _build(Collection, _table(merged, "collection", where), where, "collection")
    if collection.year != year:
        raise SpecError(where, "collection.year", f"says {collection.year} in the folder of {year}")
    sheets = tuple(_sheet(key, table, lists, where) for key, table in _table(merged, "sheets", where).items())
    rules = tuple(_rule(code, table, where) for code, table in _table(merged, "rules", where).items())
    links = {
        kind: {
            name: _build(_ListSettings, table, where, f"{kind}.{name}").links
            for name, table in _table(merged, kind, where).items()
        }
        for kind in ("code_lists", "mappings")
    }
    digest = _digest(collection, sheets, lists, mappings, rules)
    homes = find_rule_homes(root, _years(chain), [rule.code for rule in rules])
    spec = Spec(
        collection=collection, sheets=sheets, code_lists=lists, mappings=mappings, rules=rules, digest=digest,
        rule_homes=homes,
    )  # fmt: skip
    verify.verify_links(spec, links, where)
    verify.verify_sheets(spec, where)
    verify.verify_rule_places(spec, where, root / "rule_codes.csv")
    return spec


def _chain(root: Path, year: int) -> list[tuple[str, dict[str, Any]]]:
    """The year's own file and those it extends, oldest first."""
    chain: list[tuple[str, dict[str, Any]]] = []
    current: int | None = year
    while current is not None:
        file = f"schemas/{current}/census.toml"
        try:
            layer = tomllib.loads((root / str(current) / "census.toml").read_text("utf-8"))
        except FileNotFoundError:
            raise SpecError(file, "extends", "there is no such file") from None
        except tomllib.TOMLDecodeError as error:
            raise SpecError(file, "(whole file)", f"not TOML: {error}") from None
        for key in layer:
            if key not in _TOP_KEYS:
                raise SpecError(file, key, f"unknown key; known are {', '.join(sorted(_TOP_KEYS))}")
        before = layer.pop("extends", None)
        if before is not None and (not isinstance(before, int) or before >= current):
            raise SpecError(file, "extends", "must be an earlier year")
        chain.insert(0, (file, layer))
        current = before
    return chain


def _years(chain: list[tuple[str, dict[str, Any]]]) -> list[int]:
    return [int(file.split("/")[1]) for file, _ in chain]


def _merged(base: dict[str, Any], layer: dict[str, Any], file: str) -> dict[str, Any]:
    """`layer` over `base`: tables merge key by key, everything else is replaced; then what is withdrawn goes."""
    result = _merge_tables(base, {k: v for k, v in layer.items() if k not in ("withdrawn_rules", "removed_fields")})
    for code in layer.get("withdrawn_rules", []):
        if code not in result.get("rules", {}):
            raise SpecError(file, "withdrawn_rules", f"{code} is not a rule of an earlier year")
        del result["rules"][code]
    for path in layer.get("removed_fields", []):
        sheet, _, field = str(path).partition(".")
        if field not in result.get("sheets", {}).get(sheet, {}).get("fields", {}):
            raise SpecError(file, "removed_fields", f"{path} is not a field of an earlier year")
        del result["sheets"][sheet]["fields"][field]
    for sheet, table in layer.get("sheets", {}).items():
        for field, settings in (table.get("fields", {}) if isinstance(table, dict) else {}).items():
            if isinstance(settings, dict) and "after" in settings:
                _place(result["sheets"][sheet]["fields"], field, f"sheets.{sheet}.fields.{field}.after", file)
    return result


def _merge_tables(base: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in layer.items():
        old = result.get(key)
        both = isinstance(value, dict) and isinstance(old, dict)
        # params are one thing: a year that changes them writes them whole
        result[key] = _merge_tables(old, value) if both and key not in ("params", "where") else value  # type: ignore[arg-type]  # both are tables here
    return result


def _place(fields: dict[str, Any], field: str, key: str, file: str) -> None:
    after = fields[field].pop("after")
    if after not in fields:
        raise SpecError(file, key, f"{after} is not a field of this sheet")
    moved = fields.pop(field)
    order = list(fields.items())
    position = list(fields).index(after) + 1
    order.insert(position, (field, moved))
    fields.clear()
    fields.update(order)


def _table(merged: Mapping[str, Any], key: str, file: str) -> dict[str, Any]:
    table = merged.get(key)
    if not isinstance(table, dict) or not all(
        isinstance(value, dict) or key == "collection" for value in table.values()
    ):
        raise SpecError(file, key, "must be a table of tables" if key != "collection" else "must be a table")
    return table


def _build(model: type[_Model], values: Mapping[str, Any], file: str, key: str) -> _Model:
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        inner = ".".join(str(part) for part in first["loc"])
        raise SpecError(file, f"{key}.{inner}" if inner else key, str(first["msg"])) from None


def _rows(root: Path, years: list[int], name: str, where: str) -> list[dict[str, str]]:
    """Rows of `name`.csv: those of the oldest year, then each later year's `change` column applied."""
    rows, _ = _rows_and_former(root, years, name, where)
    return rows


def _rows_and_former(
    root: Path, years: list[int], name: str, where: str
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    rows: list[dict[str, str]] | None = None
    former: list[dict[str, str]] = []
    for year in years:
        path = root / str(year) / f"{name}.csv"
        if not path.exists():
            continue
        file = f"schemas/{year}/{name}.csv"
        header, read = _read_csv(path, file)
        if "change" in header:
            rows, gone = _changed(rows or [], read, file)
            former = [old for old in former if old.get("code") not in {row.get("code") for row in rows}] + gone
        elif rows is None:
            rows = read
        else:
            raise SpecError(
                file, "change", "a later year's file needs a first column `change` (added, changed, removed)"
            )
    if rows is None:
        raise SpecError(where, name, f"there is no file {name}.csv in this year or an earlier one")
    return rows, former


def _read_csv(path: Path, file: str) -> tuple[list[str], list[dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle, restkey="(extra)", strict=True)
        header = list(reader.fieldnames or [])
        rows = list(reader)
    for number, row in enumerate(rows, start=2):
        if "(extra)" in row or None in row.values():
            raise SpecError(file, f"line {number}", f"must have {len(header)} columns")
    return header, rows


def _changed(
    rows: list[dict[str, str]], changes: list[dict[str, str]], file: str
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    result = {row["code"]: row for row in rows}
    gone: list[dict[str, str]] = []
    for number, line in enumerate(changes, start=2):
        change, code = line.pop("change"), line.get("code", "")
        known = code in result
        if change not in ("added", "changed", "removed") or (change == "added") == known:
            raise SpecError(file, f"line {number}", f"change `{change}` does not fit code `{code}`")
        if change == "removed":
            gone.append({**result.pop(code), **line})
        elif change == "added" and line.get("after") in result:
            result = _inserted(result, line)
        else:
            result[code] = {key: value for key, value in line.items() if key != "after"}
    return list(result.values()), gone


def _inserted(rows: dict[str, dict[str, str]], line: dict[str, str]) -> dict[str, dict[str, str]]:
    """`rows` with `line` after the code that its `after` column names (a `not known` category stays last)."""
    result: dict[str, dict[str, str]] = {}
    for code, row in rows.items():
        result[code] = row
        if code == line["after"]:
            result[line["code"]] = {key: value for key, value in line.items() if key != "after"}
    return result


def _code_list(root: Path, years: list[int], name: str, where: str) -> CodeList:
    rows, former = _rows_and_former(root, years, name, where)
    file = f"{name}.csv"
    seen: set[str] = set()
    for row in rows:
        if not row.get("code") or not row.get("label"):
            raise SpecError(file, str(row.get("code", "?")), "every line needs a code and a label")
        if row["code"] in seen:
            raise SpecError(file, row["code"], "is listed twice")
        seen.add(row["code"])
    return CodeList(name=name, codes=tuple(map(_code, rows)), former=tuple(map(_code, former)))


def _code(row: Mapping[str, str]) -> Code:
    attributes = {key: value for key, value in row.items() if key not in ("code", "label")}
    return Code(code=row["code"], label=row["label"], attributes=attributes)


def _sheet(key: str, table: Mapping[str, Any], lists: Mapping[str, CodeList], where: str) -> SpecSheet:
    values = dict(table)
    if values.get("kind") != "breakdown":
        fields = values.pop("fields", {})
        values["fields"] = [
            _build(SheetQuestion, {"key": name, **settings}, where, f"sheets.{key}.fields.{name}")
            for name, settings in fields.items()
        ]
        return _build(SpecSheet, {"key": key, **values}, where, f"sheets.{key}")
    leave_out = set(values.pop("leave_out", []))
    unknown = values.pop("unknown", None)
    row_by, categories = str(values.get("rows_by")), str(values.get("categories"))
    if row_by not in _ROW_FIELDS:
        raise SpecError(where, f"sheets.{key}.rows_by", f"must be one of {', '.join(_ROW_FIELDS)}")
    if categories not in lists:
        raise SpecError(where, f"sheets.{key}.categories", f"{categories} is not a code list")
    codes = [code for code in lists[categories].codes if code.code not in leave_out]
    if leave_out - set(lists[categories].by_code) or (unknown is not None and unknown != codes[-1].code):
        raise SpecError(where, f"sheets.{key}", "leave_out must name codes of the list, and `unknown` its last code")
    return _build(
        SpecSheet,
        {
            **values, "key": key, "business_key": (row_by,), "unknown_category": unknown,
            "fields": (_row_field(row_by), *(_category_field(code) for code in codes)),
        },
        where,
        f"sheets.{key}",
    )  # fmt: skip


def _row_field(row_by: str) -> SheetQuestion:
    code_list, label = _ROW_FIELDS[row_by]
    return SheetQuestion(
        key=row_by, label=label, type="code", code_list=code_list, required=True, width=44,
        help=f"The {label.lower()} this row is about. One row each.",
    )  # fmt: skip


def _category_field(code: Code) -> SheetQuestion:
    return SheetQuestion(
        key=code.code, label=code.label, type="count", maximum=_MAX_BREAKDOWN_COUNT,
        help=f"Paid people in this category: {code.label}. Write 0 where there are none.",
    )  # fmt: skip


def _rule(code: str, table: Mapping[str, Any], where: str) -> Rule:
    return _build(Rule, {"code": code, **table}, where, f"rules.{code}")


def _digest(
    collection: Collection,
    sheets: tuple[SpecSheet, ...],
    lists: Mapping[str, CodeList],
    mappings: Mapping[str, tuple[Mapping[str, str], ...]],
    rules: tuple[Rule, ...],
) -> str:
    """SHA-256 of everything that decides how a return is read and judged. Dates of opening and closing do not."""
    resolved = {
        "year": collection.year,
        "template_version": collection.template_version,
        "sheets": [sheet.model_dump(mode="json") for sheet in sheets],
        "code_lists": {name: code_list.model_dump(mode="json") for name, code_list in lists.items()},
        "mappings": {name: [dict(row) for row in rows] for name, rows in mappings.items()},
        "rules": [rule.model_dump(mode="json", exclude=_NOT_JUDGED_BY) for rule in rules],
    }
    text = json.dumps(resolved, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
