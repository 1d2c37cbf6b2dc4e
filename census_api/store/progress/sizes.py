"""How large each expected line was when it was last heard of: paid headcount, carried from year to year by lineage.

A line that gave its work to several has its size divided equally among them, itself included where it goes on; a line
that took over from several has the sum of theirs. Where one of those is not known, neither is the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session


def set_sizes(session: Session, year: int, unpaid_roles: Callable[[int], Sequence[str]]) -> None:
    """Fills in the sizes of the pinned frame from all collections before `year`.

    Each of them speaks through its latest frozen snapshot, or its accepted returns where there is none. `unpaid_roles`
    gives the roles of a year to which paid headcount does not apply.
    """
    for statement in _TABLES:
        session.execute(text(statement))
    for before in session.scalars(_YEARS, {"year": year}).all():
        session.execute(_EMPTY)
        snapshot = session.scalar(_LATEST, {"year": before})
        if snapshot is None:
            session.execute(_FRAME_LINES, {"year": before})
            session.execute(_OBSERVE_RETURNS, {"year": before, "unpaid": list(unpaid_roles(before))})
        else:
            session.execute(_SNAPSHOT_LINES, {"year": before, "snapshot": snapshot})
            session.execute(_OBSERVE_SNAPSHOT, {"year": before, "snapshot": snapshot})
        _carry(session, before)
        session.execute(text("TRUNCATE known_size"))
        session.execute(_LEARN)
    session.execute(_EMPTY)
    session.execute(_PINNED_LINES)
    _carry(session, year)
    session.execute(text("ANALYZE moved_size"))
    session.execute(_SET)


def _carry(session: Session, year: int) -> None:
    """What was known of the lines that the lines of `year` came from, by line of `year`."""
    for table in ("year_line", "known_size"):
        session.execute(text(f"ANALYZE {table}"))
    session.execute(_CARRY, {"year": year})


_KEY = "organisation, local_authority_code, service_type"
_TABLES = (
    *(
        f"CREATE TEMP TABLE {table} (organisation text, local_authority_code text, service_type text, size numeric) "
        "ON COMMIT DROP"
        for table in ("known_size", "moved_size", "observed_size")
    ),
    "CREATE TEMP TABLE year_line (organisation text, local_authority_code text, service_type text) ON COMMIT DROP",
)
_EMPTY = text("TRUNCATE year_line, observed_size, moved_size")
_YEARS = text("SELECT year FROM collection WHERE year < :year ORDER BY year")
_LATEST = text(
    "SELECT id FROM snapshot WHERE collection_year = :year AND state = 'frozen' ORDER BY revision DESC LIMIT 1"
)
_PINNED_LINES = text(f"INSERT INTO year_line SELECT {_KEY} FROM pinned_frame")
_SNAPSHOT_LINES = text(
    f"INSERT INTO year_line SELECT {_KEY} FROM snapshot_line WHERE collection_year = :year AND snapshot_id = :snapshot"
)
_FRAME_LINES = text(
    "INSERT INTO year_line SELECT code, local_authority_code, service_type FROM frame_line "
    "JOIN organisation ON organisation.id = organisation_id WHERE collection_year = :year"
)

_OBSERVE_SNAPSHOT = text(
    f"""
    INSERT INTO observed_size
    SELECT {_KEY}, coalesce(paid, 0)
    FROM snapshot_line AS line
    LEFT JOIN (
        SELECT line_no, sum(paid_headcount)::numeric AS paid, bool_and(left(states, 1) IN ('V', 'A')) AS is_known
        FROM snapshot_staff WHERE collection_year = :year AND snapshot_id = :snapshot GROUP BY line_no
    ) AS staff USING (line_no)
    WHERE collection_year = :year AND snapshot_id = :snapshot AND reported AND is_known IS NOT FALSE
    """
)

_OBSERVE_RETURNS = text(
    f"""
    WITH accepted AS MATERIALIZED (
        SELECT organisation.id, code, submission.id AS submission_id,
               coalesce(form ->> 'nil_return' = 'yes', false) AS nil_return
        FROM "return"
        JOIN organisation ON organisation.id = "return".organisation_id
        JOIN submission ON submission.collection_year = "return".collection_year
         AND submission.id = "return".accepted_submission_id
        WHERE "return".collection_year = :year AND "return".state = 'accepted' AND submission.status = 'checked'
    ),
    answered AS (
        SELECT code AS organisation, cells ->> 'local_authority_code' AS local_authority_code,
               cells ->> 'service_type' AS service_type, sheet, cells ->> 'data_available' AS data_available,
               CASE WHEN ascii(cells ->> 'paid_headcount') BETWEEN 48 AND 57
                    THEN CAST(cells ->> 'paid_headcount' AS numeric) END AS paid,
               cells ->> 'role_code' = ANY(CAST(:unpaid AS text[])) AS is_unpaid
        FROM accepted
        JOIN submission_row AS stored ON stored.collection_year = :year AND stored.submission_id = accepted.submission_id
        WHERE NOT nil_return AND sheet IN ('services', 'staff')
    )
    INSERT INTO observed_size
    SELECT {_KEY}, coalesce(sum(paid), 0)
    FROM answered
    WHERE sheet = 'staff' OR coalesce(data_available, '') <> 'none'
    GROUP BY {_KEY}
    HAVING bool_and(sheet = 'services' OR paid IS NOT NULL OR is_unpaid)
    UNION ALL
    SELECT code, local_authority_code, service_type, 0
    FROM accepted JOIN frame_line ON frame_line.collection_year = :year AND frame_line.organisation_id = accepted.id
    WHERE nil_return
    """
)

_CARRY = text(
    f"""
    WITH edge AS MATERIALIZED (
        SELECT DISTINCT from_organisation, from_local_authority, from_service_type,
               to_organisation AS organisation, to_local_authority AS local_authority_code,
               to_service_type AS service_type
        FROM lineage_edge WHERE to_year = :year AND from_year < :year AND state = 'confirmed'
    ),
    way AS MATERIALIZED (
        SELECT * FROM edge
        UNION
        -- a line that gave some of its work away and goes on
        SELECT from_organisation, from_local_authority, from_service_type, year_line.*
        FROM edge JOIN year_line
          ON (year_line.organisation, year_line.local_authority_code, year_line.service_type)
           = (from_organisation, from_local_authority, from_service_type)
    ),
    shared AS (
        SELECT way.*, count(*) OVER (PARTITION BY from_organisation, from_local_authority, from_service_type) AS ways
        FROM way
    ),
    moved AS (
        SELECT shared.organisation, shared.local_authority_code, shared.service_type, known_size.size / ways AS size
        FROM shared LEFT JOIN known_size
          ON (known_size.organisation, known_size.local_authority_code, known_size.service_type)
           = (from_organisation, from_local_authority, from_service_type)
        UNION ALL
        SELECT * FROM known_size WHERE NOT EXISTS (
            SELECT FROM edge
            WHERE (known_size.organisation, known_size.local_authority_code, known_size.service_type)
                = (from_organisation, from_local_authority, from_service_type)
        )
    )
    INSERT INTO moved_size
    SELECT {_KEY}, sum(size) FROM moved GROUP BY {_KEY} HAVING count(*) = count(size)
    """
)

_LEARN = text(
    f"""
    INSERT INTO known_size
    SELECT {_KEY}, coalesce(observed_size.size, moved_size.size) FROM observed_size FULL JOIN moved_size USING ({_KEY})
    """
)

_SET = text(
    """
    UPDATE pinned_frame AS framed SET size = round(moved_size.size, 6) FROM moved_size
    WHERE (moved_size.organisation, moved_size.local_authority_code, moved_size.service_type)
        = (framed.organisation, framed.local_authority_code, framed.service_type)
    """
)
