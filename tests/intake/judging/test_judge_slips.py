"""What an employer reads after one slip: what went wrong, where, and not ten consequences of it."""

from __future__ import annotations

import copy

import pytest

from census_api.questionnaire.load import load_spec
from tests.factories.returns import FIRST, Change, Draft, both, clean_draft, counts, form, rebuilt, service, staff

SPEC = load_spec(2024)


def _every_row(sheet: str, authority: str, **cells: object) -> Change:
    def change(draft: Draft) -> None:
        for row in draft.rows(sheet):
            if row["local_authority_code"] == authority:
                row.update(cells)

    return change


def _all_unknown(draft: Draft) -> None:
    for row in draft.rows("disability"):
        total = sum(value for value in row.values() if isinstance(value, int))
        counts({"NK": total}, draft, "disability", row["role_group"])


def _nothing(draft: Draft) -> None:
    empty: dict[str, object] = {sheet.key: [] for sheet in SPEC.sheets if sheet.kind != "form"}
    draft.tree = {"census_year": 2024, "organisation": {"organisation_code": "ALPHA"}, **empty}


def _only_prefilled(draft: Draft) -> None:
    draft.tree |= {sheet.key: [] for sheet in SPEC.sheets if sheet.key not in ("organisation", "services")}


def _last_years_again(draft: Draft) -> None:
    assert draft.last_year is not None
    draft.last_year["staff"] = copy.deepcopy(draft.tree["staff"])
    draft.last_year["pay"] = copy.deepcopy(draft.tree["pay"])
    for rows in (draft.rows("staff"), draft.last_year["staff"]):
        for row in rows:
            row["opening_headcount"] = "NK"


def _new_line(draft: Draft) -> None:
    draft.rows("services").append(draft.rows("services")[0] | {"service_type": "young_people"})
    draft.rows("staff").append(draft.row("staff", "DAW") | {"service_type": "young_people"})
    draft.rebuild()


SLIPS: dict[str, tuple[Change, list[str]]] = {
    "headcount with a digit too many": (
        staff(paid_headcount=90), ["BRK-011", "BRK-011", "LYR-003", "LYR-010", "STF-023", "STF-025"],
    ),
    "headcount far too low": (staff(paid_headcount=1), ["BRK-010", "BRK-010", "STF-016", "STF-025"]),
    "headcount beyond all limits": (staff(paid_headcount=900_000), ["LYR-003", "LYR-010", "STF-009"]),
    "hours for WTE": (staff("GP", paid_wte="60"), ["LYR-004", "STF-016"]),
    "a negative number": (staff(leavers=-2), ["STF-008"]),
    "more leavers than people": (staff(leavers=30), ["STF-024"]),
    "WTE without people": (staff("VOL", unpaid_headcount=0), ["STF-021"]),
    "a misspelt role": (staff(role_code="Drug and alcohol workr"), ["STF-005"]),
    "a misspelt authority on one sheet": (service(local_authority_code="Hartlepol"), ["SRV-002"]),
    "a misspelt authority, copied down": (
        both(_every_row("services", FIRST, local_authority_code="Hartlepol"), _every_row("staff", FIRST, local_authority_code="Hartlepol")),
        ["SRV-002", *["STF-002"] * 5],
    ),
    "an authority left blank": (service(local_authority_code=None), ["SRV-001"]),
    "another sector": (form(sector="nhs"), ["REG-005"]),
    "volunteers as paid staff": (
        staff("VOL", paid_headcount=4, paid_wte="1.2", unpaid_headcount=0, unpaid_wte=0), ["STF-029"],
    ),
    "a row twice": (lambda draft: draft.rows("staff").append(dict(draft.row("staff", "DAW"))), ["STF-032"]),
    "a word for a paid headcount": (staff(paid_headcount="NK"), ["STF-011"]),
    "a blank paid headcount": (staff(paid_headcount=None), ["STF-012"]),
    "a breakdown row that adds up to less": (lambda draft: counts({"F": 15}, draft, "gender", "drug_alcohol_workers"), ["BRK-013"]),
    "a breakdown row that adds up to more": (lambda draft: counts({"F": 18, "M": 1}, draft, "gender", "drug_alcohol_workers"), ["BRK-013"]),
    "a salary too many": (lambda draft: counts({"B5": 17}, draft, "pay", "DAW"), ["BRK-010"]),
    "a role left out of pay": (lambda draft: draft.rows("pay").remove(draft.row("pay", "DAW")), ["BRK-018"]),
    "a group left out of a breakdown": (lambda draft: draft.rows("age").remove(draft.row("age", "nursing")), ["BRK-018"]),
    "a misspelt group": (lambda draft: draft.row("age", "nursing").update(role_group="Nurses"), ["BRK-002"]),
    "a group twice": (lambda draft: draft.rows("age").append(dict(draft.row("age", "nursing"))), ["BRK-007"]),
    "a blank cell in a breakdown": (lambda draft: draft.row("age", "nursing").update(NK=None), ["BRK-008"]),
    "a word in a breakdown": (lambda draft: draft.row("age", "nursing").update(NK="none"), ["BRK-003"]),
    "a negative number in a breakdown": (lambda draft: draft.row("age", "nursing").update(NK=-1), ["BRK-004"]),
    "a breakdown row of zeros": (lambda draft: counts({}, draft, "age", "nursing"), ["BRK-022"]),
    "a breakdown left out": (lambda draft: draft.rows("age").clear(), ["BRK-009"]),
    "disability not recorded": (_all_unknown, [*["BRK-014"] * 4, "BRK-021"]),
    "nil by mistake": (form(nil_return="yes"), ["FIL-024"]),
    "an empty file": (_nothing, ["FIL-023"]),
    "only what was prefilled": (_only_prefilled, ["RET-002"]),
    "no services": (lambda draft: draft.rows("services").clear(), ["RET-001"]),
    "last year's file": (_last_years_again, ["LYR-015"]),
    "a service that nobody knew of": (_new_line, ["FRM-002"]),
    "another organisation's code": (form(organisation_code="BETA"), ["REG-004"]),
    "an email left out": (form(contact_email=None), ["ORG-001"]),
}  # fmt: skip


@pytest.mark.parametrize("name", SLIPS)
def test_one_slip_is_not_ten_findings(name: str) -> None:
    change, rules = SLIPS[name]
    draft = clean_draft(SPEC)
    change(draft)
    assert sorted(finding.rule for finding in draft.judged().findings) == sorted(rules)


@pytest.mark.parametrize("name", SLIPS)
def test_every_finding_has_a_place(name: str) -> None:
    draft = clean_draft(SPEC)
    SLIPS[name][0](draft)
    for finding in draft.judged().findings:
        assert finding.pointer is not None
        assert finding.sheet in {sheet.title for sheet in SPEC.sheets}


NEAREST = {
    "Drug and alcohol workr": "DAW - ",
    "Recovery worker": "DAW - ",
    "nurse_b6 ": "",
    "Nurse band 6": "NURSE_B6 - ",
    "Servce manager": "SERV_MGR - ",
    "Volunteer": "VOL - ",
    "xxxxxx": "",
}


@pytest.mark.parametrize(("written", "offered"), NEAREST.items())
def test_the_nearest_role_is_offered(written: str, offered: str) -> None:
    draft = clean_draft(SPEC)
    staff(role_code=written)(draft)
    fixes = [finding.fix for finding in draft.findings("STF-005")]
    if offered:
        assert fixes[0].startswith("Did you mean ")
        assert offered in fixes[0]
    else:
        assert all("Did you mean" not in fix for fix in fixes)


@pytest.mark.parametrize(
    ("written", "offered"),
    [("Stockton", "E06000004 - Stockton-on-Tees"), ("Hartlepool BC", "E06000001 - Hartlepool"), ("St Helens Council", "St. Helens"),
     ("E06000100", "E06000"), ("Bristol", "Bristol"), ("Kingston", "Kingston upon Hull")],
)  # fmt: skip
def test_the_nearest_authority_is_offered(written: str, offered: str) -> None:
    draft = clean_draft(SPEC)
    service(local_authority_code=written)(draft)
    (finding,) = draft.findings("SRV-002")
    assert offered in finding.fix


def test_a_former_authority_names_its_successors() -> None:
    draft = clean_draft(SPEC)
    service(local_authority_code="Cumbria")(draft)
    (finding,) = draft.findings("SRV-003")
    assert "E06000063 - Cumberland or E06000064 - Westmorland and Furness" in finding.fix
    assert draft.findings("SRV-002") == []


def test_a_divided_authority_says_nothing_about_last_year() -> None:
    draft = clean_draft(load_spec(2023))
    assert draft.last_year is not None
    for tree, code in ((draft.tree, "E06000063"), (draft.last_year, "E10000006")):
        for row in tree["services"] + tree["staff"]:
            if row["local_authority_code"] == FIRST:
                row["local_authority_code"] = code
    draft.frame = None
    assert [finding.rule for finding in draft.judged().findings if finding.rule[:3] == "LYR"] == []


def test_a_renamed_authority_is_the_same_line_as_last_year() -> None:
    draft = clean_draft(load_spec(2025))
    assert draft.last_year is not None
    for tree, code in ((draft.tree, "E08000038"), (draft.last_year, "E08000016")):
        for row in tree["services"] + tree["staff"]:
            if row["local_authority_code"] == FIRST:
                row["local_authority_code"] = code
    draft.frame = None
    assert draft.judged().findings == []
    draft.before("DAW")["paid_headcount"] = 5
    assert [finding.rule for finding in draft.judged().findings] == ["LYR-007"]


def test_no_return_last_year_is_not_a_return_of_zeros() -> None:
    draft = clean_draft(SPEC)
    draft.last_year = None
    report = draft.judged()
    assert report.findings == []
    assert {code for code, status in report.rules_by_status.items() if status == "not_applicable"} == {
        code for code in report.rules_by_status if code.startswith("LYR")
    }


def test_a_return_that_was_right_last_time_is_not_asked_again_after_a_sort() -> None:
    draft = clean_draft(SPEC)
    both(staff("GP", paid_wte="2.1"), staff("ADMIN", vacant_wte=None))(draft)
    before = {(finding.key, finding.value) for finding in draft.judged().findings}
    draft.rows("staff").reverse()
    assert {(finding.key, finding.value) for finding in draft.judged().findings} == before


def test_keys_of_repeated_findings_differ() -> None:
    draft = clean_draft(SPEC)
    rebuilt(lambda d: d.rows("staff").extend([dict(d.row("staff", "GP")), dict(d.row("staff", "GP"))]))(draft)
    keys = [finding.key for finding in draft.judged().findings]
    assert len(keys) == len(set(keys)) >= 2
