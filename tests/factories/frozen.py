"""Returns that were accepted, so that there is something to freeze."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from census_api.demo.loading import take_answer
from census_api.domain.register.organisations import FrameLine
from census_api.services.collecting import life
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import load_frame
from tests.factories.actors import ANN, TEAM
from tests.factories.life import upload_of
from tests.factories.returns import clean_tree

HERE, THERE = "E06000001", "E06000002"
NAMES = {"ALPHA": ("Alpha Recovery", "voluntary"), "BETA": ("Beta Health", "nhs")}


def tree_for(
    platform: Platform, organisation: str, year: int, staff: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The clean return, as one of this organisation and year, with cells of its first Staff row changed."""
    tree = copy.deepcopy(clean_tree(platform.spec(year)))
    name, sector = NAMES[organisation]
    tree["organisation"] |= {"organisation_code": organisation, "name": name, "sector": sector}
    tree["staff"][0] |= staff or {}
    return tree


def accepted(platform: Platform, organisation: str, year: int, tree: Mapping[str, Any]) -> None:
    """Sends a return in, with what has to be explained explained, has it signed, and accepts it."""
    take_answer(platform, ANN, submit_return(platform, ANN, year, organisation, upload_of(tree)))


def corrected(platform: Platform, organisation: str, year: int, tree: Mapping[str, Any]) -> None:
    """Reopens the accepted return and has another one accepted in its place."""
    life.reopen_return(platform, TEAM, year, organisation, reason="The employer found a mistake.")
    accepted(platform, organisation, year, tree)


def framed(platform: Platform, year: int, *lines: tuple[str, str, str]) -> None:
    load_frame(platform, ANN, year, [FrameLine(year, *line) for line in lines])
