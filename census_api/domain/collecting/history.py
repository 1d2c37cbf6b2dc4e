"""What happened to a return, in plain sentences: made from the facts of its audit events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from census_api.domain.collecting.deadlines import end_in_words

Detail = Mapping[str, Any]

_OUTCOMES = MappingProxyType({"errors": "with errors", "queries": "with queries", "clean": "clean"})
_TIMINGS = MappingProxyType({"late": ", late", "extended": ", within its longer time"})
_ABOUT = MappingProxyType({"finding": "a finding of ", "line": "a line of ", "return": ""})


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened, and its sentence."""

    at: dt.datetime
    actor: str
    action: str
    sentence: str


def sentence_of(action: str, actor: str, detail: Detail) -> str | None:
    """The sentence for an event; None for those that are no part of a return's own story."""
    write = _SENTENCES.get(action)
    return None if write is None else write(_name(actor), detail)


def _name(actor: str) -> str:
    return actor[:1].upper() + actor[1:]


def _number(detail: Detail) -> str:
    return f"submission {detail['number']}" if detail.get("number") else "a submission"


def _sent(who: str, detail: Detail) -> str:
    behalf = " on the organisation's behalf" if detail.get("on_behalf") else ""
    return f"{who} sent {_number(detail)}{behalf}{_TIMINGS.get(detail.get('timing', ''), '')}"


def _received(who: str, detail: Detail) -> str:
    return f"{_sent(who, detail)}. It is a long file and was checked in the background."


def _checked(who: str, detail: Detail) -> str:
    result = _OUTCOMES.get(detail.get("outcome") or "", "without a result")
    if "timing" in detail:
        return f"{_sent(who, detail)}. It was checked: {result}.{_carried(detail)}"
    return f"The check of {_number(detail)} ended: {result}.{_carried(detail)}"


def _carried(detail: Detail) -> str:
    kept, dropped = detail.get("carried", 0), detail.get("dropped", 0)
    if not kept and not dropped:
        return ""
    return f" Explanations carried over: {kept}; dropped, because the figure changed or is no longer asked about: {dropped}."


def _refused(who: str, _: Detail) -> str:
    return f"{who} sent a file that could not be read as a return. It was not kept."


def _explained(who: str, detail: Detail) -> str:
    return f"{who} explained a query of {_number(detail)} ({detail.get('rule', 'unnamed rule')})."


def _signed(who: str, detail: Detail) -> str:
    late = _TIMINGS.get(detail.get("timing", ""), "")
    return f"{who}, {detail.get('role', 'signatory')}, signed off {_number(detail)}{late}. Receipt {detail.get('reference', '')}."


def _queried(who: str, detail: Detail) -> str:
    return f"{who} asked a question about {_ABOUT.get(detail.get('about', ''), '')}{_number(detail)}."


def _replied(who: str, detail: Detail) -> str:
    return f"{who} replied to a question about {_number(detail)}."


def _extended(who: str, detail: Detail) -> str:
    until = end_in_words(dt.datetime.fromisoformat(detail["until"]))
    return f"{who} gave more time; it ends {until}. {detail.get('reason', '')}".rstrip()


def _reopened(who: str, detail: Detail) -> str:
    frozen = (
        " The frozen snapshot stays as it is; changes count in its next revision only."
        if detail.get("frozen_in")
        else ""
    )
    return f"{_moved('reopened')(who, detail)}{frozen}"


def _moved(word: str) -> Callable[[str, Detail], str]:
    def write(who: str, detail: Detail) -> str:
        reason = f" Reason: {detail['reason']}" if detail.get("reason") else ""
        return f"{who} {word} the return.{reason}"

    return write


def _accepted(who: str, detail: Detail) -> str:
    return f"{who} accepted the return as signed in {_number(detail)}."


def _reminded(who: str, _: Detail) -> str:
    return f"{who} sent a reminder."


def _erased(who: str, detail: Detail) -> str:
    return f"{who} deleted the content of {_number(detail)} for good."


def _failed(_who: str, detail: Detail) -> str:
    return f"{_number(detail).capitalize()} could not be checked because of a fault of the platform. It is kept."


def _retried(who: str, detail: Detail) -> str:
    return f"{who} had {_number(detail)} checked again."


_SENTENCES: Mapping[str, Callable[[str, Detail], str]] = MappingProxyType(
    {
        "submission.received": _received,
        "submission.checked": _checked,
        "submission.refused": _refused,
        "submission.erased": _erased,
        "submission.failed": _failed,
        "job.retried": _retried,
        "return.explained": _explained,
        "return.signed_off": _signed,
        "return.queried": _queried,
        "return.replied": _replied,
        "return.extended": _extended,
        "return.accepted": _accepted,
        "return.reopened": _reopened,
        "return.declined": _moved("declined"),
        "return.withdrawn": _moved("withdrew"),
        "mail.reminder_written": _reminded,
    }
)
ACTIONS: frozenset[str] = frozenset(_SENTENCES)
"""The actions that a return's history tells."""

CHANGES: frozenset[str] = ACTIONS - {"mail.reminder_written", "submission.refused", "submission.failed", "job.retried"}
"""Those of them that change the return."""
