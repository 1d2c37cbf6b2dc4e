"""Mail about a return that is declined or withdrawn, and about a new role."""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

revision = "mail0002"
down_revision = "reg0001"
branch_labels = None
depends_on = None

NAME = "ck_mail_kind_known"
BEFORE = ("invite", "password_reset", "opening", "reminder", "query", "reply", "receipt", "reopened", "accepted")
NOW = (
    "invite", "password_reset", "member", "opening", "reminder", "query", "reply", "receipt", "reopened", "accepted",
    "declined", "withdrawn",
)  # fmt: skip


def upgrade() -> None:
    set_limits()
    allow(NOW)
    op.execute(f"ALTER TABLE mail VALIDATE CONSTRAINT {NAME}")


def downgrade() -> None:
    set_limits()
    # not validated: mails of the kinds that go are kept
    allow(BEFORE)


def allow(kinds: Sequence[str]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.execute(f"ALTER TABLE mail DROP CONSTRAINT {NAME}")
    op.execute(f"ALTER TABLE mail ADD CONSTRAINT {NAME} CHECK (kind IN ({listed})) NOT VALID")


def set_limits() -> None:
    # a migration that waits for a lock makes everybody wait behind it: better to give up and try again
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
