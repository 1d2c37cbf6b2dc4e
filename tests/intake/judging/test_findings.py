"""From a failing row to what a person reads: place, value, words."""

from __future__ import annotations

import re

import pytest

from census_api.domain.collecting.findings import Finding
from census_api.intake.judging.findings import find_nearest
from census_api.intake.judging.judge import Context, judge_return
from census_api.intake.reading.tables import MAX_SHOWN
from census_api.questionnaire.load import load_library, load_spec
from tests.factories.returns import Draft, clean_draft, clean_tree, form, service, staff
from tests.rules.small_workbooks import small_workbook

SPEC = load_spec(2024)


def only(draft: Draft) -> Finding:
    (finding,) = draft.judged().findings
    return finding


def of_workbook(**cells: object) -> Finding:
    tree = clean_tree(SPEC)
    tree["staff"][1] |= cells
    (finding,) = judge_return(small_workbook(SPEC, tree).data(), 2024, Context()).report.findings
    return finding


def test_a_finding_about_a_cell_says_everything() -> None:
    finding = of_workbook(paid_wte="12,5")
    assert (finding.rule, finding.severity) == ("STF-007", "error")
    assert (finding.sheet, finding.cell, finding.pointer, finding.column) == (
        "Staff",
        "E3",
        "/staff/1/paid_wte",
        "paid_wte",
    )
    assert finding.value == "12,5"
    assert finding.message == "Paid WTE is 12,5, which is not a number."
    assert finding.fix == "Type the number, with a full stop for the decimal point."


def test_in_json_the_same_finding_has_a_pointer_and_no_cell() -> None:
    draft = clean_draft(SPEC)
    staff("NURSE_B6", paid_wte="12,5")(draft)
    finding, other = only(draft), of_workbook(paid_wte="12,5")
    assert finding.cell is None
    assert (finding.key, finding.pointer, finding.message) == (other.key, other.pointer, other.message)


def test_states_that_are_allowed_are_offered() -> None:
    assert "Here you may also write NK (not known) or REFUSED (refused)." in of_workbook(starters="?").expected
    assert "Only a number can be given here." in of_workbook(paid_headcount="?").expected


def test_the_maximum_and_the_factor_come_from_the_spec() -> None:
    assert of_workbook(transfers_in=20_001).expected == "At most 20000."
    draft = clean_draft(SPEC)
    staff("GP", paid_wte="2.5")(draft)
    assert "more than 1.2 for each person" in next(f.message for f in draft.judged().findings if f.rule == "STF-016")


def test_a_long_text_is_cut_where_it_is_shown() -> None:
    finding = of_workbook(role_code="x" * 5_000)
    assert len(finding.value or "") == MAX_SHOWN
    assert (finding.value or "").endswith("…")
    assert len(finding.message) < 200


def test_braces_and_formulas_in_a_text_are_just_text() -> None:
    for text in ("{value}", "{0}", "{", "%s", "=cmd()", "<b>"):
        assert text in of_workbook(paid_wte=text).message


def test_codes_are_shown_with_their_labels_and_kept_as_codes() -> None:
    draft = clean_draft(SPEC)
    staff(role_code="commissioner / commissioning manager")(draft)
    finding = next(finding for finding in draft.judged().findings if finding.rule == "STF-031")
    assert finding.value == "COMM"
    assert finding.message.startswith("COMM - Commissioner / commissioning manager is not a role")


def test_a_repeated_row_names_the_first() -> None:
    draft = clean_draft(SPEC)
    draft.rows("services").append(dict(draft.rows("services")[1]))
    assert "already in /services/1" in draft.findings("SRV-008")[0].message
    book = small_workbook(SPEC, draft.tree)
    found = judge_return(book.data(), 2024, Context()).report.findings
    assert "already in row 3" in next(finding for finding in found if finding.rule == "SRV-008").message


def test_the_value_of_a_sum_is_the_sum() -> None:
    draft = clean_draft(SPEC)
    draft.row("age", "nursing")["20_29"] += 7
    finding = only(draft)
    assert (finding.rule, finding.value) == ("BRK-013", "10")


def test_findings_stand_in_the_order_of_the_file() -> None:
    draft = clean_draft(SPEC)
    staff("GP", paid_wte="many")(draft)
    staff(starters="x", leavers="y")(draft)
    service(1, note="Mrs Green")(draft)
    form(contact_email="x")(draft)
    draft.row("age", "nursing")["NK"] = "?"
    pointers = [finding.pointer for finding in draft.judged().findings]
    assert pointers == [
        "/organisation/contact_email", "/services/1/note", "/staff/0/starters", "/staff/0/leavers", "/staff/2/paid_wte",
        "/age/1/NK",
    ]  # fmt: skip


@pytest.mark.parametrize("code_list", ["roles", "local_authorities", "sectors", "service_types", "role_groups"])
def test_every_code_with_a_slip_is_offered_again(code_list: str) -> None:
    codes = SPEC.code_lists[code_list].codes
    right = 0
    for code in codes:
        label = code.label
        slip = label[: len(label) // 2] + label[len(label) // 2 + 1 :]
        right += f"{code.code} - " in find_nearest(SPEC, code_list, slip)
    assert right >= 0.9 * len(codes)


def test_nothing_is_offered_for_nonsense_and_it_takes_no_time() -> None:
    assert find_nearest(SPEC, "roles", "qqqqqqqqqqqq") == ""
    assert find_nearest(SPEC, "roles", "x" * 100_000) == ""


@pytest.mark.parametrize("year", load_library().years)
def test_no_text_of_a_finding_has_a_hole(year: int) -> None:
    """A return with as much wrong as possible: every placeholder is filled."""
    draft = clean_draft(load_spec(year))
    for row in draft.rows("staff"):
        row |= {"paid_wte": "900000", "leavers": 99, "role_code": row["role_code"] + "?", "vacant_wte": None}
    draft.rows("services")[0] |= {"service_type": "lero", "commissioning_route": "commissioning_team"}
    for finding in draft.judged().findings:
        text = finding.message + finding.expected + finding.fix
        assert not re.search(r"[{}]|not given|None|nan", text), text
