"""Where each rule lives: the lines that declare it, and the files whose cases test it.

The register, `schemas/rule_codes.csv`, lists every code ever used; its column `cases` names the files of test cases, from
the root of the repository, several parted by `;`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from census_api.domain.kit.errors import SpecError
from census_api.questionnaire.model import RuleHome

_HEADING = re.compile(r"^\[rules\.([A-Z]{3}-[0-9]{3})\]")


def read_rule_register(register: Path) -> Mapping[str, tuple[str, ...]]:
    """Every code ever used, with the files of its cases. Raises SpecError for no register, and a code listed twice."""
    if not register.exists():
        raise SpecError("schemas/rule_codes.csv", "(file)", "there is no such file")
    with register.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    cases: dict[str, tuple[str, ...]] = {}
    for row in rows:
        if row["code"] in cases:
            raise SpecError("schemas/rule_codes.csv", row["code"], "is listed twice; a code is never used again")
        cases[row["code"]] = tuple((row.get("cases") or "").split(";")) if row.get("cases") else ()
    return cases


def find_rule_homes(root: Path, years: Iterable[int], codes: Iterable[str]) -> dict[str, RuleHome]:
    """The home of each code: `years` are the year and those that it extends, the oldest first."""
    cases = read_rule_register(root / "rule_codes.csv")
    declared: dict[str, tuple[str, ...]] = {}
    for year in years:
        lines = (root / str(year) / "census.toml").read_text("utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            if heading := _HEADING.match(line):
                declared[heading[1]] = (*declared.get(heading[1], ()), f"schemas/{year}/census.toml:{number}")
    return {code: RuleHome(declared=declared.get(code, ()), cases=cases.get(code, ())) for code in codes}
