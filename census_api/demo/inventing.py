"""Invents the demonstration's census in a process of its own, while the first process stores what has been invented.

One Python uses one core at a time: making returns and workbooks beside the loading takes a third off the first start.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from census_api.demo.parameters import YEARS
from census_api.demo.population import (
    DemoPopulation,
    as_workbooks,
    frame_rows,
    iterate_returns,
    lineage_rows,
    make_population,
    register_rows,
)
from census_api.domain.collecting.submission import Upload
from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.register.lineage import LineageEdge
from census_api.domain.register.organisations import FrameLine, Organisation
from census_api.questionnaire.load import load_spec
from census_api.questionnaire.templates.workbook import fill_template

_CHILD = "from census_api.demo.inventing import main; main()"


@dataclass(frozen=True, slots=True)
class InventedRegister:
    """The register, the frame of each year, the links between years, and how many returns came in each year."""

    organisations: tuple[Organisation, ...]
    frames: dict[int, tuple[FrameLine, ...]]
    lineage: tuple[LineageEdge, ...]
    answered: dict[int, int]


class Inventor:
    """Reads what the inventing process makes, in its order: the register, then the uploads of each year."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def read_register(self) -> InventedRegister:
        """Raises InvalidRequest for a number of organisations that no population can be made for."""
        register: InventedRegister = self._next()
        return register

    def iterate_uploads(self) -> Iterator[tuple[str, Upload]]:
        """(organisation code, upload) of the next year in YEARS. Its end must be reached before the year after."""
        while (upload := self._next()) is not None:
            yield upload

    def _next(self) -> Any:
        record = pickle.load(self._source)  # noqa: S301 - written by our own child
        if isinstance(record, str):
            raise InvalidRequest(record)
        return record


@contextmanager
def start_inventing(organisations: int) -> Iterator[Inventor]:
    """Starts the process, which ends with the block at the latest, or when this process has gone."""
    command = [sys.executable, "-P", "-c", _CHILD, str(organisations)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    with process:
        try:
            if process.stdout is None:
                raise RuntimeError("a process without the pipe that was asked for")
            yield Inventor(process.stdout)  # type: ignore[arg-type]  # a pipe of bytes, declared as IO
        finally:
            process.kill()


def write_census(organisations: int, sink: BinaryIO) -> None:
    """What `Inventor` reads: the register, then for each year its uploads and None. A refusal is its sentence."""
    try:
        people = make_population(organisations=organisations)
    except InvalidRequest as problem:
        _write(sink, problem.message)
        return
    _write(sink, _register_of(people))
    for year in YEARS:
        for upload in make_uploads(people, year):
            _write(sink, upload)
        _write(sink, None)


def make_uploads(people: DemoPopulation, year: int) -> Iterator[tuple[str, Upload]]:
    """Some as workbooks, the others as JSON, as a program would send them."""
    workbooks = frozenset(as_workbooks(people, year))
    for code, content in iterate_returns(people, year):
        if code in workbooks:
            yield code, Upload(fill_template(load_spec(year), content), f"{code}.xlsx")
        else:
            yield code, Upload(json.dumps(content.as_json(), ensure_ascii=False).encode(), f"{code}.json")


def _register_of(people: DemoPopulation) -> InventedRegister:
    return InventedRegister(
        register_rows(people),
        {year: frame_rows(people, year) for year in YEARS},
        lineage_rows(people),
        {year: len(people.answered(year)) for year in YEARS},
    )


def _write(sink: BinaryIO, record: object) -> None:
    pickle.dump(record, sink, pickle.HIGHEST_PROTOCOL)
    sink.flush()


def main() -> None:
    # Ctrl+C is for the first process, which then ends this one
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        write_census(int(sys.argv[1]), sys.stdout.buffer)
    except BrokenPipeError:
        # nobody reads any more; the interpreter must not try to flush once again
        os._exit(1)
