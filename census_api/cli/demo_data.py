"""`census demo-data`: files to try the platform with."""

from __future__ import annotations

from pathlib import Path

from census_api.cli.kit.printing import progress_of, say
from census_api.domain.kit.errors import InvalidRequest


def run_demo_data(
    year: int, output: Path, organisations: int | None, rows_per_return: int | None, bad: float, seed: int | None
) -> int:
    """Writes the files, with a progress bar on a terminal."""
    from census_api.demo.files import write_files
    from census_api.demo.population import DEFAULT_SEED

    if output.exists() and not output.is_dir():
        raise InvalidRequest(f"{output} is a file. Give the name of a folder with -o.")
    with progress_of("Writing returns") as progress:
        written = write_files(
            year,
            output,
            organisations=organisations,
            rows_per_return=rows_per_return,
            bad=bad,
            seed=DEFAULT_SEED if seed is None else seed,
            progress=progress,
        )
    say(f"{len(written)} files written to {output}")
    return 0
