"""The sectors that organisations were in before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "reg0001"
down_revision = "snap0001"
branch_labels = None
depends_on = None

ALL = "(SELECT current_setting('census.tenants', true)) = '*'"
MINE = "ANY ((SELECT census_tenants())::uuid[])"


def upgrade() -> None:
    set_limits()
    op.create_table(
        "organisation_sector",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organisation_id", "until", name=op.f("pk_organisation_sector")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_organisation_sector_organisation_id")
        ),
    )
    op.execute("ALTER TABLE organisation_sector ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE organisation_sector FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY own_organisation ON organisation_sector USING ({ALL} OR organisation_id = {MINE}) "
        f"WITH CHECK ({ALL})"
    )


def downgrade() -> None:
    set_limits()
    op.drop_table("organisation_sector")


def set_limits() -> None:
    # a migration that waits for a lock makes everybody wait behind it: better to give up and try again
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
