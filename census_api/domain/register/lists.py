"""Lists that the census team sends as a file, the register and the frame: what is wrong with one, and what it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

ListKind = Literal["register", "frame"]
ListFormat = Literal["csv", "xlsx", "json"]
LIST_FORMATS: tuple[ListFormat, ...] = get_args(ListFormat)
ListSeverity = Literal["error", "note"]

SHOWN = 200
"""How many characters of a cell a finding repeats."""


@dataclass(frozen=True, slots=True)
class ListColumn:
    """A column: its key, which stands in row 1, and another heading under which it is taken too.

    A file can leave out what is not `required`. What is `shown_only` is there for people and is not read.
    """

    key: str
    label: str
    required: bool = True
    shown_only: bool = False


@dataclass(frozen=True, slots=True)
class ListFinding:
    """One problem at one place: an `error` keeps the whole list from being taken, a `note` does not.

    `row` is the row in the spreadsheet (row 1 has the headings), or the place in a JSON list, from 1; `cell` its address,
    `pointer` its JSON pointer; None where it is about the whole file. `value` is what stands there, cut.
    """

    severity: ListSeverity
    row: int | None
    cell: str | None
    pointer: str | None
    column: str | None
    value: str | None
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class ListRow:
    """A row that holds something: its number, and the trimmed text of each cell that is not blank, by key of column."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReadList:
    """A list as it was read. `letters` has the column letter of each key (none in JSON, where `key` names the list).

    `findings` are about the file: headings, cells without a value. `given` are the columns that the file has.
    """

    name: str
    rows: tuple[ListRow, ...]
    letters: Mapping[str, str]
    given: frozenset[str]
    findings: tuple[ListFinding, ...] = ()

    def at(self, severity: ListSeverity, row: ListRow, column: str | None, message: str, fix: str) -> ListFinding:
        """A finding about a cell of the list, or about a row of it."""
        value = row.cells.get(column) if column is not None else None
        cell = f"{self.letters[column]}{row.number}" if column is not None and column in self.letters else None
        pointer = None
        if not self.letters:
            pointer = f"/{self.name}/{row.number - 1}" + (f"/{column}" if column else "")
        return ListFinding(
            severity, row.number, cell, pointer, column, None if value is None else value[:SHOWN], message, fix
        )


@dataclass(frozen=True, slots=True)
class ListChange:
    """What one entry would become. `key` names it, `what` says the change in a few words."""

    kind: Literal["added", "changed", "removed"]
    key: str
    what: str


@dataclass(frozen=True, slots=True)
class ListReport:
    """What became of a list. `applied` is False for a preview, for one with errors, and for one that changes nothing.

    `changes` are in order of key; `unchanged` counts the entries that are as they were.
    """

    kind: ListKind
    collection: int | None
    rows: int
    findings: Sequence[ListFinding]
    changes: Sequence[ListChange] = ()
    unchanged: int = 0
    applied: bool = False
    counts: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        counted = dict.fromkeys(("added", "changed", "removed"), 0)
        for change in self.changes:
            counted[change.kind] += 1
        object.__setattr__(self, "counts", counted)

    @property
    def errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.findings)
