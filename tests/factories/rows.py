"""Rows that other rows hang on, put straight into the database."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy.orm import Session

from census_api.domain.collecting.collection import Window
from census_api.domain.collecting.submission import Upload
from census_api.domain.register.organisations import Organisation
from census_api.store.collecting import collections, returns, submissions
from census_api.store.kit import tables
from census_api.store.register import queries as register
from tests.factories.actors import NOW

WINDOW = Window(NOW - dt.timedelta(days=30), NOW + dt.timedelta(days=30), NOW + dt.timedelta(days=60))


def add_collection(session: Session, year: int = 2024) -> None:
    collections.add_collection(session, year, "0" * 64, WINDOW)


def add_organisation(session: Session, code: str = "ALPHA") -> uuid.UUID:
    register.upsert_organisations(session, [Organisation(code, f"{code.title()} Recovery", "voluntary")])
    found = register.find_organisation(session, code)
    assert found is not None
    return found[0]


def add_submission(
    session: Session, organisation_id: uuid.UUID, *, year: int = 2024, status: str = "checking", data: bytes = b"{}"
) -> tables.SubmissionRecord:
    of = returns.lock_return(session, year, organisation_id)
    return submissions.add_submission(
        session,
        of,
        Upload(data, "return.xlsx", "application/octet-stream"),
        number=returns.next_number(of),
        status=status,
        received_at=NOW,
        received_by="somebody",
    )
