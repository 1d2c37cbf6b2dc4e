"""Random panels with every kind of participation event, as the service's panel builder takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import polars as pl
from hypothesis import strategies as st

from census_api.domain.comparing import ComparisonQuestion
from census_api.domain.kit.measures import MEASURES
from census_api.services.comparing.cells import ComparisonCell, Work
from census_api.services.comparing.definitions import Definitions
from census_api.services.comparing.level_cells import level_cells
from census_api.services.comparing.panel_lineage import Lineage
from census_api.services.comparing.panels import Panel, Side, build_panel
from census_api.statistics.policy import DEFAULT_POLICY

REGIONS, SECTORS, ROLES = ("north", "south", "west"), ("voluntary", "nhs"), ("DAW", "NURSE_B5", "GP")
OUTER, INNER = ("region", "sector"), ("role",)


@dataclass(frozen=True)
class Unit:
    """A line in one year. `rows` are its staff rows by role; None is a row that does not give the measure."""

    name: str
    organisation: str
    region: str
    sector: str
    in_frame: bool
    reported: bool
    size: float | None
    rows: tuple[tuple[str, float | None], ...] = ()


@dataclass(frozen=True)
class Years:
    before: tuple[Unit, ...]
    after: tuple[Unit, ...]
    edges: tuple[tuple[str, str], ...] = ()
    unresolved: tuple[frozenset[str], frozenset[str]] = field(default=(frozenset(), frozenset()))

    def panel(self) -> Panel:
        lineage = Lineage(self.edges, {}, self.unresolved)
        return build_panel(side_of(self.before), side_of(self.after), lineage)

    def cells(self, *by: str) -> list[ComparisonCell]:
        work = Work(ComparisonQuestion(MEASURES["wte"], by), self.panel(), Definitions(), DEFAULT_POLICY)
        return level_cells(work, by, {})

    def total(self) -> ComparisonCell:
        found = self.cells()
        return found[0] if found else {"terms": {}, "status": "NOT_APPLICABLE", "from": 0.0, "to": 0.0}


def side_of(units: Sequence[Unit]) -> Side:
    """The frames that the builder takes, in the order given."""
    frame = pl.DataFrame(
        [
            (place, u.name, u.organisation, u.organisation, u.sector, u.in_frame, u.reported, u.size, u.region, u.sector)
            for place, u in enumerate(units)
        ],
        schema={
            "unit": pl.Int64, "key": pl.String, "organisation": pl.String, "parent": pl.String, "kind": pl.String,
            "in_frame": pl.Boolean, "reported": pl.Boolean, "size": pl.Float64, "region": pl.String,
            "sector": pl.String,
        },
        orient="row",
    )  # fmt: skip
    rows = [(place, role, value) for place, u in enumerate(units) if u.reported for role, value in u.rows]
    facts = pl.DataFrame(
        [(place, role, value or 0.0, 0.0, 1, float(value is not None), 0.0, 0.0) for place, role, value in rows],
        schema={
            "unit": pl.Int64, "role": pl.String, "num": pl.Float64, "den": pl.Float64, "rows": pl.Float64,
            "known": pl.Float64, "people": pl.Float64, "known_people": pl.Float64,
        },
        orient="row",
    )  # fmt: skip
    doubtful = pl.DataFrame(
        [(place, role) for place, role, value in rows if value is None],
        schema={"unit": pl.Int64, "atom": pl.String}, orient="row",
    )  # fmt: skip
    known = pl.DataFrame(
        [(place, role, role, value, 0.0) for place, role, value in rows if value is not None],
        schema={"unit": pl.Int64, "atom": pl.String, "role": pl.String, "num": pl.Float64, "den": pl.Float64},
        orient="row",
    )
    return Side(frame, facts, doubtful, lambda some: known.join(some, on=["unit", "atom"], how="semi"), OUTER, INNER)


AMOUNTS = st.integers(0, 400).map(lambda hundredths: hundredths / 4)
SIZES = st.one_of(st.none(), st.integers(0, 90).map(float))


@st.composite
def staff_rows(draw: st.DrawFn) -> tuple[tuple[str, float | None], ...]:
    """Some roles, at least one of them known."""
    roles = draw(st.lists(st.sampled_from(ROLES), min_size=1, max_size=3, unique=True))
    values = [draw(st.one_of(AMOUNTS, AMOUNTS, AMOUNTS, st.none())) for _ in roles]
    values[0] = draw(AMOUNTS)
    return tuple(zip(roles, values, strict=True))


@st.composite
def years(draw: st.DrawFn) -> Years:
    """Up to six organisations with lines that come, go, stay silent, move to another sector, merge and split."""
    sides: list[list[Unit]] = [[], []]
    for number in range(draw(st.integers(0, 14))):
        name, organisation = f"line{number}", f"org{draw(st.integers(0, 5))}"
        region, sector = draw(st.sampled_from(REGIONS)), draw(st.sampled_from(SECTORS))
        for side in sides:
            if not draw(st.booleans()):
                continue
            if draw(st.integers(0, 9)) == 0:
                sector = draw(st.sampled_from(SECTORS))
            reported, in_frame = draw(st.booleans()), draw(st.booleans())
            rows = draw(staff_rows()) if reported else ()
            side.append(Unit(name, organisation, region, sector, in_frame, reported, draw(SIZES), rows))
    names = [[unit.name for unit in side] for side in sides]
    edges: list[tuple[str, str]] = []
    if all(names):
        pairs = st.tuples(st.sampled_from(names[0]), st.sampled_from(names[1]))
        edges = draw(st.lists(pairs, max_size=4))
    return Years(tuple(sides[0]), tuple(sides[1]), tuple(edges))


def renamed(these: Years) -> Years:
    """The same with other names, in another order."""

    def side(units: Sequence[Unit]) -> tuple[Unit, ...]:
        return tuple(
            replace(unit, name=mirrored(unit.name), organisation=mirrored(unit.organisation), rows=unit.rows[::-1])
            for unit in reversed(units)
        )

    return Years(side(these.before), side(these.after), tuple((mirrored(a), mirrored(b)) for a, b in these.edges[::-1]))


def mirrored(name: str) -> str:
    digits = name.lstrip("lineorg")
    return f"{999 - int(digits)}-{name.rstrip('0123456789')}"
