"""What each tool is given: looked at as data, and fed to the tools themselves."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.margins.document import MarginDocument
from census_api.statistics.margins.shapes import FORMATS, MEDIA, SUFFIXES, TIDY, shape_document
from census_api.statistics.margins.weighting import default_maps, weigh_answers
from tests.factories.surveys import make_document, published_answers, published_document
from tests.statistics.margins.survey_tools import (
    Answers,
    Weights,
    deff,
    ipfn_weights,
    misses,
    samplics_weights,
    weightipy_weights,
    weightipy_weights_of_tidy_table,
)

Tool = Callable[[MarginDocument, Answers], Weights]
BALANCE = "CENSUS_BALANCE_PYTHON"
_BALANCE_PROGRAM = """
import json, logging, sys
import pandas as pd
from balance.weighting_methods.rake import rake
logging.disable(logging.CRITICAL)
case = json.load(sys.stdin)
frame = pd.DataFrame(case["answers"])
found = rake(frame, pd.Series(1.0, index=frame.index), None, None, target_margins=case["margins"],
             transformations=None, max_iteration=5000, convergence_rate=1e-12, rate_tolerance=0)
print("\\nWEIGHTS " + json.dumps(found["weight"].tolist()))
"""


def ours(document: MarginDocument, answers: Answers) -> Weights:
    return np.array(weigh_answers(document, answers, default_maps(document)).weights)


@pytest.mark.parametrize(
    "tool", [ours, weightipy_weights, weightipy_weights_of_tidy_table, samplics_weights, ipfn_weights]
)
def test_the_published_case(tool: Tool) -> None:
    document, answers = published_document(), published_answers()

    weights = tool(document, answers)

    assert deff(weights) == pytest.approx(1.076805, abs=5e-7)
    assert len(weights) / deff(weights) == pytest.approx(1988.29, abs=5e-3)
    assert max(misses(document, answers, weights).values()) < 1e-6


@pytest.mark.skipif(BALANCE not in os.environ, reason=f"{BALANCE} does not name a Python that has balance")
def test_the_published_case_by_balance() -> None:
    """balance needs an older numpy than ours, so it has an environment of its own: see docs/survey-margins.md."""
    document, answers = published_document(), published_answers()
    case = {"answers": answers, "margins": json.loads(shape_document(document, "balance"))}

    done = subprocess.run(
        [os.environ[BALANCE], "-c", _BALANCE_PROGRAM],
        input=json.dumps(case),
        capture_output=True,
        text=True,
        check=True,
    )

    weights = np.array(json.loads(done.stdout.rsplit("WEIGHTS ", 1)[1]))
    assert deff(weights) == pytest.approx(1.076805, abs=5e-7)
    assert max(misses(document, answers, weights).values()) < 1e-6


def test_the_tidy_table_carries_its_provenance() -> None:
    document = published_document(
        standard_error={"organisation_type": {"nhs": "1.5"}},
        coverage={"organisation_type": {"nhs": {"people": "0.9"}}},
        status={"organisation_type": {"nhs": "good"}},
        labels={"organisation_type": {"nhs": "NHS, all of it"}},
    )

    rows = list(csv.DictReader(io.StringIO(shape_document(document, "csv"))))

    assert tuple(rows[0]) == TIDY
    assert len(rows) == 10
    assert {row["margins_id"] for row in rows} == {document.id}
    nhs = next(row for row in rows if row["category"] == "nhs")
    told = [nhs[name] for name in ("label", "value", "share", "standard_error", "coverage", "status")]
    assert told == ["NHS, all of it", "9", "0.09", "1.5", "0.9", "good"]


def test_unrounded_numbers_reach_the_tools() -> None:
    document = make_document({"kind": {"a": "1.123456789012", "b": "0.876543210988"}}, total="2")

    assert json.loads(shape_document(document, "balance")) == {"kind": {"a": 1.123456789012, "b": 0.876543210988}}
    assert json.loads(shape_document(document, "weightipy"))["kind"]["a"] == 56.1728394506
    assert json.loads(shape_document(document, "ipfn")) == {
        "variables": ["kind"],
        "categories": [["a", "b"]],
        "aggregates": [[1.123456789012, 0.876543210988]],
        "dimensions": [[0]],
    }
    assert "1.123456789012" in shape_document(document, "r")


def test_the_r_shape_says_the_same_as_the_document() -> None:
    """Looked at as data: the next test runs it where there is an R."""
    document = published_document()
    script = shape_document(document, "r")

    assert f'margins_id <- "{document.id}"' in script
    assert "sample_margins <- list(~profession_group, ~organisation_type)" in script
    frames = re.findall(r"data\.frame\((\w+) = c\(([^)]*)\),\s+Freq = c\(([^)]*)\)", script)
    read = {
        name: dict(zip(json.loads(f"[{names}]"), map(float, values.split(",")), strict=True))
        for name, names, values in frames
    }
    assert read == {name: {key: float(value) for key, value in part.items()} for name, part in document.margins.items()}


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="there is no R on this machine")
def test_r_reads_the_r_shape(tmp_path: Path) -> None:
    script = tmp_path / "margins.R"
    script.write_text(
        shape_document(published_document(), "r")
        + "cat(sapply(population_margins, function(x) sum(x$Freq)), margins_id)\n"
    )
    done = subprocess.run(["Rscript", str(script)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["100", "100", published_document().id]


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidRequest, match="weightipy"):
        shape_document(published_document(), "spss")
    assert set(SUFFIXES) == set(MEDIA) == set(FORMATS)
