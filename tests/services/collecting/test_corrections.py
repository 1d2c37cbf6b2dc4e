"""A value corrected where its finding is: a new submission that differs in that one cell and in nothing else."""

from __future__ import annotations

import io

import pytest
from openpyxl import load_workbook

from census_api.domain.collecting.findings import Finding
from census_api.domain.collecting.submission import Upload
from census_api.domain.kit.errors import Conflict, Forbidden, InvalidRequest, NotFound
from census_api.questionnaire.templates.workbook import build_template
from census_api.services.collecting.corrections import correct_cell, file_is_sound, place_of
from census_api.services.collecting.diffs import compare_submissions
from census_api.services.collecting.explanations import list_explanations
from census_api.services.collecting.submissions import (
    get_finding,
    get_report,
    get_submission,
    group_findings,
    list_findings,
)
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from tests.factories.actors import ANALYST, EDITOR, OTHER_EDITOR
from tests.factories.filling_in import fill_in
from tests.factories.life import YEAR, asking_upload, explain_all, send, tree_of, upload_of, wrong_upload

AT = (YEAR, "ALPHA")


def error_of(platform: Platform, number: int = 1) -> Finding:
    return list_findings(platform, EDITOR, *AT, number, severity="error").items[0]


def as_workbook(platform: Platform, tree: dict[str, object]) -> Upload:
    return Upload(fill_in(build_template(platform.spec(YEAR)), platform.spec(YEAR), tree), "return.xlsx", None)


def test_one_cell_is_changed_and_the_answer_is_a_new_submission(platform: Platform) -> None:
    send(platform, wrong_upload(platform))
    answer = correct_cell(platform, EDITOR, *AT, 1, error_of(platform).key, " 8.4 ")
    assert answer.submission.number == 2
    assert answer.report is not None
    assert answer.report.outcome == "clean"
    changes = compare_submissions(platform, EDITOR, *AT, 2, 1).changes.items
    assert [(change.column, change.before, change.after) for change in changes] == [("paid_wte", "12,5", "8.4")]
    assert get_submission(platform, EDITOR, *AT, 1).outcome == "errors"
    assert get_submission(platform, EDITOR, *AT, 2).file_name == "submission 1 with Paid WTE corrected.json"


def test_a_workbook_is_corrected_at_the_row_of_the_cell(platform: Platform) -> None:
    tree = tree_of(platform)
    tree["staff"][3]["paid_wte"] = "1,6"
    submit_return(platform, EDITOR, *AT, as_workbook(platform, tree))
    finding = error_of(platform)
    assert finding.cell == "E5"
    correct_cell(platform, EDITOR, *AT, 1, finding.key, "1.6")
    changes = compare_submissions(platform, EDITOR, *AT, 2, 1).changes.items
    assert [(change.row, change.after) for change in changes] == [("E06000001|adult_community|ADMIN", "1.6")]
    assert get_report(platform, EDITOR, *AT, 2).outcome == "clean"


def test_rows_that_a_json_return_leaves_blank_do_not_shift_the_cell(platform: Platform) -> None:
    tree = tree_of(platform)
    tree["staff"].insert(0, {})
    tree["staff"][2]["paid_wte"] = "2,7"
    send(platform, upload_of(tree))
    finding = error_of(platform)
    assert finding.pointer == "/staff/2/paid_wte"
    correct_cell(platform, EDITOR, *AT, 1, finding.key, "2.7")
    assert [change.row for change in compare_submissions(platform, EDITOR, *AT, 2, 1).changes.items] == [
        "E06000001|adult_community|NURSE_B6"
    ]


def test_an_answer_of_the_form_and_a_code(platform: Platform) -> None:
    tree = tree_of(platform, role_code="DAWW")
    tree["organisation"]["contact_email"] = "nobody"
    send(platform, upload_of(tree))
    form, code = (
        next(entry for entry in get_report(platform, EDITOR, *AT, 1).findings if entry.column == column)
        for column in ("contact_email", "role_code")
    )
    correct_cell(platform, EDITOR, *AT, 1, form.key, "hr@example.org")
    correct_cell(platform, EDITOR, *AT, 2, code.key, "daw")
    assert get_report(platform, EDITOR, *AT, 3).outcome == "clean"


def test_explanations_go_on_while_the_value_stands(platform: Platform) -> None:
    tree = tree_of(platform, paid_wte="9.5")
    tree["staff"][5]["paid_wte"] = "6,5"
    send(platform, upload_of(tree))
    explain_all(platform)
    correct_cell(platform, EDITOR, *AT, 1, error_of(platform).key, "6.5")
    explained = list_explanations(platform, EDITOR, *AT, 2)
    assert [entry.carried_from for entry in explained.given] == [1]
    assert explained.missing == ()


@pytest.mark.parametrize(
    ("typed", "says"),
    [("", "Type the value"), ("12,5", "for example 12.5"), ("twelve", "for example 12.5"), ("REFUSED", "a number"),
     ("1" * 400, "a number"), ("=1+1", "a number"), ("\x00", "a number")],
)  # fmt: skip
def test_a_value_that_cannot_stand_there_changes_nothing(platform: Platform, typed: str, says: str) -> None:
    send(platform, wrong_upload(platform))
    with pytest.raises(InvalidRequest, match=says):
        correct_cell(platform, EDITOR, *AT, 1, error_of(platform).key, typed)
    with pytest.raises(NotFound):
        get_submission(platform, EDITOR, *AT, 2)


def test_only_the_newest_submission_is_corrected(platform: Platform) -> None:
    send(platform, wrong_upload(platform))
    key = error_of(platform).key
    send(platform, asking_upload(platform))
    with pytest.raises(Conflict, match="Submission 2 has come in since"):
        correct_cell(platform, EDITOR, *AT, 1, key, "8.4")


def test_who_may_not_send_may_not_correct(platform: Platform) -> None:
    send(platform, wrong_upload(platform))
    key = error_of(platform).key
    with pytest.raises(NotFound):
        correct_cell(platform, OTHER_EDITOR, *AT, 1, key, "8.4")
    with pytest.raises((Forbidden, NotFound)):
        correct_cell(platform, ANALYST, *AT, 1, key, "8.4")


def test_what_is_wrong_with_the_file_itself_is_never_washed_away(platform: Platform) -> None:
    """The answers alone do not say that a sheet was unknown: sent again without it, nobody would be told."""
    spec = platform.spec(YEAR)
    tree = tree_of(platform, paid_wte="12,5")
    book = load_workbook(io.BytesIO(as_workbook(platform, tree).data))
    book["Staff"]["E3"] = "=1+1"
    stream = io.BytesIO()
    book.save(stream)
    submit_return(platform, EDITOR, *AT, Upload(stream.getvalue(), "return.xlsx", None))
    assert not file_is_sound(spec, group_findings(platform, EDITOR, *AT, 1))
    wrong = next(entry for entry in get_report(platform, EDITOR, *AT, 1).findings if entry.value == "12,5")
    with pytest.raises(InvalidRequest, match="Correct it in your file"):
        correct_cell(platform, EDITOR, *AT, 1, wrong.key, "8.4")


def test_a_finding_about_more_than_one_cell_has_no_place(platform: Platform) -> None:
    tree = tree_of(platform)
    del tree["pay"]
    send(platform, upload_of(tree))
    spec = platform.spec(YEAR)
    findings = get_report(platform, EDITOR, *AT, 1).findings
    whole = [finding for finding in findings if (finding.pointer or "").count("/") < 2]
    assert whole
    assert [place_of(spec, finding) for finding in whole] == [None] * len(whole)
    with pytest.raises(InvalidRequest, match="not about one cell"):
        correct_cell(platform, EDITOR, *AT, 1, whole[0].key, "1")


def test_groups_count_every_finding_once(platform: Platform) -> None:
    tree = tree_of(platform, paid_wte="12,5", leavers=-1)
    tree["staff"][1]["paid_wte"] = "x"
    send(platform, upload_of(tree))
    report = get_report(platform, EDITOR, *AT, 1)
    groups = group_findings(platform, EDITOR, *AT, 1)
    assert sum(group.count for group in groups) == len(report.findings)
    assert groups[0].rule == report.findings[0].rule
    assert get_finding(platform, EDITOR, *AT, 1, report.findings[0].key) == report.findings[0]
    with pytest.raises(NotFound):
        get_finding(platform, EDITOR, *AT, 1, "0" * 16)


def test_the_same_return_as_workbook_and_as_corrected_json_has_the_same_content(platform: Platform) -> None:
    tree = tree_of(platform)
    send(platform, wrong_upload(platform))
    corrected = correct_cell(platform, EDITOR, *AT, 1, error_of(platform).key, str(tree["staff"][0]["paid_wte"]))
    sent = submit_return(platform, EDITOR, *AT, as_workbook(platform, tree))
    assert corrected.submission.content_sha256 == sent.submission.content_sha256
