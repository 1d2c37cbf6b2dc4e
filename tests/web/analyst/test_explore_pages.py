"""Exploring without JavaScript: what is asked stands in the address, and the page says what its figures rest on."""

from __future__ import annotations

import html
import re

import pytest

from census_api.domain.kit.access import SYSTEM
from census_api.services.kit.platform import Platform
from census_api.web.kit.charts import MOST_BARS, Amount, bar_chart
from tests.factories.people import Browser, add_person
from tests.factories.populations import random_breakdowns, random_lines, random_staff
from tests.factories.snapshots import LineRow, StaffRow, make_snapshot


def signed_in(platform: Platform, name: str = "anna", *roles: str) -> Browser:
    add_person(platform, name, *(roles or ("analyst",)))  # type: ignore[arg-type]  # the roles come as plain text
    browser = Browser(platform)
    browser.sign_in(name)
    return browser


@pytest.fixture
def analyst(platform: Platform) -> Browser:
    """An analyst, and two frozen snapshots."""
    for year, seed in ((2023, 5), (2024, 1)):
        lines = random_lines(seed)
        with platform.database.transaction(SYSTEM) as session:
            make_snapshot(
                session, year, lines=lines, staff=random_staff(seed, lines), breakdowns=random_breakdowns(seed, lines)
            )  # fmt: skip
    return signed_in(platform)


def text_of(answer: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer)).split())


def test_the_list_leads_to_each_snapshot(analyst: Browser) -> None:
    page = analyst.get("/explore")
    assert page.status_code == 200
    links = re.findall(r'href="(/explore/[^"]+)"', page.text)
    assert [html.unescape(link).split("?")[0] for link in links] == ["/explore/2024.1", "/explore/2023.1"]
    for link in links:
        assert analyst.get(html.unescape(link)).status_code == 200


def test_without_a_snapshot_the_page_says_so(platform: Platform) -> None:
    assert "No census has been frozen yet" in signed_in(platform).get("/explore").text


def test_the_form_asks_and_the_address_answers_again(analyst: Browser) -> None:
    page = analyst.get("/explore/2024?measure=paid_wte&by=region&by=role_group&sector=&paid=&role=&service_type=")
    assert page.status_code == 200
    assert '<option value="paid_wte" selected>' in page.text
    (link,) = re.findall(r'This view has an address: <a href="([^"]+)"', page.text)
    assert link == "/explore/2024.1?by=region,role_group&amp;measure=paid_wte"
    again = analyst.get(html.unescape(link))
    assert again.text == page.text.replace(
        page.request.url.query.decode("ascii"), again.request.url.query.decode("ascii")
    ) or (text_of(again.text) == text_of(page.text))


def test_what_is_not_known_is_said_and_never_a_zero(platform: Platform) -> None:
    lines = [LineRow("A", "E06000001"), LineRow("B", "E09000002", reported=False), LineRow("C", "E08000001")]
    with platform.database.transaction(SYSTEM) as session:
        make_snapshot(session, 2024, lines=lines, staff=[StaffRow(1, "GP", {"paid_wte": 2.5})], nil=["C"])
    said = text_of(signed_in(platform).get("/explore/2024?by=region&measure=wte").text)
    assert re.search(r"London No line here has reported\. – no rows 0", said)
    assert re.search(r"North West 0 0\.0% no rows 1", said)
    assert re.search(r"North East 2\.50 100\.0% 1 of 1 rows", said)


def test_a_question_that_cannot_be_answered_comes_back_with_the_form(analyst: Browser) -> None:
    page = analyst.get("/explore/2024?by=age&by=gender")
    assert page.status_code == 422
    assert "<title>Error:" in page.text
    assert "cannot be crossed" in page.text
    assert '<option value="age" selected>' in page.text
    assert analyst.get("/explore/2019").status_code == 404


def test_the_files_hold_what_the_page_shows(analyst: Browser) -> None:
    page = analyst.get("/explore/2024?by=sector&measure=headcount&region=E12000001")
    links = [html.unescape(link) for link in re.findall(r'href="(/api/v1/snapshots/[^"]+)"', page.text)]
    assert [link.rsplit("=", 1)[1] for link in links] == ["json", "csv", "xlsx", "parquet"]
    for link in links:
        answer = analyst.get(link)
        assert answer.status_code == 200
    found = analyst.get(links[0]).json()
    assert found["filters"] == {"region": ["E12000001"]}
    said = text_of(page.text)
    for cell in found["cells"]:
        value = cell["figures"]["headcount"]["value"]
        if value is not None:
            assert f"{value:,.0f}" in said


def test_a_breakdown_of_people_says_what_it_leaves_out(analyst: Browser) -> None:
    said = text_of(analyst.get("/explore/2024?by=age&by=region").text)
    assert "Breakdowns of people are asked once an organisation" in said
    assert "20 to 29" in said


def test_others_are_kept_out(platform: Platform, nobody: Browser) -> None:
    assert nobody.get("/explore").status_code in (303, 401)
    assert signed_in(platform, "paul", "pipeline").get("/explore").status_code == 403


def test_a_chart_has_one_scale_and_words_for_it() -> None:
    chart = bar_chart(
        "key", "A title", [Amount(("a",), 10, "10"), Amount(("b" * 50,), 5, "5"), Amount(("c",), None, "Not known.")]
    )
    assert chart is not None
    assert [(bar.start, bar.width) for bar in chart.bars] == [
        ("0.00%", "100.00%"),
        ("0.00%", "50.00%"),
        ("0.00%", None),
    ]
    assert chart.bars[1].label == "b" * 31 + "…"
    assert "The largest is a, 10; the smallest is" in chart.description
    assert "1 of the bars have no value" in chart.description
    bounded = bar_chart(
        "key", "A title", [Amount(("a",), None, "1 to 2", (1, 2)), Amount(("b",), None, "2 to 4", (2, 4))]
    )
    assert bounded is not None
    assert [(bar.start, bar.width) for bar in bounded.bars] == [("25.00%", "25.00%"), ("50.00%", "50.00%")]


def test_a_chart_is_drawn_only_where_there_is_something_to_set_beside_it() -> None:
    assert bar_chart("key", "A title", [Amount(("a",), 10, "10")]) is None
    assert bar_chart("key", "A title", [Amount(("a",), None, "?"), Amount(("b",), None, "?")]) is None
    zeros = bar_chart("key", "A title", [Amount(("a",), 0, "0"), Amount(("b",), 0, "0")])
    assert zeros is not None
    assert {bar.width for bar in zeros.bars} == {"0.00%"}
    many = bar_chart("key", "A title", [Amount((str(n),), n, str(n)) for n in range(100)])
    assert many is not None
    assert len(many.bars) == MOST_BARS
    assert f"the first {MOST_BARS} of 100" in many.description
