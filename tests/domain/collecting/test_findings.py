"""Findings, their keys, and the report."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.collecting.findings import (
    SEVERITIES,
    Finding,
    Report,
    Severity,
    finding_key,
    group_findings,
    outcome_of,
)
from tests.factories.judgements import make_finding


def report(*severities: Severity, failed: bool = False) -> Report:
    statuses = {"STF-001": "failed" if failed else "ran", "LYR-001": "not_applicable"}
    findings = [make_finding(index, severity=severity) for index, severity in enumerate(severities)]
    return Report(2024, "ALPHA", 3, {"Staff": 9}, statuses, "0" * 64, "1" * 64, findings)  # type: ignore[arg-type]  # the statuses are pytest's parameters


@pytest.mark.parametrize(
    ("severities", "failed", "outcome"),
    [([], False, "clean"), (["note"], False, "clean"), (["note", "query"], False, "queries"), (["query", "error"], False, "errors"),
     ([], True, "errors"), (["note"], True, "errors")],
)  # fmt: skip
def test_the_outcome_is_the_worst_there_is(severities: list[Severity], failed: bool, outcome: str) -> None:
    made = report(*severities, failed=failed)
    assert made.outcome == outcome
    assert outcome_of(made.counts, failed) == outcome


@given(st.lists(st.sampled_from(SEVERITIES), max_size=20), st.integers(0, 25))
def test_counts_are_true_however_many_are_shown(severities: list[Severity], limit: int) -> None:
    shown = report(*severities).as_json(limit=limit)
    assert shown["counts"] == {severity: severities.count(severity) for severity in SEVERITIES}
    assert shown["findings_total"] == len(severities)
    assert shown["findings_shown"] == len(shown["findings"]) == min(limit, len(severities))
    assert sum(group["count"] for group in shown["groups"]) == len(severities)


def test_the_json_report_has_its_names() -> None:
    shown = report("error", failed=True).as_json()
    assert (shown["collection"], shown["organisation"], shown["submission"]) == (2024, "ALPHA", 3)
    assert shown["rules"] == {"ran": 0, "not_applicable": 1, "failed": 1}
    assert (shown["rules_not_applicable"], shown["rules_failed"]) == (["LYR-001"], ["STF-001"])
    assert set(shown["findings"][0]) == set(Finding.__slots__)
    json.dumps(shown)


def test_repeats_are_grouped_in_order_with_their_first_cells() -> None:
    findings = [make_finding(index) for index in range(9)] + [make_finding(0, rule="STF-002")]
    first, second = group_findings(findings)
    assert (first["rule"], first["count"], first["first"]) == ("STF-001", 9, ["E2", "E3", "E4", "E5", "E6"])
    assert (second["rule"], second["count"]) == ("STF-002", 1)


@given(st.lists(st.tuples(*[st.text(max_size=4)] * 4, st.integers(0, 3)), max_size=20, unique=True))
def test_different_things_have_different_keys(parts: list[tuple[str, str, str, str, int]]) -> None:
    plain = [part for part in parts if not any("\x1f" in text for text in part[:4])]
    keys = [finding_key(*part) for part in plain]
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 16 and set(key) <= set("0123456789abcdef") for key in keys)


def test_a_key_never_changes() -> None:
    assert finding_key("STF-012", "staff", "E06000001|lero|DAW", "paid_wte", 0) == "60511b1258bbedd9"
