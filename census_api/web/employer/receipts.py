"""The receipt of a sign-off as a page to print and keep."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from census_api.api.kit.dependencies import signed_in
from census_api.domain.collecting.deadlines import in_words
from census_api.domain.collecting.signoff import DECLARATION
from census_api.services.collecting.receipts import get_receipt
from census_api.web.employer.standing import page_of
from census_api.web.kit.visit import TheVisit

router = APIRouter(include_in_schema=False)

_STANDING = {
    "stands": "This sign-off stands.",
    "replaced": "A later sign-off has taken the place of this one.",
    "set_aside": "The return was sent back, reopened, declined or withdrawn after this sign-off.",
}
_TIMING = {"on_time": "In time", "extended": "Within the organisation's longer time", "late": "In the late window"}


@router.get("/receipts/{reference}", dependencies=[signed_in()])
def show_receipt(
    visit: TheVisit,
    reference: Annotated[str, Path(max_length=40)],
    said: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """What was signed, by whom and when, and whether it still stands and is unchanged."""
    found = get_receipt(visit.platform, visit.actor, reference)
    signed = found.sign_off
    facts = [
        ("Reference", signed.reference),
        ("Census", str(signed.collection)),
        ("Organisation", f"{found.organisation_name} ({signed.organisation})"),
        ("Return", f"Submission {signed.submission}{', a nil return' if found.nil_return else ''}"),
        ("Received", in_words(found.received_at)),
        ("Signed by", f"{signed.name}, {signed.role}"),
        ("Signed on", in_words(signed.signed_at)),
        ("Timing", _TIMING[signed.timing]),
        ("Fingerprint of the content", signed.content_sha256),
        ("Fingerprint of the explanations", signed.explanations_sha256),
        ("Fingerprint of the file", found.original_sha256),
    ]
    return visit.page(
        "receipt.html",
        facts=facts,
        reference=signed.reference,
        declaration=DECLARATION,
        standing=_STANDING[found.standing],
        intact=found.intact,
        page=page_of(signed.collection, signed.organisation),
        just_signed=said == "signed" and found.standing == "stands",
    )
