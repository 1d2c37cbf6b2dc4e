"""One year's census as the platform runs it: its dates as instants, and where in them we are."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

Phase = Literal["upcoming", "open", "late", "closed"]
CollectionState = Literal["scheduled", "closed"]

_ENGLAND = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class Window:
    """When a collection takes returns. Each instant is the first moment of what follows it."""

    opens: dt.datetime
    closes: dt.datetime
    late_until: dt.datetime


@dataclass(frozen=True, slots=True)
class CollectionStatus:
    """A collection in the database. `state` is `closed` when the team ended it by hand, else its dates decide."""

    year: int
    title: str
    reference_date: dt.date
    spec_digest: str
    window: Window
    state: CollectionState

    def phase(self, now: dt.datetime) -> Phase:
        if self.state == "closed" or now >= self.window.late_until:
            return "closed"
        if now < self.window.opens:
            return "upcoming"
        return "open" if now < self.window.closes else "late"


def window_of(opens: dt.date, closes: dt.date, late_until: dt.date) -> Window:
    """The window of local dates in England: from midnight of the first to the midnight that ends the others."""
    one_day = dt.timedelta(days=1)
    return Window(_midnight(opens), _midnight(closes + one_day), _midnight(late_until + one_day))


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), _ENGLAND).astimezone(dt.UTC)
