"""Organisations kept apart by the database, deletion for good, and a record of what was compared."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "tenancy0001"
down_revision = "audit0001"
branch_labels = None
depends_on = None

ROLE = "census_app"
OF_ORGANISATION = (
    "return", "submission", "frame_line", "arrival", "extension", "explanation", "sign_off", "return_query",
    "query_reply", "membership",
)  # fmt: skip
OF_SUBMISSION = ("submission_original", "submission_row", "finding", "idempotency", "job")
CONTENTS = ("submission_original", "submission_row", "finding")

ALL = "(SELECT current_setting('census.tenants', true)) = '*'"
# in this form the organisations are looked up once a statement, not once a row
MINE = "ANY ((SELECT census_tenants())::uuid[])"
VISIBLE = f"{ALL} OR organisation_id = {MINE}"
VISIBLE_BY_SUBMISSION = (
    f"{ALL} OR (collection_year, submission_id) IN "
    f"(SELECT s.collection_year, s.id FROM submission AS s WHERE s.organisation_id = {MINE})"
)


def upgrade() -> None:
    set_limits()
    change_columns()
    allow_erasing()
    create_reconciliation()
    grant_rights()
    create_tenants()
    isolate()


def downgrade() -> None:
    set_limits()
    share()
    op.execute("DROP FUNCTION census_kin(), census_tenants()")
    revoke_rights()
    op.drop_table("reconciliation")
    disallow_erasing()
    change_columns_back()


def set_limits() -> None:
    # a migration that waits for a lock makes everybody wait behind it: better to give up and try again
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")


def change_columns() -> None:
    op.add_column("collection", sa.Column("framed", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute("UPDATE collection SET framed = EXISTS (SELECT FROM frame_line WHERE collection_year = year)")
    op.add_column("job", sa.Column("attempts_before", sa.Integer(), server_default="0", nullable=False))
    op.add_column("job", sa.Column("retried_at", sa.DateTime(timezone=True), nullable=True))
    check_submission(
        "status IN ('received', 'checking', 'checked', 'refused', 'failed', 'erased')",
        "(number IS NULL) = (status = 'refused') OR status = 'erased'",
    )


def change_columns_back() -> None:
    # the nearest that the older version knows
    op.execute("UPDATE submission SET status = 'checking' WHERE status = 'failed'")
    op.execute(
        "UPDATE submission SET status = 'refused', number = NULL, refusal_reason = 'erased', "
        "refusal = 'The file was deleted for good.' WHERE status = 'erased'"
    )
    check_submission(
        "status IN ('received', 'checking', 'checked', 'refused')", "(number IS NULL) = (status = 'refused')"
    )
    op.drop_column("job", "retried_at")
    op.drop_column("job", "attempts_before")
    op.drop_column("collection", "framed")


def check_submission(status: str, number: str) -> None:
    for name, condition in (("status_known", status), ("refused_has_no_number", number)):
        op.drop_constraint(op.f(f"ck_submission_{name}"), "submission")
        op.create_check_constraint(op.f(f"ck_submission_{name}"), "submission", condition)


def allow_erasing() -> None:
    """What should never have been held can be deleted by `census_erase`, by whom all organisations are seen."""
    seal_submissions(
        """
            IF NEW.status = 'erased' AND OLD.status <> 'erased' AND current_user <> 'census_app'
               AND (OLD.collection_year, OLD.id, OLD.return_id, OLD.organisation_id, OLD.number, OLD.received_at,
                    OLD.received_by, OLD.size, OLD.original_sha256)
                   IS NOT DISTINCT FROM
                   (NEW.collection_year, NEW.id, NEW.return_id, NEW.organisation_id, NEW.number, NEW.received_at,
                    NEW.received_by, NEW.size, NEW.original_sha256) THEN
                RETURN NEW;
            END IF;
        """,
        "'checked', 'refused', 'erased'",
    )
    only_while_open("'checked', 'refused', 'erased'")
    op.execute(
        """
        CREATE FUNCTION census_only_erased() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (
                SELECT FROM (SELECT DISTINCT collection_year, submission_id FROM gone) AS left_over
                JOIN submission
                ON (submission.collection_year, submission.id) = (left_over.collection_year, submission_id)
                WHERE status <> 'erased'
            ) THEN
                RAISE EXCEPTION 'what is in % never changes', TG_TABLE_NAME
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    for table in CONTENTS:
        never_changes(table, "UPDATE OR TRUNCATE")
        op.execute(
            f"CREATE TRIGGER only_erased AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone "
            "FOR EACH STATEMENT EXECUTE FUNCTION census_only_erased()"
        )
    create_erase()


def create_erase() -> None:
    op.execute(
        """
        CREATE FUNCTION census_erase(year smallint, erased uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = public, pg_temp AS $$
        BEGIN
            IF current_setting('census.tenants', true) IS DISTINCT FROM '*' THEN
                RAISE EXCEPTION 'only who sees every organisation may erase' USING ERRCODE = 'insufficient_privilege';
            END IF;
            UPDATE submission SET status = 'erased', file_name = NULL, media_type = NULL, outcome = NULL,
                rows_read = NULL, counts = NULL, rules = NULL, form = NULL, refusal_reason = NULL, refusal = NULL
            WHERE collection_year = year AND id = erased;
            DELETE FROM submission_original WHERE collection_year = year AND submission_id = erased;
            DELETE FROM submission_row WHERE collection_year = year AND submission_id = erased;
            DELETE FROM finding WHERE collection_year = year AND submission_id = erased;
            DELETE FROM explanation WHERE collection_year = year AND submission_id = erased;
            -- the reason of a refusal may quote the file
            UPDATE job SET state = CASE WHEN finished_at IS NULL THEN 'failed' ELSE state END, stage = 'finished',
                share = 1, finished_at = coalesce(finished_at, clock_timestamp()), reason = 'erased',
                message = 'The file was deleted for good.'
            WHERE collection_year = year AND submission_id = erased AND state <> 'done';
        END $$
        """
    )
    op.execute("REVOKE EXECUTE ON FUNCTION census_erase(smallint, uuid) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION census_erase(smallint, uuid) TO {ROLE}")


def disallow_erasing() -> None:
    op.execute("DROP FUNCTION census_erase(smallint, uuid)")
    for table in CONTENTS:
        op.execute(f"DROP TRIGGER only_erased ON {table}")
        never_changes(table, "UPDATE OR DELETE OR TRUNCATE")
    op.execute("DROP FUNCTION census_only_erased()")
    only_while_open("'checked', 'refused'")
    seal_submissions("", "'checked', 'refused'")


def never_changes(table: str, events: str) -> None:
    op.execute(f"DROP TRIGGER never_changes ON {table}")
    op.execute(
        f"CREATE TRIGGER never_changes BEFORE {events} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION census_refuse_change()"
    )


def seal_submissions(first: str, sealed: str) -> None:
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION census_seal_submission() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            {first.strip()}
            IF OLD.status IN ({sealed}) THEN
                RAISE EXCEPTION 'a submission that was % never changes', OLD.status
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF (OLD.collection_year, OLD.id, OLD.return_id, OLD.organisation_id, OLD.received_at, OLD.received_by,
                OLD.file_name, OLD.media_type, OLD.size, OLD.original_sha256)
               IS DISTINCT FROM
               (NEW.collection_year, NEW.id, NEW.return_id, NEW.organisation_id, NEW.received_at, NEW.received_by,
                NEW.file_name, NEW.media_type, NEW.size, NEW.original_sha256)
               OR (NEW.number IS NOT NULL AND NEW.number <> OLD.number)
               OR NEW.status = 'erased' THEN
                RAISE EXCEPTION 'what was received never changes'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )


def only_while_open(sealed: str) -> None:
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION census_only_while_open() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (
                SELECT FROM (SELECT DISTINCT collection_year, submission_id FROM added) AS fresh
                JOIN submission ON (submission.collection_year, submission.id) = (fresh.collection_year, submission_id)
                WHERE status IN ({sealed})
            ) THEN
                RAISE EXCEPTION 'nothing is added to a submission that was checked or refused'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END $$
        """
    )


def create_reconciliation() -> None:
    op.create_table(
        "reconciliation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged", sa.BigInteger(), nullable=False),
        sa.Column("missing", sa.BigInteger(), nullable=False),
        sa.Column("damaged", sa.BigInteger(), nullable=False),
        sa.Column("overdue", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation")),
    )


def grant_rights() -> None:
    """The platform's role reads and writes everything, but changes and deletes nothing that is there to stay."""
    op.execute(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE}")
    op.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
    op.execute(f"REVOKE INSERT, UPDATE, DELETE ON alembic_version, audit_chain, audit_link FROM {ROLE}")
    op.execute(f"REVOKE UPDATE, DELETE ON audit_event, {', '.join(CONTENTS)} FROM {ROLE}")
    op.execute(f"REVOKE DELETE ON submission FROM {ROLE}")
    # tables of later migrations
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {ROLE}")
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {ROLE}")


def revoke_rights() -> None:
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM {ROLE}")
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM {ROLE}")
    op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE}")
    op.execute(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {ROLE}")
    op.execute(f"REVOKE ALL ON SCHEMA public FROM {ROLE}")


def create_tenants() -> None:
    """The keys of the organisations of a transaction; and those with their parents and successors, whose names show."""
    op.execute(
        """
        CREATE FUNCTION census_tenants() RETURNS uuid[] LANGUAGE sql STABLE SECURITY DEFINER
        SET search_path = public, pg_temp AS $$
            SELECT coalesce(array_agg(id), '{}') FROM organisation
            WHERE code = ANY (string_to_array(current_setting('census.tenants', true), chr(31)))
        $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION census_kin() RETURNS uuid[] LANGUAGE sql STABLE SECURITY DEFINER
        SET search_path = public, pg_temp AS $$
            SELECT coalesce(array_agg(kin), '{}')
            FROM organisation CROSS JOIN LATERAL unnest(ARRAY[id, parent, merged_into]) AS kin
            WHERE id = ANY (census_tenants()) AND kin IS NOT NULL
        $$
        """
    )


def isolate() -> None:
    for table in OF_ORGANISATION:
        force(table)
        op.execute(f'CREATE POLICY own_organisation ON "{table}" USING ({VISIBLE})')
    for table in OF_SUBMISSION:
        force(table)
        op.execute(f"CREATE POLICY own_organisation ON {table} USING ({VISIBLE_BY_SUBMISSION})")
    force("audit_event")
    op.execute(f"CREATE POLICY own_organisation ON audit_event FOR SELECT USING ({VISIBLE})")
    op.execute(f"CREATE POLICY adding ON audit_event FOR INSERT WITH CHECK ({VISIBLE} OR organisation_id IS NULL)")
    # not forced: the owner's functions above read it to find out who is who
    op.execute("ALTER TABLE organisation ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY own_kin ON organisation FOR SELECT USING ({ALL} OR id = ANY ((SELECT census_kin())::uuid[]))"
    )
    op.execute(f"CREATE POLICY everybody ON organisation USING ({ALL})")


def force(table: str) -> None:
    op.execute(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
    op.execute(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')


def share() -> None:
    op.execute("DROP POLICY everybody ON organisation")
    op.execute("DROP POLICY own_kin ON organisation")
    op.execute("ALTER TABLE organisation DISABLE ROW LEVEL SECURITY")
    op.execute("DROP POLICY adding ON audit_event")
    for table in (*OF_ORGANISATION, *OF_SUBMISSION, "audit_event"):
        op.execute(f'DROP POLICY own_organisation ON "{table}"')
        op.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
        op.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
