"""What proves who somebody is: sessions, one-time links, tokens of programs; and how often it was tried.

Everything here is known by the SHA-256 of a random secret, which only its holder has.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from census_api.domain.people import ApiToken, LinkPurpose
from census_api.store.people.tables import AccountRow, AttemptsRow, OneTimeLinkRow, SessionRow, SignOnFlowRow
from census_api.store.people.tables import ApiTokenRow as TokenRow


def begin_session(
    session: Session, token_hash: str, account_id: uuid.UUID, *, waits: bool, at: dt.datetime, ends_at: dt.datetime
) -> None:
    """Remembers a session; those that have run out are forgotten on the way."""
    session.execute(delete(SessionRow).where(SessionRow.ends_at <= at))
    session.add(
        SessionRow(token_hash=token_hash, account_id=account_id, waits_for_second_factor=waits, began_at=at, seen_at=at,
                 ends_at=ends_at)
    )  # fmt: skip
    session.flush()


def find_session(session: Session, token_hash: str, *, lock: bool = False) -> tuple[SessionRow, AccountRow] | None:
    query = select(SessionRow, AccountRow).join(AccountRow).where(SessionRow.token_hash == token_hash)
    row = session.execute(query.with_for_update() if lock else query).first()
    return None if row is None else (row[0], row[1])


def see_session(session: Session, token_hash: str, at: dt.datetime) -> None:
    """The session was used. A session that ended meanwhile stays ended."""
    session.execute(update(SessionRow).where(SessionRow.token_hash == token_hash).values(seen_at=at))


def end_session(session: Session, token_hash: str) -> uuid.UUID | None:
    """Whose session it was; None when there was none."""
    return session.scalar(
        delete(SessionRow).where(SessionRow.token_hash == token_hash).returning(SessionRow.account_id)
    )


def add_link(
    session: Session, token_hash: str, purpose: LinkPurpose, account_id: uuid.UUID, by: str, at: dt.datetime,
    ends_at: dt.datetime,
) -> None:  # fmt: skip
    """A new link; older ones of the same purpose open nothing any more."""
    session.execute(
        delete(OneTimeLinkRow).where(
            OneTimeLinkRow.account_id == account_id, OneTimeLinkRow.purpose == purpose, OneTimeLinkRow.used_at.is_(None)
        )
    )
    session.add(
        OneTimeLinkRow(
            token_hash=token_hash, purpose=purpose, account_id=account_id, made_by=by, made_at=at, ends_at=ends_at
        )
    )
    session.flush()


def find_link(session: Session, token_hash: str, at: dt.datetime) -> tuple[OneTimeLinkRow, AccountRow] | None:
    """A link that could be used now, and whose it is."""
    row = session.execute(
        select(OneTimeLinkRow, AccountRow)
        .join(AccountRow)
        .where(OneTimeLinkRow.token_hash == token_hash, OneTimeLinkRow.used_at.is_(None), OneTimeLinkRow.ends_at > at)
    ).first()
    return None if row is None else (row[0], row[1])


def use_link(session: Session, token_hash: str, at: dt.datetime) -> uuid.UUID | None:
    """Whose link it was. One statement decides, so that of many who use it at once exactly one is answered."""
    return session.scalar(
        update(OneTimeLinkRow)
        .where(OneTimeLinkRow.token_hash == token_hash, OneTimeLinkRow.used_at.is_(None), OneTimeLinkRow.ends_at > at)
        .values(used_at=at)
        .returning(OneTimeLinkRow.account_id)
    )


def drop_links(session: Session, account_id: uuid.UUID) -> None:
    """Links of the account that nobody used open nothing any more."""
    session.execute(
        delete(OneTimeLinkRow).where(OneTimeLinkRow.account_id == account_id, OneTimeLinkRow.used_at.is_(None))
    )


def add_token(
    session: Session, account_id: uuid.UUID, token_hash: str, name: str, scopes: Sequence[str], by: str,
    at: dt.datetime, ends_at: dt.datetime,
) -> ApiToken:  # fmt: skip
    row = TokenRow(
        id=uuid.uuid4(), account_id=account_id, token_hash=token_hash, name=name, scopes=list(scopes), made_by=by,
        made_at=at, ends_at=ends_at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return _as_domain(row, session.get_one(AccountRow, account_id).name)


def find_by_secret(session: Session, token_hash: str) -> tuple[ApiToken, AccountRow] | None:
    """The token, valid or not, and whose it is."""
    row = session.execute(
        select(TokenRow, AccountRow).join(AccountRow).where(TokenRow.token_hash == token_hash)
    ).first()
    return None if row is None else (_as_domain(row[0], row[1].name), row[1])


def find_token(session: Session, token_id: uuid.UUID) -> ApiToken | None:
    row = session.execute(select(TokenRow, AccountRow.name).join(AccountRow).where(TokenRow.id == token_id)).first()
    return None if row is None else _as_domain(row[0], row[1])


def list_tokens(session: Session, account_id: uuid.UUID | None = None) -> list[ApiToken]:
    """All tokens, or those of one account, the newest first."""
    query = select(TokenRow, AccountRow.name).join(AccountRow).order_by(TokenRow.made_at.desc(), TokenRow.id)
    if account_id is not None:
        query = query.where(TokenRow.account_id == account_id)
    return [_as_domain(row, name) for row, name in session.execute(query)]


def revoke_token(session: Session, token_id: uuid.UUID, at: dt.datetime) -> bool:
    """False when it was revoked before."""
    revoked = session.scalar(
        update(TokenRow)
        .where(TokenRow.id == token_id, TokenRow.revoked_at.is_(None))
        .values(revoked_at=at)
        .returning(TokenRow.id)
    )
    return revoked is not None


def see_token(session: Session, token_id: uuid.UUID, at: dt.datetime) -> None:
    session.execute(update(TokenRow).where(TokenRow.id == token_id).values(used_at=at))


def count_attempt(session: Session, bucket: str, began_at: dt.datetime) -> int:
    """How many there were in the window that began then, this one included. One statement: nobody slips in between."""
    return session.execute(
        insert(AttemptsRow)
        .values(bucket=bucket, began_at=began_at, number=1)
        .on_conflict_do_update(index_elements=["bucket", "began_at"], set_={"number": AttemptsRow.number + 1})
        .returning(AttemptsRow.number)
    ).scalar_one()


def forgive_attempts(session: Session, bucket: str, began_at: dt.datetime, number: int | None) -> None:
    """Takes back that many attempts, or all of them."""
    left = 0 if number is None else AttemptsRow.number - number
    session.execute(
        update(AttemptsRow).where(AttemptsRow.bucket == bucket, AttemptsRow.began_at == began_at).values(number=left)
    )


def forget_attempts(session: Session, before: dt.datetime) -> None:
    session.execute(delete(AttemptsRow).where(AttemptsRow.began_at < before))


def add_flow(
    session: Session, token_hash: str, state: str, nonce: str, verifier: str, next_page: str, at: dt.datetime,
    ends_at: dt.datetime,
) -> None:  # fmt: skip
    """Remembers a sign-on that begins; those that never came back are forgotten on the way."""
    session.execute(delete(SignOnFlowRow).where(SignOnFlowRow.ends_at <= at))
    session.add(
        SignOnFlowRow(
            token_hash=token_hash, state=state, nonce=nonce, verifier=verifier, next_page=next_page, ends_at=ends_at
        )
    )
    session.flush()


def take_flow(session: Session, token_hash: str, at: dt.datetime) -> tuple[str, str, str, str] | None:
    """(state, nonce, verifier, next page) of a sign-on under way, once."""
    row = session.execute(
        delete(SignOnFlowRow)
        .where(SignOnFlowRow.token_hash == token_hash, SignOnFlowRow.ends_at > at)
        .returning(SignOnFlowRow.state, SignOnFlowRow.nonce, SignOnFlowRow.verifier, SignOnFlowRow.next_page)
    ).first()
    return None if row is None else (row[0], row[1], row[2], row[3])


def _as_domain(row: TokenRow, account: str) -> ApiToken:
    return ApiToken(
        id=row.id,
        name=row.name,
        account=account,
        account_id=row.account_id,
        scopes=tuple(row.scopes),
        made_at=row.made_at,
        ends_at=row.ends_at,
        revoked_at=row.revoked_at,
        used_at=row.used_at,
    )
