"""When a return is taken: the collection's dates, its late window, and the longer time that one organisation was given.

What counts is the server's clock at the moment a whole file is received. Dates that people choose are dates in England.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from census_api.domain.collecting.collection import Window
from census_api.domain.kit.errors import Conflict

Timing = Literal["on_time", "extended", "late"]
TIMINGS: tuple[Timing, ...] = get_args(Timing)

ANSWER_DAYS = 14
"""How many days an employer has to answer what the census team sends back, the day of sending not counted."""

_ENGLAND = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class Deadline:
    """One organisation's time. `ended` is True when the team closed the collection by hand.

    `extension` is the first moment after the organisation's own time, None when it was given none.
    """

    window: Window
    ended: bool = False
    extension: dt.datetime | None = None

    @property
    def last_moment(self) -> dt.datetime:
        """The first moment at which nothing is taken any more."""
        late_until = self.window.late_until
        return late_until if self.extension is None else max(late_until, self.extension)

    def timing(self, now: dt.datetime) -> Timing:
        """How a return that comes in now counts. Raises Conflict before the collection opens and after its end.

        An extension also lets a return in after the team has closed the collection: that is what it is given for.
        """
        if now < self.window.opens:
            raise Conflict(
                f"This census opens on {in_words(self.window.opens)}, and takes no returns before. Keep your file and "
                "send it then."
            )
        extended = self.extension is not None and now < self.extension
        if now < self.window.closes and not self.ended:
            return "on_time"
        if extended:
            return "extended"
        if now < self.window.late_until and not self.ended:
            return "late"
        raise Conflict(self._closed())

    def _closed(self) -> str:
        ends = "has been closed" if self.ended else f"closed {end_in_words(self.last_moment)}"
        return f"This census {ends} and takes no more returns. Ask the census team for more time if you need it."


def end_of(day: dt.date) -> dt.datetime:
    """The midnight that ends a day in England, as an instant: the first moment of what follows."""
    following = day + dt.timedelta(days=1)
    return dt.datetime.combine(following, dt.time(), _ENGLAND).astimezone(dt.UTC)


def answer_by(now: dt.datetime) -> dt.datetime:
    """Until when an employer may send what the census team asks for now."""
    return end_of(now.astimezone(_ENGLAND).date() + dt.timedelta(days=ANSWER_DAYS))


def end_in_words(moment: dt.datetime) -> str:
    """The moment at which something ends: `at the end of 13 October 2024` when that is midnight in England."""
    local = moment.astimezone(_ENGLAND)
    if local.time() != dt.time():
        return f"on {in_words(moment)}"
    day = local.date() - dt.timedelta(days=1)
    return f"at the end of {day.day} {day:%B %Y}"


def in_words(moment: dt.datetime) -> str:
    """An instant as people in England read it: `13 October 2024 at 09:30`."""
    local = moment.astimezone(_ENGLAND)
    return f"{local.day} {local:%B %Y} at {local:%H:%M}"
