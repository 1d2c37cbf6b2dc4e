"""The words of `census compare`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class TableFormat(StrEnum):
    """How a comparison is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def compare(
    before: Annotated[
        str, typer.Argument(metavar="FROM", help="A snapshot: 2023, 2023.2, or its id.", show_default=False)
    ],
    after: Annotated[str, typer.Argument(metavar="TO", help="One of a later year.", show_default=False)],
    by: Annotated[
        list[str] | None,
        typer.Option(help="Break by sector, region, role...; with commas, or given again.", show_default="the country"),
    ] = None,
    measure: Annotated[str, typer.Option(help="What is compared.")] = "wte",
    policy: Annotated[
        str | None, typer.Option(help="Version or digest of the thresholds.", show_default="the latest")
    ] = None,
    wanted: Annotated[TableFormat, typer.Option("--format", help="How to print it.")] = TableFormat.TABLE,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", help="Folder of the platform's own database.", show_default="a folder of this user"),
    ] = None,
) -> int:
    """Compare two years, and say where that must not be done.

    Ends with 0 when the comparison was made, blocked cells included; 2 when what was asked is not there.
    """
    from census_api.cli.compare import run_compare

    return run_compare(before, after, by or [], measure, policy, wanted.value, data_dir)
