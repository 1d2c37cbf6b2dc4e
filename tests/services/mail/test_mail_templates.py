"""The words of mail: plain, kind, short, with one link and one thing to do, and nothing of what is in a return."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from string import Template

import pytest

from census_api.domain.mail import FACTS, MAIL_KINDS, Letter, Mail, MailKind
from census_api.services.mail.writing import TEMPLATES, in_words

FILES = sorted(TEMPLATES.iterdir())
NOW = dt.datetime(2025, 9, 1, 9, tzinfo=dt.UTC)
ADDRESS = "https://census.example"
VALID = {"expires": "7 days", "closes": "30 September 2025", "days_left": "7", "reference": "WC25-ABCD-1234"}

MAY_BE_FILLED_IN = {
    "greeting", "organisation", "for_organisation", "year", "link", "closes", "deadline", "expires", "reference"
}  # fmt: skip
OF_MACHINES_AND_OFFICES = re.compile(
    r"\b(api|json|token|id|uuid|csv|xlsx|database|server|system|error|errors|invalid|fail(ed|ure)?|validation|submission|"
    r"finding|findings|payload|user|log ?in|credentials?|kindly|please note|hereby|pursuant|failure to|must|urgent|"
    r"immediately|warning|click here|dear sir|non-compliance|overdue|penalt(y|ies))\b",
    re.IGNORECASE,
)


def make_mail(kind: MailKind, **facts: str) -> Mail:
    given = {name: VALID[name] for name in FACTS[kind]} | {"name": "Ann Example", "organisation": "Alpha Recovery"}
    return Mail(
        id=uuid.UUID(int=1), kind=kind, state="waiting", to="ann@example.org", organisation="ALPHA", collection=2025,
        links={"return": "/collections/2025/returns/ALPHA"}, facts=given | facts, created_at=NOW, next_try=NOW,
        give_up_at=NOW, attempts=0, sent_at=None, problem=None,
    )  # fmt: skip


def letters() -> dict[str, Letter]:
    found: dict[str, Letter] = {kind: in_words(make_mail(kind), ADDRESS) for kind in MAIL_KINDS}
    return {**found, "reminder_late": in_words(make_mail("reminder", days_left="-1"), ADDRESS)}


def test_every_kind_has_words_and_there_are_no_others() -> None:
    assert {file.name for file in FILES} == {f"{kind}.txt" for kind in (*MAIL_KINDS, "reminder_late")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_template_is_filled_with_names_dates_and_one_link_only(file: object) -> None:
    text = TEMPLATES.joinpath(str(file)).read_text("utf-8")
    names = Template(text).get_identifiers()
    assert set(names) <= MAY_BE_FILLED_IN
    assert Template(text).is_valid()
    assert text.count("$link") == 1
    assert "\n\n$link\n\n" in text
    # all figures in a mail are dates, years, days and references that were filled in
    assert not re.search(r"\d", text)
    assert not re.search(r"https?:|www\.|@", text)
    assert text.isprintable() or set(text) - set("\n") == {sign for sign in text if sign.isprintable()}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_tone_is_plain(file: object) -> None:
    text = TEMPLATES.joinpath(str(file)).read_text("utf-8")
    subject, greeting, *paragraphs = text.strip().split("\n\n")
    assert re.fullmatch(r"Subject: .{10,70}", subject)
    assert greeting == "$greeting"
    assert paragraphs[-1] == "The census team"
    assert not OF_MACHINES_AND_OFFICES.findall(text)
    assert "!" not in text
    assert not re.search(r"\b[A-Z]{3,}\b", text)
    assert len(text.split()) <= 120
    sentences = re.split(r"[.?:](?:\s|$)", " ".join(paragraphs))
    assert max(len(sentence.split()) for sentence in sentences) <= 25


@pytest.mark.parametrize("kind", [*MAIL_KINDS, "reminder_late"])
def test_a_letter_is_whole(kind: str) -> None:
    letter = letters()[kind]
    assert letter.to == "ann@example.org"
    assert letter.body.startswith("Dear Ann Example,\n\n")
    assert "$" not in letter.subject + letter.body
    assert "\n" not in letter.subject
    assert len(letter.subject) <= 78
    assert letter.body.count("https://") == 1
    assert f"\n\n{ADDRESS}/collections/2025/returns/ALPHA\n\n" in letter.body
    assert "  " not in letter.body
    assert "\n\n\n" not in letter.body


def test_reminders_say_when_in_words() -> None:
    def subject(days: int) -> str:
        return in_words(make_mail("reminder", days_left=str(days)), ADDRESS).subject

    assert subject(7) == "The workforce census 2025 closes in 7 days"
    assert subject(1) == "The workforce census 2025 closes tomorrow"
    assert subject(0) == "The workforce census 2025 closes today"
    assert subject(-1) == "The workforce census 2025: your return is still welcome"


def test_a_length_of_time_and_a_date_are_both_words() -> None:
    assert "runs out in 7 days." in in_words(make_mail("invite"), ADDRESS).body
    dated = in_words(make_mail("invite", expires="1 October 2025 at 09:00"), ADDRESS)
    assert "runs out on 1 October 2025 at 09:00." in dated.body


def test_without_a_name_and_an_organisation_it_still_reads_well() -> None:
    letter = in_words(make_mail("invite", name="", organisation=""), ADDRESS)
    assert letter.body.startswith(
        "Hello,\n\nYou are invited to the workforce census of drug and alcohol treatment and "
    )
    assert "recovery services.\n" in letter.body


def test_a_name_cannot_say_anything_of_its_own() -> None:
    letter = in_words(make_mail("query", name="$reference ${link}", organisation="$year"), ADDRESS)
    assert letter.body.startswith("Dear $reference ${link},")
    assert "return of $year to" in letter.body


def test_a_link_leads_to_this_platform_or_nowhere() -> None:
    mail = make_mail("query")
    foreign = {"return": "https://census.example.evil.example/x"}
    with pytest.raises(ValueError, match="another place"):
        in_words(
            Mail(**{name: getattr(mail, name) for name in mail.__dataclass_fields__} | {"links": foreign}), ADDRESS
        )
    hidden = in_words(make_mail("invite"), ADDRESS, hide_link=True)
    assert "https://" not in hidden.body
    assert "for the recipient alone" in hidden.body
