from __future__ import annotations

import pytest

from census_api.domain.kit.errors import InvalidRequest
from census_api.statistics.policy import DEFAULT_POLICY, Policy, is_above, is_below


def test_the_digest_is_of_the_numbers_and_not_of_how_they_were_written() -> None:
    one = Policy.from_dict({"level": {"min_matched": 6, "blocked_coverage": 0.7}, "version": "x"})
    other = Policy.from_dict({"version": "x", "level": {"blocked_coverage": 0.7, "min_matched": 6.0}})
    assert one == other
    assert one.digest == other.digest
    assert one.digest != DEFAULT_POLICY.digest
    assert len(one.digest) == 64


def test_a_stored_policy_reads_back() -> None:
    assert Policy.from_dict(DEFAULT_POLICY.as_dict()) == DEFAULT_POLICY
    assert Policy.from_dict({}).digest == DEFAULT_POLICY.digest


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"levels": {}}, "There is no levels in the policy"),
        ({"level": {"coverage": 1}}, "There is no coverage in the policy's section level. It can hold: min_matched"),
        ({"level": {"min_matched": "5"}}, "level.min_matched must be a number"),
        ({"level": {"min_matched": True}}, "level.min_matched must be a number"),
        ({"level": {"min_matched": float("nan")}}, "level.min_matched must be a number"),
        ({"level": {"min_matched": 5.5}}, "level.min_matched must be a whole number"),
        ({"level": 5}, "section level must hold named thresholds"),
    ],
)
def test_a_policy_that_cannot_be_used_says_why(values: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message.replace(".", r"\.")):
        Policy.from_dict(values)


def test_limits_are_inclusive_up_to_rounding() -> None:
    assert not is_below(0.8 - 1e-12, 0.8)
    assert is_below(0.8 - 1e-6, 0.8)
    assert not is_above(0.1 + 1e-12, 0.1)
    assert is_above(0.1 + 1e-6, 0.1)
