"""Runs one command and turns whatever goes wrong into one sentence and an exit code."""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Sequence

from census_api.domain.kit.errors import CensusError

REFUSED = 2
INTERRUPTED = 130
_DEBUG = "--debug"


def run_command(arguments: Sequence[str]) -> int:
    """The exit code: 0 done and clean, 1 findings or a check that did not hold, 2 refused or wrong usage."""
    debug = _DEBUG in arguments
    rest = [argument for argument in arguments if argument != _DEBUG]
    try:
        return _called(rest)
    except CensusError as problem:
        if debug:
            traceback.print_exc()
        return _say(problem.message)
    except KeyboardInterrupt:
        _say("interrupted.")
        return INTERRUPTED
    except OSError as problem:
        if debug:
            traceback.print_exc()
        what = f": {problem.filename}" if isinstance(problem.filename, str) else ""
        return _say(f"{problem.strerror or 'a file or connection failed'}{what}.")
    except Exception as problem:  # noqa: BLE001 - nobody is shown a traceback who did not ask for one
        if debug:
            traceback.print_exc()
        return _say(_unforeseen(problem))


def _called(arguments: list[str]) -> int:
    from census_api.cli.commands import app

    try:
        code = app(arguments or ["--help"], prog_name="census", standalone_mode=False)
    except Exception as problem:
        # the usage errors of the library behind typer, which has no public name for them
        message = getattr(problem, "format_message", None)
        if message is None:
            raise
        return _say(f"{str(message()).strip().replace('Value error, ', '').rstrip('.')}. See {_help_of(problem)}.")
    if code == INTERRUPTED:
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def _help_of(problem: Exception) -> str:
    context = getattr(problem, "ctx", None)
    return f"{context.command_path if context is not None else 'census'} --help"


def _say(sentence: str) -> int:
    print(f"census: {_printable(sentence)}", file=sys.stderr)
    return REFUSED


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _unforeseen(problem: Exception) -> str:
    """The reference is the same wherever the same thing goes wrong, so that two reports of it can be told to be one."""
    frames = traceback.extract_tb(problem.__traceback__)
    place = f"{type(problem).__name__} {frames[-1].name}:{frames[-1].lineno}" if frames else type(problem).__name__
    reference = hashlib.sha256(place.encode()).hexdigest()[:8]
    return (
        f"something went wrong that is the platform's fault, not yours (reference {reference}). "
        f"Run the same command with {_DEBUG} to see the details."
    )
