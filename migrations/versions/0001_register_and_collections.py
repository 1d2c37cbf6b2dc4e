"""The register, the collections, the frame and the audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261121_0900"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    set_limits()
    create_organisation()
    create_collection()
    create_frame_line()
    create_audit_event()
    refuse_changes("audit_event")


def downgrade() -> None:
    set_limits()
    op.drop_table("audit_event")
    op.drop_table("frame_line")
    op.drop_table("collection")
    op.drop_table("organisation")
    op.execute("DROP FUNCTION census_refuse_change()")


def set_limits() -> None:
    # a migration that waits for a lock makes everybody wait behind it: better to give up and try again
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")


def create_organisation() -> None:
    op.create_table(
        "organisation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("parent", sa.Uuid(), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column(
            "identifiers",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(status = 'merged') = (merged_into IS NOT NULL)", name=op.f("ck_organisation_merged_has_successor")
        ),
        sa.CheckConstraint("status IN ('open', 'closed', 'merged')", name=op.f("ck_organisation_status_known")),
        sa.ForeignKeyConstraint(["merged_into"], ["organisation.id"], name=op.f("fk_organisation_merged_into")),
        sa.ForeignKeyConstraint(["parent"], ["organisation.id"], name=op.f("fk_organisation_parent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("code", name=op.f("uq_organisation_code")),
    )


def create_collection() -> None:
    op.create_table(
        "collection",
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("spec_digest", sa.Text(), nullable=False),
        sa.Column("opens", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="scheduled", nullable=False),
        sa.CheckConstraint("state IN ('scheduled', 'closed')", name=op.f("ck_collection_state_known")),
        sa.CheckConstraint("opens < closes AND closes <= late_until", name=op.f("ck_collection_dates_in_order")),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_collection")),
    )


def create_frame_line() -> None:
    op.create_table(
        "frame_line",
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("local_authority_code", sa.Text(), nullable=False),
        sa.Column("service_type", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["collection_year"], ["collection.year"], name=op.f("fk_frame_line_collection_year")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_frame_line_organisation_id")),
        sa.PrimaryKeyConstraint(
            "collection_year", "organisation_id", "local_authority_code", "service_type", name=op.f("pk_frame_line")
        ),
    )


def create_audit_event() -> None:
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("collection_year", sa.SmallInteger(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("before_hash", sa.Text(), nullable=True),
        sa.Column("after_hash", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_audit_event_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index(op.f("ix_audit_event_collection_year_id"), "audit_event", ["collection_year", "id"], unique=False)
    op.create_index(op.f("ix_audit_event_organisation_id_id"), "audit_event", ["organisation_id", "id"], unique=False)


def refuse_changes(table: str) -> None:
    op.execute(
        """
        CREATE FUNCTION census_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'what is in % never changes', TG_TABLE_NAME
                USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """
    )
    op.execute(
        f"CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION census_refuse_change()"
    )
