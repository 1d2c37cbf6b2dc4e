"""The census comes out of the inventing process as it was made, in its order, and the process never outlives its use."""

from __future__ import annotations

import io
import itertools
import os
import signal
import subprocess
import sys
import time

import pytest

from census_api.demo.inventing import Inventor, make_uploads, start_inventing, write_census
from census_api.demo.parameters import YEARS
from census_api.demo.population import frame_rows, lineage_rows, make_population, register_rows
from census_api.domain.kit.errors import InvalidRequest


def test_what_the_other_process_makes_is_the_population_itself() -> None:
    people = make_population(organisations=100)
    with start_inventing(100) as inventor:
        register = inventor.read_register()
        uploads = list(inventor.iterate_uploads())
        of_next_year = next(inventor.iterate_uploads())
    assert register.organisations == register_rows(people)
    assert register.frames == {year: frame_rows(people, year) for year in YEARS}
    assert register.lineage == lineage_rows(people)
    assert register.answered == {year: len(people.answered(year)) for year in YEARS}
    assert [code for code, _ in uploads] == list(people.answered(YEARS[0]))
    expected = [upload for _, upload in make_uploads(people, YEARS[0])]
    # a workbook holds the time at which it was made
    assert [upload.file_name for _, upload in uploads] == [upload.file_name for upload in expected]
    as_json = [upload for _, upload in uploads if str(upload.file_name).endswith(".json")]
    assert as_json == [upload for upload in expected if str(upload.file_name).endswith(".json")]
    assert len(as_json) < len(uploads)
    assert of_next_year[0] == people.answered(YEARS[1])[0]


def test_a_number_that_no_population_has_is_refused_in_the_same_words() -> None:
    sink = io.BytesIO()
    write_census(5, sink)
    sink.seek(0)
    with pytest.raises(InvalidRequest, match="100 to 4,000 organisations, not 5"):
        Inventor(sink).read_register()


def test_the_process_ends_with_its_reader_even_when_that_is_killed() -> None:
    script = (
        "import subprocess, sys, time\n"
        "from census_api.demo import inventing\n"
        "class Told(subprocess.Popen):\n"
        "    def __init__(self, *args, **kwargs):\n"
        "        super().__init__(*args, **kwargs)\n"
        "        print(self.pid, flush=True)\n"
        "inventing.subprocess.Popen = Told\n"
        "with inventing.start_inventing(100) as inventor:\n"
        "    inventor.read_register()\n"
        "    print('read', flush=True)\n"
        "    time.sleep(600)\n"
    )
    reader = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert reader.stdout is not None
    inventing = int(reader.stdout.readline())
    assert reader.stdout.readline() == "read\n"
    reader.send_signal(signal.SIGKILL)
    reader.wait()
    assert any(has_ended(inventing) for _ in itertools.islice(iter(wait_a_moment, None), 600))


def wait_a_moment() -> bool:
    time.sleep(0.1)
    return True


def has_ended(pid: int) -> bool:
    """A process that nobody has waited for yet counts as ended."""
    try:
        os.kill(pid, 0)
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    except ProcessLookupError:
        return True
    return state.stdout.strip().startswith("Z")
