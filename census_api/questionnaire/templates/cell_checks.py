"""What the spreadsheet program checks while people type: drop-downs, number checks, input messages, tints."""

from __future__ import annotations

from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import PatternFill
from openpyxl.worksheet.datavalidation import DataValidation

from census_api.questionnaire.model import STATE_LABELS, SheetQuestion
from census_api.questionnaire.templates.code_lists import range_name
from census_api.questionnaire.templates.styles import AMBER

# Excel refuses a file with longer ones
_TITLE_LENGTH = 32
_MESSAGE_LENGTH = 255


def answer_check(question: SheetQuestion, cell: str) -> DataValidation:
    """The validation of an answer. `cell` is the first cell it will cover, such as `D2`."""
    check = _check(question, cell)
    check.allow_blank = True
    check.errorStyle = "stop"
    check.showErrorMessage = check.showInputMessage = True
    check.errorTitle = check.promptTitle = shorten_message(question.label, _TITLE_LENGTH)
    check.error = shorten_message(_refusal(question), _MESSAGE_LENGTH)
    check.prompt = shorten_message(input_message(question), _MESSAGE_LENGTH)
    return check


def nothing_to_type() -> DataValidation:
    """The validation of last year's answers: whatever is typed over them is turned away."""
    check = DataValidation(type="custom", formula1="FALSE", errorStyle="stop")
    check.showErrorMessage = check.showInputMessage = True
    check.errorTitle = check.promptTitle = "Last year's answer"
    check.error = "These columns only show what was answered last year. Please write in this year's columns."
    check.prompt = "For comparison only. Nothing in this column is read."
    return check


def unanswered_tint(first: str, row: str | None) -> FormulaRule:
    """Tints `first` (such as `D2`) while it is blank and, if `row` (such as `$A2:$N2`) is given, the row is started."""
    blank = f"LEN(TRIM({first}))=0"
    formula = f"AND({blank},COUNTA({row})>0)" if row else blank
    return FormulaRule(formula=[formula], fill=PatternFill("solid", bgColor=AMBER))


def input_message(question: SheetQuestion) -> str:
    """The question's help and, where the words are allowed, which of NK, REFUSED and NA it takes."""
    if not question.states:
        return question.help
    words = [f"{state} ({STATE_LABELS[state]})" for state in question.states]
    return f"{question.help} {_listed(words)} can be written too."


def shorten_message(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def _check(question: SheetQuestion, cell: str) -> DataValidation:
    if question.code_list is not None:
        return DataValidation(type="list", formula1=range_name(question.code_list))
    if question.numeric:
        return _number_check(question, cell)
    return DataValidation(type="textLength", operator="lessThanOrEqual", formula1=str(question.max_length))


def _number_check(question: SheetQuestion, cell: str) -> DataValidation:
    if question.type == "count" and not question.states:
        if question.maximum is None:
            return DataValidation(type="whole", operator="greaterThanOrEqual", formula1=_number(question.minimum))
        low, high = _number(question.minimum), _number(question.maximum)
        return DataValidation(type="whole", operator="between", formula1=low, formula2=high)
    places = 0 if question.type == "count" else question.places
    tests = [f"{cell}>={_number(question.minimum)}", f"{cell}=ROUND({cell},{places})"]
    if question.maximum is not None:
        tests.append(f"{cell}<={_number(question.maximum)}")
    words = ",".join(f'{cell}="{state}"' for state in question.states)
    # IF keeps a word away from ROUND, which would fail on it
    formula = f"IF(ISNUMBER({cell}),AND({','.join(tests)}),{f'OR({words})' if words else 'FALSE'})"
    return DataValidation(type="custom", formula1=formula)


def _refusal(question: SheetQuestion) -> str:
    if question.code_list is not None:
        return "Please choose an answer from the list: press Alt and the down arrow to open it."
    if not question.numeric:
        return f"Please use at most {question.max_length:,} characters."
    kind = "a whole number" if question.type == "count" else f"a number with at most {question.places} decimals"
    limits = f"{_number(question.minimum)} or more"
    if question.maximum is not None:
        limits = f"from {_number(question.minimum)} to {question.maximum:,.10g}"
    return f"Please write {_listed([f'{kind} {limits}', *question.states], 'or')}."


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _listed(words: list[str], last: str = "and") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
