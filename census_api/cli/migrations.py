"""`census db new-migration`: the next migration file of a checkout."""

from __future__ import annotations

import tempfile
from pathlib import Path

from census_api.cli.kit.printing import say
from census_api.domain.kit.errors import InvalidRequest
from census_api.questionnaire.resources import find_folder


def run_new_migration(what: str) -> int:
    """Writes the file and says where it is.

    The migrations so far are applied to a database made for this and thrown away, so that no other is read or changed.
    Raises InvalidRequest outside a checkout, and for a line that no file can be named by.
    """
    from census_api.embedded_postgres.launcher import start_server
    from census_api.store.kit.migrate import upgrade_schema, write_migration

    root = find_folder("migrations").parent
    if not (root / "pyproject.toml").exists():
        raise InvalidRequest("New migrations are written in a checkout of the project, and this is an installed copy.")
    with (
        tempfile.TemporaryDirectory(prefix="census-migration-") as scratch,
        start_server(Path(scratch) / "data") as server,
    ):
        upgrade_schema(server.url())
        file = write_migration(server.url(), what)
    say(f"Written: {file.relative_to(root)}. Read it through: what could not be seen from the tables is missing.")
    return 0
