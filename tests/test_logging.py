"""Logs: one event, one line, whatever somebody managed to put into it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from census_api.logging import configure_logging


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers, root.level)
    yield io.StringIO()
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_an_event_is_one_json_line_with_level_and_time(stream: io.StringIO) -> None:
    configure_logging(stream=stream)
    structlog.get_logger("x").warning("submission_refused", reason="macros", size=3)
    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["reason"], event["size"]) == (
        "submission_refused",
        "warning",
        "macros",
        3,
    )
    assert event["timestamp"].endswith("Z")


@pytest.mark.parametrize("form", ["json", "console"])
def test_nobody_can_forge_a_line_or_paint_the_terminal(stream: io.StringIO, form: str) -> None:
    configure_logging(form="json" if form == "json" else "console", stream=stream)
    structlog.get_logger("x").info("named", name='a\r\n{"event": "forged"}\x1b[31m\u2028\u202eb')
    assert len(stream.getvalue().splitlines()) == 1
    assert not set(stream.getvalue()) & set("\r\x1b\u202e\u2028")


def test_long_values_are_cut(stream: io.StringIO) -> None:
    configure_logging(stream=stream)
    structlog.get_logger("x").info("named", name="x" * 100_000)
    assert len(stream.getvalue()) < 1000


def test_libraries_log_in_the_same_way_and_a_traceback_is_one_line(stream: io.StringIO) -> None:
    configure_logging(stream=stream)
    try:
        raise LookupError("lost\nand found")
    except LookupError:
        logging.getLogger("some.library").exception("it %s", "failed")
    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"]) == ("it failed", "error")
    assert "LookupError" in event["exception"]


def test_the_level_holds_for_us_and_for_libraries(stream: io.StringIO) -> None:
    configure_logging("warning", stream=stream)
    structlog.get_logger("x").info("quiet")
    logging.getLogger("some.library").info("quiet")
    assert stream.getvalue() == ""
