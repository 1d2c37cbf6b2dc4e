"""Organisations that answered last year, and are expected this year: what progress, chasing and editing look at."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from census_api.demo.loading import load_returns, take_answer
from census_api.domain.collecting.submission import Upload
from census_api.domain.kit.access import Actor
from census_api.domain.register.organisations import FrameLine, Organisation
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import load_frame, load_organisations
from tests.factories.returns import LINES, breakdowns, clean_tree

LOADER = Actor("a loader", kind="system")
YEAR = 2024


def expect(platform: Platform, codes: Mapping[str, str], *years: int) -> None:
    """These organisations, by code and sector, on the two lines of the clean return in the frame of each year."""
    load_organisations(platform, LOADER, [Organisation(code, f"{code} Services", codes[code]) for code in codes])
    for year in years:
        load_frame(platform, LOADER, year, [FrameLine(year, code, *line) for code in codes for line in LINES])


def tree_of(platform: Platform, code: str, sector: str, year: int = YEAR, **first: Any) -> dict[str, Any]:
    """The clean return of the organisation, with cells of its first Staff row changed.

    For the year before, the people who were in post at the opening of the clean return, among whom nobody came or went.
    """
    tree = copy.deepcopy(clean_tree(platform.spec(year)))
    tree["organisation"] |= {"organisation_code": code, "name": f"{code} Services", "sector": sector}
    if year < YEAR:
        for row in tree["staff"]:
            people = row["opening_headcount"]
            row |= {"paid_headcount": people, "paid_wte": str(people), "starters": 0, "leavers": 0}
        tree |= breakdowns(platform.spec(year), tree["staff"])
    tree["staff"][0] |= first
    return tree


def send(platform: Platform, code: str, tree: dict[str, Any], *, accepted: bool) -> None:
    upload = Upload(json.dumps(tree).encode(), "return.json", "application/json")
    for answer in load_returns(platform, LOADER, tree["census_year"], [(code, upload)]):
        if accepted:
            take_answer(platform, LOADER, answer)
