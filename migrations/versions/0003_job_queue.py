"""The job queue, and the jobs that check long files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager

revision = "20261121_0920"
down_revision = "20261121_0910"
branch_labels = None
depends_on = None


def upgrade() -> None:
    set_limits()
    create_job()
    create_queue()


def downgrade() -> None:
    set_limits()
    drop_queue()
    op.drop_table("job")


def set_limits() -> None:
    # a migration that waits for a lock makes everybody wait behind it: better to give up and try again
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")


def create_job() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("collection_year", sa.SmallInteger(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'refused', 'failed')", name=op.f("ck_job_state_known")
        ),
        sa.CheckConstraint("share >= 0 AND share <= 1", name=op.f("ck_job_share_in_range")),
        sa.ForeignKeyConstraint(
            ["collection_year", "submission_id"],
            ["submission.collection_year", "submission.id"],
            name=op.f("fk_job_collection_year_submission_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("collection_year", "submission_id", name=op.f("uq_job_collection_year_submission_id")),
    )


def create_queue() -> None:
    """The queue's own schema, as the installed version of it says. An upgrade that changes it is a new migration."""
    # several statements at once, with percent signs in them: only the driver itself takes that
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(SchemaManager.get_schema())


def drop_queue() -> None:
    op.execute(
        """
        DO $$
        DECLARE
            command text;
        BEGIN
            FOR command IN
                SELECT format('DROP FUNCTION %s CASCADE', oid::regprocedure) FROM pg_proc
                WHERE proname LIKE 'procrastinate\\_%' AND pg_function_is_visible(oid)
            UNION ALL
                SELECT format('DROP TABLE %I CASCADE', relname) FROM pg_class
                WHERE relkind = 'r' AND relname LIKE 'procrastinate\\_%' AND pg_table_is_visible(oid)
            UNION ALL
                SELECT format('DROP TYPE %I CASCADE', typname) FROM pg_type
                WHERE typtype = 'e' AND typname LIKE 'procrastinate\\_%' AND pg_type_is_visible(oid)
            LOOP
                EXECUTE command;
            END LOOP;
            DROP TYPE IF EXISTS procrastinate_job_to_defer_v1;
        END $$
        """
    )
