from __future__ import annotations

import csv
import io
import json

import httpx
import polars as pl
import pytest

from census_api.domain.kit.access import SYSTEM
from census_api.services.kit.platform import Platform
from tests.factories.people import add_person, add_token
from tests.factories.snapshots import LineRow, StaffRow, make_snapshot

SECTORS = ("voluntary", "nhs")


@pytest.fixture
def two_years(platform: Platform) -> Platform:
    """Eight organisations of each of two sectors; half of the NHS ones are silent in 2024."""
    for year, wte in ((2023, 10.0), (2024, 10.5)):
        lines = [
            LineRow(f"{sector.upper()}{n}", sector=sector, size=10, reported=year == 2023 or sector != "nhs" or n < 4)
            for sector in SECTORS
            for n in range(8)
        ]
        staff = [
            StaffRow(number, "DAW", {"paid_wte": wte, "paid_headcount": 11, "vacant_wte": 1})
            for number, line in enumerate(lines, start=1)
            if line.reported
        ]
        with platform.database.transaction(SYSTEM) as session:
            make_snapshot(session, year, lines=lines, staff=staff)
    return platform


ASKED = {"from": "2023", "to": "2024", "by": "sector", "measure": "wte"}


def test_a_comparison_says_what_may_be_compared(two_years: Platform, client: httpx.Client) -> None:
    answer = client.get("/api/v1/comparisons", params=ASKED)
    assert answer.status_code == 200
    found = answer.json()
    cells = {cell["by"]["sector"]: cell for cell in found["cells"]}
    assert (cells["voluntary"]["status"], cells["voluntary"]["change"]) == ("COMPARABLE", 4)
    assert cells["nhs"]["status"] == "BLOCKED"
    assert (cells["nhs"]["change"], cells["nhs"]["change_pct"]) == (None, None)
    assert cells["nhs"]["matched"]["change_pct"] == 5
    assert cells["nhs"]["terms"]["nonresponse_lost"] == -40
    assert {"policy", "definitions", "coverage", "bounds", "adjusted"} <= cells["nhs"].keys()
    assert found["total"]["status"] == "BLOCKED"


def test_the_same_comparison_is_not_sent_twice(two_years: Platform, client: httpx.Client) -> None:
    tag = client.get("/api/v1/comparisons", params=ASKED).headers["etag"]
    again = client.get("/api/v1/comparisons", params=ASKED, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/v1/comparisons", params=ASKED | {"format": "csv"}).headers["etag"] != tag


def test_every_format_has_the_same_cells_and_no_blocked_change(two_years: Platform, client: httpx.Client) -> None:
    text = client.get("/api/v1/comparisons", params=ASKED | {"format": "csv"})
    assert text.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(text.text)))
    assert [(row["sector"], row["status"], row["change"]) for row in rows] == [
        ("nhs", "BLOCKED", ""), ("voluntary", "COMPARABLE", "4"), ("total", "BLOCKED", ""),
    ]  # fmt: skip
    parquet = client.get("/api/v1/comparisons", params=ASKED, headers={"Accept": "application/vnd.apache.parquet"})
    frame = pl.read_parquet(io.BytesIO(parquet.content))
    assert frame["change"].to_list() == [None, 4, None]
    workbook = client.get("/api/v1/comparisons", params=ASKED | {"format": "xlsx"})
    assert workbook.content.startswith(b"PK")


def test_a_rate_has_its_parts(two_years: Platform, client: httpx.Client) -> None:
    found = client.get("/api/v1/comparisons", params=ASKED | {"measure": "vacancy_rate"}).json()
    rate = found["total"]["rate"]
    assert rate["denominator"] == {"from": 176, "to": 138}
    assert rate["participation_effect"] == pytest.approx(0, abs=1e-12)
    assert found["total"]["status"] == "COMPARABLE"
    assert found["composition"]["mix"].keys() == {"sector"}
    text = client.get("/api/v1/comparisons", params=ASKED | {"measure": "vacancy_rate", "format": "csv"}).text
    assert "participation_effect" in text.splitlines()[0]


def test_a_series_and_estimates_are_served_too(two_years: Platform, client: httpx.Client) -> None:
    line = client.get("/api/v1/series", params={"snapshots": "2023,2024", "by": "sector"}).json()
    assert [round(value, 6) for value in line["total"]["chained"]] == [100, 105]
    found = client.get("/api/v1/snapshots/2024/estimates", params={"by": "sector"}).json()
    nhs = next(cell for cell in found["cells"] if cell["by"]["sector"] == "nhs")
    assert (nhs["reported"], round(nhs["estimated"], 6)) == (42, 84)
    for path, params in (("/series", {"snapshots": "2023,2024"}), ("/snapshots/2024/estimates", {})):
        table = client.get(f"/api/v1{path}", params={**params, "format": "csv"})
        assert table.status_code == 200
        assert len(table.text.splitlines()) > 1
        again = client.get(
            f"/api/v1{path}", params={**params, "format": "csv"}, headers={"If-None-Match": table.headers["etag"]}
        )
        assert again.status_code == 304


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/comparisons?from=2023&to=2024&measure=people", 422, "The measures are wte"),
        ("/comparisons?from=2023&to=2024&by=colour", 422, "You can break by region"),
        ("/comparisons?from=2023&to=2031", 404, "Frozen are: 2023.1, 2024.1"),
        ("/comparisons?from=2024&to=2023", 422, "Exchange them"),
        ("/comparisons?from=2023&to=2024&policy=no", 422, "The versions are"),
        ("/comparisons?from=2023&to=2024&format=doc", 422, "The formats are json, csv"),
        ("/comparisons?from=2023", 422, "to"),
        ("/comparisons?from=2023&to=2024&before=1", 422, "parameter"),
        ("/series?snapshots=2023", 422, "2 to 12"),
        ("/snapshots/2031/estimates", 404, "Frozen are:"),
        ("/snapshots/2024/estimates?measure=vacancy_rate", 422, "Estimates are of totals"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(
    two_years: Platform, client: httpx.Client, path: str, status: int, words: str
) -> None:
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in json.dumps(answer.json())


def test_an_employer_sees_no_comparison_and_an_analyst_does(two_years: Platform, address: str) -> None:
    for person, role, status in (("anna", "analyst", 200), ("pip", "pipeline", 403)):
        token = add_token(two_years, add_person(two_years, person, role))  # type: ignore[arg-type]  # the role is one of pytest's parameters
        answer = httpx.get(f"{address}/api/v1/comparisons", params=ASKED, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status
