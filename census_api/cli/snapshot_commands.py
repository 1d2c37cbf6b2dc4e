"""The words of `census snapshot`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

snapshot = typer.Typer(help="Accepted returns, frozen for good.", rich_markup_mode=None)

_DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Folder of the platform's own database.", show_default="a folder of this user"),
]


@snapshot.command()
def freeze(
    year: Annotated[int, typer.Argument(help="The year of the census.", show_default=False)],
    data_dir: _DataDir = None,
) -> int:
    """Freeze the accepted returns of a year.

    Makes a numbered revision that never changes. Nothing is made when nothing has changed since the latest one.
    """
    from census_api.cli.snapshot import run_freeze

    return run_freeze(year, data_dir)


@snapshot.command(name="list")
def list_all(
    year: Annotated[int | None, typer.Argument(help="Only this year.", show_default="every year")] = None,
    data_dir: _DataDir = None,
) -> int:
    """List the snapshots, the newest first."""
    from census_api.cli.snapshot import run_list

    return run_list(year, data_dir)
