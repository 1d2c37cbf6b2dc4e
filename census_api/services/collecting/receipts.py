"""Receipts: what a sign-off looks like afterwards, and whether it still says the truth."""

from __future__ import annotations

from census_api.domain.collecting.explanations import sha256_of
from census_api.domain.collecting.signoff import Receipt, Standing, reference_of
from census_api.domain.kit.access import Actor, authorise, is_allowed
from census_api.domain.kit.errors import NotFound
from census_api.domain.register.organisations import Organisation
from census_api.services.audit.reading import record_reading
from census_api.services.kit.platform import Platform
from census_api.store.collecting import collections, contents, explanations, returns, signoffs, submissions
from census_api.store.kit import tables
from census_api.store.kit.session import Session
from census_api.store.kit.tables_life import SignOffRow as Row
from census_api.store.register import queries as register

_UNKNOWN = "There is no receipt of that reference that you may see. Check its sixteen letters and digits."


def get_receipt(platform: Platform, actor: Actor, reference: str) -> Receipt:
    """The receipt of a reference, compared with what is stored now. Spaces, hyphens and case do not matter.

    Raises NotFound, in the same words for one that does not exist and one that the actor may not see.
    """
    stored = reference_of(reference[:40])
    with platform.database.snapshot(actor) as session:
        row = None if stored is None else signoffs.by_reference(session, stored)
        of = None if row is None else register.organisation_by_id(session, row.organisation_id)
    if row is None or of is None or not is_allowed(actor, "return.read", of.code):
        raise NotFound(_UNKNOWN)
    with record_reading(platform, actor, row.collection_year, of.code, "a receipt") as session:
        return receipt_of(session, row, of)


def standing_receipt(platform: Platform, actor: Actor, year: int, organisation: str) -> Receipt:
    """The receipt of the sign-off that stands for a return. Raises NotFound."""
    authorise(actor, "return.read", organisation)
    with record_reading(platform, actor, year, organisation, "the receipt") as session:
        found = register.find_organisation(session, organisation)
        row = None
        if found is not None and collections.find_collection(session, year) is not None:
            of = returns.row_of(session, year, found[0])
            row = None if of is None else signoffs.find_standing(session, of)
        if row is None or found is None:
            raise NotFound(f"No sign-off stands for the return of {organisation} for {year}.")
        return receipt_of(session, row, found[1])


def receipt_of(session: Session, row: Row, organisation: Organisation) -> Receipt:
    """The receipt of a stored sign-off of the organisation's return."""
    of = signoffs.return_of(session, row.collection_year, row.return_id)
    submission = submissions.find_row(session, row.collection_year, row.submission_id)
    standing = _standing(session, of, row)
    return Receipt(
        sign_off=signoffs.as_domain(row, organisation.code, submission.number or 0),
        organisation_name=organisation.name,
        received_at=submission.received_at,
        original_sha256=submission.original_sha256,
        nil_return=(submission.form or {}).get("nil_return") == "yes",
        state=returns.state_of(of),
        standing=standing,
        intact=_intact(session, submission, row, standing),
    )


def _standing(session: Session, of: tables.ReturnRow, row: Row) -> Standing:
    now = signoffs.find_standing(session, of)
    if now is None:
        return "set_aside"
    return "stands" if now.id == row.id else "replaced"


def _intact(session: Session, submission: tables.SubmissionRecord, row: Row, standing: Standing) -> bool:
    """The stored rows are hashed again: a receipt is worth what it can find out."""
    if submission.status != "checked":
        return False
    if contents.content_of(session, submission).sha256() != row.content_sha256:
        return False
    # explanations may be given anew once the return was sent back, and are then bound by the next sign-off
    given = explanations.of_submission(session, submission)
    return standing != "stands" or sha256_of(given) == row.explanations_sha256
