"""The published figures, computed again from the returns that were answered, and the page that lists both."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from census_api.demo.facts import BreakdownFact, StaffFact, YearFacts, year_facts
from census_api.demo.parameters import HERE
from census_api.domain.collecting.content import Content
from census_api.questionnaire.load import load_spec

Staff = Callable[[StaffFact], bool]
Measure = Callable[[YearFacts], tuple[float, str]]
"""Gives the value and, in words, its base."""

_HEADCOUNT = "paid headcount"
_WTE = "paid and unpaid WTE"


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """A line of published.csv. `low` and `high` are None for a figure that is left out, and `left_out` says why."""

    id: str
    year: str
    figure: str
    population: str
    value: str
    unit: str
    low: float | None
    high: float | None
    tolerance: str
    note: str
    left_out: str
    source: str


@dataclass(frozen=True, slots=True)
class ReproducedFigure:
    """A published figure beside the one that the synthetic returns give, and what it was computed over."""

    published: PublishedFigure
    value: float
    base: str

    @property
    def holds(self) -> bool:
        """Within the tolerance, whose bounds are included."""
        low, high = self.published.low, self.published.high
        return low is not None and high is not None and low <= self.value <= high


def read_published() -> tuple[PublishedFigure, ...]:
    """Every published figure, reproduced or left out."""
    with (HERE / "published.csv").open(encoding="utf-8", newline="") as handle:
        return tuple(
            PublishedFigure(
                **{key: value for key, value in row.items() if key not in ("low", "high")},
                low=float(row["low"]) if row["low"] else None,
                high=float(row["high"]) if row["high"] else None,
            )
            for row in csv.DictReader(handle)
        )


def compute_figures(contents: Iterable[Content], asked: Mapping[int, int]) -> list[ReproducedFigure]:
    """Every figure that is not left out, from `contents` (returns of 2022, 2023 and 2024, in any order).

    `asked`: year -> organisations in the frame. Computed from the contents alone, so it judges any population.
    """
    by_year: dict[int, list[Content]] = defaultdict(list)
    for content in contents:
        by_year[content.census_year].append(content)
    facts = {year: year_facts(load_spec(year), own, asked[year]) for year, own in by_year.items()}
    result = []
    for line in read_published():
        if not line.left_out:
            value, base = MEASURES[line.id](facts[int(line.year)])
            result.append(ReproducedFigure(line, value, base))
    return result


def _all(_: StaffFact) -> bool:
    return True


def _treatment(fact: StaffFact) -> bool:
    return fact.treatment


def _delivery(fact: StaffFact) -> bool:
    return fact.delivery


def _commissioning(fact: StaffFact) -> bool:
    return fact.sector == "la_commissioning"


def _sector(name: str) -> Staff:
    return lambda fact: fact.sector == name


def _group(*names: str) -> Staff:
    return lambda fact: fact.group in names


def _roles(*codes: str) -> Staff:
    return lambda fact: fact.role in codes


def _both(first: Staff, second: Staff) -> Staff:
    return lambda fact: first(fact) and second(fact)


def _total(where: Staff) -> Measure:
    return lambda facts: (facts.total(lambda fact: fact.wte, where) / 100, _WTE)


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else float("nan")


def _share(part: Staff, of: Staff) -> Measure:
    """Percent of WTE."""

    def measure(facts: YearFacts) -> tuple[float, str]:
        whole = facts.total(lambda fact: fact.wte, of)
        return _percent(facts.total(lambda fact: fact.wte, _both(part, of)), whole), f"{_WTE}, {whole / 100:,.0f}"

    return measure


def _unpaid(of: Staff) -> Measure:
    def measure(facts: YearFacts) -> tuple[float, str]:
        whole = facts.total(lambda fact: fact.wte, of)
        return _percent(facts.total(lambda fact: fact.unpaid_wte, of), whole), f"{_WTE}, {whole / 100:,.0f}"

    return measure


def _paid(of: Staff) -> Measure:
    def measure(facts: YearFacts) -> tuple[float, str]:
        value, base = _unpaid(of)(facts)
        return 100 - value, base

    return measure


def _turnover(of: Staff) -> Measure:
    """Leavers over the mean of opening and closing headcount, of rows that gave both."""

    def measure(facts: YearFacts) -> tuple[float, str]:
        known = _both(of, lambda fact: fact.leavers is not None and fact.opening is not None)
        average = facts.total(lambda fact: (fact.opening or 0) + fact.paid, known) / 2
        leavers = facts.total(lambda fact: fact.leavers, known)
        return _percent(leavers, average), f"average paid headcount, {average:,.0f}"

    return measure


def _vacancy(of: Staff) -> Measure:
    def measure(facts: YearFacts) -> tuple[float, str]:
        known = _both(of, lambda fact: fact.vacant_wte is not None)
        vacant = facts.total(lambda fact: fact.vacant_wte, known)
        posts = vacant + facts.total(lambda fact: fact.paid_wte, known)
        return _percent(vacant, posts), f"paid and vacant WTE, {posts / 100:,.0f}"

    return measure


def _category(sheet: str, categories: Iterable[str], of: Callable[[BreakdownFact], bool]) -> Measure:
    wanted = frozenset(categories)

    def measure(facts: YearFacts) -> tuple[float, str]:
        whole = facts.people(sheet, of)
        part = facts.people(sheet, lambda fact: of(fact) and fact.category in wanted)
        return _percent(part, whole), f"{_HEADCOUNT} with not known, {whole:,}"

    return measure


def _eligible(part: Staff) -> Measure:
    def measure(facts: YearFacts) -> tuple[float, str]:
        whole = facts.total(lambda fact: fact.paid, lambda fact: fact.eligible)
        share = facts.total(lambda fact: fact.paid, _both(part, lambda fact: fact.eligible))
        return _percent(share, whole), f"{_HEADCOUNT} in scope of the survey, {whole:,}"

    return measure


def _ratio(part: Staff, to: Staff) -> Measure:
    def measure(facts: YearFacts) -> tuple[float, str]:
        first, second = (facts.total(lambda fact: fact.wte, where) for where in (part, to))
        return (first / second if second else float("nan")), f"{_WTE}, {first / 100:,.0f} to {second / 100:,.0f}"

    return measure


def _response(facts: YearFacts) -> tuple[float, str]:
    return _percent(facts.returns, facts.asked), f"organisations in the frame, {facts.asked}"


def _treated(fact: BreakdownFact) -> bool:
    return fact.treatment


def _anybody(_: BreakdownFact) -> bool:
    return True


def _earning(sector: str) -> Callable[[BreakdownFact], bool]:
    return lambda fact: fact.sector == sector


_DAW, _PEER, _NURSING = "drug_alcohol_workers", "peer_support_and_development", "nursing"
_LOWEST, _BAND_5 = "B4_BELOW", "B5"
_ABOVE_4 = ("B5", "B6", "B7", "B8A", "B8B", "B8C", "B8D", "B9")
_ASIAN = ("AI", "AP", "AB", "AC", "AO")
_PSYCHIATRY = ("PSY_CONS_ADD", "PSY_CONS_OTH", "PSY_SAS", "PSY_ST", "PSY_CT")
_SECTOR_IDS = {
    "vol": "voluntary", "nhs": "nhs", "ind": "independent", "la_treat": "la_delivered", "lero": "lero",
    "la_comm": "la_commissioning",
}  # fmt: skip
_PROFESSIONS = {
    "psw": "peer_support_worker", "unreg": "unregulated_frontline", "reg": "regulated_frontline",
    "mgmt": "management_administrative", "comm": "commissioning",
}  # fmt: skip
_TYPES = {"lero": "lero", "charity": "voluntary", "la": "local_authority", "nhs": "nhs", "profit": "for_profit"}


def _profession(name: str) -> Staff:
    return lambda fact: fact.profession == name


def _organisation_type(name: str) -> Staff:
    return lambda fact: fact.organisation_type == name


def _measures() -> dict[str, Measure]:
    voluntary = _sector("voluntary")
    measures: dict[str, Measure] = {
        "wte_total_2022": _total(_all),
        "wte_treatment_2022": _total(_treatment),
        "wte_comm_2022": _total(_commissioning),
        "wte_lero_2022": _total(_sector("lero")),
        "wte_delivery_2022_ddn": _total(_delivery),
        "resp_2022": _response,
        "role_psych_2023": _share(_group("psychological"), _treatment),
        "role_sw_2023": _share(_group("social_work"), _treatment),
        "role_med_2023": _share(_group("medical"), _all),
        "role_addpsy_2023": _share(_roles("PSY_CONS_ADD"), _all),
        "n_psychiatry_2023": _total(_roles(*_PSYCHIATRY)),
        "n_gp_2023": _total(_roles("GP", "GP_ESR", "GP_TR")),
        "n_pharm_2023": _total(_group("pharmacy")),
        "n_couns_2023": _total(_roles("COUNSELLOR")),
        "role_mgmt_2022": _share(_group("management", "administrative"), _treatment),
        "role_peer_2022": _share(_group(_PEER), _treatment),
        "role_peer_treat_2023": _share(_group(_PEER), _treatment),
        "role_peer_lero_2023": _share(_group(_PEER), _sector("lero")),
        "unpaid_2022": _unpaid(_all),
        "unpaid_2023": _unpaid(_all),
        "unpaid_2024": _unpaid(_treatment),
        "unpaid_lero_2023": _unpaid(_sector("lero")),
        "peer_unpaid_treat_2023": _unpaid(_both(_group(_PEER), _treatment)),
        "peer_paid_lero_2023": _paid(_both(_group(_PEER), _sector("lero"))),
        "turn_vol_2023": _turnover(voluntary),
        "turn_nurse_vol_2023": _turnover(_both(voluntary, _group(_NURSING))),
        "turn_daw_vol_2023": _turnover(_both(voluntary, _group(_DAW))),
        "vac_deliv_2024": _vacancy(_delivery),
        "ratio_front_2023": _ratio(lambda fact: fact.frontline, lambda fact: not fact.frontline),
        "ratio_unreg_2023": _ratio(
            lambda fact: fact.frontline and not fact.regulated, lambda fact: fact.frontline and fact.regulated
        ),
        "wte_total_2024": _total(_all),
        "deliv_share_2024": _share(_delivery, _all),
    }
    return measures | _by_year() | _of_breakdowns() | _of_the_survey()


def _by_year() -> dict[str, Measure]:
    """Figures that are published for several years or sectors in the same way."""
    measures: dict[str, Measure] = {}
    for year in (2022, 2023, 2024):
        measures[f"role_daw_{year}"] = _share(_group(_DAW), _treatment)
        measures[f"role_nurse_{year}"] = _share(_group(_NURSING), _treatment)
        measures[f"sector_vol_treat_{year}"] = _share(_sector("voluntary"), _treatment)
        measures[f"turn_deliv_{year}"] = _turnover(_delivery)
        measures[f"turn_comm_{year}"] = _turnover(_commissioning)
        measures[f"vac_comm_{year}"] = _vacancy(_commissioning)
        for short, sector in _SECTOR_IDS.items():
            measures[f"sector_{short}_{year}"] = _share(_sector(sector), _all)
    for short in ("vol", "nhs", "ind", "la"):
        sector = "la_delivered" if short == "la" else _SECTOR_IDS[short]
        measures[f"sector_treat_{short}_2023"] = _share(_sector(sector), _treatment)
    return measures


def _of_breakdowns() -> dict[str, Measure]:
    measures = {
        "female_2022": _category("gender", ["F"], _treated),
        "perm_2022": _category("contract", ["PERM"], _treated),
        "ft_2022": _category("hours", ["FT"], _treated),
        "lt1yr_2024": _category("length_of_service", ["LT1"], _treated),
        "age3059_2024": _category("age", ["30_39", "40_49", "50_59"], _treated),
        "asian_2024": _category("ethnicity", _ASIAN, _anybody),
        "sal_la_lt26700_2022": _category("pay", [_LOWEST], _earning("la_delivered")),
        "sal_la_gt26700_2023": _category("pay", _ABOVE_4, _earning("la_delivered")),
        "sal_daw_lt33000_2023": _category("pay", [_LOWEST, _BAND_5], lambda fact: fact.group == _DAW),
        "sal_all_lt33000_2023": _category("pay", [_LOWEST, _BAND_5], _anybody),
    }
    for short in ("la", "vol", "nhs", "ind"):
        sector = "la_delivered" if short == "la" else _SECTOR_IDS[short]
        measures[f"sal_{short}_lt26700_2023"] = _category("pay", [_LOWEST], _earning(sector))
    return measures


def _of_the_survey() -> dict[str, Measure]:
    professions = {f"prof_{short}_2024": _eligible(_profession(name)) for short, name in _PROFESSIONS.items()}
    return professions | {f"org_{short}_2024": _eligible(_organisation_type(name)) for short, name in _TYPES.items()}


MEASURES: Mapping[str, Measure] = _measures()
