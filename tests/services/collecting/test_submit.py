"""Sending a return in: whole or not at all, numbered in order, never twice for one key."""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from census_api.domain.collecting.submission import Submitted, Upload
from census_api.domain.kit.errors import IdempotencyMismatch, InvalidRequest, NotFound, Refused, TooLarge
from census_api.services.collecting.submissions import get_content, get_report, get_return, list_submissions
from census_api.services.collecting.submit import submit_many, submit_return
from census_api.services.kit.platform import Platform
from census_api.settings import Settings
from census_api.store.collecting import submissions
from census_api.store.kit import audit
from tests.factories.actors import ANN, EVE, NOW
from tests.factories.uploads import make_tree, make_upload
from tests.patience import PATIENCE

TABLES = ("return", "submission", "submission_original", "submission_row", "finding", "idempotency", "job")


def counts(platform: Platform) -> dict[str, int]:
    with platform.database.transaction() as session:
        return {name: session.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0 for name in TABLES}


def actions(platform: Platform) -> list[str]:
    with platform.database.transaction() as session:
        return list(session.scalars(text("SELECT action FROM audit_event WHERE action LIKE 'sub%' ORDER BY id")))


def together(*calls: Callable[[], Submitted]) -> tuple[list[Submitted], list[Exception]]:
    barrier = threading.Barrier(len(calls))
    answers: list[Submitted] = []
    problems: list[Exception] = []

    def run(call: Callable[[], Submitted]) -> None:
        barrier.wait(PATIENCE)
        try:
            answers.append(call())
        except Exception as problem:  # noqa: BLE001 - the tests say which they expect
            problems.append(problem)

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return answers, problems


def test_a_submission_is_stored_whole_with_its_report(platform: Platform) -> None:
    upload = make_upload(rows=2)
    answer = submit_return(platform, ANN, 2024, "ALPHA", upload)
    submission, report = answer.submission, answer.report
    assert report is not None
    assert (submission.number, submission.status, submission.kind, submission.received_by) == (
        1,
        "checked",
        "json",
        "ann",
    )
    assert submission.received_at == NOW
    assert submission.original_sha256 == hashlib.sha256(upload.data).hexdigest()
    assert (report.submission, report.organisation, report.collection) == (1, "ALPHA", 2024)
    assert report.spec_digest == platform.spec(2024).digest
    assert report.rows_read["Staff"] == 2
    assert get_report(platform, ANN, 2024, "ALPHA", 1) == report
    content = get_content(platform, ANN, 2024, "ALPHA", 1)
    assert content.sha256() == report.content_sha256 == submission.content_sha256
    assert content.as_json() == make_tree(rows=2)
    assert get_return(platform, ANN, 2024, "ALPHA").state == "in_progress"
    assert actions(platform) == ["submission.checked"]


def test_the_audit_event_says_who_what_and_which_content(platform: Platform) -> None:
    answer = submit_return(platform, ANN, 2024, "ALPHA", make_upload())
    with platform.database.transaction() as session:
        event = session.execute(
            text("SELECT actor, address, after_hash, subject FROM audit_event WHERE action = 'submission.checked'")
        ).one()
    assert tuple(event) == ("ann", "127.0.0.1", answer.submission.content_sha256, "submission 1 of ALPHA for 2024")


def test_an_unknown_organisation_or_year_stores_nothing(platform: Platform) -> None:
    with pytest.raises(NotFound, match="no organisation 'NOBODY'"):
        submit_return(platform, ANN, 2024, "NOBODY", make_upload("NOBODY"))
    with pytest.raises(NotFound, match="1999"):
        submit_return(platform, ANN, 1999, "ALPHA", make_upload())
    with pytest.raises(NotFound):
        submit_return(platform, EVE, 2024, "ALPHA", make_upload())
    assert not any(counts(platform).values())


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"{", b'{"census_year": 2024', b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_what_is_no_return_is_refused_with_an_event_and_no_number(platform: Platform, data: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        submit_return(platform, ANN, 2024, "ALPHA", Upload(data, "x.xlsx"))
    assert not any(counts(platform).values())
    with platform.database.transaction() as session:
        event = session.execute(
            text("SELECT detail, after_hash FROM audit_event WHERE action = 'submission.refused'")
        ).one()
    assert event.detail == {"reason": refusal.value.reason, "size": len(data)}
    assert event.after_hash == hashlib.sha256(data).hexdigest()
    assert submit_return(platform, ANN, 2024, "ALPHA", make_upload()).submission.number == 1


def test_too_many_bytes_are_not_even_looked_at(platform: Platform) -> None:
    small = replace(platform, settings=Settings(max_upload_bytes=1000))
    with pytest.raises(TooLarge, match="1,001 bytes"):
        submit_return(small, ANN, 2024, "ALPHA", Upload(b"x" * 1001))


def test_two_at_once_for_one_organisation_are_both_kept_and_numbered(platform: Platform) -> None:
    answers, problems = together(
        lambda: submit_return(platform, ANN, 2024, "ALPHA", make_upload(headcount=10)),
        lambda: submit_return(platform, ANN, 2024, "ALPHA", make_upload(headcount=11)),
        lambda: submit_return(platform, ANN, 2024, "ALPHA", make_upload(headcount=12)),
    )
    assert problems == []
    assert sorted(answer.submission.number or 0 for answer in answers) == [1, 2, 3]
    assert counts(platform)["return"] == 1
    for answer in answers:
        stored = get_content(platform, ANN, 2024, "ALPHA", answer.submission.number or 0)
        assert stored.sha256() == answer.submission.content_sha256


def test_the_same_key_and_body_give_the_first_answer(platform: Platform) -> None:
    first = submit_return(platform, ANN, 2024, "ALPHA", make_upload(key="k1"))
    again = submit_return(platform, ANN, 2024, "ALPHA", make_upload(key="k1"))
    assert again == replace(first, replayed=True)
    assert counts(platform)["submission"] == 1
    assert submit_return(platform, ANN, 2024, "ALPHA", make_upload(key="k2")).submission.number == 2


def test_the_same_key_with_another_body_is_refused(platform: Platform) -> None:
    submit_return(platform, ANN, 2024, "ALPHA", make_upload(key="k1"))
    with pytest.raises(IdempotencyMismatch, match="another file"):
        submit_return(platform, ANN, 2024, "ALPHA", make_upload(key="k1", headcount=11))
    assert counts(platform)["submission"] == 1


def test_a_key_is_the_organisations_own(platform: Platform) -> None:
    submit_return(platform, ANN, 2024, "ALPHA", make_upload(key="k1"))
    assert submit_return(platform, ANN, 2024, "BETA", make_upload("BETA", key="k1")).submission.number == 1
    assert submit_return(platform, ANN, 2023, "ALPHA", make_upload(key="k1", year=2023)).submission.number == 1


@pytest.mark.parametrize("key", ["", "a\nb", "k" * 201, "schlüssel"])
def test_a_key_that_is_none_is_named(platform: Platform, key: str) -> None:
    with pytest.raises(InvalidRequest, match="Idempotency-Key"):
        submit_return(platform, ANN, 2024, "ALPHA", make_upload(key=key))


def test_one_key_used_at_once_makes_one_submission(platform: Platform) -> None:
    for round_ in range(5):
        upload = make_upload(key=str(uuid.uuid4()), headcount=10 + round_)
        answers, problems = together(*[lambda u=upload: submit_return(platform, ANN, 2024, "ALPHA", u)] * 4)
        assert problems == []
        assert {answer.submission.number for answer in answers} == {round_ + 1}
        assert sorted(answer.replayed for answer in answers) == [False, True, True, True]
    assert counts(platform)["submission"] == counts(platform)["idempotency"] == 5


def test_one_key_used_at_once_with_two_bodies_stores_one_of_them(platform: Platform) -> None:
    answers, problems = together(
        lambda: submit_return(platform, ANN, 2024, "ALPHA", make_upload(key="k", headcount=1)),
        lambda: submit_return(platform, ANN, 2024, "ALPHA", make_upload(key="k", headcount=2)),
    )
    assert len(answers) == 1
    assert [type(problem).__mro__[:-1].count(IdempotencyMismatch) for problem in problems] == [1]
    assert counts(platform)["submission"] == 1


@pytest.mark.parametrize(
    ("module", "step"),
    [(submissions, "add_submission"), (submissions, "claim_key"), (submissions, "add_content"), (submissions, "add_findings"),
     (submissions, "seal_checked"), (audit, "record")],
)  # fmt: skip
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_fault_at_any_step_leaves_nothing(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, module: object, step: str, moment: str
) -> None:
    real = getattr(module, step)

    def failing(*args: object, **named: object) -> None:
        if moment == "after":
            real(*args, **named)
        raise RuntimeError("the power went out")

    with monkeypatch.context() as patch:
        patch.setattr(module, step, failing)
        with pytest.raises(RuntimeError):
            submit_return(platform, ANN, 2024, "ALPHA", make_upload(key="k"))
    assert not any(counts(platform).values())
    assert actions(platform) == []
    assert submit_return(platform, ANN, 2024, "ALPHA", make_upload(key="k")).submission.number == 1


def test_last_years_return_is_held_against_this_years(platform: Platform) -> None:
    without = submit_return(platform, ANN, 2024, "ALPHA", make_upload()).report
    submit_return(platform, ANN, 2023, "ALPHA", make_upload(year=2023, headcount=900))
    given = submit_return(platform, ANN, 2024, "ALPHA", make_upload()).report
    assert without is not None
    assert given is not None
    of_last_year = [rule.code for rule in platform.spec(2024).rules if rule.on.startswith("last_year")]
    assert of_last_year
    assert {without.rules_by_status[code] for code in of_last_year} == {"not_applicable"}
    assert {given.rules_by_status[code] for code in of_last_year} == {"ran"}
    assert {found.rule for found in given.findings} & set(of_last_year)


def test_many_are_judged_side_by_side_and_answered_in_order(platform: Platform) -> None:
    uploads = [("ALPHA" if index % 2 else "BETA", make_upload(headcount=index)) for index in range(9)]
    answers = list(submit_many(platform, ANN, 2024, uploads))
    assert [answer.submission.organisation for answer in answers] == [code for code, _ in uploads]
    assert [entry.number for entry in list_submissions(platform, ANN, 2024, "BETA").items] == [5, 4, 3, 2, 1]


def test_of_many_the_first_refusal_is_raised_and_the_earlier_stay(platform: Platform) -> None:
    uploads = [("ALPHA", make_upload()), ("BETA", Upload(b"junk")), ("BETA", make_upload("BETA"))]
    answers = submit_many(platform, ANN, 2024, iter(uploads))
    assert next(answers).submission.number == 1
    with pytest.raises(Refused):
        next(answers)
    assert get_return(platform, ANN, 2024, "ALPHA").latest is not None


def test_file_names_are_shown_and_nothing_else(platform: Platform) -> None:
    data = json.dumps(make_tree()).encode()
    for name, shown in [("../../etc/passwd", "passwd"), ("a\r\nb\x00.xlsx", "ab.xlsx"), ("C:\\x\\r.xlsx", "r.xlsx")]:
        assert submit_return(platform, ANN, 2024, "ALPHA", Upload(data, name)).submission.file_name == shown
