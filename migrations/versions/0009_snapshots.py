"""Lineage, policies, snapshots with their facts, comparisons kept, and margins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "snap0001"
down_revision = "mail0001"
branch_labels = None
depends_on = None

ALL = "(SELECT current_setting('census.tenants', true)) = '*'"
CUBE = ("snapshot_cell", "snapshot_breakdown_cell", "snapshot_contributor")
FACTS = ("snapshot_return", "snapshot_line", "snapshot_role", "snapshot_staff", "snapshot_breakdown", *CUBE)
KEPT = ("policy", "comparison_result", "margin")
ITEMS = (
    "paid_headcount", "paid_wte", "unpaid_headcount", "unpaid_wte", "opening_headcount", "starters", "leavers",
    "transfers_in", "transfers_out", "vacant_wte", "establishment_wte",
)  # fmt: skip
SUMS = (
    "paid_headcount", "paid_wte", "unpaid_headcount", "unpaid_wte", "opening_headcount", "starters", "leavers",
    "vacant_wte",
)  # fmt: skip
ZEROS = (
    "paid_headcount", "paid_wte", "unpaid_headcount", "unpaid_wte", "starters", "leavers", "vacant_wte", "wte",
    "headcount",
)  # fmt: skip


def upgrade() -> None:
    set_limits()
    create_lineage()
    create_policy()
    create_snapshot()
    create_facts()
    create_cube()
    create_results()
    seal()
    isolate()


def downgrade() -> None:
    set_limits()
    for table in ("margin", "comparison_result", *reversed(FACTS), "snapshot", "policy", "lineage_edge"):
        op.drop_table(table)
    op.execute("DROP FUNCTION census_only_while_building()")
    op.execute("DROP FUNCTION census_seal_snapshot()")


def set_limits() -> None:
    # a migration that waits for a lock makes everybody wait behind it: better to give up and try again
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")


def text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def create_lineage() -> None:
    ends = ("year", "organisation", "local_authority", "service_type")
    op.create_table(
        "lineage_edge",
        sa.Column("id", sa.Uuid(), nullable=False),
        *(
            sa.Column(f"{side}_{part}", sa.SmallInteger() if part == "year" else sa.Text(), nullable=False)
            for side in ("from", "to")
            for part in ends
        ),
        text("kind"),
        sa.Column("effective", sa.Date(), nullable=False),
        text("evidence"),
        text("state"),
        text("suggested_by", nullable=True),
        text("decided_by", nullable=True),
        time("decided_at", nullable=True),
        sa.CheckConstraint(
            "kind IN ('continues', 'renamed', 'merged', 'split', 'contract_transfer', 'reclassified')",
            name=op.f("ck_lineage_edge_kind_known"),
        ),
        sa.CheckConstraint("state IN ('suggested', 'confirmed', 'refused')", name=op.f("ck_lineage_edge_state_known")),
        sa.CheckConstraint("from_year < to_year", name=op.f("ck_lineage_edge_years_in_order")),
        sa.CheckConstraint(
            "(state = 'suggested') = (decided_by IS NULL)", name=op.f("ck_lineage_edge_decided_by_somebody")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lineage_edge")),
        sa.UniqueConstraint(
            *(f"{side}_{part}" for side in ("from", "to") for part in ends), name="uq_lineage_edge_ends"
        ),
    )


def create_policy() -> None:
    op.create_table(
        "policy",
        text("digest"),
        text("version"),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        time("stored_at"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_policy")),
    )


def create_snapshot() -> None:
    op.create_table(
        "snapshot",
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        text("state"),
        text("stage"),
        sa.Column("share", sa.Double(), server_default="0", nullable=False),
        text("content_hash", nullable=True),
        text("spec_digest"),
        text("policy_digest"),
        time("started_at"),
        text("started_by"),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts_before", sa.Integer(), server_default="0", nullable=False),
        time("told_at", nullable=True),
        time("frozen_at", nullable=True),
        sa.Column("previous", sa.Uuid(), nullable=True),
        sa.Column("returns", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lines", sa.Integer(), server_default="0", nullable=False),
        sa.Column("facts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("changes", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        text("message", nullable=True),
        sa.CheckConstraint("state IN ('building', 'frozen', 'failed')", name=op.f("ck_snapshot_state_known")),
        sa.CheckConstraint("(state = 'frozen') = (content_hash IS NOT NULL)", name=op.f("ck_snapshot_frozen_has_hash")),
        sa.CheckConstraint("(state = 'frozen') = (frozen_at IS NOT NULL)", name=op.f("ck_snapshot_frozen_has_time")),
        sa.PrimaryKeyConstraint("collection_year", "id", name=op.f("pk_snapshot")),
        sa.UniqueConstraint("collection_year", "revision", name=op.f("uq_snapshot_collection_year_revision")),
        sa.ForeignKeyConstraint(["collection_year"], ["collection.year"], name=op.f("fk_snapshot_collection_year")),
        sa.ForeignKeyConstraint(["policy_digest"], ["policy.digest"], name=op.f("fk_snapshot_policy_digest")),
    )
    op.create_index(
        "uq_snapshot_building",
        "snapshot",
        ["collection_year"],
        unique=True,
        postgresql_where=sa.text("state = 'building'"),
    )


def of_snapshot(table: str, key: tuple[str, ...], *columns: sa.Column[object]) -> None:
    op.create_table(
        table,
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("collection_year", "snapshot_id", *key, name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["collection_year", "snapshot_id"],
            ["snapshot.collection_year", "snapshot.id"],
            name=op.f(f"fk_{table}_collection_year_snapshot_id"),
        ),
    )


def create_facts() -> None:
    of_snapshot(
        "snapshot_return",
        ("organisation",),
        *(text(name) for name in ("organisation", "name", "sector", "organisation_type", "parent")),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        text("content_sha256"),
        sa.Column("nil_return", sa.Boolean(), nullable=False),
    )
    of_snapshot(
        "snapshot_line",
        ("line_no",),
        sa.Column("line_no", sa.Integer(), nullable=False),
        *(text(name) for name in ("organisation", "parent", "local_authority_code", "service_type")),
        text("region", nullable=True),
        *(text(name) for name in ("sector", "organisation_type")),
        *(text(name, nullable=True) for name in ("commissioning_route", "data_available")),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("in_frame", "reported")),
        sa.Column("size", sa.Double(), nullable=True),
    )
    of_snapshot(
        "snapshot_role",
        ("role",),
        *(text(name) for name in ("role", "label", "role_group", "regulated", "profession_group", "pay_basis")),
    )
    of_snapshot(
        "snapshot_staff",
        ("line_no", "role"),
        sa.Column("line_no", sa.Integer(), nullable=False),
        text("role"),
        *(sa.Column(name, sa.Double(), nullable=True) for name in ITEMS),
        text("states"),
    )
    of_snapshot(
        "snapshot_breakdown",
        ("organisation", "sheet", "row_key", "category"),
        *(text(name) for name in ("organisation", "sheet", "row_key", "category")),
        sa.Column("value", sa.Double(), nullable=True),
        text("state"),
    )


def create_cube() -> None:
    """Aggregates are read from sums that were made when the snapshot was frozen (docs/adr/0009)."""
    place = ("region", "local_authority_code", "sector", "organisation_type", "service_type")
    of_snapshot(
        "snapshot_cell",
        ("number",),
        sa.Column("number", sa.Integer(), nullable=False),
        *(text(name, nullable=name == "region") for name in place),
        *(text(name) for name in ("role", "states")),
        sa.Column("left_out", sa.SmallInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in SUMS),
        *(sa.Column(f"zero_{name}", sa.Integer(), nullable=False) for name in ZEROS),
    )
    several = ("region", "local_authority_code", "service_type")
    of_snapshot(
        "snapshot_breakdown_cell",
        ("number",),
        sa.Column("number", sa.Integer(), nullable=False),
        text("sheet"),
        *(text(name, nullable=name in several) for name in place),
        *(text(name) for name in ("row_key", "category", "state")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("rows", "zeros")),
        sa.Column("value", sa.Double(), nullable=False),
    )
    of_snapshot(
        "snapshot_contributor",
        ("kind", "number"),
        text("kind"),
        sa.Column("number", sa.Integer(), nullable=False),
        *(text(name) for name in ("organisation", "parent")),
        *(text(name, nullable=name in several) for name in place),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("in_frame", "reported", "answering")),
        sa.Column("has", postgresql.BIT(varying=True), nullable=False),
        sa.Column("left_out", sa.SmallInteger(), nullable=False),
    )


def create_results() -> None:
    op.create_table(
        "comparison_result",
        text("key"),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        time("stored_at"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_comparison_result")),
    )
    op.create_table(
        "margin",
        text("id"),
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        text("document"),
        text("supersedes", nullable=True),
        time("stored_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_margin")),
        sa.ForeignKeyConstraint(
            ["collection_year", "snapshot_id"],
            ["snapshot.collection_year", "snapshot.id"],
            name=op.f("fk_margin_collection_year_snapshot_id"),
        ),
        sa.ForeignKeyConstraint(["supersedes"], ["margin.id"], name=op.f("fk_margin_supersedes")),
    )


def seal() -> None:
    """What is frozen stays: facts are added while their snapshot is built, and never change."""
    op.execute(
        """
        CREATE FUNCTION census_seal_snapshot() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                RAISE EXCEPTION 'a snapshot is never deleted' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF OLD.state = 'frozen' OR
               (OLD.collection_year, OLD.id, OLD.revision) IS DISTINCT FROM
               (NEW.collection_year, NEW.id, NEW.revision) THEN
                RAISE EXCEPTION 'a frozen snapshot never changes' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER sealed BEFORE UPDATE OR DELETE ON snapshot FOR EACH ROW EXECUTE FUNCTION census_seal_snapshot()"
    )
    op.execute(
        "CREATE TRIGGER never_emptied BEFORE TRUNCATE ON snapshot "
        "FOR EACH STATEMENT EXECUTE FUNCTION census_refuse_change()"
    )
    op.execute(
        """
        CREATE FUNCTION census_only_while_building() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (
                SELECT FROM (SELECT DISTINCT collection_year, snapshot_id FROM added) AS fresh
                JOIN snapshot ON (snapshot.collection_year, snapshot.id) = (fresh.collection_year, snapshot_id)
                WHERE state <> 'building'
            ) THEN
                RAISE EXCEPTION 'nothing is added to a snapshot that is frozen'
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        END $$
        """
    )
    for table in FACTS:
        op.execute(
            f"CREATE TRIGGER only_while_building AFTER INSERT ON {table} REFERENCING NEW TABLE AS added "
            "FOR EACH STATEMENT EXECUTE FUNCTION census_only_while_building()"
        )
    for table in (*FACTS, *KEPT):
        op.execute(
            f"CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION census_refuse_change()"
        )
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM census_app")


def isolate() -> None:
    """Figures of single organisations are for whom every organisation is shown; snapshots and margins are no secret."""
    for table in (*FACTS, "lineage_edge", "comparison_result"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY everybody ON {table} USING ({ALL})")
