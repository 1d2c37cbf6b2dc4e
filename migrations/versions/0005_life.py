"""The life of a return: arrivals, longer time, explanations, sign-offs, questions, and the moves that are allowed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "life0001"
down_revision = "people0001"
branch_labels = None
depends_on = None

MOVES = (
    ("accepted", "reopened"),
    ("declined", "reopened"),
    ("in_progress", "declined"),
    ("in_progress", "signed_off"),
    ("in_progress", "withdrawn"),
    ("not_started", "declined"),
    ("not_started", "in_progress"),
    ("queried", "in_progress"),
    ("queried", "withdrawn"),
    ("reopened", "declined"),
    ("reopened", "in_progress"),
    ("reopened", "withdrawn"),
    ("signed_off", "accepted"),
    ("signed_off", "queried"),
    ("signed_off", "withdrawn"),
    ("withdrawn", "reopened"),
)
"""(before, after): every change of state that the platform makes."""

TABLES = ("arrival", "extension", "explanation", "sign_off", "return_query", "query_reply")


def upgrade() -> None:
    set_limits()
    create_arrival()
    create_extension()
    create_explanation()
    create_sign_off()
    create_return_query()
    create_query_reply()
    extend_return()
    keep_as_written()
    bind_sign_offs()
    allow_moves()


def downgrade() -> None:
    set_limits()
    op.execute("DROP TRIGGER moves ON return")
    op.execute("DROP FUNCTION census_return_moves()")
    op.drop_constraint(op.f("fk_return_collection_year_signed_submission_id"), "return")
    op.drop_column("return", "frozen_in")
    op.drop_column("return", "signed_submission_id")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DROP FUNCTION census_sign_off_binds()")


def set_limits() -> None:
    # a migration that waits for a lock makes everybody wait behind it: better to give up and try again
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")


def create_arrival() -> None:
    op.create_table(
        "arrival",
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("timing", sa.Text(), nullable=False),
        sa.Column("on_behalf", sa.Boolean(), nullable=False),
        sa.CheckConstraint("timing IN ('on_time', 'extended', 'late')", name=op.f("ck_arrival_timing_known")),
        sa.ForeignKeyConstraint(
            ["collection_year", "submission_id"],
            ["submission.collection_year", "submission.id"],
            name=op.f("fk_arrival_collection_year_submission_id"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_arrival_organisation_id")),
        sa.PrimaryKeyConstraint("collection_year", "submission_id", name=op.f("pk_arrival")),
    )
    op.create_index(op.f("ix_arrival_organisation_id"), "arrival", ["organisation_id"], unique=False)


def create_extension() -> None:
    op.create_table(
        "extension",
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["collection_year"], ["collection.year"], name=op.f("fk_extension_collection_year")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_extension_organisation_id")),
        sa.PrimaryKeyConstraint("collection_year", "organisation_id", name=op.f("pk_extension")),
    )


def create_explanation() -> None:
    op.create_table(
        "explanation",
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("finding_key", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("carried_from", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "reason IN ('checked', 'service_change', 'staffing_change', 'transfer', 'recording_change', 'estimate', 'other')",
            name=op.f("ck_explanation_reason_known"),
        ),
        sa.ForeignKeyConstraint(
            ["collection_year", "submission_id"],
            ["submission.collection_year", "submission.id"],
            name=op.f("fk_explanation_collection_year_submission_id"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_explanation_organisation_id")),
        sa.PrimaryKeyConstraint("collection_year", "submission_id", "finding_key", name=op.f("pk_explanation")),
    )
    op.create_index(op.f("ix_explanation_organisation_id"), "explanation", ["organisation_id"], unique=False)


def create_sign_off() -> None:
    op.create_table(
        "sign_off",
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("return_id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("timing", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("explanations_sha256", sa.Text(), nullable=False),
        sa.CheckConstraint("timing IN ('on_time', 'extended', 'late')", name=op.f("ck_sign_off_timing_known")),
        sa.ForeignKeyConstraint(
            ["collection_year", "return_id"],
            ["return.collection_year", "return.id"],
            name=op.f("fk_sign_off_collection_year_return_id"),
        ),
        sa.ForeignKeyConstraint(
            ["collection_year", "submission_id"],
            ["submission.collection_year", "submission.id"],
            name=op.f("fk_sign_off_collection_year_submission_id"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_sign_off_organisation_id")),
        sa.PrimaryKeyConstraint("collection_year", "id", name=op.f("pk_sign_off")),
        sa.UniqueConstraint("reference", name=op.f("uq_sign_off_reference")),
    )
    op.create_index(
        op.f("ix_sign_off_collection_year_return_id"), "sign_off", ["collection_year", "return_id"], unique=False
    )
    op.create_index(op.f("ix_sign_off_organisation_id"), "sign_off", ["organisation_id"], unique=False)


def create_return_query() -> None:
    op.create_table(
        "return_query",
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("return_id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("finding_key", sa.Text(), nullable=True),
        sa.Column("local_authority_code", sa.Text(), nullable=True),
        sa.Column("service_type", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(about = 'finding') = (finding_key IS NOT NULL) AND (about = 'line') = (num_nonnulls(local_authority_code, service_type) = 2) AND about IN ('finding', 'line', 'return')",
            name=op.f("ck_return_query_about_one_thing"),
        ),
        sa.ForeignKeyConstraint(
            ["collection_year", "return_id"],
            ["return.collection_year", "return.id"],
            name=op.f("fk_return_query_collection_year_return_id"),
        ),
        sa.ForeignKeyConstraint(
            ["collection_year", "submission_id"],
            ["submission.collection_year", "submission.id"],
            name=op.f("fk_return_query_collection_year_submission_id"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_return_query_organisation_id")),
        sa.PrimaryKeyConstraint("collection_year", "id", name=op.f("pk_return_query")),
    )
    op.create_index(
        op.f("ix_return_query_collection_year_return_id"),
        "return_query",
        ["collection_year", "return_id"],
        unique=False,
    )
    op.create_index(op.f("ix_return_query_organisation_id"), "return_query", ["organisation_id"], unique=False)


def create_query_reply() -> None:
    op.create_table(
        "query_reply",
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("query_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("replied_by", sa.Text(), nullable=False),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_year", "query_id"],
            ["return_query.collection_year", "return_query.id"],
            name=op.f("fk_query_reply_collection_year_query_id"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_query_reply_organisation_id")),
        sa.PrimaryKeyConstraint("collection_year", "id", name=op.f("pk_query_reply")),
    )
    op.create_index(
        op.f("ix_query_reply_collection_year_query_id"), "query_reply", ["collection_year", "query_id"], unique=False
    )
    op.create_index(op.f("ix_query_reply_organisation_id"), "query_reply", ["organisation_id"], unique=False)


def extend_return() -> None:
    op.add_column("return", sa.Column("signed_submission_id", sa.Uuid(), nullable=True))
    op.add_column("return", sa.Column("frozen_in", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_return_collection_year_signed_submission_id"),
        "return",
        "submission",
        ["collection_year", "signed_submission_id"],
        ["collection_year", "id"],
    )


def keep_as_written() -> None:
    for table in ("arrival", "sign_off", "return_query", "query_reply"):
        op.execute(
            f"CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION census_refuse_change()"
        )


def bind_sign_offs() -> None:
    """A sign-off is of one checked submission of its own return, and of exactly that content."""
    op.execute(
        """
        CREATE FUNCTION census_sign_off_binds() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT EXISTS (
                SELECT FROM submission WHERE status = 'checked'
                AND (collection_year, id, return_id, organisation_id, content_sha256)
                  = (NEW.collection_year, NEW.submission_id, NEW.return_id, NEW.organisation_id, NEW.content_sha256)
            ) THEN
                RAISE EXCEPTION 'a sign-off names a checked submission of its return, and its content'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute("CREATE TRIGGER binds BEFORE INSERT ON sign_off FOR EACH ROW EXECUTE FUNCTION census_sign_off_binds()")


def allow_moves() -> None:
    """States change along the table alone; what is signed and accepted is there exactly while the state says so."""
    moves = ", ".join(f"('{before}', '{after}')" for before, after in MOVES)
    op.execute(
        f"""
        CREATE FUNCTION census_return_moves() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                IF NEW.state <> 'not_started' THEN
                    RAISE EXCEPTION 'a return begins as not_started' USING ERRCODE = 'integrity_constraint_violation';
                END IF;
            ELSIF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN ({moves}) THEN
                RAISE EXCEPTION 'a return that is % does not become %', OLD.state, NEW.state
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF (NEW.signed_submission_id IS NOT NULL) <> (NEW.state IN ('signed_off', 'accepted'))
               OR (NEW.accepted_submission_id IS NOT NULL) <> (NEW.state = 'accepted')
               OR NEW.accepted_submission_id <> NEW.signed_submission_id THEN
                RAISE EXCEPTION 'a return that is % does not have that submission signed or accepted', NEW.state
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF NEW.signed_submission_id IS NOT NULL AND NOT EXISTS (
                SELECT FROM sign_off WHERE (collection_year, return_id, submission_id)
                = (NEW.collection_year, NEW.id, NEW.signed_submission_id)
            ) THEN
                RAISE EXCEPTION 'nobody signed that submission' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER moves BEFORE INSERT OR UPDATE ON return FOR EACH ROW EXECUTE FUNCTION census_return_moves()"
    )
