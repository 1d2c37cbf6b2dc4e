"""The content hash is that of the canonical JSON, whatever is in it."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.snapshots.snapshot_hash import FrameFacts, ReturnFacts, content_hash

_WORD = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_RETURNS = st.lists(st.tuples(_WORD, _WORD, _WORD, _WORD), unique_by=lambda row: row[0])
_FRAME = st.lists(st.tuples(_WORD, _WORD, _WORD, st.none() | st.just("12.5")), unique_by=lambda row: row[:3])


@given(_RETURNS, _FRAME)
def test_it_is_that_of_the_canonical_json(returns: list[ReturnFacts], frame: list[FrameFacts]) -> None:
    returns, frame = sorted(returns), sorted(frame, key=lambda row: row[:3])
    document = {"collection": 2024, "spec_digest": "s", "policy_digest": "p", "returns": returns, "frame": frame}
    canonical = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert content_hash(2024, "s", "p", iter(returns), iter(frame)) == hashlib.sha256(canonical.encode()).hexdigest()


def test_every_part_of_it_counts() -> None:
    returns: list[ReturnFacts] = [("A", "nhs", "A", "1"), ("B", "nhs", "A", "2")]
    frame: list[FrameFacts] = [("A", "E1", "x", None), ("A", "E1", "y", "0")]
    found = [
        content_hash(2024, "s", "p", returns, frame),
        content_hash(2023, "s", "p", returns, frame),
        content_hash(2024, "t", "p", returns, frame),
        content_hash(2024, "s", "q", returns, frame),
        content_hash(2024, "s", "p", returns[:1], frame),
        content_hash(2024, "s", "p", returns, frame[:1]),
        content_hash(2024, "s", "p", returns, [("A", "E1", "x", "0"), frame[1]]),
        content_hash(2024, "s", "p", [("A", "lero", "A", "1"), returns[1]], frame),
    ]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("returns", [[("B", "", "", ""), ("A", "", "", "")], [("A", "", "", ""), ("A", "x", "", "")]])
def test_what_is_out_of_order_or_there_twice_is_not_hashed(returns: list[ReturnFacts]) -> None:
    with pytest.raises(ValueError, match="in order"):
        content_hash(2024, "s", "p", returns, [])
