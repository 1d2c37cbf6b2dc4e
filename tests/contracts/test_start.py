"""What a start loads: a package that takes long is loaded where it is used, by who uses it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.patience import PATIENCE

LATER = ("pandas", "pandera", "scipy", "gptables", "openpyxl", "odf", "vl_convert", "altair")


@pytest.mark.parametrize("module", ["census_api.app", "census_api.worker", "census_api.intake.judging.judge"])
def test_a_start_loads_nothing_that_takes_long_and_is_used_later(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set({LATER}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stdout.split() == []
