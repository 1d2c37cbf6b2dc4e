"""A platform with people of every role and returns in several states, all made through services: what pages show.

It is 15 July 2024, and the census of 2024 is open. Everybody signs in as NAME@example.org with PASSWORD.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from census_api.app import create_app
from census_api.domain.collecting.questions import Subject
from census_api.domain.collecting.submission import Submitted, Upload
from census_api.domain.kit.access import SYSTEM, MemberRole
from census_api.domain.register.organisations import FrameLine, Organisation
from census_api.intake.sandbox import Sandbox
from census_api.services.collecting.collections import ensure_collections
from census_api.services.collecting.explanations import explain_finding, list_explanations
from census_api.services.collecting.life import accept_return, decline_return
from census_api.services.collecting.return_queries import ask_query
from census_api.services.collecting.sign_off import sign_off
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import list_organisation_codes, load_frame, load_organisations
from census_api.settings import Settings
from tests.api.serving import served
from tests.conftest import platform_on
from tests.factories.actors import TEAM
from tests.factories.people import add_person
from tests.factories.returns import LINES, clean_tree, last_year_tree

YEAR = 2024
LARGE = 1800
"""How many Staff rows GOLF's return has."""
# plain HTTP on this machine is what the demonstration speaks; a file of GOLF's size is still checked at once
SETTINGS = Settings(mode="demo", long_file_bytes=8_000_000)
LONG_NAME = (
    "The Very Longnamed Partnership for Recovery, Treatment, Harm Reduction and Aftercare in the Counties of "
    "Northumberland, Durham and Tyneside (Incorporating Wearmouth-and-Hartlepool-Communityrehabilitationservices)"
)
HOSTILE_NAME = "<script>alert(1)</script> \"><img src=x onerror=alert(2)> =cmd|'/c calc'!A1"
ORGANISATIONS: Mapping[str, str] = {
    "ALPHA": "Alpha Recovery",
    "BRAVO": "Bravo Treatment Services",
    "CHARLIE": "Charlie Health and Care",
    "DELTA": "Delta Recovery Community",
    "ECHO": "Echo Young People's Service",
    "FOXTROT": "Foxtrot Residential",
    "GOLF": "Golf Partnership",
    "HOTEL": "Hotel House",
    "LONG": LONG_NAME,
    "HOSTILE": HOSTILE_NAME,
    "GROUP": "India Group",
    "GROUP-EAST": "India Group East",
    "GROUP-WEST": "India Group West",
}
STATES: Mapping[str, str] = {
    "ALPHA": "not started; answered last year",
    "BRAVO": "errors, and queries of which one is explained",
    "CHARLIE": "one query, to explain",
    "DELTA": "signed off",
    "ECHO": "signed off, then asked a question by the team",
    "FOXTROT": "accepted",
    "GOLF": "more than 5,000 findings",
    "HOTEL": "declined",
    "LONG": "a very long name, one query",
    "HOSTILE": "hostile text in its name, its file's name and its cells",
    "GROUP": "a parent that answers for itself and two others",
}
BECAUSE = "Two people do overtime on top of full-time posts."


@dataclass(frozen=True, slots=True)
class Site:
    """A platform that is being served. `people` are account numbers by the name before @example.org."""

    address: str
    platform: Platform
    people: Mapping[str, uuid.UUID]

    def add_employer(self, code: str, name: str | None = None) -> str:
        """One more organisation for a test of its own, which answered last year; the name of its signatory."""
        load_organisations(self.platform, SYSTEM, [Organisation(code, name or f"{code} Services", "voluntary")])
        _load_frame(self.platform)
        signatory = f"sig-{code.lower()}"
        add_person(self.platform, signatory, at={code: ["editor", "signatory"]})
        load_last_year(self.platform, code)
        return signatory


def populate_site(database_url: str, sandbox: Sandbox) -> dict[str, str]:
    """Fills an empty, migrated database with what a site shows; account numbers by the name before @example.org."""
    with platform_on(database_url, sandbox, SETTINGS) as platform:
        return {name: str(account) for name, account in _populate(platform, LARGE).items()}


@contextmanager
def serve_site(database_url: str, sandbox: Sandbox, people: Mapping[str, str]) -> Iterator[Site]:
    """A site on a database that `populate_site` has filled, served until the block ends."""
    with (
        platform_on(database_url, sandbox, SETTINGS) as platform,
        served(create_app(platform)) as address,
    ):
        yield Site(address, platform, {name: uuid.UUID(account) for name, account in people.items()})


def tree_for(platform: Platform, code: str, *, year: int = YEAR, **staff: Any) -> dict[str, Any]:
    """The clean return of an organisation of the site, with cells of its first Staff row changed."""
    tree = copy.deepcopy(clean_tree(platform.spec(year)))
    tree["organisation"] |= {"organisation_code": code, "name": ORGANISATIONS.get(code, f"{code} Services")}
    tree["staff"][0] |= staff
    return tree


def send(platform: Platform, code: str, tree: dict[str, Any], name: str = "return.json") -> Submitted:
    upload = Upload(json.dumps(tree).encode(), name, "application/json")
    return submit_return(platform, SYSTEM, tree["census_year"], code, upload)


def load_last_year(platform: Platform, code: str) -> None:
    """Last year's return, from which this year's clean one follows."""
    tree = tree_for(platform, code)
    send(platform, code, last_year_tree(tree, YEAR), "last-year.json")


def _populate(platform: Platform, large: int) -> dict[str, uuid.UUID]:
    ensure_collections(platform, SYSTEM)
    entries = [Organisation(code, name, "voluntary") for code, name in ORGANISATIONS.items()]
    children = [replace(entry, parent="GROUP") for entry in entries if entry.code.startswith("GROUP-")]
    load_organisations(platform, SYSTEM, [entry for entry in entries if not entry.code.startswith("GROUP-")])
    load_organisations(platform, SYSTEM, children)
    _load_frame(platform)
    people = _people(platform)
    _returns(platform, large)
    return people


def _load_frame(platform: Platform) -> None:
    """Everybody is expected to answer for the same two lines."""
    codes = list_organisation_codes(platform, SYSTEM)
    load_frame(platform, SYSTEM, YEAR, [FrameLine(YEAR, code, *line) for code in codes for line in LINES])


def _people(platform: Platform) -> dict[str, uuid.UUID]:
    made: dict[str, uuid.UUID] = {}
    both: tuple[MemberRole, ...] = ("editor", "signatory")
    for code in ORGANISATIONS:
        if not code.startswith("GROUP-"):
            made[f"sig-{code.lower()}"] = add_person(platform, f"sig-{code.lower()}", at={code: both})
            made[f"ed-{code.lower()}"] = add_person(platform, f"ed-{code.lower()}", at={code: ["editor"]})
    made["newcomer"] = add_person(platform, "newcomer")
    made["tess"] = add_person(platform, "tess", "census_team")
    made["adam"] = add_person(platform, "adam", "administrator")
    made["anna"] = add_person(platform, "anna", "analyst")
    return made


def _returns(platform: Platform, large: int) -> None:
    for code in ("ALPHA", "BRAVO", "DELTA", "GROUP"):
        load_last_year(platform, code)
    wrong = tree_for(platform, "BRAVO", paid_wte="12,5")
    wrong["staff"][1] |= {"paid_wte": "3.3", "role_code": "NURSE_B66"}
    wrong["staff"][5] |= {"paid_wte": "7.4"}
    del wrong["organisation"]["contact_email"]
    send(platform, "BRAVO", tree_for(platform, "BRAVO", paid_wte="9.5"))
    _explain_one(platform, "BRAVO", 1)
    wrong["staff"][0]["paid_wte"] = "9.5"
    send(platform, "BRAVO", wrong)
    send(platform, "CHARLIE", tree_for(platform, "CHARLIE", paid_wte="9.5"))
    for code in ("DELTA", "ECHO", "FOXTROT"):
        send(platform, code, tree_for(platform, code, paid_wte="9.5" if code == "DELTA" else "8.4"))
        _sign(platform, code, 1)
    ask_query(
        platform,
        TEAM,
        YEAR,
        "ECHO",
        Subject("return"),
        "Is the Hartlepool team complete? Last year it had nine people.",
    )
    accept_return(platform, SYSTEM, YEAR, "FOXTROT")
    decline_return(platform, SYSTEM, YEAR, "HOTEL", reason="Closed all its services in May.")
    send(platform, "GOLF", _large(platform, large), "golf.json")
    send(platform, "LONG", tree_for(platform, "LONG", paid_wte="9.5"), "x" * 140 + ".json")
    _hostile(platform)
    send(platform, "GROUP-EAST", tree_for(platform, "GROUP-EAST", paid_wte="12,5"))


def _hostile(platform: Platform) -> None:
    tree = tree_for(platform, "HOSTILE", paid_wte=HOSTILE_NAME)
    tree["organisation"]["comments"] = HOSTILE_NAME
    tree["services"][0]["note"] = '=HYPERLINK("http://elsewhere.example","click")'
    tree["staff"][1]["role_code"] = "<b>NURSE</b>"
    send(platform, "HOSTILE", tree, HOSTILE_NAME + ".json")


def _large(platform: Platform, rows: int) -> dict[str, Any]:
    tree = tree_for(platform, "GOLF")
    row = tree["staff"][0]
    more = [row | {"role_code": f"ROLE{index}", "paid_wte": "12,5", "leavers": -1} for index in range(rows)]
    tree["staff"] += more
    return tree


def _explain_one(platform: Platform, code: str, number: int) -> None:
    first = list_explanations(platform, SYSTEM, YEAR, code, number).missing[0]
    explain_finding(platform, SYSTEM, YEAR, code, number, first.key, reason="checked", text=BECAUSE)


def _sign(platform: Platform, code: str, number: int) -> None:
    for finding in list_explanations(platform, SYSTEM, YEAR, code, number).missing:
        explain_finding(platform, SYSTEM, YEAR, code, number, finding.key, reason="checked", text=BECAUSE)
    sign_off(platform, SYSTEM, YEAR, code, number, role="Director of Workforce")
