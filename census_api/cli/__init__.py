"""The `census` command: a thin face on services and spec. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command that the process was started with, and ends the process with its exit code."""
    from census_api.cli.run import run_command

    sys.exit(run_command(sys.argv[1:]))
