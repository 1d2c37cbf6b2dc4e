"""The prefilled workbook carries last year's answers: the accepted ones, else the signed ones, else the newest."""

from __future__ import annotations

import io

import openpyxl

from census_api.domain.collecting.submission import Upload
from census_api.services.collecting import life
from census_api.services.collecting.templates import prefilled_template
from census_api.services.kit.platform import Platform
from census_api.services.upkeep.retention import erase_submissions
from tests.factories.actors import EDITOR, TEAM
from tests.factories.life import WHY, YEAR, send, sign, tree_of, upload_of


def saying(platform: Platform, comments: str) -> Upload:
    tree = tree_of(platform)
    tree["organisation"]["comments"] = comments
    return upload_of(tree)


def shown(platform: Platform) -> object:
    """Last year's comments in this year's workbook."""
    book = openpyxl.load_workbook(io.BytesIO(prefilled_template(platform, EDITOR, YEAR + 1, "ALPHA")))
    header, *rows = book["Organisation"].iter_rows(values_only=True)
    if "Last year" not in header:
        return None
    return {row[0]: row[header.index("Last year")] for row in rows}["Comments"]


def test_last_years_answers_are_those_that_count_most(platform: Platform) -> None:
    assert shown(platform) is None
    send(platform, saying(platform, "The first."))
    assert shown(platform) == "The first."
    sign(platform)
    send(platform, saying(platform, "The second."))
    assert shown(platform) == "The first."
    life.accept_return(platform, TEAM, YEAR, "ALPHA")
    assert shown(platform) == "The first."
    life.reopen_return(platform, TEAM, YEAR, "ALPHA", reason=WHY)
    assert shown(platform) == "The second."
    life.withdraw_return(platform, TEAM, YEAR, "ALPHA", reason=WHY)
    assert shown(platform) is None


def test_answers_that_were_deleted_are_not_in_it(platform: Platform) -> None:
    send(platform, saying(platform, "The first."))
    erase_submissions(platform, TEAM, YEAR, "ALPHA", "It named somebody.", number=1)
    assert shown(platform) is None
