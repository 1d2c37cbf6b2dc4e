"""Two frozen years of invented organisations, in which some answer once only, some come and some go."""

from __future__ import annotations

import random
from dataclasses import replace

from census_api.domain.kit.access import SYSTEM
from census_api.services.kit.platform import Platform
from tests.factories.populations import random_breakdowns, random_lines, random_staff
from tests.factories.snapshots import LineRow, make_snapshot


def freeze_two_years(platform: Platform, organisations: int = 40, seed: int = 3) -> None:
    """Snapshots of 2023 and 2024."""
    dice = random.Random(seed)
    lines = [replace(line, size=float(dice.randint(3, 60))) for line in random_lines(seed, organisations)]
    silent = {line.organisation for line in lines if dice.random() < 0.1}
    later = [_later(line, silent, dice) for line in lines if dice.random() < 0.95]
    for year, its, dice_of in ((2023, lines, seed), (2024, later, seed + 1)):
        with platform.database.transaction(SYSTEM) as session:
            make_snapshot(
                session, year, lines=its, staff=random_staff(dice_of, its, 0.02),
                breakdowns=random_breakdowns(dice_of, its),
            )  # fmt: skip


def _later(line: LineRow, silent: set[str], dice: random.Random) -> LineRow:
    """The line a year later: its organisation may have fallen silent, or answer again."""
    reported = line.organisation not in silent and (line.reported or dice.random() < 0.5)
    return replace(line, reported=reported, in_frame=line.in_frame or not reported)
