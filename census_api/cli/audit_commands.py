"""The words of `census audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

audit = typer.Typer(help="What was done, and whether it can be relied on.", rich_markup_mode=None)

_DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Folder of the platform's own database.", show_default="a folder of this user"),
]


@audit.command()
def verify(
    noted: Annotated[
        list[str] | None,
        typer.Option(help="An end that an earlier run printed; may be given again.", show_default=False),
    ] = None,
    data_dir: _DataDir = None,
) -> int:
    """See that no event of the audit is missing, changed or added.

    Ends with 0 when all are as they were written, 1 when not.
    """
    from census_api.cli.audit import run_verify

    return run_verify(noted or [], data_dir)


@audit.command()
def reconcile(data_dir: _DataDir = None) -> int:
    """See that every submission that was acknowledged is stored, byte for byte.

    Ends with 0 when it is, 1 when not.
    """
    from census_api.cli.audit import run_reconcile

    return run_reconcile(data_dir)
