"""The schemes by which organisations are known elsewhere: their names and the form of their numbers, as data."""

from __future__ import annotations

import csv
import functools
import re
from dataclasses import dataclass

from census_api.questionnaire.model import Spec
from census_api.questionnaire.resources import find_folder

_FILE = "identifier_schemes.csv"
_LENGTH_OF_COMPANY = 8


@dataclass(frozen=True, slots=True)
class IdentifierScheme:
    """A scheme: `key` is its name here, `register` its name in org-id.guide, `pattern` what a number looks like."""

    key: str
    register: str
    label: str
    pattern: str
    example: str
    advice: str

    def fits(self, number: str) -> bool:
        return re.fullmatch(self.pattern, number) is not None

    def likely(self, number: str) -> str | None:
        """What was probably meant by a number that does not fit; None when nobody can say."""
        tried = "".join(number.upper().split()).removeprefix(f"{self.register}-")
        for candidate in (tried, tried.zfill(_LENGTH_OF_COMPANY) if self.key == "company" else tried):
            if candidate != number and self.fits(candidate):
                return candidate
        return None


@functools.cache
def identifier_schemes() -> tuple[IdentifierScheme, ...]:
    """All schemes, in the order of their columns."""
    with (find_folder("schemas") / "common" / _FILE).open(encoding="utf-8", newline="") as stream:
        return tuple(
            IdentifierScheme(
                row["scheme"], row["register"], row["label"], row["pattern"], row["example"], row["advice"]
            )
            for row in csv.DictReader(stream)
        )


def local_authority_letters(spec: Spec) -> frozenset[str]:
    """The letters of every local authority that the year's list has or had."""
    areas = spec.code_lists["local_authorities"]
    return frozenset(
        area.attributes.get("org_id", "").removeprefix("GB-LAE-") for area in (*areas.codes, *areas.former)
    )
