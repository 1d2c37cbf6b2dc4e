"""Runs migrations on the connection that `census_api.store.kit.migrate` holds; see there."""

from __future__ import annotations

from alembic import context

from census_api.store.all_tables import METADATA
from census_api.store.kit.migrate import is_ours

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    include_name=is_ours,
    transaction_per_migration=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
