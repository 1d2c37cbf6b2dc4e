"""`census build`: the files that are rendered from the spec."""

from __future__ import annotations

from pathlib import Path

from census_api.cli.kit.printing import say
from census_api.domain.kit.errors import InvalidRequest
from census_api.questionnaire.resources import find_folder


def run_build(year: int | None, check: bool, output: Path | None) -> int:
    """Writes them, or with `check` says which are not current: then 1."""
    from census_api.intake.preflight.refusals import REFUSALS
    from census_api.questionnaire.build import build_files, find_stale

    target = output or _project_folder()
    if check:
        if year is not None:
            raise InvalidRequest("--check compares the files of every year. Leave the year out.")
        problems = find_stale(target, refusals=REFUSALS)
        for problem in problems:
            say(problem)
        say(f"{len(problems)} files are not current. Run census build." if problems else "Every file is current.")
        return 1 if problems else 0
    written = build_files(None if year is None else [year], target, refusals=REFUSALS)
    say(f"{len(written)} files written to {target}")
    return 0


def _project_folder() -> Path:
    """The checkout that the package runs from. Raises InvalidRequest when it is installed without one."""
    root = find_folder("schemas").parent
    if not (root / "pyproject.toml").exists():
        raise InvalidRequest("The platform is installed without its project folder. Say with -o where to write.")
    return root
