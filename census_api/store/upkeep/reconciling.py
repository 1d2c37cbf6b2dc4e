"""Comparing the audit, which says what was acknowledged, with what is stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from census_api.domain.upkeep import Discrepancy, Reconciled, Trouble
from census_api.store.kit import tables
from census_api.store.kit.tables_audit import Reconciliation

_AT_ONCE = 200

# One row an event that acknowledged a submission, and what is wrong with it, if anything.
# Bytes are hashed again; rows and findings are counted again.
_COMPARED = text(
    """
    WITH acknowledged AS (
        SELECT e.id, e.collection_year, (e.detail ->> 'submission')::uuid AS submission_id, e.action, e.after_hash,
               e.detail ->> 'original_sha256' AS original_sha256, (e.detail ->> 'size')::bigint AS size
        FROM audit_event AS e
        WHERE e.id > :after AND e.at >= :since AND e.action IN ('submission.received', 'submission.checked')
          AND e.detail ? 'submission'
        ORDER BY e.id LIMIT :most
    )
    SELECT a.id, a.collection_year, a.submission_id,
           CASE WHEN s.id IS NULL OR (s.status <> 'erased' AND o.submission_id IS NULL) THEN 'missing'
                WHEN s.status = 'erased' THEN CASE WHEN erasure.id IS NULL THEN 'missing' END
                ELSE 'damaged' END AS trouble,
           CASE WHEN s.id IS NULL THEN 'it is not there'
                WHEN s.status = 'erased' THEN
                    CASE WHEN erasure.id IS NULL THEN 'it was deleted, and nobody is named as who did' END
                WHEN o.submission_id IS NULL THEN 'its file is not there'
                WHEN s.original_sha256 <> a.original_sha256 OR s.size <> a.size
                    THEN 'it names another file than was acknowledged'
                WHEN octet_length(o.data) <> a.size OR encode(sha256(o.data), 'hex') <> a.original_sha256
                    THEN 'its file is not the one that came in'
                WHEN s.status = 'checked' AND a.action = 'submission.checked'
                     AND s.content_sha256 IS DISTINCT FROM a.after_hash
                    THEN 'its answers are not those that were acknowledged'
                WHEN a.action = 'submission.checked' AND s.status <> 'checked' THEN 'it counts as not checked'
                WHEN s.status = 'checked' AND stored.answers <> stored.rows_read
                    THEN 'it does not have as many rows as were read'
                WHEN s.status = 'checked' AND stored.findings <> stored.counted
                    THEN 'it does not have as many findings as were reported'
           END AS what
    FROM acknowledged AS a
    LEFT JOIN submission AS s ON (s.collection_year, s.id) = (a.collection_year, a.submission_id)
    LEFT JOIN submission_original AS o
        ON (o.collection_year, o.submission_id) = (a.collection_year, a.submission_id)
    LEFT JOIN LATERAL (
        SELECT e.id FROM audit_event AS e
        WHERE e.collection_year = a.collection_year AND e.action = 'submission.erased'
          AND e.detail ->> 'submission' = a.submission_id::text LIMIT 1
    ) AS erasure ON s.status = 'erased'
    LEFT JOIN LATERAL (
        SELECT (SELECT count(*) FROM submission_row AS r
                WHERE (r.collection_year, r.submission_id) = (s.collection_year, s.id)) AS answers,
               (SELECT count(*) FROM finding AS f
                WHERE (f.collection_year, f.submission_id) = (s.collection_year, s.id)) AS findings,
               (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(s.rows_read)) AS rows_read,
               (SELECT coalesce(sum(value::bigint), 0) FROM jsonb_each_text(s.counts)) AS counted
    ) AS stored ON s.status = 'checked'
    ORDER BY a.id
    """
)

_OVERDUE = text(
    """
    SELECT count(*) FROM submission AS s
    LEFT JOIN job AS j ON (j.collection_year, j.submission_id) = (s.collection_year, s.id)
    WHERE s.status IN ('received', 'checking') AND coalesce(j.retried_at, s.received_at) < :before
    """
)


def find_discrepancies(session: Session, since: dt.datetime) -> Iterator[Discrepancy | None]:
    """Goes through what was acknowledged since then: the discrepancy, or None for each that is as it should be."""
    after, most = 0, _AT_ONCE
    while True:
        rows = session.execute(_COMPARED, {"after": after, "since": since, "most": most}).all()
        for row in rows:
            trouble: Trouble = "missing" if row.trouble == "missing" else "damaged"
            yield None if row.what is None else Discrepancy(trouble, row.collection_year, row.submission_id, row.what)
        if len(rows) < most:
            return
        after = rows[-1].id


def count_overdue(session: Session, before: dt.datetime) -> int:
    """Submissions that came in before then and are not checked yet."""
    return session.scalar(_OVERDUE, {"before": before}) or 0


def keep_result(session: Session, found: Reconciled) -> None:
    """Stores what the comparison found."""
    session.execute(
        insert(Reconciliation)
        .values(
            ran_at=found.ran_at,
            acknowledged=found.acknowledged,
            missing=found.number_of("missing"),
            damaged=found.number_of("damaged"),
            overdue=found.overdue,
        )
        .inline()
    )


def read_figures(session: Session) -> dict[str, float]:
    """What the latest comparison found, and how the queue stands, as metrics."""
    latest = session.scalars(select(Reconciliation).order_by(Reconciliation.id.desc()).limit(1)).first()
    waiting = session.execute(
        select(
            func.count(),
            func.extract(
                "epoch", func.now() - func.min(func.coalesce(tables.JobRow.retried_at, tables.JobRow.created_at))
            ),
        ).where(tables.JobRow.finished_at.is_(None))
    ).one()
    failed = session.scalar(select(func.count()).select_from(tables.JobRow).where(tables.JobRow.state == "failed"))
    found = {
        "census_jobs_unfinished": float(waiting[0]),
        "census_jobs_oldest_seconds": max(0.0, float(waiting[1] or 0)),
        "census_jobs_failed": float(failed or 0),
    }
    if latest is not None:
        found |= {
            "census_reconciled_timestamp_seconds": latest.ran_at.timestamp(),
            "census_submissions_missing": float(latest.missing),
            "census_submissions_damaged": float(latest.damaged),
            "census_submissions_overdue": float(latest.overdue),
        }
    return found
