"""What the returns of a year say, as flat facts: read from their contents alone, without the generator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from census_api.demo.parameters import TREATMENT
from census_api.domain.collecting.content import Content, ContentCell
from census_api.questionnaire.model import Spec


@dataclass(frozen=True, slots=True)
class StaffFact:
    """One Staff row with what its codes mean. Counts that are not known are None; WTE in hundredths."""

    sector: str
    organisation_type: str
    service: str
    in_survey: bool
    role: str
    group: str
    profession: str
    regulated: bool
    paid: int
    paid_wte: int
    unpaid: int
    unpaid_wte: int
    opening: int | None
    leavers: int | None
    vacant_wte: int | None

    @property
    def wte(self) -> int:
        return self.paid_wte + self.unpaid_wte

    @property
    def treatment(self) -> bool:
        return self.sector in TREATMENT

    @property
    def delivery(self) -> bool:
        return self.treatment or self.sector == "lero"

    @property
    def frontline(self) -> bool:
        return self.group not in ("management", "administrative", "commissioning")

    @property
    def eligible(self) -> bool:
        """In the population that the survey of 2024 was weighted to."""
        return self.in_survey and self.service != "head_office"


@dataclass(frozen=True, slots=True)
class BreakdownFact:
    """Paid people in one category of one breakdown row."""

    sector: str
    sheet: str
    group: str
    category: str
    people: int

    @property
    def treatment(self) -> bool:
        return self.sector in TREATMENT


@dataclass(slots=True)
class YearFacts:
    """All facts of a year, the number of returns, and the number of organisations asked."""

    year: int
    asked: int
    returns: int = 0
    staff: list[StaffFact] = field(default_factory=list)
    breakdowns: list[BreakdownFact] = field(default_factory=list)

    def total(self, what: Callable[[StaffFact], int | None], where: Callable[[StaffFact], bool]) -> int:
        return sum(what(fact) or 0 for fact in self.staff if where(fact))

    def people(self, sheet: str, where: Callable[[BreakdownFact], bool]) -> int:
        return sum(fact.people for fact in self.breakdowns if fact.sheet == sheet and where(fact))


def year_facts(spec: Spec, contents: Iterable[Content], asked: int) -> YearFacts:
    """The facts of the returns of one year; `asked` is the number of organisations in the frame."""
    facts = YearFacts(spec.year, asked)
    read = _FactReader(spec)
    for content in contents:
        facts.returns += 1
        sector = str(content.organisation["sector"])
        routes = {
            (row["local_authority_code"], row["service_type"]): str(row.get("commissioning_route", ""))
            for row in content.table("services")
        }
        for row in content.table("staff"):
            route = routes[row["local_authority_code"], row["service_type"]]
            facts.staff.append(read.staff(sector, route, row))
        for sheet in spec.breakdowns:
            for row in content.table(sheet.key):
                group = read.group(row[str(sheet.rows_by)])
                for question in sheet.counts:
                    people = int(row[question.key])
                    facts.breakdowns.append(BreakdownFact(sector, sheet.key, group, question.key, people))
    return facts


class _FactReader:
    def __init__(self, spec: Spec) -> None:
        self._roles = spec.code_lists["roles"].by_code
        self._types = {code.code: code.attributes["organisation_type"] for code in spec.code_lists["sectors"].codes}
        self._routes = {
            code.code: code.attributes["in_survey"] == "yes" for code in spec.code_lists["commissioning_routes"].codes
        }
        self._professions = {
            (row["role"], row["sector"]): row["profession_group"]
            for row in spec.mappings["profession_map"]
            if row["grouping"] == "survey"
        }
        self._regulated = {
            row["regulated"]: row["regulated_group"] == "regulated"
            for row in spec.mappings["regulated_map"]
            if row["grouping"] == "plan"
        }

    def group(self, code: ContentCell) -> str:
        """A role's group; a role group is its own."""
        role = self._roles.get(str(code))
        return role.attributes["role_group"] if role else str(code)

    def staff(self, sector: str, route: str, row: dict[str, ContentCell]) -> StaffFact:
        role = str(row["role_code"])
        attributes = self._roles[role].attributes
        return StaffFact(
            sector=sector,
            organisation_type=self._types[sector],
            service=str(row["service_type"]),
            in_survey=self._routes.get(route, False),
            role=role,
            group=attributes["role_group"],
            profession=self._professions.get((role, sector), ""),
            regulated=self._regulated[attributes["regulated"]],
            paid=_count(row, "paid_headcount") or 0,
            paid_wte=_hundredths(row, "paid_wte") or 0,
            unpaid=_count(row, "unpaid_headcount") or 0,
            unpaid_wte=_hundredths(row, "unpaid_wte") or 0,
            opening=_count(row, "opening_headcount"),
            leavers=_count(row, "leavers"),
            vacant_wte=_hundredths(row, "vacant_wte"),
        )


def _count(row: dict[str, ContentCell], field_key: str) -> int | None:
    value = row.get(field_key)
    return value if isinstance(value, int) else None


def _hundredths(row: dict[str, ContentCell], field_key: str) -> int | None:
    text = str(row.get(field_key, ""))
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int((part + "00")[:2]) if whole.isdigit() else None
