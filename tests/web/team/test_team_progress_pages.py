"""Response, chase list, lineage and snapshots as pages."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from census_api.domain.kit.access import SYSTEM
from census_api.domain.progress.response import ProgressCell, ProgressDay
from census_api.domain.register.lineage import EdgeFilter, LineageEdge, LineKey
from census_api.domain.register.organisations import FrameLine
from census_api.services.collecting.life import accept_return
from census_api.services.kit.platform import Platform
from census_api.services.register.lineage import list_edges, load_edges
from census_api.services.register.organisations import load_frame
from census_api.services.snapshots.revisions import freeze_collection, list_snapshots
from census_api.web.team.progress_charts import by_cell, by_day, percent_of
from tests.factories.actors import TEAM
from tests.factories.life import BRING_TO, WHY, YEAR
from tests.factories.people import Browser, add_person
from tests.factories.returns import LINES


@pytest.fixture
def framed(platform: Platform) -> Platform:
    """With a frame, in which both organisations are expected."""
    load_frame(platform, SYSTEM, YEAR, [FrameLine(YEAR, code, *line) for code in ("ALPHA", "BETA") for line in LINES])
    return platform


def test_without_a_frame_the_response_is_not_nought(team: Browser) -> None:
    page = team.get(f"/team/{YEAR}")
    assert page.status_code == 200
    assert "Nobody has said yet who is expected to answer." in page.text
    assert "<svg" not in page.text


@pytest.mark.parametrize("by", ["sector", "region", "local_authority", "service_type"])
def test_the_response_by_number_and_by_size(team: Browser, framed: Platform, by: str) -> None:
    BRING_TO["signed_off"](framed)
    page = team.get(f"/team/{YEAR}?by={by}").text
    assert "1 of 2" in page
    assert "not known" in page, "no size is known, and that is not nought"
    assert page.count("<svg") == page.count('role="img"') >= 1
    assert page.count("<title id=") == page.count("<desc id=") == page.count("<svg")


def test_a_dimension_that_is_not_there_is_refused(team: Browser, framed: Platform) -> None:
    assert team.get(f"/team/{YEAR}?by=name%20desc").status_code == 422
    assert team.get("/team/2001").status_code == 404


def test_an_analyst_sees_the_response_and_no_single_return(framed: Platform) -> None:
    add_person(framed, "anna", "analyst")
    browser = Browser(framed)
    browser.sign_in("anna")
    page = browser.get(f"/team/{YEAR}")
    assert page.status_code == 200
    assert f"/team/{YEAR}/returns" not in page.text
    assert "ALPHA" not in page.text
    assert browser.get(f"/team/{YEAR}/chase").status_code == 403


def test_the_chase_list_names_who_has_not_answered(team: Browser, framed: Platform) -> None:
    BRING_TO["signed_off"](framed)
    page = team.get(f"/team/{YEAR}/chase").text
    assert f'href="/team/{YEAR}/returns/BETA"' in page
    assert f'href="/team/{YEAR}/returns/ALPHA"' not in page
    assert "It has sent nothing." in page
    preview = team.post(f"/team/{YEAR}/returns/remind", **{"choose-BETA": "yes"})
    assert "Send these reminders?" in preview.text


def test_the_drawing_is_inside_its_frame_and_says_what_is_not_known() -> None:
    start = dt.date(2024, 7, 3)
    days = [ProgressDay(start + dt.timedelta(days=n * n), n, n // 2) for n in range(1, 9)]
    chart = by_day(days, 9)
    assert chart is not None
    for _, points in chart.series:
        places = [tuple(map(float, point.split(","))) for point in points.split()]
        assert all(0 <= x <= 320 and 0 <= y <= 170 for x, y in places)
        assert [x for x, _ in places] == sorted(x for x, _ in places)
        assert [y for _, y in places] == sorted((y for _, y in places), reverse=True), "more is higher"
    assert by_day(days[:1], 9) is None
    assert by_day(days, 0) is None
    nothing = ProgressCell("x", "X" * 90, 1, 0, 1, 0, {}, 0, 0, None, None, None)
    bars = by_cell([nothing], "by sector")
    assert bars is not None
    assert (bars.rows[0].units, bars.rows[0].size) == (None, None)
    assert percent_of(None) == "not known"
    assert percent_of(0.0) == "0%"


def edge(framed: Platform) -> LineageEdge:
    first, second = LINES[0], LINES[1]
    load_edges(
        framed,
        SYSTEM,
        [
            LineageEdge(
                2023, LineKey("ALPHA", *first), YEAR, LineKey("BETA", *second), "contract_transfer", dt.date(2024, 1, 1),
                "Not decided: see what suggested it.", suggested_by="Likeness 0.91: alike names.",
            )
        ],
    )  # fmt: skip
    return list_edges(framed, TEAM, EdgeFilter()).items[0]


def test_a_suggestion_is_confirmed_with_what_shows_it(team: Browser, framed: Platform) -> None:
    found = edge(framed)
    page = team.get("/team/lineage").text
    assert "Likeness 0.91" in page
    refused = team.post(f"/team/lineage/{found.id}", state="suggested", decision="confirmed", evidence=" ")
    assert refused.status_code in (400, 422)
    assert f'href="#evidence-{found.id}"' in refused.text
    assert team.post(f"/team/lineage/{found.id}", decision="", evidence=WHY).status_code in (400, 422)
    done = team.post(f"/team/lineage/{found.id}", state="suggested", decision="confirmed", evidence=WHY)
    assert done.headers["location"] == "/team/lineage?state=suggested"
    assert list_edges(framed, TEAM, EdgeFilter()).items[0].state == "confirmed"
    assert WHY in team.get("/team/lineage?state=confirmed").text
    assert "Nothing waits for a decision." in team.get("/team/lineage").text


def test_suggestions_are_looked_for(team: Browser, framed: Platform) -> None:
    team.get("/team/lineage")
    assert team.post("/team/lineage/suggest", from_year="2024", to_year="2023").status_code in (400, 422)
    unframed = team.post("/team/lineage/suggest", from_year="2023", to_year="2024")
    assert "Nobody has loaded the frame of 2023" in unframed.text
    load_frame(framed, SYSTEM, 2023, [FrameLine(2023, "ALPHA", *LINES[0])])
    done = team.post("/team/lineage/suggest", from_year="2023", to_year="2024")
    assert re.fullmatch(r"/team/lineage\?found=\d+", done.headers["location"])
    assert team.get(done.headers["location"]).status_code == 200


def test_a_census_is_frozen_and_its_revisions_are_listed(team: Browser, framed: Platform) -> None:
    page = team.get(f"/team/{YEAR}/snapshots").text
    assert "There is none yet." in page
    refused = team.post(f"/team/{YEAR}/snapshots")
    assert refused.status_code == 409
    assert "is accepted, so there is nothing to freeze" in refused.text
    BRING_TO["signed_off"](framed)
    accept_return(framed, TEAM, YEAR, "ALPHA")
    done = team.post(f"/team/{YEAR}/snapshots")
    assert done.headers["location"] == f"/team/{YEAR}/snapshots?said=asked"
    waiting = team.get(done.headers["location"]).text
    assert "Being made" in waiting
    assert 'http-equiv="refresh"' in waiting


def test_what_is_frozen_is_not_frozen_again(team: Browser, framed: Platform) -> None:
    BRING_TO["accepted"](framed)
    frozen = freeze_collection(framed, TEAM, YEAR).snapshot
    page = team.get(f"/team/{YEAR}/snapshots").text
    assert f"Revision {frozen.name}" in page
    assert str(frozen.content_hash) in page
    assert 'http-equiv="refresh"' not in page
    assert team.post(f"/team/{YEAR}/snapshots").headers["location"] == f"/team/{YEAR}/snapshots?said=same"
    assert "Nothing has changed" in team.get(f"/team/{YEAR}/snapshots?said=same").text
    assert list_snapshots(framed, TEAM, YEAR).total == 1
    assert "A frozen snapshot holds this return" not in team.get(f"/team/{YEAR}/returns/ALPHA").text
