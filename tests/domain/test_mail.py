"""What may be said in a mail, and to whom: nothing that could break out of a header, no figure, no foreign link."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.mail import (
    FACTS,
    MAIL_KINDS,
    checked_address,
    checked_days_left,
    checked_facts,
    checked_links,
    days_between,
    once_key,
    plain_name,
)

DAY = dt.date(2025, 9, 30)
VALID = {"expires": "7 days", "closes": "30 September 2025", "days_left": "7", "reference": "WC25-ABCD-1234"}


@pytest.mark.parametrize("address", ["a@b.org", "first.last+tag@sub.example.nhs.uk", "o'brien@example.org"])
def test_plain_addresses_are_taken(address: str) -> None:
    assert checked_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "", "a", "a@", "@b.org", "a@b", "a b@c.org", "a@b.org,c@d.org", "a@b.org\r\nBcc: c@d.org", "a@b.org\n",
        '"a b"@c.org', "Ann <a@b.org>", "a@b..org", ".a@b.org", "a@-b.org", "ä@b.org", "a@b.org\x00", "x" * 65 + "@b.org",
        "a@" + "b" * 250 + ".org", "a@[127.0.0.1]", "a@b.org;c@d.org",
    ],
)  # fmt: skip
def test_anything_else_is_refused(address: str) -> None:
    with pytest.raises(InvalidRequest):
        checked_address(address)


@given(st.text() | st.from_regex(r"[a-z]{1,9}@[a-z]{1,9}\.[a-z]{2,3}[\r\n,; <>]?.{0,5}", fullmatch=True))
def test_no_address_can_break_out_of_a_header(text: str) -> None:
    try:
        address = checked_address(text)
    except InvalidRequest:
        return
    assert address.isascii()
    assert not set(address) & set('\r\n\t ,;:<>()[]\\"\x00')
    assert address.count("@") == 1


@given(st.text() | st.text(alphabet="a./ ('&é", max_size=140))
@example("//")
@example("a./b/")
def test_a_name_is_one_short_line_without_anything_to_click(text: str) -> None:
    name = plain_name(text)
    assert len(name) <= 120
    assert name == " ".join(name.split())
    assert not set(name) & set('<>[]{}|\\^`":@#*_=$%?!;~\r\n\t')
    assert "//" not in name
    assert plain_name(name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Alpha Recovery", "Alpha Recovery"),
        ("St. Mary's & Co. (North/South)", "St. Mary's & Co. (North/South)"),
        ("Übergang e.V.", "Übergang e V."),
        ("win at http://evil.example/x", "win at http evil example/x"),
        ("Click www.evil.example now", "Click www evil example now"),
        ("[Click](https://evil.example)", "Click (https evil example)"),
        ("Ann\r\nBcc: eve@evil.example", "Ann Bcc eve evil example"),
        ("$link", "link"),
        ("a\u202eb\u200bc", "a b c"),
    ],
)
def test_names_keep_their_letters_and_lose_their_tricks(text: str, name: str) -> None:
    assert plain_name(text) == name


@pytest.mark.parametrize(
    "link", ["/collections/2025/returns/ALPHA", "https://census.example/x?a=1", "http://127.0.0.1:8000/x"]
)
def test_links_are_paths_or_web_addresses(link: str) -> None:
    assert checked_links("query", {"return": link}) == {"return": link}


@pytest.mark.parametrize(
    "link",
    [
        "",
        "x",
        "//evil.example/x",
        "javascript:alert(1)",
        "ftp://x/",
        "/a b",
        "/a\nb",
        "/a\r\nBcc: x",
        "/<b>",
        "/" + "a" * 700,
        '/"',
    ],
)
def test_other_links_are_refused(link: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        checked_links("query", {"return": link})


@pytest.mark.parametrize("links", [{}, {"a": "/a", "b": "/b"}])
def test_a_mail_has_exactly_one_link(links: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        checked_links("query", links)


@pytest.mark.parametrize("kind", MAIL_KINDS)
def test_only_the_facts_of_the_kind_get_in(kind: str) -> None:
    known = next(entry for entry in MAIL_KINDS if entry == kind)
    facts = {name: VALID[name] for name in FACTS[known]}
    assert checked_facts(known, facts) == facts
    assert checked_facts(known, {**facts, "name": "Ann"})["name"] == "Ann"
    for extra in ("finding", "value", "wte", "headcount", "message", "text", "reason"):
        with pytest.raises(ValueError, match="has the facts"):
            checked_facts(known, {**facts, extra: "12"})
    for name in facts:
        with pytest.raises(ValueError, match="has the facts"):
            checked_facts(known, {other: value for other, value in facts.items() if other != name})


@pytest.mark.parametrize("name", sorted(VALID))
@pytest.mark.parametrize(
    "value", ["12.5 WTE", "Staff E17: 12,5", "paid_wte is above paid_headcount", "1\n2", "", "£32,000"]
)
def test_no_figure_and_no_finding_has_the_shape_of_a_fact(name: str, value: str) -> None:
    kind = next(entry for entry in MAIL_KINDS if name in FACTS[entry])
    facts = {entry: VALID[entry] for entry in FACTS[kind]} | {name: value}
    with pytest.raises(ValueError, match="another shape"):
        checked_facts(kind, facts)


def test_mails_of_one_event_are_one_mail() -> None:
    first = once_key("query", "Ann@b.org", "ALPHA", 2025, "q1", DAY)
    assert once_key("query", "ann@b.org", "ALPHA", 2025, "q1", DAY + dt.timedelta(1)) == first
    others = {
        once_key("query", "ann@b.org", "ALPHA", 2025, "q2", DAY),
        once_key("query", "ann@b.org", "BETA", 2025, "q1", DAY),
        once_key("query", "ann@b.org", "ALPHA", 2024, "q1", DAY),
        once_key("reply", "ann@b.org", "ALPHA", 2025, "q1", DAY),
        once_key("query", "bob@b.org", "ALPHA", 2025, "q1", DAY),
    }
    assert len(others) == 5
    assert first not in others


def test_without_an_event_a_day_is_the_measure() -> None:
    today = once_key("reminder", "a@b.org", "ALPHA", 2025, None, DAY)
    assert once_key("reminder", "a@b.org", "ALPHA", 2025, None, DAY) == today
    assert once_key("reminder", "a@b.org", "ALPHA", 2025, None, DAY + dt.timedelta(1)) != today


def test_the_days_of_reminders_fall_and_are_bounded() -> None:
    assert checked_days_left([-1, 14, 0]) == (14, 0, -1)
    for wrong in ([1, 1], [121], [-61], list(range(21))):
        with pytest.raises(InvalidRequest):
            checked_days_left(wrong)


def test_days_left_count_from_the_last_day() -> None:
    assert [days_between(DAY + dt.timedelta(n), DAY) for n in (-7, 0, 1)] == [7, 0, -1]
