"""The words of `census margins` and `census weight`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Shape(StrEnum):
    """What the margins are for. The same as FORMATS of census_api/statistics/shapes.py."""

    JSON = "json"
    CSV = "csv"
    BALANCE = "balance"
    WEIGHTIPY = "weightipy"
    SAMPLICS = "samplics"
    IPFN = "ipfn"
    R = "r"


class Estimator(StrEnum):
    """What was reported, or that and an estimate of what was not."""

    REPORTED = "reported"
    ADJUSTED = "adjusted"


class Grouping(StrEnum):
    """Which roles count as regulated: as the survey groups job titles, or as the strategic plan does."""

    SURVEY = "survey"
    PLAN = "plan"


def margins(
    snapshot: Annotated[
        str, typer.Argument(help="A snapshot: 2024 (its latest revision), 2024.2, or an id.", show_default=False)
    ],
    shape: Annotated[Shape, typer.Option("--format", help="The tool that they are for.")] = Shape.JSON,
    estimator: Annotated[Estimator, typer.Option(help="Reported figures, or adjusted for non-response.")] = (
        Estimator.REPORTED
    ),
    grouping: Annotated[Grouping, typer.Option(help="How roles become profession groups.")] = Grouping.SURVEY,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write.", show_default="standard output")
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", help="Folder of the platform's own database.", show_default="a folder of this user"),
    ] = None,
) -> int:
    """Write the margins that a survey is weighted to."""
    from census_api.cli.margins import run_margins

    return run_margins(snapshot, shape.value, estimator.value, grouping.value, output, data_dir)


def weight(
    survey: Annotated[Path, typer.Argument(help="The answers, .csv, a row a person.", show_default=False)],
    margins_file: Annotated[
        Path, typer.Option("--margins", help="Margins, as census margins writes them (json).", show_default=False)
    ],
    mapping: Annotated[
        Path | None,
        typer.Option(
            help="Which answers belong to which category, .toml or .csv.", show_default="the census's own words"
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File for the weights; report and drawing go beside it.",
            show_default="SURVEY-weights.csv",
        ),
    ] = None,
    identity: Annotated[
        str | None, typer.Option("--id", help="Refuse margins with another id than this.", show_default=False)
    ] = None,
    join: Annotated[bool, typer.Option("--join/--no-join", help="Join categories with too few answers.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> int:
    """Weight a survey to margins of the census, without a database.

    Ends with 2 when the files are not fit to be weighted: the message says why.
    """
    from census_api.cli.weight.weight import WeightRequest, run_weight

    return run_weight(WeightRequest(survey, margins_file, mapping, output, identity, join), as_json_report=as_json)
