"""`census template`: the workbook to fill in."""

from __future__ import annotations

from pathlib import Path

from census_api.cli.kit.printing import say
from census_api.domain.kit.errors import ConfigError, InvalidRequest
from census_api.questionnaire.load import load_spec


def run_template(year: int, organisation: str | None, output: Path | None, data_dir: Path | None) -> int:
    """Writes the workbook. Never over another file: that could be one that somebody has filled in."""
    spec = load_spec(year)
    if organisation is None:
        from census_api.questionnaire.templates.workbook import build_template

        body = build_template(spec)
    else:
        body = _prefilled(year, organisation, data_dir)
    stem = f"census-{year}" if organisation is None else f"census-{year}-{organisation}"
    target = output or Path(f"{stem}.xlsx")
    if target.suffix.lower() != ".xlsx":
        raise InvalidRequest("The template is an .xlsx file. Give -o a name that ends so.")
    if target.exists() and target.read_bytes() != body:
        raise InvalidRequest(f"{target} exists already and is not replaced. Choose another name with -o.")
    target.write_bytes(body)
    say(f"The workbook to fill in is {target}")
    return 0


def _prefilled(year: int, organisation: str, data_dir: Path | None) -> bytes:
    from census_api.cli.kit.database import OPERATOR, opened_platform
    from census_api.services.collecting.templates import prefilled_template
    from census_api.settings import read_settings

    settings = read_settings(data_dir=data_dir)
    if settings.sqlalchemy_url is None and not (settings.data_dir / "postgres").exists():
        raise ConfigError(
            "A prefilled template needs the census database, and there is none here. Set DATABASE_URL, or say with "
            "--data-dir where census serve or census demo keeps its own; without --organisation the template is blank."
        )
    with opened_platform(settings) as platform:
        return prefilled_template(platform, OPERATOR, year, organisation)
