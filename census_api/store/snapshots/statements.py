"""The statements that freeze a collection (freezing.py): what is pinned, and the facts that follow from it."""

from __future__ import annotations

from sqlalchemy import text

from census_api.domain.kit.measures import ITEMS

_UNPAID = ("unpaid_headcount", "unpaid_wte")

TABLES = (
    """CREATE TEMP TABLE pinned_organisation (
        place int, organisation text, name text, sector text, organisation_type text, parent text, return_id uuid,
        submission_id uuid, number int, content_sha256 text, nil_return boolean
    ) ON COMMIT DROP""",
    """CREATE TEMP TABLE pinned_frame (
        organisation text, local_authority_code text, service_type text, size numeric
    ) ON COMMIT DROP""",
    "CREATE TEMP TABLE pinned_role (role text, pay_basis text) ON COMMIT DROP",
    """CREATE TEMP TABLE batch_line (
        line_no int, organisation text, local_authority_code text, service_type text
    ) ON COMMIT DROP""",
)

PIN = text(
    """
    WITH accepted AS (
        SELECT "return".organisation_id, "return".id AS return_id, submission.id AS submission_id, submission.number,
               submission.content_sha256, submission.form
        FROM "return"
        JOIN submission ON submission.collection_year = "return".collection_year
         AND submission.id = "return".accepted_submission_id
        WHERE "return".collection_year = :year AND "return".state = 'accepted' AND submission.status = 'checked'
        FOR SHARE OF submission
    ),
    framed AS (
        INSERT INTO pinned_frame
        SELECT code, local_authority_code, service_type
        FROM frame_line JOIN organisation ON organisation.id = organisation_id
        WHERE collection_year = :year
        RETURNING organisation
    ),
    found AS (
        SELECT org.code, org.name, coalesce(nullif(form ->> 'sector', ''), org.sector, 'unknown') AS sector,
               coalesce(parent.code, org.code) AS parent, return_id, submission_id, number, content_sha256,
               coalesce(form ->> 'nil_return' = 'yes', false) AS nil_return
        FROM organisation AS org
        LEFT JOIN organisation AS parent ON parent.id = org.parent
        LEFT JOIN accepted ON accepted.organisation_id = org.id
        WHERE submission_id IS NOT NULL OR org.code IN (SELECT organisation FROM framed)
    )
    INSERT INTO pinned_organisation
    SELECT row_number() OVER (ORDER BY code COLLATE "C"), code, name, sector,
           coalesce(CAST(:types AS jsonb) ->> sector, 'unknown'), parent, return_id, submission_id, number,
           content_sha256, nil_return
    FROM found
    """
)

SAME_RETURNS = text(
    """
    SELECT NOT EXISTS (
        SELECT FROM (
            SELECT organisation, sector, parent, content_sha256 FROM pinned_organisation WHERE submission_id IS NOT NULL
        ) AS pinned
        FULL JOIN (
            SELECT organisation, sector, parent, content_sha256 FROM snapshot_return
            WHERE collection_year = :year AND snapshot_id = :snapshot
        ) AS held USING (organisation, sector, parent, content_sha256)
        WHERE pinned IS NULL OR held IS NULL
    )
    """
)

RETURN_FACTS = text(
    """
    SELECT organisation, sector, parent, content_sha256 FROM pinned_organisation WHERE submission_id IS NOT NULL
    ORDER BY organisation COLLATE "C"
    """
)

FRAME_FACTS = text(
    """
    SELECT organisation, local_authority_code, service_type, trim_scale(size)::text AS size FROM pinned_frame
    ORDER BY organisation COLLATE "C", local_authority_code COLLATE "C", service_type COLLATE "C"
    """
)

ADD_ROLES = text(
    """
    WITH noted AS (
        INSERT INTO pinned_role
        SELECT role, pay_basis FROM jsonb_to_recordset(CAST(:roles AS jsonb)) AS listed (role text, pay_basis text)
    )
    INSERT INTO snapshot_role
        (collection_year, snapshot_id, role, label, role_group, regulated, profession_group, pay_basis)
    SELECT :year, :snapshot, role, label, role_group, regulated, profession_group, pay_basis
    FROM jsonb_to_recordset(CAST(:roles AS jsonb))
      AS listed (role text, label text, role_group text, regulated text, profession_group text, pay_basis text)
    """
)

ADD_RETURNS = text(
    """
    INSERT INTO snapshot_return
        (collection_year, snapshot_id, organisation, name, sector, organisation_type, parent, submission_id, number,
         content_sha256, nil_return)
    SELECT :year, :snapshot, organisation, name, sector, organisation_type, parent, submission_id, number,
           content_sha256, nil_return
    FROM pinned_organisation WHERE submission_id IS NOT NULL ORDER BY place
    """
)

ADD_LINES = text(
    """
    WITH batch AS MATERIALIZED (SELECT * FROM pinned_organisation WHERE place BETWEEN :first AND :last),
    answered AS MATERIALIZED (
        SELECT organisation, sheet, cells ->> 'local_authority_code' AS local_authority_code,
               cells ->> 'service_type' AS service_type, cells ->> 'commissioning_route' AS commissioning_route,
               cells ->> 'data_available' AS data_available
        FROM batch
        JOIN submission_row AS stored ON stored.collection_year = :year AND stored.submission_id = batch.submission_id
        WHERE NOT nil_return AND sheet IN ('services', 'staff')
    ),
    reported AS (
        SELECT organisation, local_authority_code, service_type, max(commissioning_route) AS commissioning_route,
               max(data_available) AS data_available,
               bool_or(sheet = 'staff' OR coalesce(data_available, '') <> 'none') AS has_data
        FROM answered
        WHERE local_authority_code IS NOT NULL AND service_type IS NOT NULL
        GROUP BY organisation, local_authority_code, service_type
    ),
    framed AS (
        SELECT pinned_frame.*, true AS in_frame FROM pinned_frame
        WHERE organisation IN (SELECT organisation FROM batch)
    ),
    listed AS (
        SELECT *, :before + row_number() OVER (
            ORDER BY organisation COLLATE "C", local_authority_code COLLATE "C", service_type COLLATE "C"
        ) AS line_no
        FROM reported FULL JOIN framed USING (organisation, local_authority_code, service_type)
    ),
    added AS (
        INSERT INTO snapshot_line
            (collection_year, snapshot_id, line_no, organisation, parent, local_authority_code, service_type, region,
             sector, organisation_type, commissioning_route, data_available, in_frame, reported, size)
        SELECT :year, :snapshot, line_no, organisation, parent, local_authority_code, service_type,
               CAST(:regions AS jsonb) ->> local_authority_code, sector, organisation_type, commissioning_route,
               data_available, coalesce(in_frame, false), nil_return OR coalesce(has_data, false), size
        FROM listed JOIN batch USING (organisation) ORDER BY line_no
        RETURNING line_no, organisation, local_authority_code, service_type
    )
    INSERT INTO batch_line SELECT * FROM added
    """
)


def _item_columns() -> tuple[str, str]:
    """The values of the items and the letters that say how each was answered (domain/measures.py)."""
    values, letters = [], []
    for item in ITEMS:
        # a number begins with a digit: everything else is a word that stands for one
        number = f"ascii(cell.{item}) BETWEEN 48 AND 57"
        left_out = "paid" if item in _UNPAID else "unpaid"
        values.append(f"CASE WHEN {number} THEN cell.{item}::double precision END")
        letters.append(
            f"CASE WHEN {number} THEN 'V' WHEN cell.{item} = 'NK' THEN 'N' WHEN cell.{item} = 'REFUSED' THEN 'R' "
            f"WHEN cell.{item} = 'NA' OR pay_basis = '{left_out}' THEN 'A' ELSE 'B' END"
        )
    return ", ".join(values), " || ".join(letters)


def _add_staff() -> str:
    values, letters = _item_columns()
    columns = ", ".join(ITEMS)
    return f"""
    WITH answered AS MATERIALIZED (
        SELECT organisation, cell.*
        FROM pinned_organisation AS pinned
        JOIN submission_row AS stored ON stored.collection_year = :year AND stored.submission_id = pinned.submission_id
        CROSS JOIN LATERAL jsonb_to_record(stored.cells) AS cell (
            local_authority_code text, service_type text, role_code text, {", ".join(f"{item} text" for item in ITEMS)}
        )
        WHERE place BETWEEN :first AND :last AND NOT nil_return AND sheet = 'staff' AND role_code IS NOT NULL
    )
    INSERT INTO snapshot_staff (collection_year, snapshot_id, line_no, role, {columns}, states)
    SELECT :year, :snapshot, line_no, role_code, {values}, {letters}
    FROM answered AS cell
    JOIN batch_line USING (organisation, local_authority_code, service_type)
    LEFT JOIN pinned_role ON role = role_code
    ORDER BY line_no, role_code
    """


ADD_STAFF = text(_add_staff())

ADD_BREAKDOWNS = text(
    """
    INSERT INTO snapshot_breakdown (collection_year, snapshot_id, organisation, sheet, row_key, category, value, state)
    SELECT :year, :snapshot, organisation, stored.sheet, cells ->> row_key, category,
           CASE WHEN ascii(cell) BETWEEN 48 AND 57 THEN CAST(cell AS double precision) END,
           CASE WHEN ascii(cell) BETWEEN 48 AND 57 THEN 'V' WHEN cell = 'NK' THEN 'N' WHEN cell = 'REFUSED' THEN 'R'
                WHEN cell = 'NA' THEN 'A' ELSE 'B' END
    FROM pinned_organisation AS pinned
    JOIN submission_row AS stored ON stored.collection_year = :year AND stored.submission_id = pinned.submission_id
    JOIN jsonb_to_recordset(CAST(:asked AS jsonb)) AS asked (sheet text, row_key text, categories jsonb)
      ON asked.sheet = stored.sheet
    CROSS JOIN LATERAL (
        SELECT category, cells ->> category AS cell FROM jsonb_array_elements_text(categories) AS category
    ) AS counted
    WHERE place BETWEEN :first AND :last AND NOT nil_return AND cells ->> row_key IS NOT NULL
    ORDER BY place, stored.sheet, cells ->> row_key
    """
)

CHANGES = text(
    """
    SELECT CASE WHEN held.organisation IS NULL THEN 'added' WHEN pinned.organisation IS NULL THEN 'removed'
                ELSE 'changed' END AS kind,
           coalesce(pinned.organisation, held.organisation) AS organisation, held.content_sha256 AS before_sha256,
           pinned.content_sha256 AS after_sha256
    FROM (SELECT * FROM pinned_organisation WHERE submission_id IS NOT NULL) AS pinned
    FULL JOIN (SELECT * FROM snapshot_return WHERE collection_year = :year AND snapshot_id = :previous) AS held
      ON held.organisation = pinned.organisation
    WHERE held.content_sha256 IS DISTINCT FROM pinned.content_sha256
    ORDER BY coalesce(pinned.organisation, held.organisation) COLLATE "C"
    """
)

MARK = text(
    """
    UPDATE "return" SET frozen_in = :snapshot FROM pinned_organisation AS pinned
    WHERE "return".collection_year = :year AND "return".id = pinned.return_id
    """
)
