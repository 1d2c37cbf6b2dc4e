"""Loading a demonstration: register, frames and returns, sent, signed, accepted and frozen in the way any return is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from census_api.domain.collecting.collection import Window
from census_api.domain.collecting.submission import Submitted, Upload
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.register.lineage import LineageEdge
from census_api.domain.register.organisations import FrameLine, Organisation
from census_api.domain.snapshots.revisions import Snapshot
from census_api.services.collecting.collections import ensure_collections, set_window
from census_api.services.collecting.explanations import explain_finding, list_explanations
from census_api.services.collecting.life import accept_return
from census_api.services.collecting.sign_off import SignOffRefused, sign_off
from census_api.services.collecting.submissions import get_return
from census_api.services.collecting.submit import submit_many
from census_api.services.kit.platform import Platform
from census_api.services.register.lineage import load_edges
from census_api.services.register.organisations import load_frame, load_organisations
from census_api.services.snapshots.revisions import freeze_collection

OPENED_DAYS_AGO = 30
CLOSES_IN_DAYS = 30
LATE_DAYS = 28
_SIGNATORY = "Invented signatory"
_EXPLANATION = "Checked against our own records, and right."


def prepare_register(
    platform: Platform,
    actor: Actor,
    organisations: Sequence[Organisation],
    frames: Mapping[int, Sequence[FrameLine]],
) -> None:
    """Sets up the collections, the frame of each year, and the register with everybody still open. May be done again.

    Who has closed or merged since had not done so when the first returns came in.
    """
    authorise(actor, "register.manage")
    ensure_collections(platform, actor)
    load_organisations(platform, actor, [replace(entry, status="open", merged_into=None) for entry in organisations])
    for year, lines in frames.items():
        load_frame(platform, actor, year, lines)


def open_now(platform: Platform, actor: Actor, year: int) -> None:
    """Moves the dates of a collection so that it is half-way through, counted from now."""
    now = platform.clock()
    day = dt.timedelta(days=1)
    closes = now + CLOSES_IN_DAYS * day
    set_window(platform, actor, year, Window(now - OPENED_DAYS_AGO * day, closes, closes + LATE_DAYS * day))


class Course:
    """A clock that goes on with the work: returns come in over the whole time of a collection, some of them late.

    Of a collection that is open it goes until an hour ago.
    """

    def __init__(self, window: Window, now: dt.datetime) -> None:
        over = window.late_until <= now
        end = window.closes + (window.late_until - window.closes) / 4 if over else now - dt.timedelta(hours=1)
        self._start, self._end = window.opens + dt.timedelta(hours=1), end
        self._at = self._start

    def __call__(self) -> dt.datetime:
        return self._at

    def stop(self) -> Callable[[], dt.datetime]:
        """A clock that always says what this one says now: for moves that are made while this one goes on."""
        at = self._at
        return lambda: at

    def go(self, share: float) -> None:
        """On to where `share` of the work, 0 to 1, is done."""
        self._at = self._start + (self._end - self._start) * share


def load_returns(
    platform: Platform, actor: Actor, year: int, uploads: Iterable[tuple[str, Upload]]
) -> Iterator[Submitted]:
    """Submits (organisation code, upload) pairs and yields the answers in order.

    Each file is sent under a key of its own, so a load that was interrupted can be run again from the start: what was
    stored then is found, and not stored twice.
    """
    keyed = ((code, replace(upload, idempotency_key=f"demonstration-{upload.sha256}")) for code, upload in uploads)
    return submit_many(platform, actor, year, keyed)


def take_answer(platform: Platform, actor: Actor, answer: Submitted, *, accepted: bool = True) -> None:
    """Explains the queries of a submission, signs it and, with `accepted`, accepts it, each by the move of people.

    What a load that was interrupted has done already is not done again. Raises SignOffRefused for a submission with
    errors.
    """
    submission = answer.submission
    year, code, number = submission.collection, submission.organisation, submission.number or 0
    state = get_return(platform, actor, year, code).state if answer.replayed else "in_progress"
    if state == "in_progress":
        if answer.report is not None and answer.report.counts["query"]:
            for query in list_explanations(platform, actor, year, code, number).missing:
                explain_finding(platform, actor, year, code, number, query.key, reason="checked", text=_EXPLANATION)
        sign_off(platform, actor, year, code, number, role=_SIGNATORY)
    if accepted and state != "accepted":
        accept_return(platform, actor, year, code)


def take_if_signable(platform: Platform, actor: Actor, answer: Submitted, *, accepted: bool = True) -> bool:
    """As `take_answer`. False for a return with errors, which stays with its employer: nobody could sign it.

    Of many hundred invented organisations a very small one may answer exactly as it did the year before.
    """
    try:
        take_answer(platform, actor, answer, accepted=accepted)
    except SignOffRefused:
        if answer.report is not None and not answer.report.counts["error"]:
            raise
        return False
    return True


def freeze_past(
    platform: Platform, actor: Actor, years: Iterable[int], edges: Sequence[LineageEdge]
) -> Iterator[Snapshot]:
    """Loads the lineage of the years, then freezes each year as it comes, and yields the snapshots.

    The earliest has to come first: the sizes of a year's lines come from the year before. What was loaded and frozen
    already is left as it is.
    """
    load_edges(platform, actor, edges)
    for year in years:
        yield freeze_collection(platform, actor, year).snapshot
