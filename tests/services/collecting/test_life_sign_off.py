"""Explaining, signing and the receipt: one named person, one content, everything in the way said at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text

from census_api.domain.kit.errors import Conflict, InvalidRequest, NotFound, Stale
from census_api.services.collecting import life
from census_api.services.collecting.explanations import explain_finding, list_explanations
from census_api.services.collecting.history import get_history
from census_api.services.collecting.receipts import get_receipt, standing_receipt
from census_api.services.collecting.return_queries import list_questions, reply_to_query
from census_api.services.collecting.sign_off import SignOffRefused, get_readiness, sign_off
from census_api.services.collecting.submissions import get_report
from census_api.services.kit.platform import Platform
from tests.factories.actors import ANALYST, EDITOR, NOW, OTHER_SIGNATORY, SIGNATORY, TEAM
from tests.factories.life import (
    BECAUSE,
    ROLE,
    YEAR,
    asking_upload,
    clean_upload,
    explain_all,
    nil_upload,
    now,
    question,
    send,
    sign,
    tree_of,
    upload_of,
    wrong_upload,
)
from tests.factories.people import add_person


def gates_of(platform: Platform, number: int) -> list[str]:
    return [gate.code for gate in get_readiness(platform, EDITOR, YEAR, "ALPHA", number).gates]


def test_an_explanation_is_kept_with_who_when_and_what_it_was_about(platform: Platform) -> None:
    send(platform, asking_upload(platform))
    (key,) = explain_all(platform)
    found = list_explanations(platform, EDITOR, YEAR, "ALPHA", 1)
    assert [
        (e.finding_key, e.value, e.reason, e.text, e.given_by, e.given_at, e.carried_from) for e in found.given
    ] == [(key, "9.5", "checked", BECAUSE, "eddie", NOW, None)]
    assert found.missing == ()


def test_an_explanation_goes_on_while_the_value_stands_even_when_the_row_moves(platform: Platform) -> None:
    send(platform, asking_upload(platform))
    (key,) = explain_all(platform)
    tree = tree_of(platform, paid_wte="9.5")
    tree["staff"].reverse()
    answer = send(platform, upload_of(tree))
    assert [entry.finding_key for entry in answer.carried.kept] == [key]
    found = list_explanations(platform, EDITOR, YEAR, "ALPHA", 2)
    assert [(entry.finding_key, entry.carried_from, entry.given_by) for entry in found.given] == [(key, 1, "eddie")]
    send(platform, asking_upload(platform))
    assert list_explanations(platform, EDITOR, YEAR, "ALPHA", 3).given[0].carried_from == 1
    assert gates_of(platform, 3) == []


def test_it_is_dropped_and_said_when_the_value_changes(platform: Platform) -> None:
    send(platform, asking_upload(platform))
    explain_all(platform)
    answer = send(platform, asking_upload(platform, "9.75"))
    assert answer.report is not None
    key = answer.report.findings[0].key
    said = {"carried": 0, "dropped": [{"finding_key": key, "reason": "value_changed"}]}
    assert answer.report.explanations == said
    assert get_report(platform, EDITOR, YEAR, "ALPHA", 2).explanations == said
    found = list_explanations(platform, EDITOR, YEAR, "ALPHA", 2)
    assert (len(found.given), len(found.missing)) == (0, 1)
    assert [(entry.explanation.text, entry.reason) for entry in found.dropped] == [(BECAUSE, "value_changed")]
    assert gates_of(platform, 2) == ["unexplained"]
    assert "dropped, because the figure changed" in get_history(platform, EDITOR, YEAR, "ALPHA").items[0].sentence


def test_only_a_query_of_the_newest_submission_can_be_explained(platform: Platform) -> None:
    wrong = send(platform, wrong_upload(platform)).report
    assert wrong is not None
    with pytest.raises(InvalidRequest, match="Correct it"):
        explain_finding(platform, EDITOR, YEAR, "ALPHA", 1, wrong.findings[0].key, reason="checked", text=BECAUSE)
    with pytest.raises(NotFound, match="no finding of that key"):
        explain_finding(platform, EDITOR, YEAR, "ALPHA", 1, "0" * 16, reason="checked", text=BECAUSE)
    asked = send(platform, asking_upload(platform)).report
    assert asked is not None
    key = asked.findings[0].key
    send(platform, asking_upload(platform))
    with pytest.raises(Conflict, match="Submission 3 has come in since"):
        explain_finding(platform, EDITOR, YEAR, "ALPHA", 2, key, reason="checked", text=BECAUSE)
    with pytest.raises(NotFound, match="no submission 9"):
        explain_finding(platform, EDITOR, YEAR, "ALPHA", 9, key, reason="checked", text=BECAUSE)


def test_what_is_signed_is_not_explained_anew(platform: Platform) -> None:
    send(platform, asking_upload(platform))
    (key,) = explain_all(platform)
    sign(platform)
    with pytest.raises(Conflict, match="signed off with its explanations"):
        explain_finding(platform, EDITOR, YEAR, "ALPHA", 1, key, reason="other", text="On second thoughts, otherwise.")


def test_a_sign_off_binds_name_role_time_and_content(platform: Platform) -> None:
    report = send(platform).report
    assert report is not None
    receipt = sign_off(platform, SIGNATORY, YEAR, "ALPHA", 1, role=f"  {ROLE} ").result
    signed = receipt.sign_off
    assert (signed.name, signed.role, signed.signed_at, signed.submission) == ("sigrid", ROLE, NOW, 1)
    assert (signed.content_sha256, signed.timing) == (report.content_sha256, "on_time")
    assert (receipt.standing, receipt.intact, receipt.state) == ("stands", True, "signed_off")
    assert get_receipt(platform, EDITOR, signed.reference.lower().replace("-", " ")) == receipt
    assert standing_receipt(platform, TEAM, YEAR, "ALPHA") == receipt


def test_everything_in_the_way_is_said_at_once_and_nothing_is_signed(platform: Platform) -> None:
    tree = tree_of(platform, paid_wte="12,5")
    tree["staff"][1]["paid_wte"] = "3.2"
    send(platform, upload_of(tree))
    send(platform, upload_of(tree))
    late = replace(platform, clock=lambda: NOW.replace(year=2025))
    with pytest.raises(SignOffRefused) as refused:
        sign_off(late, SIGNATORY, YEAR, "ALPHA", 1, role=ROLE)
    codes = [gate.code for gate in refused.value.gates]
    assert codes == ["closed", "not_newest", "errors", "unexplained"]
    for words in ("closed at the end of 13 October 2024", "Submission 2 came in from eddie", "1 error", "1 query has"):
        assert words in refused.value.message
    assert now(platform).state == "in_progress"
    assert now(platform).signed is None


def test_a_question_of_the_team_that_nobody_answered_stands_in_the_way(platform: Platform) -> None:
    send(platform)
    sign(platform)
    question(platform)
    send(platform)
    assert gates_of(platform, 2) == ["unanswered"]
    reply_to_query(
        platform, EDITOR, YEAR, "ALPHA", list_questions(platform, EDITOR, YEAR, "ALPHA")[0].id, "It is complete."
    )
    assert gates_of(platform, 2) == []


def test_another_content_than_the_one_that_was_seen_is_not_signed(platform: Platform) -> None:
    send(platform)
    with pytest.raises(Conflict, match="another content"):
        sign_off(platform, SIGNATORY, YEAR, "ALPHA", 1, role=ROLE, content_sha256="f" * 64)
    with pytest.raises(Stale, match="15 July 2024 at 13:30: Eddie sent submission 1"):
        sign_off(platform, SIGNATORY, YEAR, "ALPHA", 1, role=ROLE, expected=0)


def test_a_newer_file_leaves_the_signed_one_standing_until_it_is_signed_itself(platform: Platform) -> None:
    send(platform)
    first = sign(platform)
    send(platform, asking_upload(platform))
    found = now(platform)
    assert (found.state, found.signed, found.latest) == ("signed_off", 1, 2)
    assert get_receipt(platform, EDITOR, first).standing == "stands"
    with pytest.raises(SignOffRefused, match="no explanation"):
        sign(platform, 2)
    assert now(platform).signed == 1
    explain_all(platform, 2)
    second = sign(platform, 2)
    assert now(platform).signed == 2
    assert get_receipt(platform, EDITOR, first).standing == "replaced"
    assert get_receipt(platform, EDITOR, second).standing == "stands"


def test_a_receipt_says_when_its_sign_off_was_set_aside(platform: Platform) -> None:
    send(platform)
    reference = sign(platform)
    question(platform)
    receipt = get_receipt(platform, EDITOR, reference)
    assert (receipt.standing, receipt.state) == ("set_aside", "queried")
    with pytest.raises(NotFound, match="No sign-off stands"):
        standing_receipt(platform, EDITOR, YEAR, "ALPHA")


def test_a_receipt_finds_out_when_what_is_stored_is_not_what_was_signed(platform: Platform) -> None:
    send(platform, asking_upload(platform))
    explain_all(platform)
    reference = sign(platform)
    assert get_receipt(platform, EDITOR, reference).intact
    with create_engine(platform.database.url()).begin() as connection:
        connection.execute(text("UPDATE explanation SET text = 'Something else altogether.'"))
    assert not get_receipt(platform, EDITOR, reference).intact


def test_a_figure_changed_behind_the_platforms_back_shows_on_the_receipt(platform: Platform) -> None:
    send(platform)
    reference = sign(platform)
    with create_engine(platform.database.url()).begin() as connection:
        connection.execute(text("ALTER TABLE submission_row DISABLE TRIGGER ALL"))
        connection.execute(
            text("UPDATE submission_row SET cells = cells || '{\"paid_headcount\": 99}' WHERE sheet = 'staff'")
        )
    assert not get_receipt(platform, EDITOR, reference).intact


@pytest.mark.parametrize("reference", ["", "nonsense", "0000-0000-0000-0000", "ABCD-EFGH-JKMN-PQRS"])
def test_a_receipt_of_others_reads_like_one_that_does_not_exist(platform: Platform, reference: str) -> None:
    send(platform)
    real = sign(platform)
    with pytest.raises(NotFound) as unknown:
        get_receipt(platform, EDITOR, reference)
    for outsider in (OTHER_SIGNATORY, ANALYST):
        with pytest.raises(NotFound) as hidden:
            get_receipt(platform, outsider, real)
        assert hidden.value.message == unknown.value.message


def test_a_nil_return_is_signed_and_accepted_like_any_other(platform: Platform) -> None:
    assert send(platform, nil_upload()).submission.outcome == "clean"
    receipt = sign_off(platform, SIGNATORY, YEAR, "ALPHA", 1, role=ROLE).result
    assert receipt.nil_return
    assert life.accept_return(platform, TEAM, YEAR, "ALPHA").accepted == 1


def test_nobody_signs_twice_and_the_refusal_says_who_and_when(platform: Platform) -> None:
    send(platform)
    sign(platform)
    with pytest.raises(SignOffRefused, match=r"signed off already.*15 July 2024 at 13:30: Sigrid, Director"):
        sign(platform)


def test_the_mail_of_a_receipt_holds_the_reference_and_no_figure(platform: Platform) -> None:
    add_person(platform, "sigrid", at={"ALPHA": ["signatory"]})
    send(platform, clean_upload(platform))
    reference = sign(platform)
    with platform.database.transaction() as session:
        mails = session.execute(text("SELECT kind, recipient, facts ->> 'reference', links FROM mail")).all()
    assert [tuple(mail[:3]) for mail in mails] == [("receipt", "sigrid@example.org", reference)]
    assert mails[0].links == {"page": f"/receipts/{reference}"}
