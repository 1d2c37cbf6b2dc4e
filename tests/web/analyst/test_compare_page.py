"""Comparing without JavaScript: what is asked stands in the address, and a blocked change is nowhere on the page."""

from __future__ import annotations

import html
import re

import pytest

from census_api.domain.comparing import TERMS
from census_api.domain.kit.access import SYSTEM
from census_api.services.comparing.comparisons import compare_snapshots
from census_api.services.kit.platform import Platform
from census_api.web.analyst.waterfall import WaterfallStep, draw_waterfall
from tests.factories.people import Browser, add_person
from tests.factories.two_years import freeze_two_years

ASKED = "/compare?from=2023&to=2024&measure=wte"


@pytest.fixture
def analyst(platform: Platform) -> Browser:
    """An analyst, and two frozen years."""
    freeze_two_years(platform)
    return signed_in(platform)


def signed_in(platform: Platform) -> Browser:
    add_person(platform, "anna", "analyst")
    browser = Browser(platform)
    browser.sign_in("anna")
    return browser


def text_of(answer: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer)).split())


def test_without_two_years_the_page_says_what_is_missing(platform: Platform) -> None:
    page = signed_in(platform).get("/compare")
    assert page.status_code == 200
    assert "Two years can be compared when two are frozen" in text_of(page.text)
    assert "<form class=" not in page.text


def test_the_form_offers_the_last_two_years(analyst: Browser) -> None:
    page = analyst.get("/compare")
    assert '<option value="2023.1" selected>2023</option>' in page.text
    assert '<option value="2024.1" selected>2024</option>' in page.text
    assert "What the difference is made of" not in page.text


def test_each_step_is_called_real_or_due_to_who_answered_as_the_methods_say(
    analyst: Browser, platform: Platform
) -> None:
    """methods.md 1.2: continuing, entrants, exits and scope are real; all other terms are about who answered."""
    total = compare_snapshots(platform, SYSTEM, "2023", "2024", measure="wte")["total"]
    real = {"continuing", "entrant", "exit", "scope_gained", "scope_lost"}
    page = analyst.get(ASKED).text
    shown = {
        html.unescape(words): kind
        for words, kind in re.findall(r'<th scope="row">([^<]+)</th><td data-label="Kind">([^<]*)</td>', page)
    }
    expected = {
        TERMS[term]: "Real" if term in real else "Who answered" for term, value in total["terms"].items() if value
    }
    assert shown == expected
    assert set(shown.values()) == {"Real", "Who answered"}


def test_a_blocked_country_says_why_and_shows_no_change(analyst: Browser, platform: Platform) -> None:
    total = compare_snapshots(platform, SYSTEM, "2023", "2024", measure="wte")["total"]
    assert total["status"] == "BLOCKED"
    said = text_of(analyst.get(ASKED).text)
    assert "Blocked The two years must not be compared here." in said
    assert "Organisations that answered in only one of the two years are a large part of the figures." in said
    assert "Not shown: the two years are not comparable here" in said
    assert f"{total['to'] - total['from']:+,.1f}" not in said
    assert f"{total['terms']['nonresponse_lost']:+,.1f}" in said
    assert "Adjusted for who did not answer" in said


def test_each_cell_has_a_page_of_its_own(analyst: Browser) -> None:
    page = analyst.get(f"{ASKED}&by=sector&by=region")
    said = text_of(page.text)
    assert "By sector and region" in said
    link = html.unescape(re.findall(r'href="(/compare\?[^"]*cell=[^"]+)"', page.text)[0])
    cell = analyst.get(link.split("#")[0])
    assert cell.status_code == 200
    assert "The whole country" in text_of(cell.text)
    assert re.search(r"<h2 id=\"focus\">Whole-time equivalents, [A-Z][^,]+, ", cell.text)


def test_a_rate_is_shown_in_points_with_its_parts(analyst: Browser) -> None:
    said = text_of(analyst.get("/compare?from=2023&to=2024&measure=vacancy_rate&by=sector").text)
    assert "Due to who answered" in said
    assert "Rates that changed within services" in said
    assert "Where staff moved to" in said
    assert " points" in said


def test_every_file_of_the_page_is_there(analyst: Browser) -> None:
    page = analyst.get(f"{ASKED}&by=sector,role_group").text
    files = re.findall(r'href="(/api/v1/comparisons[^"]+)"', page)
    assert len(files) == 4
    for href in files:
        assert analyst.get(html.unescape(href)).status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("from=2023&to=2024&by=colour", 422, "You can break by region"),
        ("from=2023&to=2024&by=age&by=gender&measure=paid_headcount", 422, "cannot be crossed"),
        ("from=2024&to=2023", 422, "Exchange them"),
        ("from=2023&to=2031", 404, "Frozen are: 2023.1, 2024.1"),
        ("from=2023&to=2024&measure=%3Cscript%3E", 422, "There is no measure of that name"),
    ],
)
def test_a_question_without_an_answer_keeps_the_form(analyst: Browser, query: str, status: int, words: str) -> None:
    page = analyst.get(f"/compare?{query}")
    assert page.status_code == status
    assert words in text_of(page.text)
    assert "<script>" not in page.text
    assert "<title>Error:" in page.text
    assert '<form class="asked"' in page.text


def test_who_may_not_read_aggregates_is_told_so(platform: Platform) -> None:
    add_person(platform, "eve")
    browser = Browser(platform)
    assert browser.get("/compare").status_code in (303, 401)
    browser.sign_in("eve")
    assert browser.get("/compare").status_code == 403


def test_a_waterfall_goes_from_year_to_year() -> None:
    steps = [
        WaterfallStep("Up", 30, "+30", "real"),
        WaterfallStep("Nothing", 0, "0", "real"),
        WaterfallStep("Down", -10, "-10", "artefact"),
    ]
    picture = draw_waterfall(
        "key", "Title", WaterfallStep("2023", 100, "100", "year"), steps, WaterfallStep("2024", 120, "120", "year")
    )
    assert picture is not None
    assert [(bar.label, bar.kind) for bar in picture.bars] == [
        ("2023", "year"), ("Up", "real"), ("Down", "artefact"), ("2024", "year"),
    ]  # fmt: skip
    starts = [float(bar.start[:-1]) for bar in picture.bars]
    widths = [float(bar.width[:-1]) for bar in picture.bars]
    assert starts[1] == starts[0]
    assert starts[2] == pytest.approx(starts[3], abs=0.02)
    assert widths[1] == pytest.approx(3 * widths[2], abs=0.05)
    assert "The largest is up, +30." in picture.description
    assert draw_waterfall("key", "Title", steps[1], [steps[1]], steps[1]) is None
