"""The published figures come out of aggregates of the demonstration's returns, within their tolerances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from census_api.demo.figures import read_published
from census_api.demo.parameters import TREATMENT
from census_api.demo.population import DemoPopulation, frame_rows, iterate_returns, make_population
from census_api.domain.collecting.content import Content, ContentCell
from census_api.domain.kit.access import SYSTEM
from census_api.domain.kit.measures import ITEMS
from census_api.services.aggregates.asking import compute_aggregates
from census_api.services.aggregates.question import Wanted
from census_api.services.kit.platform import Platform
from tests.factories.snapshots import BreakdownCell, Given, LineRow, StaffRow, make_snapshot

_TREATED = ",".join(sorted(TREATMENT))
_DELIVERY = f"{_TREATED},lero"
_SECTORS = {
    "vol": "voluntary", "nhs": "nhs", "ind": "independent", "la_treat": "la_delivered", "lero": "lero",
    "la_comm": "la_commissioning",
}  # fmt: skip
_YEARS = (2022, 2023, 2024)


@pytest.fixture(scope="module")
def people() -> DemoPopulation:
    return make_population()


@pytest.fixture
def frozen(platform: Platform, people: DemoPopulation) -> Platform:
    for year in _YEARS:
        lines, staff, cells, nil = rows_of(people, year)
        with platform.database.transaction(SYSTEM) as session:
            make_snapshot(session, year, lines=lines, staff=staff, breakdowns=cells, nil=nil)
    return platform


def rows_of(people: DemoPopulation, year: int) -> tuple[list[LineRow], list[StaffRow], list[BreakdownCell], list[str]]:
    """What the returns of a year say, as rows of a snapshot."""
    register = {one.code: one for one in people.organisations}
    framed = {(line.organisation, line.local_authority_code, line.service_type) for line in frame_rows(people, year)}
    contents = dict(iterate_returns(people, year))
    nil = [code for code, content in contents.items() if content.organisation["nil_return"] == "yes"]
    reported = {key for code, content in contents.items() for key in _lines(code, content)}
    keys = sorted(framed | reported)
    lines = [
        LineRow(
            *key,
            sector=str(register[key[0]].sector),
            parent=register[key[0]].parent or "",
            reported=key in reported or key[0] in nil,
            in_frame=key in framed,
        )
        for key in keys
    ]
    places = {key: place for place, key in enumerate(keys, start=1)}
    staff = [
        StaffRow(places[_key(code, row)], str(row["role_code"]), {item: _given(row.get(item)) for item in ITEMS})
        for code, content in contents.items()
        for row in content.table("staff")
    ]
    return lines, staff, list(_cells(contents)), nil


def _lines(code: str, content: Content) -> Iterator[tuple[str, str, str]]:
    for row in content.table("services"):
        if row["data_available"] != "none":
            yield _key(code, row)
    for row in content.table("staff"):
        yield _key(code, row)


def _key(code: str, row: Mapping[str, ContentCell]) -> tuple[str, str, str]:
    return code, str(row["local_authority_code"]), str(row["service_type"])


def _given(cell: ContentCell | None) -> Given:
    if cell is None or cell in ("NK", "REFUSED", "NA"):
        return None if cell is None else str(cell)
    return float(cell)


def _cells(contents: Mapping[str, Content]) -> Iterator[BreakdownCell]:
    for code, content in contents.items():
        for sheet in ("pay", "contract", "hours", "length_of_service", "age", "gender", "ethnicity", "disability"):
            for row in content.table(sheet):
                key = "role_code" if sheet == "pay" else "role_group"
                for category, cell in row.items():
                    if category != key:
                        yield BreakdownCell(code, sheet, str(row[key]), category, _given(cell))


def one(platform: Platform, year: int, measure: str, **filters: str) -> float:
    wanted = Wanted(measures=[measure], filters={name: [codes] for name, codes in filters.items()})
    (figure,) = compute_aggregates(platform, SYSTEM, str(year), wanted).total.figures
    assert figure.value is not None
    return figure.value


def share(platform: Platform, year: int, part: Mapping[str, str], whole: Mapping[str, str]) -> float:
    return 100 * one(platform, year, "wte", **part) / one(platform, year, "wte", **whole)


def category(platform: Platform, year: int, sheet: str, codes: str, **filters: str) -> float:
    """Percent of a breakdown's people, those of whom it is not known included, in these categories."""
    wanted = Wanted([sheet], filters={name: [given] for name, given in filters.items()})
    found = compute_aggregates(platform, SYSTEM, str(year), wanted)
    shares = {cell.by[0]: cell.figures[0].share or 0 for cell in found.cells}
    return 100 * sum(shares[code] for code in codes.split(","))


def reckoned(platform: Platform) -> Iterator[tuple[str, float]]:
    """(published figure, what aggregates say), each by one or two questions."""
    treated, delivery = {"sector": _TREATED}, {"sector": _DELIVERY}
    yield "wte_total_2022", one(platform, 2022, "wte")
    yield "wte_total_2024", one(platform, 2024, "wte")
    yield "wte_treatment_2022", one(platform, 2022, "wte", **treated)
    yield "wte_lero_2022", one(platform, 2022, "wte", sector="lero")
    yield "n_gp_2023", one(platform, 2023, "wte", role="GP,GP_ESR,GP_TR")
    yield "n_pharm_2023", one(platform, 2023, "wte", role_group="pharmacy")
    yield "deliv_share_2024", share(platform, 2024, delivery, {})
    yield "role_psych_2023", share(platform, 2023, {"role_group": "psychological", **treated}, treated)
    yield "unpaid_2022", 100 * one(platform, 2022, "unpaid_share_wte")
    yield "unpaid_2023", 100 * one(platform, 2023, "unpaid_share_wte")
    yield "unpaid_2024", 100 * one(platform, 2024, "unpaid_share_wte", **treated)
    yield "turn_vol_2023", 100 * one(platform, 2023, "turnover_avg", sector="voluntary")
    yield "turn_nurse_vol_2023", 100 * one(platform, 2023, "turnover_avg", sector="voluntary", role_group="nursing")
    yield "vac_deliv_2024", 100 * one(platform, 2024, "vacancy_rate", **delivery)
    for year in _YEARS:
        found = compute_aggregates(platform, SYSTEM, str(year), Wanted(["sector"], ["wte"]))
        shares = {cell.by[0]: 100 * (cell.figures[0].share or 0) for cell in found.cells}
        for short, sector in _SECTORS.items():
            yield f"sector_{short}_{year}", shares[sector]
        group = {"role_group": "drug_alcohol_workers", **treated}
        yield f"role_daw_{year}", share(platform, year, group, treated)
        yield f"turn_deliv_{year}", 100 * one(platform, year, "turnover_avg", **delivery)
        yield f"turn_comm_{year}", 100 * one(platform, year, "turnover_avg", sector="la_commissioning")
        yield f"vac_comm_{year}", 100 * one(platform, year, "vacancy_rate", sector="la_commissioning")
    yield "female_2022", category(platform, 2022, "gender", "F", **treated)
    yield "perm_2022", category(platform, 2022, "contract", "PERM", **treated)
    yield "lt1yr_2024", category(platform, 2024, "length_of_service", "LT1", **treated)
    yield "age3059_2024", category(platform, 2024, "age", "30_39,40_49,50_59", **treated)
    yield "asian_2024", category(platform, 2024, "ethnicity", "AI,AP,AB,AC,AO")
    yield "sal_vol_lt26700_2023", category(platform, 2023, "pay", "B4_BELOW", sector="voluntary")
    yield "sal_daw_lt33000_2023", category(platform, 2023, "pay", "B4_BELOW,B5", role_group="drug_alcohol_workers")


def test_published_figures_come_out_of_aggregates_within_their_tolerances(frozen: Platform) -> None:
    lines = {line.id: line for line in read_published()}
    compared = []
    for name, value in reckoned(frozen):
        line = lines.get(name)
        if line is None or line.low is None or line.high is None:
            continue
        compared.append(name)
        assert line.low <= value <= line.high, (name, value, line.low, line.high)
    assert len(compared) >= 40
