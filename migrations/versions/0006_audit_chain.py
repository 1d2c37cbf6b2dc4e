"""Every event names its actor for good, and is chained by hashes to the one before it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "audit0001"
down_revision = "life0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    set_limits()
    op.add_column("audit_event", sa.Column("actor_id", sa.Uuid(), nullable=True))
    op.add_column("audit_event", sa.Column("actor_kind", sa.Text(), server_default="system", nullable=False))
    op.create_check_constraint(
        op.f("ck_audit_event_actor_kind_known"), "audit_event", "actor_kind IN ('person', 'token', 'system')"
    )
    create_chain()
    chain_events()


def downgrade() -> None:
    set_limits()
    op.execute("DROP TRIGGER chained ON audit_event")
    op.execute("DROP FUNCTION census_chain_event(), census_add_link(audit_event)")
    op.drop_table("audit_link")
    op.drop_table("audit_chain")
    op.drop_constraint(op.f("ck_audit_event_actor_kind_known"), "audit_event")
    op.drop_column("audit_event", "actor_kind")
    op.drop_column("audit_event", "actor_id")


def set_limits() -> None:
    # a migration that waits for a lock makes everybody wait behind it: better to give up and try again
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")


def create_chain() -> None:
    op.create_table(
        "audit_chain",
        sa.Column("collection_year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("collection_year", name=op.f("pk_audit_chain")),
    )
    op.create_table(
        "audit_link",
        sa.Column("collection_year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["audit_event.id"], name=op.f("fk_audit_link_event_id")),
        sa.PrimaryKeyConstraint("collection_year", "position", name=op.f("pk_audit_link")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_link_event_id")),
    )
    op.execute(
        "CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_link "
        "FOR EACH STATEMENT EXECUTE FUNCTION census_refuse_change()"
    )


def chain_events() -> None:
    """Each event is chained when its transaction commits: the row of the chain is locked for that moment only."""
    op.execute(
        """
        CREATE FUNCTION census_add_link(event audit_event) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = public, pg_temp AS $$
        DECLARE
            chain smallint := coalesce(event.collection_year, 0);
            place bigint;
            earlier text;
            digest text;
        BEGIN
            SELECT position, hash INTO place, earlier FROM audit_chain WHERE collection_year = chain FOR UPDATE;
            IF NOT FOUND THEN
                INSERT INTO audit_chain (collection_year, position, hash) VALUES (chain, 0, '') ON CONFLICT DO NOTHING;
                SELECT position, hash INTO place, earlier FROM audit_chain WHERE collection_year = chain FOR UPDATE;
            END IF;
            place := place + 1;
            digest := encode(sha256(convert_to(jsonb_build_array(
                place, earlier, event.id, to_char(event.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
                event.actor, event.actor_id::text, event.actor_kind, event.action, event.organisation_id::text,
                event.collection_year, event.subject, event.detail::text, event.before_hash, event.after_hash,
                event.address)::text, 'UTF8')), 'hex');
            INSERT INTO audit_link (collection_year, position, event_id, hash) VALUES (chain, place, event.id, digest);
            UPDATE audit_chain SET position = place, hash = digest WHERE collection_year = chain;
        END $$
        """
    )
    op.execute("REVOKE EXECUTE ON FUNCTION census_add_link(audit_event) FROM PUBLIC")
    op.execute(
        """
        CREATE FUNCTION census_chain_event() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = public, pg_temp AS $$
        BEGIN
            PERFORM census_add_link(NEW);
            RETURN NULL;
        END $$
        """
    )
    op.execute("SELECT census_add_link(event) FROM (SELECT * FROM audit_event ORDER BY id) AS event")
    op.execute(
        "CREATE CONSTRAINT TRIGGER chained AFTER INSERT ON audit_event DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION census_chain_event()"
    )
