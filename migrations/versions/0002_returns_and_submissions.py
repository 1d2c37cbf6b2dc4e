"""Returns and their submissions, which never change once sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261121_0910"
down_revision = "20261121_0900"
branch_labels = None
depends_on = None


def upgrade() -> None:
    set_limits()
    create_return()
    create_submission()
    create_submission_original()
    create_submission_row()
    create_finding()
    create_idempotency()
    op.create_foreign_key(
        op.f("fk_return_collection_year_accepted_submission_id"),
        "return",
        "submission",
        ["collection_year", "accepted_submission_id"],
        ["collection_year", "id"],
    )
    seal_submissions()
    seal_contents()


def downgrade() -> None:
    set_limits()
    op.drop_constraint(op.f("fk_return_collection_year_accepted_submission_id"), "return")
    op.drop_index(op.f("ix_return_organisation_id"), "return")
    op.drop_table("idempotency")
    op.drop_table("finding")
    op.drop_table("submission_row")
    op.drop_table("submission_original")
    op.drop_table("submission")
    op.drop_table("return")
    op.execute("DROP FUNCTION census_seal_submission()")
    op.execute("DROP FUNCTION census_only_while_open()")


def set_limits() -> None:
    # a migration that waits for a lock makes everybody wait behind it: better to give up and try again
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")


def create_return() -> None:
    op.create_table(
        "return",
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), server_default="not_started", nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("accepted_submission_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state IN ('not_started', 'in_progress', 'signed_off', 'queried', 'accepted', 'reopened', 'declined', "
            "'withdrawn')",
            name=op.f("ck_return_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["collection_year", "accepted_submission_id"],
            ["submission.collection_year", "submission.id"],
            name=op.f("fk_return_collection_year_accepted_submission_id"),
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(["collection_year"], ["collection.year"], name=op.f("fk_return_collection_year")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_return_organisation_id")),
        sa.PrimaryKeyConstraint("collection_year", "id", name=op.f("pk_return")),
        sa.UniqueConstraint(
            "collection_year", "organisation_id", name=op.f("uq_return_collection_year_organisation_id")
        ),
    )
    op.create_index(op.f("ix_return_organisation_id"), "return", ["organisation_id"], unique=False)


def create_submission() -> None:
    op.create_table(
        "submission",
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("return_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_by", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("original_sha256", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("content_sha256", sa.Text(), nullable=True),
        sa.Column("spec_digest", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("rows_read", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("form", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("refusal_reason", sa.Text(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.CheckConstraint("(number IS NULL) = (status = 'refused')", name=op.f("ck_submission_refused_has_no_number")),
        sa.CheckConstraint(
            "(refusal_reason IS NOT NULL) = (status = 'refused')", name=op.f("ck_submission_refused_has_reason")
        ),
        sa.CheckConstraint(
            "(status = 'checked') = (num_nonnulls(kind, content_sha256, spec_digest, outcome, rows_read, counts, "
            "rules, form) = 8)",
            name=op.f("ck_submission_checked_is_complete"),
        ),
        sa.CheckConstraint("kind IN ('xlsx', 'ods', 'json', 'csv')", name=op.f("ck_submission_kind_known")),
        sa.CheckConstraint("outcome IN ('errors', 'queries', 'clean')", name=op.f("ck_submission_outcome_known")),
        sa.CheckConstraint(
            "status IN ('received', 'checking', 'checked', 'refused')", name=op.f("ck_submission_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["collection_year", "return_id"],
            ["return.collection_year", "return.id"],
            name=op.f("fk_submission_collection_year_return_id"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_submission_organisation_id")),
        sa.PrimaryKeyConstraint("collection_year", "id", name=op.f("pk_submission")),
        sa.UniqueConstraint(
            "collection_year", "return_id", "number", name=op.f("uq_submission_collection_year_return_id_number")
        ),
    )
    op.create_index(op.f("ix_submission_organisation_id"), "submission", ["organisation_id"], unique=False)


def create_submission_original() -> None:
    op.create_table(
        "submission_original",
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_year", "submission_id"],
            ["submission.collection_year", "submission.id"],
            name=op.f("fk_submission_original_collection_year_submission_id"),
        ),
        sa.PrimaryKeyConstraint("collection_year", "submission_id", name=op.f("pk_submission_original")),
    )


def create_submission_row() -> None:
    op.create_table(
        "submission_row",
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("sheet", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("business_key", sa.Text(), nullable=False),
        sa.Column("cells", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_year", "submission_id"],
            ["submission.collection_year", "submission.id"],
            name=op.f("fk_submission_row_collection_year_submission_id"),
        ),
        sa.PrimaryKeyConstraint("collection_year", "submission_id", "ordinal", name=op.f("pk_submission_row")),
    )


def create_finding() -> None:
    op.create_table(
        "finding",
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("sheet", sa.Text(), nullable=True),
        sa.Column("cell", sa.Text(), nullable=True),
        sa.Column("pointer", sa.Text(), nullable=True),
        sa.Column("column_key", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("fix", sa.Text(), nullable=False),
        sa.CheckConstraint("severity IN ('error', 'query', 'note')", name=op.f("ck_finding_severity_known")),
        sa.ForeignKeyConstraint(
            ["collection_year", "submission_id"],
            ["submission.collection_year", "submission.id"],
            name=op.f("fk_finding_collection_year_submission_id"),
        ),
        sa.PrimaryKeyConstraint("collection_year", "submission_id", "ordinal", name=op.f("pk_finding")),
    )


def create_idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.Text(), nullable=False),
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_year", "submission_id"],
            ["submission.collection_year", "submission.id"],
            name=op.f("fk_idempotency_collection_year_submission_id"),
        ),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_idempotency")),
    )


def seal_submissions() -> None:
    """A submission may be completed, once. What was received stays as it was received."""
    op.execute(
        """
        CREATE FUNCTION census_seal_submission() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.status IN ('checked', 'refused') THEN
                RAISE EXCEPTION 'a submission that was % never changes', OLD.status
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF (OLD.collection_year, OLD.id, OLD.return_id, OLD.organisation_id, OLD.received_at, OLD.received_by,
                OLD.file_name, OLD.media_type, OLD.size, OLD.original_sha256)
               IS DISTINCT FROM
               (NEW.collection_year, NEW.id, NEW.return_id, NEW.organisation_id, NEW.received_at, NEW.received_by,
                NEW.file_name, NEW.media_type, NEW.size, NEW.original_sha256)
               OR (NEW.number IS NOT NULL AND NEW.number <> OLD.number) THEN
                RAISE EXCEPTION 'what was received never changes'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute("CREATE TRIGGER seal BEFORE UPDATE ON submission FOR EACH ROW EXECUTE FUNCTION census_seal_submission()")
    op.execute(
        "CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON submission "
        "FOR EACH STATEMENT EXECUTE FUNCTION census_refuse_change()"
    )


def seal_contents() -> None:
    """Bytes, rows and findings never change, and are added only while their submission is not sealed."""
    op.execute(
        """
        CREATE FUNCTION census_only_while_open() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (
                SELECT FROM (SELECT DISTINCT collection_year, submission_id FROM added) AS fresh
                JOIN submission ON (submission.collection_year, submission.id) = (fresh.collection_year, submission_id)
                WHERE status IN ('checked', 'refused')
            ) THEN
                RAISE EXCEPTION 'nothing is added to a submission that was checked or refused'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    for table in ("submission_original", "submission_row", "finding"):
        op.execute(
            f"CREATE TRIGGER only_while_open AFTER INSERT ON {table} REFERENCING NEW TABLE AS added "
            "FOR EACH STATEMENT EXECUTE FUNCTION census_only_while_open()"
        )
        op.execute(
            f"CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION census_refuse_change()"
        )
