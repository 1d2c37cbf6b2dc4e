"""`census margins`: the margins of a snapshot, for the tool that weights with them."""

from __future__ import annotations

import sys
from pathlib import Path

from census_api.cli.kit.database import OPERATOR, opened_platform
from census_api.cli.kit.printing import say
from census_api.settings import read_settings
from census_api.statistics.margins.shapes import shape_document


def run_margins(
    snapshot: str, wanted: str, estimator: str, grouping: str, output: Path | None, data_dir: Path | None
) -> int:
    """Writes them to a file or to standard output, and says their id. Raises CensusError."""
    from census_api.services.margins.making import get_margins

    with opened_platform(read_settings(data_dir=data_dir)) as platform:
        document = get_margins(platform, OPERATOR, snapshot, estimator=estimator, grouping=grouping)
    text = shape_document(document, wanted)
    if output is None:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    else:
        output.write_text(text, encoding="utf-8", newline="")
    say(f"Margins {document.id}")
    return 0
