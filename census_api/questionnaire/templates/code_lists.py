"""The hidden sheet of code lists behind the drop-downs: one list a column, one defined name a list."""

from __future__ import annotations

from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName

from census_api.questionnaire.model import Spec, show_code
from census_api.questionnaire.templates.names import LISTS


def used_lists(spec: Spec) -> tuple[str, ...]:
    """Names of the code lists that some question of the year is answered from, in order of first use."""
    names = (question.code_list for sheet in spec.sheets for question in sheet.fields)
    return tuple(dict.fromkeys(name for name in names if name is not None))


def range_name(code_list: str) -> str:
    """The defined name of a code list's drop-down."""
    return f"list_{code_list}"


def add_lists(workbook: Workbook, spec: Spec) -> None:
    """The sheet `Lists`, very hidden, and its defined names."""
    worksheet = workbook.create_sheet(LISTS)
    worksheet.sheet_state = "veryHidden"
    worksheet.protection.sheet = True
    for column, name in enumerate(used_lists(spec), start=1):
        codes = spec.code_lists[name].codes
        letter = get_column_letter(column)
        worksheet.cell(1, column, name)
        for row, code in enumerate(codes, start=2):
            worksheet.cell(row, column, show_code(code)).data_type = "s"
        reference = f"{LISTS}!${letter}$2:${letter}${max(len(codes), 1) + 1}"
        workbook.defined_names[range_name(name)] = DefinedName(range_name(name), attr_text=reference)
