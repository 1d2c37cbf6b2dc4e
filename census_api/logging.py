"""Logs: one JSON line an event for machines, readable lines on a terminal. Never a body, never a cell."""

from __future__ import annotations

import logging
import sys
import unicodedata
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog

_QUIET = ("alembic", "procrastinate", "sqlalchemy", "asyncio", "uvicorn.access")
_LONGEST = 500


def configure_logging(
    level: str = "info", form: Literal["auto", "json", "console"] = "auto", stream: TextIO | None = None
) -> None:
    """Sends every log event of the process, of libraries too, to `stream` (standard error), a line each.

    `auto` means JSON unless the stream is a terminal.
    """
    target = stream or sys.stderr
    console = form == "console" or (form == "auto" and target.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        one_line,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=target.isatty()) if console else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def one_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Control characters become spaces and long values are cut, so that nobody can forge or flood a line."""
    for key, value in event.items():
        if isinstance(value, str) and key != "exception":
            event[key] = _plain(value)[:_LONGEST]
        elif isinstance(value, str):
            # the end of a traceback says most; the renderer keeps its line breaks as \n inside the one line
            event[key] = "\n".join(_plain(line) for line in value.splitlines())[-10 * _LONGEST :]
    return event


def _plain(text: str) -> str:
    return "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in text)
