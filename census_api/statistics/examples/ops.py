"""Every operation of the worked examples, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Operation = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def list_operations() -> dict[str, Operation]:
    """Operations by their name in methods, section 7. Loads the numeric libraries."""
    from census_api.statistics.examples import ops_comparability, ops_margins

    return {**ops_comparability.OPS, **ops_margins.OPS}
