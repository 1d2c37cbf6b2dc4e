"""The demonstration's returns of a year as rows of a snapshot: what freezing them gives, without sending them in."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from census_api.demo.population import DemoPopulation, frame_rows, iterate_returns, make_population
from census_api.domain.collecting.content import ContentCell
from tests.factories.snapshots import LineRow, StaffRow

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class DemoRows:
    lines: tuple[LineRow, ...]
    staff: tuple[StaffRow, ...]
    nil: tuple[str, ...]


@functools.cache
def demo_population(organisations: int = 200) -> DemoPopulation:
    return make_population(organisations=organisations)


@functools.cache
def demo_rows(year: int, organisations: int = 200) -> DemoRows:
    """The lines asked or answered, with their staff; sizes are the headcount reported the year before."""
    people = demo_population(organisations)
    register = {entry.code: entry for entry in people.organisations}
    framed = {(line.organisation, line.local_authority_code, line.service_type) for line in frame_rows(people, year)}
    services: dict[_Key, dict[str, ContentCell]] = {}
    staff: dict[_Key, list[dict[str, ContentCell]]] = {}
    nil = []
    for code, content in iterate_returns(people, year):
        if content.organisation.get("nil_return") == "yes":
            nil.append(code)
        for row in content.table("services"):
            services[_key(code, row)] = row
        for row in content.table("staff"):
            staff.setdefault(_key(code, row), []).append(row)
    sizes = _sizes(year - 1, organisations) if year > 2022 else {}
    keys = sorted(framed | set(services))
    lines = [
        LineRow(
            *key,
            sector=register[key[0]].sector or "voluntary",
            parent=register[key[0]].parent or key[0],
            reported=key in services or key[0] in nil,
            in_frame=key in framed,
            size=sizes.get(key),
            commissioning_route=_text(services.get(key, {}), "commissioning_route"),
            data_available=_text(services.get(key, {}), "data_available"),
        )
        for key in keys
    ]
    rows = [
        StaffRow(number, str(row["role_code"]), {"paid_headcount": _count(row), "unpaid_headcount": 0})
        for number, key in enumerate(keys, start=1)
        for row in staff.get(key, [])
    ]
    return DemoRows(tuple(lines), tuple(rows), tuple(nil))


def _sizes(year: int, organisations: int) -> dict[_Key, float]:
    before = demo_rows(year, organisations)
    keys = [(line.organisation, line.local_authority_code, line.service_type) for line in before.lines]
    found = {key: line.size for key, line in zip(keys, before.lines, strict=True) if line.size is not None}
    answered: dict[_Key, float] = {}
    for row in before.staff:
        value = row.items["paid_headcount"]
        key = keys[row.line_no - 1]
        answered[key] = answered.get(key, 0.0) + (value if isinstance(value, (int, float)) else 0.0)
    return {**found, **answered}


def _key(code: str, row: dict[str, ContentCell]) -> _Key:
    return (code, str(row["local_authority_code"]), str(row["service_type"]))


def _text(row: dict[str, ContentCell], name: str) -> str | None:
    return str(row[name]) if name in row else None


def _count(row: dict[str, ContentCell]) -> int | None:
    value = row.get("paid_headcount")
    return value if isinstance(value, int) else None
