"""Why a file is refused: stable reason -> what to tell the person, with what to do next."""

from __future__ import annotations

from typing import NoReturn

from census_api.domain.kit.errors import Refused

_SAVE_AGAIN = "Open it in Excel or LibreOffice, save it as an Excel Workbook (.xlsx), and upload that file."

REFUSALS: dict[str, str] = {
    "empty_file": "This file is empty. Check that you chose the right file, save it again, and upload it.",
    "too_large": (
        "This file is larger than 20 MB, which is more than a return can need. "
        "Remove pictures and sheets that are not part of the return, save it, and upload it again."
    ),
    "not_a_workbook": (
        "This is not a workbook: it looks like {looks}. "
        "Fill in the template workbook, save it as an Excel Workbook (.xlsx) or .ods, and upload that file."
    ),
    "old_xls": (
        "This is an old Excel file (.xls). "
        "Open it in Excel, choose Save As, Excel Workbook (.xlsx), and upload that file."
    ),
    "password": (
        "This workbook is protected with a password, so it cannot be read. Open it in Excel, choose File, Info, "
        "Protect Workbook, Encrypt with Password, delete the password, save it, and upload it again."
    ),
    "macros": (
        "This workbook contains macros or is a binary workbook (.xlsm or .xlsb), which are not accepted. "
        "Open it in Excel, choose Save As, Excel Workbook (.xlsx), answer Yes to saving without macros, "
        "and upload that file."
    ),
    "dtd": (
        "This workbook contains definitions (a document type or entities) that no spreadsheet program writes, "
        "so it is not opened. Copy your answers into a fresh template and upload that."
    ),
    "encoding": f"Part of this workbook is stored in a text encoding other than UTF-8. {_SAVE_AGAIN}",
    "unusual_xml": f"Part of this workbook is written in a way that cannot be read without risk of loss. {_SAVE_AGAIN}",
    "bomb": (
        "This file unpacks to far more data than a return can hold, so it is not opened. "
        "Copy your answers into a fresh template and upload that."
    ),
    "too_many_parts": (
        "This workbook has far more sheets or parts than a return needs. "
        "Copy your answers into a fresh template and upload that."
    ),
    "duplicate_part": f"This workbook holds the same part or the same sheet name twice. {_SAVE_AGAIN}",
    "damaged": (
        "This file is damaged or was cut short on its way. Check that it opens in Excel or LibreOffice, "
        "save it again as an Excel Workbook (.xlsx), and upload it."
    ),
    "cell_area": (
        "A sheet has cells very far from the rest, so it spans more rows and columns than can be read. "
        "Delete the cells far below or far to the right of your answers, save the workbook, and upload it again."
    ),
    "missing_parts": f"Parts that every workbook has are missing from this file. {_SAVE_AGAIN}",
    "rows_lost": f"Some cells of this workbook could not be read, and nothing may be lost silently. {_SAVE_AGAIN}",
    "crashed": (
        "This file could not be read safely. "
        "Copy your answers into a fresh template, save it as an Excel Workbook (.xlsx), and upload that."
    ),
    "too_slow": (
        "This file took too long to read. "
        "Copy your answers into a fresh template, save it as an Excel Workbook (.xlsx), and upload that."
    ),
    "too_complex": (
        "This file needs more memory than is allowed for one return. "
        "Remove sheets and formatting that are not part of the return, save it, and upload it again."
    ),
    "json_encoding": "This JSON is not in UTF-8. Save it as UTF-8 and send it again.",
    "json_depth": "This JSON is nested too deeply to be a census return. The JSON Schema of the year shows the form.",
    "json_broken": (
        "This is not valid JSON: it cannot be read at line {line}, column {column}. "
        "Check the brackets, commas and quotation marks there and send it again."
    ),
    "json_duplicate_key": (
        "The key {key} stands twice in one object of this JSON, so it is not clear which value is meant. "
        "Keep one of them and send it again."
    ),
    "json_not_a_number": "This JSON holds {word}, which is not a number. Use null for a blank answer.",
    "csv_encoding": "This .csv file is not in UTF-8. Save it as CSV UTF-8 and try again.",
    "csv_broken": "This .csv file cannot be read. Check its quotation marks, save it as CSV UTF-8 and try again.",
    "csv_control": "This .csv file holds characters that are no text. Save it as CSV UTF-8 and try again.",
    "csv_separator": ("The columns of this .csv file are not separated by commas. Save it as CSV UTF-8 and try again."),
    "json_shape": "In this JSON, {place} must be {wanted}. The JSON Schema of the year shows the form.",
}


def make_refusal(reason: str, **words: str) -> Refused:
    """The error for a reason of REFUSALS, its message filled with `words`."""
    message = REFUSALS[reason]
    return Refused(reason, message.format(**words) if words else message)


def refuse_file(reason: str, **words: str) -> NoReturn:
    """Raise the Refused of that reason."""
    raise make_refusal(reason, **words)
