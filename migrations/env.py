"""Runs migrations on the connection that `census_api.store.migrate` holds; see there."""

from __future__ import annotations

from alembic import context

from census_api.store.migrate import ours
from census_api.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_name=ours,
    transaction_per_migration=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
