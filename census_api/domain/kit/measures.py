"""What can be counted, and how: the items of a staff row, the measures made of them, and what they can be broken by.

The law is methods.md 3 and design.md 5. A measure is a sum of items, or a ratio of two such sums; its definition id names
the formula, so that figures of two formulas are never compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

Item = Literal[
    "paid_headcount",
    "paid_wte",
    "unpaid_headcount",
    "unpaid_wte",
    "opening_headcount",
    "starters",
    "leavers",
    "transfers_in",
    "transfers_out",
    "vacant_wte",
    "establishment_wte",
]
ITEMS: tuple[Item, ...] = get_args(Item)
"""The numeric items of a staff row, in the order of the letters of `snapshot_staff.states`."""

Answer = Literal["V", "B", "N", "R", "A"]
"""How an item was answered: a value, blank, not known, refused, not applicable. Five answers, from file to table."""
ANSWERS: Mapping[Answer, str] = MappingProxyType(
    {"V": "value", "B": "blank", "N": "not_known", "R": "refused", "A": "not_applicable"}
)

Base = Literal["wte", "headcount"]
Part = tuple[Item, float]
"""An item and what it is multiplied by."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A level (`denominator` empty), or a rate: the sum of `numerator` over the sum of `denominator`.

    `of` splits by an attribute of the role: the numerator counts roles that have it, the denominator those that do not.
    `flow` measures are never rolled forward from another year (methods.md 2).
    """

    key: str
    label: str
    base: Base
    numerator: tuple[Part, ...]
    denominator: tuple[Part, ...] = ()
    flow: bool = False
    of: Literal["regulated"] | None = None

    @property
    def is_rate(self) -> bool:
        return bool(self.denominator)

    @property
    def definition(self) -> str:
        """Names the formula and its version."""
        return f"{self.key}-1"

    @property
    def items(self) -> tuple[Item, ...]:
        """The items that a line has to give, each once."""
        return tuple(dict.fromkeys(item for item, _ in (*self.numerator, *self.denominator)))


_AVERAGE: tuple[Part, ...] = (("opening_headcount", 0.5), ("paid_headcount", 0.5))

_ALL = (
    Measure("wte", "Whole-time equivalents", "wte", (("paid_wte", 1), ("unpaid_wte", 1))),
    Measure("paid_wte", "Paid whole-time equivalents", "wte", (("paid_wte", 1),)),
    Measure("unpaid_wte", "Unpaid whole-time equivalents", "wte", (("unpaid_wte", 1),)),
    Measure("headcount", "Headcount", "headcount", (("paid_headcount", 1), ("unpaid_headcount", 1))),
    Measure("paid_headcount", "Paid headcount", "headcount", (("paid_headcount", 1),)),
    Measure("unpaid_headcount", "Unpaid headcount", "headcount", (("unpaid_headcount", 1),)),
    Measure("vacant_wte", "Vacant whole-time equivalents", "wte", (("vacant_wte", 1),), flow=True),
    Measure("starters", "Starters", "headcount", (("starters", 1),), flow=True),
    Measure("leavers", "Leavers", "headcount", (("leavers", 1),), flow=True),
    Measure("vacancy_rate", "Vacancy rate", "wte", (("vacant_wte", 1),), (("vacant_wte", 1), ("paid_wte", 1))),
    Measure("turnover_avg", "Turnover, of average headcount", "headcount", (("leavers", 1),), _AVERAGE),
    Measure(
        "turnover_yearend",
        "Turnover, of headcount at year end",
        "headcount",
        (("leavers", 1),),
        (("paid_headcount", 1),),
    ),
    Measure("starters_rate", "Starters, of average headcount", "headcount", (("starters", 1),), _AVERAGE),
    # the census does not ask which leavers were in post at opening: only the bounds of methods.md 3 are known
    Measure(
        "stability",
        "Stability",
        "headcount",
        (("opening_headcount", 1), ("leavers", -1)),
        (("opening_headcount", 1),),
    ),
    Measure(
        "unpaid_share_wte",
        "Unpaid share of whole-time equivalents",
        "wte",
        (("unpaid_wte", 1),),
        (("paid_wte", 1), ("unpaid_wte", 1)),
    ),
    Measure(
        "unpaid_share_headcount",
        "Unpaid share of headcount",
        "headcount",
        (("unpaid_headcount", 1),),
        (("paid_headcount", 1), ("unpaid_headcount", 1)),
    ),
    Measure(
        "regulated_ratio",
        "Regulated to unregulated staff",
        "wte",
        (("paid_wte", 1),),
        (("paid_wte", 1),),
        of="regulated",
    ),
)
MEASURES: Mapping[str, Measure] = MappingProxyType({measure.key: measure for measure in _ALL})

LINE_DIMENSIONS = ("region", "local_authority", "sector", "service_type", "organisation_type")
"""Attributes of a line, or of its organisation."""
ROLE_DIMENSIONS = ("role", "role_group", "regulated", "profession_group")
"""Attributes of the people on it."""
PAID = "paid"
"""Paid or unpaid, for measures that hold both."""
