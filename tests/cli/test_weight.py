"""`census weight`, as an analyst types it: files in, weights and a report out, and every misuse a sentence."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from census_api.cli.run import run_command
from census_api.cli.weight.chart import bin_weights, svg_chart, text_chart
from tests.factories.surveys import altered, as_csv, make_json, published_answers, published_document

Weigh = Callable[..., tuple[int, str, str]]
SMALL = {"kind": {"a": 50, "b": 50}}


@pytest.fixture
def weigh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Weigh:
    monkeypatch.chdir(tmp_path)

    def call(survey: str, margins: str, *words: str, mapping: str | None = None) -> tuple[int, str, str]:
        Path("survey.csv").write_text(survey)
        Path("margins.json").write_text(margins)
        if mapping is not None:
            name = "mapping.csv" if mapping.startswith("dimension,") else "mapping.toml"
            Path(name).write_text(mapping)
            words = ("--mapping", name, *words)
        code = run_command(["weight", "survey.csv", "--margins", "margins.json", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def published_margins() -> str:
    return json.dumps(published_document().tree)


def test_the_published_survey(weigh: Weigh) -> None:
    code, out, _ = weigh(as_csv(published_answers()), published_margins())

    assert code == 0
    assert "Design effect       1.076805" in out
    assert "Effective answers   1,988.29 (92.87% of those raked)" in out
    report = json.loads(Path("survey-weights.json").read_text())
    assert report["deff"] == pytest.approx(1.076805, abs=5e-7)
    assert report["largest_miss"] < 1e-6
    with Path("survey-weights.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["person"] for row in rows] == [str(number) for number in range(1, 2142)]
    assert {row["margins_id"] for row in rows} == {published_document().id}
    assert sum(float(row["weight"]) for row in rows) == pytest.approx(2141)
    ElementTree.fromstring(Path("survey-weights.svg").read_text())


def test_the_report_as_json(weigh: Weigh) -> None:
    code, out, _ = weigh(as_csv(published_answers()), published_margins(), "--json", "-o", "w.csv")
    assert code == 0
    assert json.loads(out) == json.loads(Path("w.json").read_text())


@pytest.mark.parametrize(
    "mapping",
    [
        '[kind]\ncolumn = "Q1"\nexempt = ["", "Rather not say"]\n[kind.answers]\n"First one" = "a"\n"The other" = "b"\n',
        "dimension,column,answer,category\nkind,Q1,First one,a\nkind,Q1,The other,b\nkind,Q1,,\nkind,Q1,rather not say,\n",
    ],
)
def test_a_mapping_file_says_what_answers_mean(weigh: Weigh, mapping: str) -> None:
    survey = "Q1,x\n" + "First one,1\n" * 30 + "THE OTHER,1\n" * 20 + "Rather not say,1\n,1\n"
    code, out, err = weigh(survey, make_json(SMALL), mapping=mapping)
    assert (code, "of which exempt 2" in out) == (0, True), err
    assert Path("survey-weights.csv").read_text().splitlines()[-1].startswith(",1,1.0,")


def test_joins_of_the_mapping_file_are_reported(weigh: Weigh) -> None:
    margins = make_json({"kind": {"a": 50, "b": 45, "c": 5}})
    survey = "kind\n" + "a\n" * 50 + "b\n" * 40 + "c\n" * 4
    code, out, _ = weigh(survey, margins, mapping='[kind.join]\nc = "b"\n')
    assert (code, "Joined              kind: c into b" in out) == (0, True)
    code, out, _ = weigh(survey, margins, "--no-join", mapping='[kind.join]\nc = "b"\n')
    assert (code, "Thin                kind: c" in out) == (0, True)


ROWS = "kind\n" + "a\n" * 30 + "b\n" * 30


@pytest.mark.parametrize(
    ("survey", "margins", "why"),
    [
        (ROWS, make_json({**SMALL, "place": {"x": 1}}), "add up to different totals"),
        (ROWS, make_json({"kind": {"a": 100, "b": 0}}), "where the census has nobody"),
        (ROWS, make_json({"kind": {"a": 50, "b": 40, "c": 10}}), "nobody in the survey does"),
        (ROWS, altered(make_json(SMALL), total="101"), "another hash"),
        (ROWS, "not json", "not a margins document"),
        (ROWS.replace("b", "z"), make_json(SMALL), "'z' (30)"),
        (ROWS.replace("kind", "Kind"), make_json(SMALL), "no column 'kind'"),
        ("kind\n", make_json(SMALL), "has no answers"),
        ("", make_json(SMALL), "has no answers"),
        ("kind,kind\na,a\n", make_json(SMALL), "two columns"),
        ("kind,x\na\n", make_json(SMALL), "row 2"),
        ("kind,weight\na,1\n", make_json(SMALL), "column weight already"),
    ],
)
def test_misuse_is_one_sentence_and_writes_nothing(weigh: Weigh, survey: str, margins: str, why: str) -> None:
    code, out, err = weigh(survey, margins)
    assert (code, out) == (2, "")
    assert err.startswith("census: ")
    assert why in err
    assert "Traceback" not in err
    assert not list(Path().glob("survey-weights*"))


@pytest.mark.parametrize(
    ("mapping", "why"),
    [
        ("[kind", "not TOML"),
        ("kind = 1", "outside a table"),
        ("[colour]", "no dimension"),
        ("[kind]\ncolour = 1", "not known"),
        ('[kind.answers]\nx = "nowhere"', "do not have"),
        ('[kind.join]\na = "nowhere"', "do not have"),
        ("[kind]\nexempt = 1", "list of answers"),
        ("[kind]\nanswers = 1", "must hold lines"),
        ("dimension,column\n", "first row must be"),
        ("dimension,column,answer,category\nkind,A,x,a\nkind,B,y,b\n", "two columns"),
        ("dimension,column,answer,category\nkind,A\n", "row 2"),
    ],
)
def test_a_mapping_file_that_is_wrong_is_refused(weigh: Weigh, mapping: str, why: str) -> None:
    code, _, err = weigh(ROWS, make_json(SMALL), mapping=mapping)
    assert code == 2
    assert why in err


def test_margins_with_another_id_than_expected_are_stale(weigh: Weigh) -> None:
    identity = json.loads(make_json(SMALL))["id"]
    assert weigh(ROWS, make_json(SMALL), "--id", identity)[0] == 0
    assert weigh(ROWS, make_json(SMALL), "--id", identity[:12])[0] == 0
    for wrong in ("0" * 64, "", identity[:4]):
        code, _, err = weigh(ROWS, make_json(SMALL), "--id", wrong)
        assert (code, "superseded" in err) == (2, True)


def test_what_is_read_is_never_written_over(weigh: Weigh) -> None:
    for name in ("survey.csv", "margins.json", "margins.csv"):
        code, _, err = weigh(ROWS, make_json(SMALL), "-o", name)
        assert (code, "written over" in err) == (2, True)
    assert Path("survey.csv").read_text() == ROWS


def test_the_drawing_says_its_numbers_in_words() -> None:
    weights = [0.5] * 10 + [1.0] * 20 + [2.5]
    found = bin_weights(weights)
    assert sum(one.count for one in found) == 31
    assert all(one.low <= 2.5 for one in found)
    svg = svg_chart(weights, "ab" * 32)
    tree = ElementTree.fromstring(svg)
    assert tree.attrib["role"] == "img"
    described = tree.find("{http://www.w3.org/2000/svg}desc")
    assert described is not None
    assert "20" in (described.text or "")
    assert "<script" not in svg
    assert len(text_chart(weights).splitlines()) == len(found)


@pytest.mark.parametrize("weights", [[1.0], [1.0, 1.0], [0.3, 0.30000001], [1e-6, 1000.0]])
def test_any_weights_can_be_drawn(weights: list[float]) -> None:
    assert sum(one.count for one in bin_weights(weights)) == len(weights)
    assert re.match("<svg", svg_chart(weights, "x"))
