"""Renders what the spec yields into the folders where it is committed, and finds what is no longer current."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from census_api.questionnaire.json_schema import json_schema
from census_api.questionnaire.load import SpecLibrary, load_library
from census_api.questionnaire.model import Spec
from census_api.questionnaire.pages.all_pages import common_pages, year_pages
from census_api.questionnaire.resolved import as_text, resolve_spec
from census_api.questionnaire.templates.workbook import build_template

_REFERENCE = Path("docs/reference")
_TEMPLATES = Path("templates_xlsx")


def build_files(
    years: Iterable[int] | None, out: Path, *, refusals: Mapping[str, str], specs: SpecLibrary | None = None
) -> list[Path]:
    """Writes the rendered files of `years`, and those common to all years, under `out`. Returns what was written.

    None for what is committed: the workbook of every year, the reference pages of the newest alone, since the site
    shows those of every year.
    `refusals` (reason -> message for people) goes into the error catalogue. Raises NotFound for a year that has
    no spec, SpecError for a spec that cannot be used.
    """
    written = []
    library = specs or load_library()
    for path, data in _committed(refusals, library) if years is None else _rendered(years, refusals, library):
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        written.append(target)
    return written


def find_stale(out: Path, *, refusals: Mapping[str, str], specs: SpecLibrary | None = None) -> list[str]:
    """What under `out` differs from a fresh rendering: `<path>: missing`, `differs` or `left over`."""
    known = specs or load_library()
    fresh = dict(_committed(refusals, known))
    problems = [f"{path}: {problem}" for path, data in fresh.items() if (problem := _compared(out / path, data))]
    present = (path.relative_to(out) for folder in (_REFERENCE, _TEMPLATES) for path in (out / folder).rglob("*.*"))
    problems += [f"{path}: left over" for path in sorted(present) if path not in fresh]
    return problems


def _committed(refusals: Mapping[str, str], specs: SpecLibrary) -> Iterator[tuple[Path, bytes]]:
    for year in specs.years[:-1]:
        yield _workbook(specs.spec(year))
    yield from _rendered(specs.years[-1:], refusals, specs)


def _rendered(years: Iterable[int], refusals: Mapping[str, str], specs: SpecLibrary) -> Iterator[tuple[Path, bytes]]:
    everything = [specs.spec(year) for year in specs.years]
    for year in years:
        spec = specs.spec(year)
        before = max((other for other in everything if other.year < year), key=lambda other: other.year, default=None)
        folder = _REFERENCE / str(year)
        yield folder / "spec.json", as_text(resolve_spec(spec)).encode()
        yield folder / "schema.json", as_text(json_schema(spec)).encode()
        for name, text in year_pages(spec, before).items():
            yield folder / name, text.encode()
        yield _workbook(spec)
    for name, text in common_pages(everything, refusals).items():
        yield _REFERENCE / name, text.encode()


def _workbook(spec: Spec) -> tuple[Path, bytes]:
    return _TEMPLATES / str(spec.year) / f"census-{spec.year}.xlsx", build_template(spec)


def _compared(path: Path, fresh: bytes) -> str:
    if not path.exists():
        return "missing"
    committed = path.read_bytes()
    if path.suffix == ".xlsx":
        return "" if _parts(committed) == _parts(fresh) else "differs"
    return "" if committed == fresh else "differs"


def _parts(package: bytes) -> dict[str, bytes]:
    """The inflated parts of a workbook: how they are compressed may differ from one machine to another."""
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except zipfile.BadZipFile:
        return {}
