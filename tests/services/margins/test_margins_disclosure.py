"""Margins of a snapshot: what is withheld or joined so that figures give nobody away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from census_api.services.kit.platform import Platform
from census_api.services.margins.making import get_margins
from census_api.statistics.margins.totals import MarginsRefused
from tests.factories.actors import make_actor
from tests.factories.counted import freeze, many, paid

PIPELINE = make_actor("piper", "pipeline")


def test_groupings_that_differ_by_few_people_are_not_given_out_both(platform: Platform) -> None:
    lines, staff = many()
    freeze(platform, lines, [*staff, paid(1, 2, "COUNSELLOR")])

    get_margins(platform, PIPELINE, "2024")
    with pytest.raises(MarginsRefused, match="could be known"):
        get_margins(platform, PIPELINE, "2024", grouping="plan")


def test_cells_of_few_organisations_are_withheld_and_cannot_be_worked_out(platform: Platform) -> None:
    lines, staff = many()
    lonely = next(row for row in staff if row.role == "NURSE_B5")
    alone = lines[lonely.line_no - 1]
    same = {
        number
        for number, line in enumerate(lines, start=1)
        if (line.sector, line.local_authority_code) == (alone.sector, alone.local_authority_code)
    }
    staff = [row for row in staff if row is lonely or row.role != "NURSE_B5" or row.line_no not in same]
    freeze(platform, lines, staff)

    found = get_margins(platform, PIPELINE, "2024")

    withheld = [cell for cell in found.tree["joint"] if cell["value"] is None]
    assert {"region": "E12000001", "profession_group": "regulated_frontline", "organisation_type": "voluntary",
            "value": None} in withheld  # fmt: skip
    # another cell along each dimension, or the margins would give the first away
    assert len(withheld) > 3
    assert found.tree["disclosure"]["cells_withheld"] == len(withheld)
    assert sum(found.margins["region"].values()) == found.total


@pytest.mark.parametrize(("silent", "shown"), [(1, False), (3, True)])
def test_what_stands_in_for_one_organisation_is_not_shown_beside_the_reported_figures(
    platform: Platform, silent: int, shown: bool
) -> None:
    lines, staff = many()
    missing = {
        number for number, line in enumerate(lines, start=1) if line.organisation.rpartition("-")[2] in "012"[:silent]
    }
    lines = [replace(line, reported=number not in missing) for number, line in enumerate(lines, start=1)]
    freeze(platform, lines, [row for row in staff if row.line_no not in missing])

    reported, adjusted = (get_margins(platform, PIPELINE, "2024", estimator=one) for one in ("reported", "adjusted"))

    assert None not in [cell["value"] for cell in reported.tree["joint"]]
    assert [cell["value"] is not None for cell in adjusted.tree["joint"]] == [shown] * 225
    assert {sum(part.values()) for part in adjusted.margins.values()} == {adjusted.total}


def test_a_category_of_few_organisations_is_joined_with_its_parent(platform: Platform) -> None:
    lines, staff = many()
    kept = {
        number for number, line in enumerate(lines, start=1) if line.sector != "lero" or line.organisation == "lero-0"
    }
    numbers = {old: new for new, old in enumerate(sorted(kept), start=1)}
    staff = [replace(row, line_no=numbers[row.line_no]) for row in staff if row.line_no in kept]
    freeze(platform, [line for number, line in enumerate(lines, start=1) if number in kept], staff)

    found = get_margins(platform, PIPELINE, "2024")

    assert "lero" not in found.margins["organisation_type"]
    assert found.tree["disclosure"]["joined"]["organisation_type"] == {"lero": "voluntary"}
    assert sum(found.margins["organisation_type"].values()) == found.total
