"""Output for people: wrapped to the terminal, coloured and with progress bars only where somebody is watching."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

WIDEST = 100
"""Columns: longer lines are hard to read."""
_IN_A_PIPE = 80

Progress = Callable[[int, int], None]
"""Told how many are done, and of how many."""


def open_console(stream: TextIO) -> Console:
    """For text that is printed as it is."""
    from rich.console import Console

    found = Console(file=stream, highlight=False, markup=False, emoji=False)
    found.width = min(found.width, WIDEST) if stream.isatty() else _IN_A_PIPE
    return found


def say(text: str) -> None:
    """A line of progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def make_plain(text: str) -> str:
    """Text without characters that a terminal would act on."""
    return "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in text)


@contextmanager
def progress_of(words: str) -> Iterator[Progress]:
    """A progress bar on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=open_console(sys.stderr)) as bar:
        task = bar.add_task(words, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
