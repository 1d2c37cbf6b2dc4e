"""The returns of a collection side by side: where each organisation that is expected, or has answered, stands."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from census_api.domain.collecting.findings import Outcome
from census_api.domain.collecting.returns import RETURN_STATES, ReturnState
from census_api.domain.collecting.standing import ReturnFilter, ReturnStanding

# Expected is who has lines in the frame, and without a frame every open organisation. Who has answered is listed too.
_LISTED = """
    WITH listed AS (
        SELECT c.year, o.id, o.code, o.name, o.sector, r.id AS return_id, r.signed_submission_id,
               coalesce(r.state, 'not_started') AS state, coalesce(r.version, 0) AS version
        FROM organisation AS o
        JOIN collection AS c ON c.year = :year
        LEFT JOIN "return" AS r ON r.collection_year = c.year AND r.organisation_id = o.id
        WHERE (coalesce(r.last_number, 0) > 0 OR coalesce(r.state, 'not_started') <> 'not_started'
               OR o.status = 'open' AND (NOT c.framed OR EXISTS (
                   SELECT FROM frame_line AS f WHERE f.collection_year = c.year AND f.organisation_id = o.id)))
          AND (CAST(:search AS text) IS NULL OR strpos(lower(o.code || ' ' || o.name), lower(:search)) > 0)
    )
"""
_PAGE = text(
    _LISTED
    + """
    SELECT l.code, l.name, l.sector, l.state, l.version, newest.number AS latest, newest.outcome, newest.counts,
           newest.received_at, signed.number AS signed, extension.until AS extended_to,
           (SELECT count(*) FROM return_query AS q
            WHERE q.collection_year = l.year AND q.return_id = l.return_id AND NOT EXISTS (
                SELECT FROM query_reply AS p WHERE p.collection_year = q.collection_year AND p.query_id = q.id)
           ) AS unanswered
    FROM listed AS l
    LEFT JOIN LATERAL (
        SELECT s.number, s.outcome, s.counts, s.received_at FROM submission AS s
        WHERE s.collection_year = l.year AND s.return_id = l.return_id AND s.status = 'checked'
        ORDER BY s.number DESC LIMIT 1
    ) AS newest ON true
    LEFT JOIN submission AS signed ON signed.collection_year = l.year AND signed.id = l.signed_submission_id
    LEFT JOIN extension ON extension.collection_year = l.year AND extension.organisation_id = l.id
    WHERE (CAST(:state AS text) IS NULL OR l.state = :state) AND (CAST(:after AS text) IS NULL OR l.code > :after)
    ORDER BY l.code LIMIT :most
    """
)
_COUNTS = text(_LISTED + "SELECT state, count(*) AS number FROM listed GROUP BY state")
_OUTCOMES: tuple[Outcome, ...] = ("errors", "queries", "clean")


def page_returns(
    session: Session, year: int, wanted: ReturnFilter, after: str | None, limit: int
) -> tuple[list[ReturnStanding], bool]:
    """The returns that pass the filter, by organisation code, behind that of `after`; and whether more follow."""
    values: dict[str, Any] = {"year": year, "state": wanted.state, "search": wanted.search}
    rows = session.execute(_PAGE, values | {"after": after, "most": limit + 1}).mappings().all()
    return [_standing(row) for row in rows[:limit]], len(rows) > limit


def count_states(session: Session, year: int, search: str | None) -> dict[ReturnState, int]:
    """How many returns are in each state, of the organisations that are searched for."""
    rows = session.execute(_COUNTS, {"year": year, "search": search}).mappings()
    found: dict[str, int] = {row["state"]: row["number"] for row in rows}
    return {state: found.get(state, 0) for state in RETURN_STATES}


def _standing(row: RowMapping) -> ReturnStanding:
    return ReturnStanding(
        organisation=row["code"],
        name=row["name"],
        sector=row["sector"],
        state=next(state for state in RETURN_STATES if state == row["state"]),
        version=row["version"],
        latest=row["latest"],
        outcome=next((outcome for outcome in _OUTCOMES if outcome == row["outcome"]), None),
        counts=dict(row["counts"] or {}),
        received_at=row["received_at"],
        signed=row["signed"],
        unanswered=row["unanswered"],
        extended_to=row["extended_to"],
    )
