"""`census weight`: a survey's answers and the margins of the census to weights, without a database."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from census_api.cli.kit.printing import make_plain, say
from census_api.cli.weight.chart import svg_chart
from census_api.cli.weight.files import Survey, read_maps, read_survey
from census_api.cli.weight.report import as_json, as_text
from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.margins.document import MarginDocument, read_document
from census_api.statistics.margins.totals import MarginsRefused
from census_api.statistics.margins.weighting import Weighting, weigh_answers

WEIGHT, MARGINS_ID = "weight", "margins_id"


@dataclass(frozen=True, slots=True)
class WeightRequest:
    """What is asked for on the command line. `expected` is the id that the margins file must have."""

    survey: Path
    margins: Path
    mapping: Path | None = None
    output: Path | None = None
    expected: str | None = None
    join: bool = True


def run_weight(request: WeightRequest, *, as_json_report: bool) -> int:
    """Writes the weights, the report and the drawing, and prints the report. Raises CensusError."""
    document = read_document(request.margins.read_bytes())
    _expect(document, request.expected)
    survey = read_survey(request.survey)
    output = request.output or Path(f"{request.survey.stem}-weights.csv")
    _refuse_overwriting(request, survey, output)
    maps = read_maps(request.mapping, document)
    answers = {dimension: survey.answers(given.column) for dimension, given in maps.items()}
    found = weigh_answers(document, answers, maps, join=request.join)
    report = as_json(document, found)
    output.write_text(_with_weights(survey, found), encoding="utf-8", newline="")
    output.with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    output.with_suffix(".svg").write_text(svg_chart(found.weights, found.margins_id), encoding="utf-8")
    if as_json_report:
        json.dump(report, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        sys.stdout.write("\n".join(make_plain(line) for line in as_text(document, found).split("\n")) + "\n")
    say(f"The weights are in {output}, with the report and a drawing beside it.")
    return 0


def _expect(document: MarginDocument, expected: str | None) -> None:
    if expected is not None and not (len(expected) >= 8 and document.id.startswith(expected.lower())):
        raise MarginsRefused(
            "stale",
            f"The margins file has the id {document.id}, not the one that --id names: it is of another snapshot or has "
            "been superseded. Fetch the margins that you mean.",
        )


def _refuse_overwriting(request: WeightRequest, survey: Survey, output: Path) -> None:
    written = {output.with_suffix(suffix).resolve() for suffix in (output.suffix, ".json", ".svg")}
    read = (request.survey, request.margins, request.mapping)
    taken = next((path for path in read if path is not None and path.resolve() in written), None)
    if taken is not None or len(written) < 3:
        raise InvalidRequest(
            f"The weights would be written over {taken or output}. Give another file, ending in .csv, with -o."
        )
    for name in (WEIGHT, MARGINS_ID):
        if name in survey.columns:
            raise InvalidRequest(f"The survey has a column {name} already. Rename it, so that nothing is mixed up.")


def _with_weights(survey: Survey, found: Weighting) -> str:
    """The survey as it was, with the weight and the id of the margins behind each row."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*survey.columns, WEIGHT, MARGINS_ID])
    for row, weight in zip(survey.rows, found.weights, strict=True):
        writer.writerow([*row, repr(weight), found.margins_id])
    return out.getvalue()
