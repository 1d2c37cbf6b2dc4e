"""Returns on their way: files that are clean, asked about or wrong, and a return brought into any state."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

from census_api.domain.collecting.questions import Subject
from census_api.domain.collecting.returns import Return, ReturnState
from census_api.domain.collecting.submission import Submitted, Upload
from census_api.services.collecting import life
from census_api.services.collecting.explanations import explain_finding, list_explanations
from census_api.services.collecting.return_queries import ask_query, list_questions, reply_to_query
from census_api.services.collecting.sign_off import sign_off
from census_api.services.collecting.submissions import get_return
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform
from tests.factories.actors import EDITOR, SIGNATORY, TEAM
from tests.factories.returns import clean_tree

YEAR = 2024
ROLE = "Director of Workforce"
WHY = "Agreed with the employer by telephone."
BECAUSE = "Two people do overtime on top of full-time posts."
WHOLE = Subject("return")


def tree_of(platform: Platform, **staff: Any) -> dict[str, Any]:
    """The clean return of ALPHA for 2024, with cells of its first Staff row changed."""
    tree = copy.deepcopy(clean_tree(platform.spec(YEAR)))
    tree["staff"][0] |= staff
    return tree


def upload_of(tree: Mapping[str, Any], *, key: str | None = None) -> Upload:
    return Upload(json.dumps(tree).encode(), "return.json", "application/json", key)


def clean_upload(platform: Platform, **staff: Any) -> Upload:
    return upload_of(tree_of(platform, **staff))


def asking_upload(platform: Platform, wte: str = "9.5", **staff: Any) -> Upload:
    """One query: more whole-time equivalents than the nine people of the first Staff row."""
    return clean_upload(platform, paid_wte=wte, **staff)


def wrong_upload(platform: Platform) -> Upload:
    """An error, and so nothing that can be signed."""
    return clean_upload(platform, paid_wte="12,5")


def nil_upload(organisation: str = "ALPHA") -> Upload:
    name, sector = {"ALPHA": ("Alpha Recovery", "voluntary"), "BETA": ("Beta Health", "nhs")}[organisation]
    form = {
        "organisation_code": organisation, "name": name, "sector": sector, "contact_name": "HR desk",
        "contact_email": "hr@example.org", "nil_return": "yes",
    }  # fmt: skip
    return upload_of({"census_year": YEAR, "organisation": form})


def send(platform: Platform, upload: Upload | None = None) -> Submitted:
    return submit_return(platform, EDITOR, YEAR, "ALPHA", upload or clean_upload(platform))


def sign(platform: Platform, number: int = 1) -> str:
    """Signs, and gives the reference of the receipt."""
    return sign_off(platform, SIGNATORY, YEAR, "ALPHA", number, role=ROLE).result.sign_off.reference


def explain_all(platform: Platform, number: int = 1) -> list[str]:
    """Explains every query of a submission, one by one, and gives their keys."""
    missing = list_explanations(platform, EDITOR, YEAR, "ALPHA", number).missing
    for finding in missing:
        explain_finding(platform, EDITOR, YEAR, "ALPHA", number, finding.key, reason="checked", text=BECAUSE)
    return [finding.key for finding in missing]


def now(platform: Platform) -> Return:
    return get_return(platform, TEAM, YEAR, "ALPHA")


def question(platform: Platform) -> str:
    return str(ask_query(platform, TEAM, YEAR, "ALPHA", WHOLE, "Is the Hartlepool team complete?").result.id)


def _queried(platform: Platform) -> None:
    send(platform, asking_upload(platform))
    explain_all(platform)
    sign(platform)
    question(platform)


def _in_progress(platform: Platform) -> None:
    """With a question that has been answered, so that there is one to answer again."""
    _queried(platform)
    for asked in list_questions(platform, TEAM, YEAR, "ALPHA"):
        reply_to_query(platform, EDITOR, YEAR, "ALPHA", asked.id, "Yes.")


def _signed_off(platform: Platform) -> None:
    _in_progress(platform)
    sign(platform)


def _accepted(platform: Platform) -> None:
    _signed_off(platform)
    life.accept_return(platform, TEAM, YEAR, "ALPHA")


def _reopened(platform: Platform) -> None:
    _accepted(platform)
    life.reopen_return(platform, TEAM, YEAR, "ALPHA", reason=WHY)


def _declined(platform: Platform) -> None:
    life.decline_return(platform, TEAM, YEAR, "ALPHA", reason=WHY)


def _withdrawn(platform: Platform) -> None:
    _signed_off(platform)
    life.withdraw_return(platform, TEAM, YEAR, "ALPHA", reason=WHY)


BRING_TO: Mapping[ReturnState, Callable[[Platform], None]] = {
    "not_started": lambda _: None,
    "in_progress": _in_progress,
    "signed_off": _signed_off,
    "queried": _queried,
    "accepted": _accepted,
    "reopened": _reopened,
    "declined": _declined,
    "withdrawn": _withdrawn,
}
"""How a return of ALPHA comes into each state."""
