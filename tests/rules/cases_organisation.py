"""Cases of the rules about the Organisation and Services sheets."""

from __future__ import annotations

from tests.factories.returns import Case, Draft, fails, form, passes, service, service_row, unchanged


def _organisation() -> list[Case]:
    cases = [
        fails("ORG-001", f"{field} blank", form(**{field: blank}), f"/organisation/{field}")
        for field in ("organisation_code", "name", "contact_name", "contact_email", "nil_return")
        for blank in (None, "  ")
    ]
    for field, most in {
        "organisation_code": 20,
        "name": 160,
        "contact_name": 120,
        "contact_phone": 30,
        "comments": 2000,
    }.items():
        cases += [
            fails("ORG-007", f"{field} one too long", form(**{field: "A" * (most + 1)}), f"/organisation/{field}"),
            passes("ORG-007", f"{field} as long as may be", form(**{field: "A" * most})),
        ]
    for field in ("organisation_code", "name", "contact_name", "contact_email", "contact_phone", "comments"):
        cases.append(fails("ORG-008", f"{field} with a bell", form(**{field: "ring\x07"}), f"/organisation/{field}"))
    return [
        *cases,
        passes("ORG-001", "comments blank", form(comments=None, contact_phone=None)),
        fails("ORG-002", "sector blank", form(sector=None), "/organisation/sector"),
        passes("ORG-002", "a sector", unchanged),
        fails("ORG-003", "small letters", form(organisation_code="alpha"), "/organisation/organisation_code"),
        fails("ORG-003", "one letter", form(organisation_code="A"), "/organisation/organisation_code"),
        passes("ORG-003", "two letters", form(organisation_code="AB")),
        fails("ORG-004", "no such sector", form(sector="charity"), "/organisation/sector"),
        fails("ORG-004", "perhaps", form(nil_return="perhaps"), "/organisation/nil_return"),
        passes("ORG-004", "a label", form(sector="Voluntary Sector", nil_return="No")),
        fails("ORG-005", "two addresses", form(contact_email="a@b.org; c@d.org"), "/organisation/contact_email"),
        fails("ORG-005", "no domain", form(contact_email="hr@example"), "/organisation/contact_email"),
        passes("ORG-005", "plus and dots", form(contact_email="h.r+census@mail.example.org")),
        fails("ORG-006", "words", form(contact_phone="ask the desk"), "/organisation/contact_phone"),
        fails("ORG-006", "eight digits", form(contact_phone="49600001"), "/organisation/contact_phone"),
        passes("ORG-006", "with an extension", form(contact_phone="0113 496 0000 ext. 12")),
        passes("ORG-006", "nine digits", form(contact_phone="496000012")),
        passes("ORG-008", "two lines", form(comments="one\ntwo\tthree")),
        fails("ORG-009", "National Insurance", form(comments="see QQ 12 34 56 C"), "/organisation/comments"),
        fails("ORG-009", "an NHS number", form(comments="943 476 5919"), "/organisation/comments"),
        passes("ORG-009", "a telephone number", form(comments="ring 0113 496 0000")),
        fails("ORG-010", "a title and a name", form(comments="Dr Patel left in May."), "/organisation/comments"),
        fails("ORG-010", "a first name and a surname", form(comments="cover for Sarah Jones"), "/organisation/comments"),
        passes("ORG-010", "a role", form(comments="The doctor and a Nurse Prescriber left in May.")),
        passes("ORG-010", "places and teams", form(comments="Recovery Services moved to Leeds City Council in April 2024.")),
        fails("FIL-023", "nothing at all", _empty, "/organisation/nil_return"),
        passes("FIL-023", "a nil return", _nil),
        fails("FIL-024", "nil, and figures", form(nil_return="yes"), "/organisation/nil_return"),
        passes("FIL-024", "nil, and nothing else", _nil),
    ]  # fmt: skip


def _empty(draft: Draft) -> None:
    draft.tree = {"census_year": draft.spec.year, "organisation": {"organisation_code": "ALPHA"}}


def _nil(draft: Draft) -> None:
    draft.tree = {"census_year": draft.spec.year, "organisation": draft.form | {"nil_return": "yes"}}


def _services() -> list[Case]:
    at = "/services/0/"
    cases = [
        fails("SRV-001", f"{field} blank", service(**{field: None}), at + field)
        for field in ("local_authority_code", "service_type")
    ]
    return [
        *cases,
        passes("SRV-001", "both given", unchanged),
        fails("SRV-002", "a district", service(local_authority_code="E07000008"), at + "local_authority_code"),
        passes("SRV-002", "a label", service(local_authority_code="Hartlepool")),
        fails("SRV-003", "Cumbria", service(local_authority_code="E10000006"), at + "local_authority_code", since=2023),
        fails("SRV-003", "old Barnsley", service(local_authority_code="E08000016"), at + "local_authority_code", since=2025),
        passes("SRV-003", "an authority of the year", unchanged),
        fails("SRV-004", "no such service", service(service_type="outreach"), at + "service_type"),
        passes("SRV-004", "a label", service(service_type="Adult community treatment")),
        fails("SRV-005", "blank", service(commissioning_route=None), at + "commissioning_route"),
        passes("SRV-005", "blank for head office", service(service_type="head_office", commissioning_route=None)),
        fails("SRV-006", "no such route", service(commissioning_route="council"), at + "commissioning_route"),
        fails("SRV-006", "no such answer", service(data_available="most"), at + "data_available"),
        passes("SRV-006", "listed answers", unchanged),
        fails("SRV-007", "blank", service(data_available=None), at + "data_available"),
        passes("SRV-007", "given", unchanged),
        fails("SRV-008", "twice", lambda draft: draft.rows("services").append(service_row("E06000001", "adult_community")),
              "/services/2/local_authority_code"),
        passes("SRV-008", "another service there", lambda draft: draft.rows("services").append(service_row("E06000001", "young_people"))),
        fails("SRV-009", "a commissioning team", service(service_type="commissioning"), at + "service_type"),
        passes("SRV-009", "a service of the sector", unchanged),
        fails("SRV-010", "the team's route", service(commissioning_route="commissioning_team"), at + "commissioning_route"),
        passes("SRV-010", "another route", service(commissioning_route="other")),
        *(fails("SRV-011", f"{word}, no note", service(data_available=word), at + "note") for word in ("partial", "none")),
        passes("SRV-011", "partial, and why", service(data_available="partial", note="Payroll of the partner.")),
        fails("SRV-012", "501 characters", service(note="n" * 501), at + "note"),
        passes("SRV-012", "500 characters", service(note="n" * 500)),
        fails("SRV-013", "an escape", service(note="a\x1bb"), at + "note"),
        passes("SRV-013", "two lines", service(note="one\ntwo")),
        fails("SRV-014", "National Insurance", service(note="QQ123456C"), at + "note"),
        passes("SRV-014", "a reference", service(note="contract 12/345")),
        fails("SRV-015", "a name", service(note="ask Mrs Green"), at + "note"),
        passes("SRV-015", "a role", service(note="ask the service manager")),
    ]  # fmt: skip


CASES = [*_organisation(), *_services()]
