"""Loading a demonstration: a register, frames and returns, sent in the way any return is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from census_api.domain.access import Actor, authorise
from census_api.domain.collection import Window
from census_api.domain.register import FrameLine, Organisation
from census_api.domain.submission import Submitted, Upload
from census_api.services.collections import ensure_collections, set_window
from census_api.services.platform import Platform
from census_api.services.register import load_frame, load_organisations
from census_api.services.submit import submit_many

OPENED_DAYS_AGO = 30
CLOSES_IN_DAYS = 30
LATE_DAYS = 28


def prepare(
    platform: Platform,
    actor: Actor,
    organisations: Sequence[Organisation],
    frames: Mapping[int, Sequence[FrameLine]],
) -> None:
    """Sets up the collections, the register and the frame of each year. May be done again."""
    authorise(actor, "register.manage")
    ensure_collections(platform, actor)
    load_organisations(platform, actor, organisations)
    for year, lines in frames.items():
        load_frame(platform, actor, year, lines)


def open_now(platform: Platform, actor: Actor, year: int) -> None:
    """Moves the dates of a collection so that it is half-way through, counted from now."""
    now = platform.clock()
    day = dt.timedelta(days=1)
    closes = now + CLOSES_IN_DAYS * day
    set_window(platform, actor, year, Window(now - OPENED_DAYS_AGO * day, closes, closes + LATE_DAYS * day))


def load_returns(
    platform: Platform, actor: Actor, year: int, uploads: Iterable[tuple[str, Upload]]
) -> Iterator[Submitted]:
    """Submits (organisation code, upload) pairs and yields the answers in order.

    Each file is sent under a key of its own, so a load that was interrupted can be run again from the start: what was
    stored then is found, and not stored twice.
    """
    keyed = ((code, replace(upload, idempotency_key=f"demonstration-{upload.sha256}")) for code, upload in uploads)
    return submit_many(platform, actor, year, keyed)
