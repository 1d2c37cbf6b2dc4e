"""`census vectors`: the worked examples of the methods, run through the platform's own functions."""

from __future__ import annotations

import sys
from pathlib import Path


def run_vectors_file(file: Path, *, emit: bool) -> int:
    """Prints the outcome: 0 when every example holds, 1 when one does not. With `emit` prints outputs and judges nothing."""
    from census_api.statistics.examples.vectors import as_outputs, as_report, run_vectors

    results = run_vectors(file)
    sys.stdout.write((as_outputs(results) if emit else as_report(results)) + "\n")
    return 0 if emit or not any(result.passed is False for result in results) else 1
