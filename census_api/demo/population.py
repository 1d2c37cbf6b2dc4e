"""The synthetic population: about 200 invented organisations over four collections, the same on every machine.

What each organisation answers, who does not answer, and what changed between the years; its answers add up to the
published figures (figures.py). Nothing here describes a real organisation.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import fsum

from census_api.demo.breakdowns import make_breakdowns
from census_api.demo.changes import ContractMove, apply_changes
from census_api.demo.mistakes import with_fixed_mistakes
from census_api.demo.parameters import GROWTH_AFTER_LAST, OPEN_YEAR, SECTORS, YEARS, read_parameters
from census_api.demo.response import Response, choose_responses
from census_api.demo.returns import Writer
from census_api.demo.staffing import RowKey, YearStaff, staff_of_year
from census_api.demo.structure import BLOCK, FIXED, DemoLine, Structure, build_structure
from census_api.domain.collecting.content import Content
from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.register.lineage import EDGE_KINDS, LineageEdge, LineKey
from census_api.domain.register.organisations import FrameLine, Organisation
from census_api.questionnaire.load import load_spec
from census_api.questionnaire.model import Spec

DEFAULT_SEED = 20260630
LEAST, MOST = 100, 4000
_AREAS_AS_IN = 2024


@dataclass(frozen=True, slots=True)
class Edge:
    """A dated link between a line of one collection and a line of the next: organisation, local authority, service."""

    kind: str
    from_year: int
    source: tuple[str, str, str]
    to_year: int
    target: tuple[str, str, str]
    effective: dt.date
    evidence: str
    confirmed_by: str


@dataclass(slots=True)
class DemoPopulation:
    """Organisations, frames, returns and changes of all years. Returns are made when they are first asked for.

    `asked(year)`: organisations in the frame. `answered(year)`: those of them whose return came in.
    """

    seed: int
    structure: Structure
    moves: list[ContractMove]
    staff: dict[int, YearStaff]
    edges: tuple[Edge, ...] = ()
    _writers: dict[int, Writer] = field(default_factory=dict)

    @property
    def organisations(self) -> tuple[Organisation, ...]:
        return tuple(self.structure.organisations.values())

    def asked(self, year: int) -> tuple[str, ...]:
        """Codes of the organisations in the year's frame, in the order of the register."""
        lines = {line.organisation for line in self.structure.in_year(year)} | {"DEMO-NIL"}
        return tuple(code for code in self.structure.organisations if code in lines)

    def answered(self, year: int) -> tuple[str, ...]:
        silent = self.staff[year].response.silent
        return tuple(code for code in self.asked(year) if code not in silent)

    def content(self, year: int, code: str) -> Content:
        """What `code` answers, or would answer if it is silent. The fixed mistakes are in the open year only: returns of
        the years that are over have been corrected, and are accepted."""
        content = self.clean_content(year, code)
        return with_fixed_mistakes(content, load_spec(year), code) if year == OPEN_YEAR else content

    def clean_content(self, year: int, code: str) -> Content:
        """What `code` answers once nothing is left to correct."""
        return self._writer(year).content(code)

    def _writer(self, year: int) -> Writer:
        if year not in self._writers:
            self._writers[year] = _writer(self.structure, self.staff[year])
        return self._writers[year]


@functools.lru_cache(maxsize=2)
def make_population(seed: int = DEFAULT_SEED, organisations: int = BLOCK) -> DemoPopulation:
    """The population of a seed, with its totals in proportion to the number of organisations (published at 200).

    Raises InvalidRequest outside 100 to 4,000 organisations: fewer cannot hold what the demonstration shows.
    """
    if not LEAST <= organisations <= MOST:
        raise InvalidRequest(
            f"The population can be made for {LEAST} to {MOST:,} organisations, not {organisations:,}."
        )
    settings = read_parameters()
    structure = build_structure(seed, organisations, load_spec(_AREAS_AS_IN))
    moves = apply_changes(structure)
    answers = choose_responses(structure, settings)
    staff: dict[int, YearStaff] = {}
    for year in YEARS:
        scale = dict.fromkeys(SECTORS, organisations / BLOCK)
        if year == OPEN_YEAR:
            scale = {sector: scale[sector] * _in_hand(structure, answers, sector) for sector in SECTORS}
        own = [move for move in moves if move.year == year]
        staff[year] = staff_of_year(
            structure, settings, load_spec(year), settings.years[year], answers[year], own, staff.get(year - 1), scale
        )
    return DemoPopulation(seed, structure, moves, staff, _edges(structure, moves))


def _in_hand(structure: Structure, answers: dict[int, Response], sector: str) -> float:
    """How large the returns of the open year are together, beside those of the year before."""
    sizes = []
    for year in (OPEN_YEAR, OPEN_YEAR - 1):
        lines = structure.in_year(year)
        silent = answers[year].silent
        own = [
            line.weight
            for line in lines
            if structure.sector(line.organisation) == sector and line.organisation not in silent
        ]
        sizes.append(fsum(own))
    return GROWTH_AFTER_LAST * sizes[0] / sizes[1] if sizes[1] else GROWTH_AFTER_LAST


def _writer(structure: Structure, staff: YearStaff) -> Writer:
    spec = load_spec(staff.year)
    lines: dict[str, list[DemoLine]] = defaultdict(list)
    for line in structure.in_year(staff.year):
        lines[line.organisation].append(line)
    rows: dict[str, list[RowKey]] = defaultdict(list)
    for key in staff.rows:
        rows[key[0]].append(key)
    counts = make_breakdowns(structure, read_parameters(), spec, staff)
    return Writer(structure, spec, staff, counts, local_authority_codes(spec), lines, rows)


def local_authority_codes(spec: Spec) -> dict[str, str]:
    """Every local authority of 2023 and 2024 -> the code that stood for it in the year of `spec`."""
    here = spec.code_lists["local_authorities"]
    successors = {code.code: code.many("successors") for code in here.former}
    codes: dict[str, str] = {}
    for area in load_spec(_AREAS_AS_IN).code_lists["local_authorities"].codes:
        if area.code in here.by_code:
            codes[area.code] = area.code
        else:
            codes[area.code] = (successors.get(area.code) or area.many("predecessors"))[0]
    return codes


def _edges(structure: Structure, moves: list[ContractMove]) -> tuple[Edge, ...]:
    """Moves between lines, and lines that went on under a new local authority code."""
    codes = {year: local_authority_codes(load_spec(year)) for year in YEARS}
    edges = [
        Edge(
            move.kind, move.year - 1, _coded(move.source, codes[move.year - 1]),
            move.year, _coded(move.target, codes[move.year]), move.date, move.evidence, move.confirmed_by,
        )
        for move in moves
    ]  # fmt: skip
    for year in YEARS[1:]:
        before, after = codes[year - 1], codes[year]
        for line in structure.in_year(year):
            if line.first < year and before[line.area] != after[line.area]:
                siblings = [
                    other for other in structure.in_year(year) if _coded(other.key, before) == _coded(line.key, before)
                ]
                shared = len(siblings) > 1
                edges.append(
                    Edge(
                        "split" if shared else "renamed", year - 1, _coded(line.key, before), year, _coded(line.key, after),
                        dt.date(year, 4, 1), "Change of local authorities on 1 April; code list of the year", "Census team",
                    )
                )  # fmt: skip
    return tuple(sorted(edges, key=lambda edge: (edge.to_year, edge.effective, edge.source, edge.target)))


def _coded(key: tuple[str, str, str], codes: dict[str, str]) -> tuple[str, str, str]:
    return (key[0], codes[key[1]], key[2])


def register_rows(people: DemoPopulation) -> tuple[Organisation, ...]:
    """The register as it stands now; parents and organisations merged into come before those that name them."""
    named = {code for one in people.organisations for code in (one.parent, one.merged_into) if code}
    return tuple(sorted(people.organisations, key=lambda one: (one.code not in named, one.code)))


def frame_rows(people: DemoPopulation, year: int) -> tuple[FrameLine, ...]:
    """The lines expected to answer the collection of `year`, sorted."""
    codes = local_authority_codes(load_spec(year))
    lines = {(line.organisation, codes[line.area], line.service) for line in people.structure.in_year(year)}
    # the unit has closed, which its owner says with a nil return
    closed = [line for line in people.structure.lines if line.organisation == "DEMO-NIL"]
    lines |= {("DEMO-NIL", codes[line.area], line.service) for line in closed}
    return tuple(FrameLine(year, *line) for line in sorted(lines))


def lineage_rows(people: DemoPopulation) -> tuple[LineageEdge, ...]:
    """The links between the years as confirmed edges, in the order of `edges`."""
    return tuple(
        LineageEdge(
            from_year=edge.from_year, source=LineKey(*edge.source), to_year=edge.to_year, target=LineKey(*edge.target),
            kind=next(kind for kind in EDGE_KINDS if kind == edge.kind), effective=edge.effective,
            evidence=edge.evidence, state="confirmed", decided_by=edge.confirmed_by,
            decided_at=dt.datetime.combine(edge.effective, dt.time(12), dt.UTC),
        )
        for edge in people.edges
    )  # fmt: skip


def iterate_returns(people: DemoPopulation, year: int) -> Iterator[tuple[str, Content]]:
    """(organisation code, content) of every return that came in, in the order of the register."""
    for code in people.answered(year):
        yield code, people.content(year, code)


def as_workbooks(people: DemoPopulation, year: int) -> tuple[str, ...]:
    """Organisations whose return of the year is best loaded as a real .xlsx: the fixed ones, then some of each sector."""
    answered = people.answered(year)
    chosen = [code for code in answered if code in FIXED]
    for sector in SECTORS:
        chosen += [code for code in answered if code not in FIXED and people.structure.sector(code) == sector][:6]
    return tuple(chosen)
