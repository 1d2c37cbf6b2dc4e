"""The words of the command line. Each command imports what it needs when it is called, so that help is instant."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from census_api.cli.audit_commands import audit
from census_api.cli.compare_command import compare
from census_api.cli.margins_commands import margins, weight
from census_api.cli.people_commands import token, user
from census_api.cli.snapshot_commands import snapshot

app = typer.Typer(
    name="census",
    help="Workforce census: templates out, returns in, every problem named at its cell.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
database = typer.Typer(help="The census database.", rich_markup_mode=None)
app.add_typer(database, name="db")
app.add_typer(audit, name="audit")
app.add_typer(user, name="user")
app.add_typer(token, name="token")
app.add_typer(snapshot, name="snapshot")
app.command()(compare)
app.command()(margins)
app.command()(weight)

YearArgument = Annotated[int, typer.Argument(help="The year of the census.", show_default=False)]
DataDirOption = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Folder of the platform's own database.", show_default="a folder of this user"),
]


class Format(StrEnum):
    """How a report is printed."""

    TABLE = "table"
    JSON = "json"


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"census {version('census-api')}")
        raise typer.Exit


@app.callback()
def everywhere(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the details of what goes wrong.")] = False,
) -> None:
    """Workforce census: templates out, returns in, every problem named at its cell."""


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Port to listen on; the next free one if it is taken.")] = 8000,
    data_dir: DataDirOption = None,
    organisations: Annotated[int, typer.Option(help="How many organisations to invent.")] = 200,
) -> int:
    """Start a demonstration with invented data."""
    from census_api.cli.demo import run_demo

    return run_demo(port, data_dir, organisations)


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="Port to listen on.", show_default="8000")] = None,
    data_dir: DataDirOption = None,
) -> int:
    """Serve the API and the pages.

    The database is the one of DATABASE_URL; without it the platform runs its own.
    """
    from census_api.cli.serving import run_server

    return run_server(port, data_dir)


@app.command()
def worker(data_dir: DataDirOption = None) -> int:
    """Check long files in the background."""
    from census_api.cli.serving import run_worker

    return run_worker(data_dir)


@database.command()
def upgrade(data_dir: DataDirOption = None) -> int:
    """Bring it to this version, and set up the collections."""
    from census_api.cli.serving import run_upgrade

    return run_upgrade(data_dir)


@database.command(name="new-migration")
def new_migration(
    what: Annotated[str, typer.Argument(help="What it does, in one line.", show_default=False)],
) -> int:
    """Write the next migration file, for developers.

    It holds the difference between the tables of the code and those that the migrations make.
    """
    from census_api.cli.migrations import run_new_migration

    return run_new_migration(what)


@app.command()
def build(
    year: Annotated[int | None, typer.Argument(help="This year, whole.", show_default="what the project keeps")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with 1 when files are not current.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write to.", show_default="the project's folder")
    ] = None,
) -> int:
    """Render what the spec yields.

    Workbook templates of every year; JSON Schema and reference pages of the newest, or of the year that you name.
    """
    from census_api.cli.building import run_build

    return run_build(year, check, output)


@app.command()
def template(
    year: YearArgument,
    organisation: Annotated[
        str | None, typer.Option(help="Prefill it for this organisation, from the database.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write.", show_default="census-YEAR.xlsx")
    ] = None,
    data_dir: DataDirOption = None,
) -> int:
    """Write the workbook to fill in."""
    from census_api.cli.templates import run_template

    return run_template(year, organisation, output, data_dir)


@app.command()
def check(
    file: Annotated[
        Path, typer.Argument(help="The return: .xlsx, .ods or .json; or one sheet as .csv.", show_default=False)
    ],
    year: Annotated[int | None, typer.Option(help="The year of the census.", show_default="what the file says")] = None,
    last_year: Annotated[
        Path | None, typer.Option("--last-year", help="Last year's return, to compare with.", show_default=False)
    ] = None,
    report_format: Annotated[Format, typer.Option("--format", help="How to print the report.")] = Format.TABLE,
    annotated: Annotated[
        Path | None, typer.Option(help="Also write the workbook with the findings in it.", show_default=False)
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(help="Which sheet a .csv file is.", show_default="its name, as in Staff.csv")
    ] = None,
) -> int:
    """Check a return without a database.

    Ends with 0 when there is nothing to correct or explain, 1 when there is, 2 when the file cannot be read.
    """
    from census_api.cli.check import CheckRequest, run_check

    return run_check(CheckRequest(file, year, last_year, annotated, sheet), as_json=report_format is Format.JSON)


@app.command(name="demo-data")
def demo_data(
    year: YearArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.", show_default=False)],
    organisations: Annotated[
        int | None, typer.Option(help="How many returns to write.", show_default="all that came in")
    ] = None,
    rows_per_return: Annotated[
        int | None, typer.Option(help="Staff rows of each return.", show_default="as many as it has")
    ] = None,
    bad: Annotated[float, typer.Option(help="Share of returns with mistakes in them, 0 to 1.")] = 0.0,
    seed: Annotated[
        int | None, typer.Option(help="Another seed gives other organisations.", show_default=False)
    ] = None,
) -> int:
    """Write returns of invented organisations.

    Each as .xlsx and as .json of the same content.
    """
    from census_api.cli.demo_data import run_demo_data

    return run_demo_data(year, output, organisations, rows_per_return, bad, seed)


@app.command()
def vectors(
    file: Annotated[Path, typer.Argument(help="Worked examples, .json.", show_default=False)],
    emit: Annotated[bool, typer.Option("--emit", help="Print outputs as JSON and judge nothing.")] = False,
) -> int:
    """Run the worked examples of the methods."""
    from census_api.statistics.examples.vectors import as_outputs, as_report, run_vectors

    results = run_vectors(file)
    sys.stdout.write((as_outputs(results) if emit else as_report(results)) + "\n")
    # with --emit nothing is judged
    return 0 if emit or not any(result.passed is False for result in results) else 1
