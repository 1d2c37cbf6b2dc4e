"""docs/glossary.md is the list of words: held against the code, and against what people read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from census_api.domain.collecting.findings import Outcome, RuleStatus, Severity
from census_api.domain.collecting.returns import RETURN_STATES
from census_api.domain.collecting.submission import SUBMISSION_STATUSES
from census_api.domain.kit.access import MEMBER_ROLES, PLATFORM_ROLES
from census_api.domain.mail import MAIL_STATES
from census_api.domain.register.lineage import EDGE_STATES
from census_api.domain.snapshots.revisions import SNAPSHOT_STATES
from census_api.questionnaire.model import STATE_LABELS
from census_api.statistics.comparability.status import Status

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/glossary.md").read_text("utf-8")
CODES: dict[str, tuple[str, ...]] = {
    "severity": get_args(Severity),
    "outcome": get_args(Outcome),
    "rule status": get_args(RuleStatus),
    "return": RETURN_STATES,
    "submission": SUBMISSION_STATUSES,
    "snapshot": SNAPSHOT_STATES,
    "lineage edge": EDGE_STATES,
    "e-mail": MAIL_STATES,
    "comparison": tuple(status.value for status in Status),
    "role": (*MEMBER_ROLES, *PLATFORM_ROLES),
}
READ_BY_PEOPLE = (
    "README.md", "docs/*.md", "deploy/*.md", "schemas/**/*.toml", "schemas/README.md", "census_api/**/templates/*.html",
    "census_api/services/mail/templates/*.txt",
)  # fmt: skip
STILL_TO_DO: frozenset[tuple[str, str]] = frozenset(
    {
        ("a fault of ours", "docs/api.md"),
        ("a fault of ours", "docs/for-the-census-team.md"),
        ("fell silent", "docs/comparisons.md"),
        ("goes on as", "census_api/web/team/templates/team_lineage.html"),
        ("goes on as", "docs/for-the-census-team.md"),
        ("in per cent", "docs/register-and-frame.md"),
        ("nothing waits for you", "census_api/web/team/templates/team.html"),
        ("once an organisation", "docs/aggregates.md"),
        ("once an organisation", "docs/for-analysts.md"),
        ("take it with you", "census_api/web/analyst/templates/compare.html"),
        ("take it with you", "census_api/web/analyst/templates/explore_snapshot.html"),
        ("telephone", "census_api/web/public/templates/help.html"),
        ("telephone", "census_api/web/public/templates/privacy.html"),
        ("telephone", "census_api/web/team/templates/team_person.html"),
        ("telephone", "deploy/runbook.md"),
        ("telephone", "docs/for-employers.md"),
        ("telephone", "schemas/2022/census.toml"),
        ("what became of", "census_api/web/team/templates/team_accepted.html"),
        ("what became of", "docs/for-the-census-team.md"),
        ("what became of", "docs/register-and-frame.md"),
        ("what became of", "schemas/2022/census.toml"),
    }
)  # fmt: skip
"""Word and file, as they are until the editor has been there. Nothing is added: take out what is put right."""


def rows_under(heading: str) -> list[list[str]]:
    """The cells of the table under a heading; of the page's first table for an empty one."""
    text = PAGE.partition(f"\n## {heading}\n")[2] if heading else PAGE
    lines = re.findall(r"^\| (.*?) ?\|$", text.partition("\n## ")[0], re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines[1:] if not line.startswith("---")]


def words_of_code() -> set[str]:
    """Every name in the package and the spec, and the parts of the API's addresses."""
    files = [*ROOT.glob("census_api/**/*.py"), *ROOT.glob("schemas/**/*.toml")]
    return {word for file in files for word in re.findall(r"[a-z][a-z0-9_]*", file.read_text("utf-8"))}


def test_every_term_has_a_meaning_and_stands_once() -> None:
    terms = [row[0] for row in rows_under("")]
    assert len(terms) == len(set(terms)) > 30
    assert all(row[1] and row[2] for row in rows_under(""))


def test_every_name_in_the_glossary_exists_in_the_code() -> None:
    words = words_of_code()
    named = [name for row in rows_under("") for name in re.findall(r"`([^`]+)`", row[2])]
    assert [name for name in named if name not in words] == []


def test_no_term_is_a_word_that_another_replaces() -> None:
    terms = {row[0].lower() for row in rows_under("")}
    replaced = [word.strip().lower() for row in rows_under("") for word in row[3].split(",") if word.strip()]
    assert terms.isdisjoint(replaced)
    assert len(replaced) == len(set(replaced))


@pytest.mark.parametrize("kind", CODES)
def test_every_code_that_there_is_has_a_meaning_and_no_other(kind: str) -> None:
    listed = [row[1].strip("`") for row in rows_under("States, severities, outcomes and roles") if row[0] == kind]
    assert sorted(listed) == sorted(CODES[kind])


def test_no_kind_of_code_is_made_up() -> None:
    assert {row[0] for row in rows_under("States, severities, outcomes and roles")} == set(CODES)


def test_the_states_of_an_answer_are_those_of_the_spec() -> None:
    assert {row[0].strip("`"): row[1] for row in rows_under("Answers that look alike")} == dict(STATE_LABELS)


def uses() -> Iterator[tuple[str, str]]:
    """Word and file, for each word that is not used and is."""
    words = [row[0] for row in rows_under("Words we do not use")]
    files = {file for pattern in READ_BY_PEOPLE for file in ROOT.glob(pattern)} - {ROOT / "docs/glossary.md"}
    for file in sorted(files):
        text = " ".join(file.read_text("utf-8").split())
        for word in words:
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE):
                yield word, str(file.relative_to(ROOT))


def test_words_that_are_not_used_are_found_where_the_editor_has_still_to_go_and_nowhere_else() -> None:
    assert len(rows_under("Words we do not use")) > 10
    found = set(uses())
    assert found - STILL_TO_DO == set(), "words of the glossary's last table came in"
    assert STILL_TO_DO - found == set(), "put right: take these out of the list"
