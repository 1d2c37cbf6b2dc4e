"""When a return is taken: to the second, in local dates, across the changes of the clock."""

from __future__ import annotations

import datetime as dt

import pytest

from census_api.domain.collecting.collection import Window, window_of
from census_api.domain.collecting.deadlines import Deadline, answer_by, end_in_words, end_of, in_words
from census_api.domain.kit.errors import Conflict

SECOND = dt.timedelta(seconds=1)
WINDOW = window_of(dt.date(2024, 7, 3), dt.date(2024, 9, 15), dt.date(2024, 10, 13))


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("moment", "timing"),
    [
        (WINDOW.opens - SECOND, "opens on 3 July 2024 at 00:00"),
        (WINDOW.opens, "on_time"),
        (WINDOW.opens + SECOND, "on_time"),
        (WINDOW.closes - SECOND, "on_time"),
        (WINDOW.closes, "late"),
        (WINDOW.closes + SECOND, "late"),
        (WINDOW.late_until - SECOND, "late"),
        (WINDOW.late_until, "closed at the end of 13 October 2024"),
        (WINDOW.late_until + SECOND, "closed at the end of 13 October 2024"),
    ],
)
def test_a_second_before_at_and_after_each_end(moment: dt.datetime, timing: str) -> None:
    if timing in ("on_time", "late"):
        assert Deadline(WINDOW).timing(moment) == timing
    else:
        with pytest.raises(Conflict, match=timing):
            Deadline(WINDOW).timing(moment)


@pytest.mark.parametrize(
    ("last_day", "end"),
    [
        (dt.date(2024, 7, 31), "2024-07-31 23:00:00"),  # summer time
        (dt.date(2024, 10, 26), "2024-10-26 23:00:00"),  # the night in which clocks go back begins
        (dt.date(2024, 10, 27), "2024-10-28 00:00:00"),  # a day of 25 hours
        (dt.date(2025, 3, 29), "2025-03-30 00:00:00"),  # the night in which clocks go forward begins
        (dt.date(2025, 3, 30), "2025-03-30 23:00:00"),  # a day of 23 hours
    ],
)
def test_a_day_ends_at_midnight_in_england_across_the_change_of_the_clock(last_day: dt.date, end: str) -> None:
    closing = window_of(dt.date(2024, 7, 3), last_day, last_day)
    assert closing.closes == end_of(last_day) == at(end)
    deadline = Deadline(closing)
    assert deadline.timing(at(end) - SECOND) == "on_time"
    for moment in (at(end), at(end) + SECOND):
        with pytest.raises(Conflict, match=f"{last_day.day} {last_day:%B %Y}"):
            deadline.timing(moment)


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("until", [end_of(dt.date(2024, 9, 20)), end_of(dt.date(2024, 11, 1))])
def test_longer_time_ends_to_the_second_whether_or_not_the_team_has_closed(until: dt.datetime, ended: bool) -> None:
    deadline = Deadline(WINDOW, ended, until)
    assert deadline.timing(until - SECOND) == "extended"
    for moment in (until, until + SECOND):
        if not ended and moment < WINDOW.late_until:
            assert deadline.timing(moment) == "late"
        else:
            with pytest.raises(Conflict, match="more time"):
                deadline.timing(moment)


def test_longer_time_does_not_open_early_and_is_not_noted_while_everybody_is_in_time() -> None:
    deadline = Deadline(WINDOW, False, end_of(dt.date(2024, 11, 1)))
    assert deadline.timing(WINDOW.closes - SECOND) == "on_time"
    assert deadline.last_moment == end_of(dt.date(2024, 11, 1))
    with pytest.raises(Conflict, match="opens"):
        deadline.timing(WINDOW.opens - SECOND)


def test_a_collection_that_the_team_closed_takes_nothing() -> None:
    with pytest.raises(Conflict, match="has been closed"):
        Deadline(WINDOW, ended=True).timing(WINDOW.opens)


def test_two_weeks_to_answer_are_whole_days_in_england() -> None:
    # half past midnight on 14 October there, still 13 October by the clock of the world
    assert answer_by(at("2024-10-13 23:30:00")) == at("2024-10-29 00:00:00")
    assert answer_by(at("2024-10-13 22:30:00")) == at("2024-10-28 00:00:00")


def test_moments_read_as_people_in_england_say_them() -> None:
    assert in_words(at("2024-07-15 12:30:00")) == "15 July 2024 at 13:30"
    assert end_in_words(at("2024-10-13 23:00:00")) == "at the end of 13 October 2024"
    assert end_in_words(at("2024-12-01 09:05:00")) == "on 1 December 2024 at 09:05"


def test_a_window_in_winter_opens_and_ends_at_midnight_there() -> None:
    window = Window(at("2024-12-01 00:00:00"), at("2025-01-01 00:00:00"), at("2025-01-01 00:00:00"))
    assert window == window_of(dt.date(2024, 12, 1), dt.date(2024, 12, 31), dt.date(2024, 12, 31))
