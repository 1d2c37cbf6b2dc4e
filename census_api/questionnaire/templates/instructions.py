"""The first sheet: what the census is, how to fill in the workbook, what the words mean, and what happens next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from openpyxl import Workbook
from openpyxl.utils import quote_sheetname
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from census_api.questionnaire.model import Spec, SpecSheet
from census_api.questionnaire.templates import styles
from census_api.questionnaire.templates.names import INSTRUCTIONS, LAST_YEAR
from census_api.questionnaire.templates.rows import LINE_HEIGHT, lines_of
from census_api.questionnaire.templates.sheets import print_on_a4, protect_sheet


class InstructionLine(NamedTuple):
    """A term in column A and what there is to say about it in column B."""

    term: str
    text: str


_WIDTHS = {"A": 26.0, "B": 96.0}
_GAP = 5
_PROSE = 1.12
"""Letters of a sentence in the width of one figure."""


def add_instructions(workbook: Workbook, spec: Spec, with_last_year: bool) -> None:
    """The sheet `Instructions`: a term in column A, what there is to say about it in column B."""
    worksheet = workbook.create_sheet(INSTRUCTIONS)
    worksheet.sheet_properties.tabColor = styles.AMBER
    worksheet.sheet_view.showGridLines = False
    protect_sheet(worksheet)
    print_on_a4(worksheet)
    worksheet.page_setup.orientation = "portrait"
    worksheet.print_options.gridLines = False
    for letter, width in _WIDTHS.items():
        worksheet.column_dimensions[letter].width = width
    _write(worksheet, 1, spec.collection.title, "", styles.TITLE)
    row = 3
    for heading, lines in _sections(spec, with_last_year):
        _write(worksheet, row, heading, "", styles.HEADING)
        styles.dress_cell(worksheet.cell(row, 2), styles.HEADING)
        for term, text in lines:
            row += 1
            _write(worksheet, row, term, text, styles.TERM)
            if any(sheet.title == term for sheet in spec.sheets):
                _link(worksheet, row, term)
        row += 2


def _write(worksheet: Worksheet, row: int, term: str, text: str, look: styles.Look) -> None:
    for column, value, dressed in ((1, term, look), (2, text, styles.BODY)):
        if value:
            cell = worksheet.cell(row, column, value)
            cell.data_type = "s"
            styles.dress_cell(cell, dressed)
    lines = max(lines_of(term, _WIDTHS["A"]), lines_of(text, _WIDTHS["B"] * _PROSE))
    worksheet.row_dimensions[row].height = lines * LINE_HEIGHT + _GAP if text else 2 * LINE_HEIGHT


def _link(worksheet: Worksheet, row: int, title: str) -> None:
    cell = worksheet.cell(row, 1)
    cell.hyperlink = Hyperlink(cell.coordinate, location=f"{quote_sheetname(title)}!A1", tooltip=f"Go to {title}")
    styles.dress_cell(cell, styles.LINK)


def _sections(spec: Spec, with_last_year: bool) -> Iterator[tuple[str, list[InstructionLine]]]:
    yield "About the census", _about(spec)
    yield (
        "The sheets: choose a name to go there",
        [InstructionLine(sheet.title, _sheet_text(sheet)) for sheet in spec.sheets],
    )
    yield "How to fill them in", _how(spec, with_last_year)
    yield "Blank, 0, NK, REFUSED and NA are five different answers", _answers()
    yield "What the words mean", _words(spec)
    yield "When you have filled it in", _next_steps()
    groups = _groups(spec)
    if groups:
        yield "Which roles are in which role group", groups


def _about(spec: Spec) -> list[InstructionLine]:
    census = spec.collection
    return [
        InstructionLine(
            "What it asks",
            "How many people work in your drug and alcohol treatment and recovery services, in which roles and at what "
            "pay, how many joined and left in the year, and which posts stand empty. It asks for numbers only: please "
            "do not name or describe any member of staff anywhere in this workbook.",
        ),
        InstructionLine(
            "Reference date", f"Count the people and posts you have on {write_day(census.reference_date)}."
        ),
        InstructionLine(
            "The year",
            f"Count starters, leavers and transfers from {write_day(census.flow_from)} to {write_day(census.flow_to)}.",
        ),
        InstructionLine(
            "When to answer",
            f"From {write_day(census.opens)} to {write_day(census.closes)}. Late returns are taken until {write_day(census.late_until)}.",
        ),
    ]


def _sheet_text(sheet: SpecSheet) -> str:
    if sheet.kind != "breakdown":
        return sheet.help
    return f"{sheet.help} One row for each {sheet.fields[0].label.lower()}."


def _how(spec: Spec, with_last_year: bool) -> list[InstructionLine]:
    lines = [
        InstructionLine(
            "Lists",
            "Where a cell has a list, click the arrow beside the cell, or press Alt and the down arrow, and choose. "
            "When you paste, the code alone or the full wording is understood too.",
        ),
        InstructionLine("Help", "Select a cell, and a note beside it says what is asked."),
        InstructionLine(
            "Yellow cells",
            "A yellow cell still needs an answer. In a table, cells turn yellow once you start their row.",
        ),
        InstructionLine(
            "Headings",
            "Columns with a dark blue heading are needed in every row you start. Columns with a grey-blue heading are "
            "needed where they apply. Please leave the headings and the names of the sheets as they are.",
        ),
        InstructionLine(
            "Rows",
            "You can add, delete and sort rows, and paste from other workbooks: paste values only. Do not add a row of "
            "totals. The sheets are protected, without a password, to keep the headings safe.",
        ),
    ]
    if spec.breakdowns:
        first, last = spec.breakdowns[0].title, spec.breakdowns[-1].title
        lines.insert(
            0,
            InstructionLine(
                "Order",
                f"Work from left to right. Answer the sheets from {first} to {last} once for the whole organisation, "
                "not for each service. If you answer one cell of a row there, answer the whole row, with 0 where "
                "there is nobody.",
            ),
        )
    if with_last_year:
        lines.append(
            InstructionLine(
                "Last year",
                f"Pale columns at the right, headed “{LAST_YEAR.strip()}”, show what you answered last year. They are "
                "there to compare with and are never read. We have filled in the services and roles you told us about "
                "last year: delete the rows that no longer apply, and add new ones below.",
            )
        )
    return lines


def _answers() -> list[InstructionLine]:
    return [
        InstructionLine("Blank", "No answer. Leave a cell blank only if the question does not apply to the row."),
        InstructionLine("0", "None. You looked, and there is nobody, or no post."),
        InstructionLine("NK", "Not known. There may be some, but you cannot tell how many."),
        InstructionLine("REFUSED", "You know, but will not say."),
        InstructionLine("NA", "Not applicable: the question makes no sense for this row."),
        InstructionLine(
            "Where they are allowed",
            "The note beside a cell says which of NK, REFUSED and NA it takes. Never write a dash.",
        ),
    ]


def _words(spec: Spec) -> list[InstructionLine]:
    collection = spec.collection
    return [
        InstructionLine("Headcount", "People. Somebody who works two days a week counts as 1."),
        InstructionLine(
            "WTE",
            "Whole-time equivalent. Contracted hours divided by the hours of a full-time post: a full-time post is 1, "
            "three days of five are 0.6. WTE is usually lower than headcount, because some people work part time.",
        ),
        InstructionLine(
            "Vacancy",
            f"A post that stood empty and that you were recruiting to on {write_day(collection.reference_date)}. "
            "An empty post that you are not recruiting to is not a vacancy.",
        ),
        InstructionLine(
            "Starters and leavers",
            "People who joined or left your organisation in the year. People who came or went with a contract under "
            "TUPE (transfer of undertakings) are counted as transfers instead.",
        ),
        InstructionLine(
            "Paid and unpaid",
            "Paid people have a contract with you or with an agency. Unpaid people are volunteers, and students on "
            "placement.",
        ),
        InstructionLine("Line", "One service type in one local authority. Every row of the Services sheet is a line."),
    ]


def _next_steps() -> list[InstructionLine]:
    return [
        InstructionLine(
            "1. Upload",
            "Save the file, sign in to the census website, open your organisation's return and upload the file. "
            "Excel workbooks (.xlsx) and OpenDocument spreadsheets (.ods) are accepted.",
        ),
        InstructionLine(
            "2. Correct",
            "You see at once everything that needs attention, each with its cell, what is wrong and how to put it "
            "right. You can download your own workbook with the same notes in it. Correct it and upload it again, as "
            "often as you like.",
        ),
        InstructionLine(
            "3. Explain", "A query is something that looks unusual. If it is right, say why; if it is not, correct it."
        ),
        InstructionLine(
            "4. Sign off", "When no errors are left, a person who may sign for your organisation declares it correct."
        ),
        InstructionLine(
            "Check it yourself first",
            "If you have the census program on your computer: census check followed by the name of this file. "
            "Nothing is sent anywhere.",
        ),
    ]


def _groups(spec: Spec) -> list[InstructionLine]:
    """Each role group with its roles, where a breakdown is by role group."""
    if not any(sheet.rows_by == "role_group" for sheet in spec.breakdowns):
        return []
    roles = spec.code_lists["roles"].codes
    return [
        InstructionLine(
            group.label,
            "; ".join(role.label for role in roles if role.attributes.get("role_group") == group.code) + ".",
        )
        for group in spec.code_lists["role_groups"].codes
    ]


def write_day(date: dt.date) -> str:
    """A date as people in England write it: 30 June 2024."""
    return f"{date.day} {date:%B %Y}"
