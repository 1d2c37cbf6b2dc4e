"""Correcting one value where its finding is: a new submission, the same as the one before but for that cell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from census_api.domain.collecting.content import Content, ContentCell, ContentRow
from census_api.domain.collecting.findings import Finding, FindingGroup
from census_api.domain.collecting.submission import Kind, Submitted, Upload
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import Conflict, InvalidRequest
from census_api.questionnaire import grammar
from census_api.questionnaire.model import STATES, SheetQuestion, Spec, fold_text
from census_api.services.collecting.submissions import (
    get_content,
    get_finding,
    get_submission,
    group_findings,
    list_submissions,
)
from census_api.services.collecting.submit import submit_return
from census_api.services.kit.platform import Platform

_POINTER = re.compile(r"/(?P<sheet>[a-z_]+)(?:/(?P<index>[0-9]{1,9}))?/(?P<column>[A-Za-z0-9_]+)")
_IN_THE_FILE = (
    "This cannot be corrected here, because it is not about one cell, or because something is wrong with the file "
    "itself. Correct it in your file and send the file again."
)


@dataclass(frozen=True, slots=True)
class FindingPlace:
    """The cell that a finding is about: `index` is that of its pointer, None on the Organisation sheet."""

    sheet: str
    index: int | None
    question: SheetQuestion


def place_of(spec: Spec, finding: Finding) -> FindingPlace | None:
    """The cell that can be corrected where its finding is; None when the finding is not about one cell."""
    found = _POINTER.fullmatch(finding.pointer or "")
    if found is None or found["sheet"] not in spec.sheet or finding.severity == "note":
        return None
    sheet, index = spec.sheet[found["sheet"]], found["index"]
    question = sheet.by_key.get(found["column"])
    if question is None or (index is None) != (sheet.kind == "form"):
        return None
    return FindingPlace(sheet.key, None if index is None else int(index), question)


def file_is_sound(spec: Spec, groups: Iterable[FindingGroup]) -> bool:
    """Whether the answers are all that is wrong. What a rule says about the file itself would be lost without it."""
    return not any(
        group.severity != "note" and group.rule in spec.rule and spec.rule[group.rule].on in ("marks", "platform")
        for group in groups
    )


def correct_cell(
    platform: Platform, actor: Actor, year: int, organisation: str, number: int, finding_key: str, value: str
) -> Submitted:
    """Sends the newest submission again with the cell of one finding changed to `value`, as people type it.

    Raises NotFound, Forbidden, InvalidRequest for a value that cannot stand there or a finding that is not about one
    cell, Conflict when there is a newer submission, and what sending a file raises.
    """
    authorise(actor, "return.submit", organisation)
    spec = platform.spec(year)
    finding = get_finding(platform, actor, year, organisation, number, finding_key)
    place = place_of(spec, finding)
    if place is None or not file_is_sound(spec, group_findings(platform, actor, year, organisation, number)):
        raise InvalidRequest(_IN_THE_FILE)
    cell = _typed(spec, place.question, value)
    newest = list_submissions(platform, actor, year, organisation, limit=1).items[0]
    if newest.number != number:
        raise Conflict(
            f"Submission {newest.number} has come in since. Correct that one instead of submission {number}."
        )
    content = get_content(platform, actor, year, organisation, number)
    kind = get_submission(platform, actor, year, organisation, number).kind
    _cells_at(content, place, kind)[place.question.key] = cell
    data = json.dumps(content.as_json(), ensure_ascii=False).encode("utf-8", "replace")
    name = f"submission {number} with {place.question.label} corrected.json"
    return submit_return(platform, actor, year, organisation, Upload(data, name, "application/json"))


def _cells_at(content: Content, place: FindingPlace, kind: Kind | None) -> dict[str, ContentCell]:
    """The cells of a row. In a JSON return a row's position is its index; a workbook's rows are counted."""
    if place.index is None:
        return content.organisation
    rows = [row for row in content.rows if row.sheet == place.sheet]
    found: Iterable[ContentRow]
    found = [row for row in rows if row.position == place.index] if kind == "json" else rows[place.index :]
    for row in found:
        return row.cells
    raise InvalidRequest(_IN_THE_FILE)


def _typed(spec: Spec, question: SheetQuestion, value: str) -> ContentCell:
    """What was typed as a cell of that question. Raises InvalidRequest saying what may be typed."""
    text = value.strip()
    if not text:
        raise InvalidRequest("Type the value that should stand there. Where there is none, type 0.")
    if question.numeric:
        return _number(question, text)
    if question.code_list is not None:
        code = spec.code_lists[question.code_list].lookup.get(fold_text(text))
        if code is None:
            raise InvalidRequest("That is not one of the answers to choose from. The data dictionary lists them.")
        return code
    if len(text) > question.max_length or re.search(grammar.CONTROL, text):
        raise InvalidRequest(f"Type at most {question.max_length} letters, digits and signs.")
    return text


def _number(question: SheetQuestion, text: str) -> ContentCell:
    state = text.upper()
    if state in STATES and state in question.states:
        return state
    if question.type == "count" and re.fullmatch(grammar.WHOLE, text):
        return int(text)
    if question.type == "decimal" and re.fullmatch(grammar.DECIMAL, text):
        return text
    kind = "a whole number in digits, for example 12" if question.type == "count" else "a number, for example 12.5"
    states = f", or {' or '.join(question.states)}" if question.states else ""
    raise InvalidRequest(f"Type {kind}{states}. Nothing was changed.")
