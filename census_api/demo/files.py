"""Filled returns as files: each organisation's return as .xlsx and as .json of the same content."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from census_api.demo import wide
from census_api.demo.fitting import draw_chance
from census_api.demo.mistakes import spoil_content, with_fixed_mistakes
from census_api.demo.parameters import SECTORS, YEARS
from census_api.demo.population import DEFAULT_SEED, MOST, DemoPopulation, make_population
from census_api.demo.structure import BLOCK, FIXED
from census_api.domain.collecting.content import Content
from census_api.domain.kit.errors import InvalidRequest, Unavailable
from census_api.questionnaire.load import load_spec
from census_api.questionnaire.model import Spec
from census_api.questionnaire.templates.workbook import fill_template

_SPARE = 0.15
"""Not everybody in the register is in every year's frame: that much more makes enough for the files asked for."""


def write_files(
    year: int,
    directory: Path,
    *,
    organisations: int | None = None,
    rows_per_return: int | None = None,
    bad: float = 0.0,
    seed: int = DEFAULT_SEED,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Writes returns of `year` into `directory` (made if need be) and gives the files, named by organisation code.

    `organisations`: how many returns (default: those that came in); the fixed DEMO- ones always come first, even
    when fewer are asked for. `rows_per_return`: about how many Staff rows each holds; a sector that has too few
    combinations of local authority, service and role gets all that it has (`row_limits`). `bad`: share of the
    others that get one to four errors. `progress(done, total)` counts returns.

    Raises InvalidRequest for a year without a population, numbers out of range, or more rows than any return can
    hold; Unavailable when the files cannot be written.
    """
    people = _population(year, organisations, seed)
    spec = load_spec(year)
    _check(spec, organisations, rows_per_return, bad)
    codes = _codes(people, year, organisations)
    wrong = _bad(codes, bad, seed)
    written: list[Path] = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for done, code in enumerate(codes, start=1):
            content = _content(people, spec, code, rows_per_return)
            written += _pair(spec, spoil_content(content, spec, seed) if code in wrong else content, directory, code)
            if progress:
                progress(done, len(codes))
    except OSError:
        raise Unavailable(
            f"The files could not be written after {len(written)} of {2 * len(codes)}. "
            "Check that the folder may be written to and that there is room, or name another folder."
        ) from None
    return written


def _content(people: DemoPopulation, spec: Spec, code: str, rows: int | None) -> Content:
    """As it is first sent: whoever asks for the files of a year wants to see what is wrong in DEMO-ERRORS."""
    content = people.clean_content(spec.year, code)
    if rows is not None and content.table("staff"):
        content = wide.make_content(people, spec, code, rows)
    return with_fixed_mistakes(content, spec, code)


def row_limits(year: int) -> Mapping[str, int]:
    """Sector -> the most Staff rows that a return of the year can hold without repeating a row."""
    spec = load_spec(year)
    return {sector: len(wide.list_keys(spec, sector)) for sector in SECTORS}


def _population(year: int, organisations: int | None, seed: int) -> DemoPopulation:
    if year not in YEARS:
        raise InvalidRequest(
            f"There is no synthetic population for {year}. The years are {', '.join(map(str, YEARS))}."
        )
    if organisations is None or organisations <= BLOCK * (1 - _SPARE):
        return make_population(seed)
    if not organisations <= MOST * (1 - _SPARE):
        raise InvalidRequest(
            f"At most {int(MOST * (1 - _SPARE)):,} returns can be made at once, not {organisations:,}."
        )
    return make_population(seed, int(organisations * (1 + _SPARE)) + 1)


def _check(spec: Spec, organisations: int | None, rows: int | None, bad: float) -> None:
    if organisations is not None and organisations < 1:
        raise InvalidRequest("The number of organisations must be 1 or more.")
    if not 0 <= bad <= 1:
        raise InvalidRequest("The share of bad returns must lie between 0 and 1, for example 0.2 for one in five.")
    if rows is None:
        return
    if rows < 1:
        raise InvalidRequest("The number of rows for each return must be 1 or more.")
    most = max(len(wide.list_keys(spec, sector)) for sector in SECTORS)
    if rows > most:
        raise InvalidRequest(
            f"A return of {spec.year} can hold at most {most:,} different rows on the Staff sheet, not {rows:,}: "
            "there are no more combinations of local authority, service type and role."
        )


def _codes(people: DemoPopulation, year: int, organisations: int | None) -> list[str]:
    """The fixed organisations, then others in a stable random order, those whose return came in before the silent."""
    answered = people.answered(year)
    fixed = list(FIXED)
    if organisations is None:
        return fixed + [code for code in answered if code not in FIXED]
    came_in = frozenset(answered)
    others = sorted(
        (code for code in people.asked(year) if code not in FIXED),
        key=lambda code: (code not in came_in, draw_chance(people.seed, "file", code)),
    )
    return fixed + others[: max(0, organisations - len(fixed))]


def _bad(codes: list[str], share: float, seed: int) -> frozenset[str]:
    others = sorted((code for code in codes if code not in FIXED), key=lambda code: draw_chance(seed, "bad", code))
    return frozenset(others[: round(share * len(others))])


def _pair(spec: Spec, content: Content, directory: Path, code: str) -> list[Path]:
    workbook, data = directory / f"{code}.xlsx", directory / f"{code}.json"
    workbook.write_bytes(fill_template(spec, content))
    data.write_text(json.dumps(content.as_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return [workbook, data]
