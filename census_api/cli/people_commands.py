"""The words of `census user` and `census token`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

user = typer.Typer(help="People and programs, and what they may do.", rich_markup_mode=None)
token = typer.Typer(help="Tokens of programs.", rich_markup_mode=None)

_DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Folder of the platform's own database.", show_default="a folder of this user"),
]
_Who = Annotated[
    str, typer.Argument(help="An e-mail address, a program's name, or an account's number.", show_default=False)
]
_Email = Annotated[str, typer.Argument(help="The person's e-mail address.", show_default=False)]
_Name = Annotated[str, typer.Argument(help="The name that others see.", show_default=False)]


@user.command(name="first-administrator")
def first_administrator(email: _Email, name: _Name, data_dir: _DataDir = None) -> int:
    """Make the account that everything else begins with, and print its invitation."""
    from census_api.cli.people import run_first_administrator

    return run_first_administrator(email, name, data_dir)


@user.command()
def add(
    name: _Name,
    email: Annotated[str, typer.Option(help="The person's e-mail address.", show_default=False)] = "",
    role: Annotated[
        list[str] | None, typer.Option(help="analyst, pipeline, census_team or administrator.", show_default=False)
    ] = None,
    at: Annotated[
        list[str] | None, typer.Option(help="CODE:editor or CODE:editor+signatory.", show_default=False)
    ] = None,
    machine: Annotated[bool, typer.Option("--machine", help="A program, which has tokens only.")] = False,
    invite: Annotated[bool, typer.Option(help="Also print an invitation.")] = True,
    data_dir: _DataDir = None,
) -> int:
    """Add a person or a program."""
    from census_api.cli.people import run_add

    return run_add(email, name, role or [], at or [], machine, invite, data_dir)


@user.command(name="list")
def list_people(data_dir: _DataDir = None) -> int:
    """List everybody."""
    from census_api.cli.people import run_list

    return run_list(data_dir)


@user.command()
def disable(who: _Who, data_dir: _DataDir = None) -> int:
    """Shut an account out: sessions end at once, tokens stop working."""
    from census_api.cli.people import run_disable

    return run_disable(who, enable=False, data_dir=data_dir)


@user.command()
def enable(who: _Who, data_dir: _DataDir = None) -> int:
    """Let a disabled account in again."""
    from census_api.cli.people import run_disable

    return run_disable(who, enable=True, data_dir=data_dir)


@user.command()
def invite(who: _Who, data_dir: _DataDir = None) -> int:
    """Print a new invitation; earlier ones stop working."""
    from census_api.cli.people import run_invite

    return run_invite(who, data_dir)


@user.command()
def role(
    who: _Who,
    name: Annotated[str, typer.Argument(help="The role, as in census user add --help.", show_default=False)],
    at: Annotated[str | None, typer.Option(help="The code of the organisation.", show_default=False)] = None,
    take: Annotated[bool, typer.Option("--take", help="Take the role away.")] = False,
    data_dir: _DataDir = None,
) -> int:
    """Give or take a role."""
    from census_api.cli.people import run_role

    return run_role(who, name, at, take, data_dir)


@user.command(name="reset-second-step")
def reset_second_step(who: _Who, data_dir: _DataDir = None) -> int:
    """Forget the second step of who has lost it."""
    from census_api.cli.people import run_second_step

    return run_second_step(who, data_dir)


@token.command()
def create(
    who: _Who,
    name: Annotated[str, typer.Argument(help="What the token is for.", show_default=False)],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it may be used for, such as return.submit.", show_default="all its owner may do"),
    ] = None,
    days: Annotated[int, typer.Option(help="How long it works.")] = 90,
    data_dir: _DataDir = None,
) -> int:
    """Print a new token. It is shown only this once."""
    from census_api.cli.people import run_token_create

    return run_token_create(who, name, scope or [], days, data_dir)


@token.command(name="list")
def list_tokens(data_dir: _DataDir = None) -> int:
    """List all tokens."""
    from census_api.cli.people import run_token_list

    return run_token_list(data_dir)


@token.command()
def revoke(
    number: Annotated[str, typer.Argument(help="The token's number, from the list.", show_default=False)],
    data_dir: _DataDir = None,
) -> int:
    """Shut a token out."""
    from census_api.cli.people import run_token_revoke

    return run_token_revoke(number, data_dir)
