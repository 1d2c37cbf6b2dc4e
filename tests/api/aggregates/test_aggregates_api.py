"""Aggregates over HTTP: formats, entity tags, what is refused and what it says."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import httpx
import openpyxl
import polars as pl
import pytest

from census_api.api.kit.answers import XLSX
from census_api.domain.kit.access import SYSTEM
from census_api.services.kit.platform import Platform
from tests.factories.people import add_person, add_token, program
from tests.factories.populations import random_breakdowns, random_lines, random_staff
from tests.factories.snapshots import make_snapshot

AT = "/api/v1/snapshots/2024/aggregates"


@pytest.fixture
def analyst(platform: Platform) -> Iterator[httpx.Client]:
    lines = random_lines(1)
    with platform.database.transaction(SYSTEM) as session:
        make_snapshot(
            session, 2024, lines=lines, staff=random_staff(1, lines), breakdowns=random_breakdowns(1, lines)
        )  # fmt: skip
    with program(platform, add_token(platform, add_person(platform, "anna", "analyst"))) as client:
        yield client


def refused(client: Any, query: str, at: str = AT, status: int = 422) -> str:
    answer = client.get(f"{at}?{query}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


def test_the_document_says_what_was_asked_and_what_every_figure_rests_on(analyst: httpx.Client) -> None:
    answer = analyst.get(f"{AT}?by=sector,role_group&measure=wte,vacancy_rate&region=E12000001&region=E12000007")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["collection"], found["name"], found["by"]) == (2024, "2024.1", ["sector", "role_group"])
    assert found["filters"] == {"region": ["E12000001", "E12000007"]}
    assert [one["definition"] for one in found["measures"]] == ["wte-1", "vacancy_rate-1"]
    assert found["labels"]["sector"]["nhs"] == "NHS"
    assert found["cells"]
    for cell in [*found["cells"], found["total"]]:
        assert set(cell["figures"]) == {"wte", "vacancy_rate"}
        for figure in cell["figures"].values():
            assert (figure["value"] is None) == (figure["reason"] is not None)
            assert set(figure["coverage"]) == {"rows", "paid_headcount", "denominator"}
            assert set(figure["answers"]) == {"value", "zero", "blank", "not_known", "refused", "not_applicable"}


def test_a_snapshot_is_addressed_by_id_year_and_revision(analyst: httpx.Client) -> None:
    by_year = analyst.get(AT).json()
    for name in (by_year["snapshot"], "2024.1"):
        assert analyst.get(f"/api/v1/snapshots/{name}/aggregates").json() == by_year


def test_every_format_holds_the_same_figures(analyst: httpx.Client) -> None:
    query = "by=region,role&measure=wte,turnover_avg"
    cells = analyst.get(f"{AT}?{query}").json()["cells"]
    expected = [
        (cell["by"]["region"], cell["by"]["role"], measure, figure["value"], figure["reason"])
        for cell in cells
        for measure, figure in cell["figures"].items()
    ]
    text = analyst.get(f"{AT}?{query}&format=csv")
    assert text.headers["content-type"] == "text/csv; charset=utf-8"
    assert text.headers["content-disposition"] == 'attachment; filename="census-2024.1-region-role.csv"'
    assert text.headers["x-content-type-options"] == "nosniff"
    rows = list(csv.DictReader(io.StringIO(text.text)))
    assert [told(row) for row in rows if row["region"] != "total"] == expected
    frame = pl.read_parquet(analyst.get(f"{AT}?{query}&format=parquet").content)
    columns = ("region", "role", "measure", "value", "reason")
    assert frame.filter(pl.col("region") != "total").select(columns).rows() == expected
    book = openpyxl.load_workbook(io.BytesIO(analyst.get(f"{AT}?{query}", headers={"Accept": XLSX}).content))
    assert book.sheetnames == ["Cover", "Notes", "Table"]
    listed = list(book["Table"].iter_rows(values_only=True))
    header = next(place for place, row in enumerate(listed) if row[0] == "region")
    places = [listed[header].index(name) for name in columns]
    in_book = [tuple(row[place] for place in places) for row in listed[header + 1 :] if row[0] != "total"]
    assert in_book == expected


def told(row: dict[str, str]) -> tuple[Any, ...]:
    value = float(row["value"]) if row["value"] else None
    return row["region"], row["role"], row["measure"], value, row["reason"] or None


def test_accept_decides_where_no_format_is_named(analyst: httpx.Client) -> None:
    for accept, expected in (
        ("text/csv", "text/csv; charset=utf-8"),
        ("application/vnd.apache.parquet, */*", "application/vnd.apache.parquet"),
        ("text/html", "application/json"),
    ):
        answer = analyst.get(AT, headers={"Accept": accept})
        assert answer.headers["content-type"] == expected
    assert analyst.get(f"{AT}?format=csv", headers={"Accept": XLSX}).headers["content-type"].startswith("text/csv")


def test_an_answer_that_is_known_is_not_sent_again(analyst: httpx.Client) -> None:
    first = analyst.get(f"{AT}?by=sector")
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    again = analyst.get(f"{AT}?by=sector", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    for other in ("by=region", "by=sector&measure=headcount", "by=sector&format=csv", "by=sector&sector=nhs"):
        answer = analyst.get(f"{AT}?{other}", headers={"If-None-Match": tag})
        assert answer.status_code == 200
        assert answer.headers["etag"] != tag
    # the same question in other words
    assert analyst.get(f"{AT}?by=sector&measure=wte").headers["etag"] == tag


def test_what_cannot_be_asked_is_refused_with_what_can(analyst: httpx.Client) -> None:
    assert "The dimensions are region, local_authority, sector" in refused(analyst, "by=postcode")
    assert "The measures are wte, paid_wte" in refused(analyst, "measure=salary")
    assert "Choose from E12000001, E12000002" in refused(analyst, "region=E99")
    assert "such as E0" in refused(analyst, "local_authority=Leeds")
    assert "Choose from U20, 20_29" in refused(analyst, "age=99")
    assert "The formats are json, csv, xlsx, parquet" in refused(analyst, "format=pdf")
    assert "asked for twice" in refused(analyst, "by=sector,sector")
    assert "at most 4 dimensions" in refused(analyst, "by=sector,region,role,service_type,paid")
    assert "cannot be crossed" in refused(analyst, "by=age,gender")
    assert "Ask for the measure paid_headcount" in refused(analyst, "by=age&measure=wte")
    assert "It can be crossed with region, local_authority, sector" in refused(analyst, "by=age,role")
    assert "cannot be split or filtered by paid" in refused(analyst, "by=paid&measure=vacancy_rate")
    assert "regulated roles against the others" in refused(analyst, "by=role&measure=regulated_ratio")
    assert "The parameters are" in refused(analyst, "colour=red")


def test_names_from_outside_never_reach_the_database(analyst: httpx.Client) -> None:
    for attack in ("id;select pg_sleep(9)", "region desc nulls first", "region'--", "(select 1)"):
        assert "There is no dimension" in refused(analyst, f"by={attack}")
        refused(analyst, f"region={attack}")


def test_a_snapshot_that_is_not_there_is_not_found_and_those_that_are_are_named(analyst: httpx.Client) -> None:
    for name in ("2023", "2024.7", "00000000-0000-0000-0000-000000000007", "yesterday"):
        said = refused(analyst, "", f"/api/v1/snapshots/{name}/aggregates", 404)
        assert "Frozen are: 2024.1." in said


def test_others_may_not_ask(platform: Platform, analyst: httpx.Client) -> None:
    for name, roles, status in (("paul", ["pipeline"], 403), ("eddie", [], 403)):
        with program(platform, add_token(platform, add_person(platform, name, *roles))) as client:  # type: ignore[arg-type]  # the roles come as plain text
            assert client.get(AT).status_code == status
    with program(platform) as nobody:
        assert nobody.get(AT).status_code == 401


def test_too_many_figures_are_refused(analyst: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("census_api.services.aggregates.asking.MOST_FIGURES", 5)
    assert "at most 5 figures" in refused(analyst, "by=region,role")
    assert "at most 5 figures" in refused(analyst, "by=role_group,age")
    monkeypatch.setattr("census_api.services.kit.tables_out.MOST_WORKBOOK_CELLS", 10)
    monkeypatch.setattr("census_api.services.aggregates.asking.MOST_FIGURES", 5_000)
    assert "Ask for csv or parquet" in refused(analyst, "by=region,role&format=xlsx")
