"""The outbox of mail, and when reminders go out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "mail0001"
down_revision = "tenancy0001"
branch_labels = None
depends_on = None

ALL = "(SELECT current_setting('census.tenants', true)) = '*'"
MINE = "ANY ((SELECT census_tenants())::uuid[])"


def upgrade() -> None:
    set_limits()
    create_mail()
    create_mail_plan()
    isolate()


def downgrade() -> None:
    set_limits()
    op.drop_table("mail_plan")
    op.drop_table("mail")


def set_limits() -> None:
    # a migration that waits for a lock makes everybody wait behind it: better to give up and try again
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")


def create_mail() -> None:
    op.create_table(
        "mail",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("collection_year", sa.SmallInteger(), nullable=True),
        sa.Column("once_key", sa.Text(), nullable=False),
        sa.Column("links", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try", sa.DateTime(timezone=True), nullable=False),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('invite', 'password_reset', 'opening', 'reminder', 'query', 'reply', 'receipt', 'reopened', "
            "'accepted')",
            name=op.f("ck_mail_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'returned', 'held', 'failed')", name=op.f("ck_mail_state_known")
        ),
        sa.CheckConstraint(
            "(state IN ('sent', 'returned')) = (sent_at IS NOT NULL)", name=op.f("ck_mail_sent_has_time")
        ),
        sa.ForeignKeyConstraint(["collection_year"], ["collection.year"], name=op.f("fk_mail_collection_year")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_mail_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("once_key", name=op.f("uq_mail_once_key")),
        sa.UniqueConstraint("ordinal", name=op.f("uq_mail_ordinal")),
    )
    op.create_index(op.f("ix_mail_organisation_id"), "mail", ["organisation_id"])
    op.create_index(
        op.f("ix_mail_next_try"),
        "mail",
        ["next_try"],
        postgresql_where=sa.text("state IN ('waiting', 'sending')"),
    )


def create_mail_plan() -> None:
    op.create_table(
        "mail_plan",
        sa.Column("collection_year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("opening", sa.Boolean(), nullable=False),
        sa.Column("days_left", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["collection_year"], ["collection.year"], name=op.f("fk_mail_plan_collection_year")),
        sa.PrimaryKeyConstraint("collection_year", name=op.f("pk_mail_plan")),
    )


def isolate() -> None:
    """Whoever acts for an organisation may cause mail about it, and read none: links in mail open doors."""
    op.execute("ALTER TABLE mail ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE mail FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY everybody ON mail USING ({ALL})")
    op.execute(
        "CREATE POLICY adding ON mail FOR INSERT "
        f"WITH CHECK ({ALL} OR organisation_id IS NULL OR organisation_id = {MINE})"
    )
