"""A series over several years, chained year by year from those that answered in both (methods.md 1.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from census_api.domain.comparing import make_question
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import InvalidRequest
from census_api.questionnaire.model import Spec
from census_api.services.comparing.cells import tidy_number
from census_api.services.comparing.comparisons import compare_snapshots, digest_parts
from census_api.services.comparing.definitions import compare_definitions
from census_api.services.comparing.panel_loading import breakdowns_of
from census_api.services.kit.platform import Platform
from census_api.statistics.comparability.coverage import chained_index

MOST_YEARS = 12
_LEVEL = "The chained index is 100 in the first year and grows as those grew that answered in both of two years."
_RATE = (
    "The chained rate is the first year's and changes as the rate of those changed that answered in both of two years."
)
_Values = tuple[str | None, ...]


def chain_series(
    platform: Platform,
    actor: Actor,
    snapshots: Sequence[str],
    *,
    measure: str,
    by: str | Sequence[str] = (),
    policy: str | None = None,
) -> dict[str, Any]:
    """Two or more snapshots in order of their years, compared pair by pair.

    `reported` are the figures as they were reported, `chained` the index of a level or the rate; `links` has the status
    of every pair. What is chained is unknown from the first gap on. Raises what `compare_snapshots` raises.
    """
    authorise(actor, "aggregate.read")
    if not 2 <= len(snapshots) <= MOST_YEARS:
        raise InvalidRequest(f"A series is of 2 to {MOST_YEARS} snapshots, with commas between them: 2022,2023,2024.")
    pairs = [
        compare_snapshots(platform, actor, before, after, measure=measure, by=by, policy=policy)
        for before, after in pairwise(snapshots)
    ]
    last = platform.spec(pairs[-1]["to"]["collection"])
    is_rate = "rate" in pairs[0]["total"]
    named = [_named(platform, pair, last) for pair in pairs]
    places = sorted({place for cells in named for place in cells}, key=lambda place: [value or "" for value in place])
    return {
        "id": digest_parts({"series": [pair["id"] for pair in pairs]}),
        "snapshots": [pairs[0]["from"], *(pair["to"] for pair in pairs)],
        "comparisons": [pair["id"] for pair in pairs],
        "measure": measure,
        "label": pairs[0]["label"],
        "by": pairs[0]["by"],
        "policy": pairs[0]["policy"],
        "policy_version": pairs[0]["policy_version"],
        "reading": _RATE if is_rate else _LEVEL,
        "total": _chained({}, [pair["total"] for pair in pairs], is_rate=is_rate),
        "cells": [
            _chained(
                dict(zip(pairs[0]["by"], place, strict=True)), [cells.get(place) for cells in named], is_rate=is_rate
            )
            for place in places
        ],
    }


def _named(platform: Platform, pair: Mapping[str, Any], last: Spec) -> dict[_Values, Mapping[str, Any]]:
    """The cells of a pair by their values, under the names of the last year. One that was divided keeps its old name."""
    spec = platform.spec(pair["to"]["collection"])
    asked = make_question(pair["measure"], pair["by"], breakdowns_of([spec, last]))
    renamed = compare_definitions(asked, (spec, last), (_roles(spec), _roles(last))).renamed
    cells: dict[_Values, Mapping[str, Any]] = {}
    joined = set()
    for cell in pair["cells"]:
        place = tuple(renamed.get(name, {}).get(value, value) for name, value in cell["by"].items())
        if place in cells:
            joined.add(place)
        cells[place] = cell
    # two cells that later became one have no index of their own before
    return {place: cell for place, cell in cells.items() if place not in joined}


def _roles(spec: Spec) -> list[dict[str, str]]:
    names = ("role_group", "regulated", "profession_group")
    return [
        {"role": code.code, **{name: code.attributes[name] for name in names}}
        for code in spec.code_lists["roles"].codes
    ]


def _chained(
    by: Mapping[str, str | None], cells: Sequence[Mapping[str, Any] | None], *, is_rate: bool
) -> dict[str, Any]:
    links = [
        {
            "status": cell["status"] if cell else None,
            "reasons": cell["reasons"] if cell else [],
            "matched_n": cell["matched"]["n"] if cell else None,
            "link_relative": cell["matched"].get("link_relative") if cell else None,
            "matched_change": cell["matched"]["change"] if cell else None,
        }
        for cell in cells
    ]
    reported = [cells[0]["from"] if cells[0] else None, *(cell["to"] if cell else None for cell in cells)]
    if is_rate:
        chained = _rate(reported[0], [link["matched_change"] for link in links])
    else:
        chained = [tidy_number(value) for value in chained_index(link["link_relative"] for link in links)]
    return {"by": dict(by), "reported": reported, "chained": chained, "links": links}


def _rate(first: float | None, changes: Sequence[float | None]) -> list[float | None]:
    """The first year's rate, and matched changes added to it year by year."""
    found = [first]
    for change in changes:
        before = found[-1]
        found.append(None if before is None or change is None else tidy_number(before + change))
    return found
