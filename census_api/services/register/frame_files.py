"""The frame of a collection as a file: out as it stands, and in whole, with everything said that is wrong with it."""

from __future__ import annotations

import difflib
import functools
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import NotFound, Stale
from census_api.domain.register.lists import (
    ListChange,
    ListColumn,
    ListFinding,
    ListFormat,
    ListReport,
    ListRow,
    ListSeverity,
    ReadList,
)
from census_api.domain.register.organisations import FrameLine, Organisation, sector_on
from census_api.questionnaire.areas import AREAS, areas_after
from census_api.questionnaire.model import Spec, fold_text
from census_api.services.kit.limits import refuse_too_large
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import load_frame
from census_api.services.register.register_files import in_list
from census_api.store.collecting import collections
from census_api.store.kit.session import Session
from census_api.store.kit.snapshots import find_latest
from census_api.store.register import queries as register

NAME = "lines"
"""The sheet's name, and the key of the list in JSON."""
COLUMNS = (
    ListColumn("organisation_code", "Organisation code"),
    ListColumn("local_authority_code", "Local authority"),
    ListColumn("service_type", "Service type"),
    ListColumn("organisation_name", "Organisation name", required=False, shown_only=True),
)
_SERVICE = "service_types"


@dataclass(frozen=True, slots=True)
class CollectionFrame:
    """The lines of a collection, in order, with the names of their organisations. `version` changes with the lines."""

    collection: int
    lines: tuple[FrameLine, ...]
    names: Mapping[str, str]

    @property
    def version(self) -> str:
        text = "\n".join("|".join(_key(line)) for line in self.lines)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def whole_frame(platform: Platform, actor: Actor, year: int) -> CollectionFrame:
    """Every expected line of a collection. Raises NotFound for one that is not set up."""
    authorise(actor, "frame.manage")
    with platform.database.snapshot(actor) as session:
        return _stored(session, year)


def export_frame(platform: Platform, actor: Actor, year: int, kind: ListFormat) -> tuple[bytes, str]:
    """The frame as a file that `import_frame` takes back and finds nothing to change in, and its version."""
    from census_api.intake.reading.list_writing import written_list

    frame = whole_frame(platform, actor, year)
    rows = (
        {
            "organisation_code": line.organisation,
            "local_authority_code": line.local_authority_code,
            "service_type": line.service_type,
            "organisation_name": frame.names[line.organisation],
        }
        for line in frame.lines
    )
    return written_list(kind, NAME, COLUMNS, rows), frame.version


def import_frame(
    platform: Platform,
    actor: Actor,
    year: int,
    data: bytes,
    *,
    preview: bool = False,
    expected: Collection[str] | None = None,
) -> ListReport:
    """Makes the lines of the file the whole frame of the collection. With an error nothing changes.

    `preview` changes nothing and says what would; `expected` are the versions that the actor has seen, one of them
    the present one, or Stale is raised. Raises NotFound,
    TooLarge, Stale, or Refused for what cannot be read as a list.
    """
    from census_api.intake.reading.lists import read_list

    authorise(actor, "frame.manage")
    refuse_too_large(platform, data)
    spec = platform.spec(year)
    listed = platform.sandbox.run(functools.partial(read_list, name=NAME, columns=COLUMNS), data)
    with platform.database.snapshot(actor) as session:
        before = _stored(session, year)
        judge = _FrameJudge(listed, spec, _register(session, spec))
        lines = judge.lines()
        gone = frozenset(before.lines) - frozenset(lines)
        notes = tuple(_about_collection(session, year, gone))
    if expected is not None and before.version not in expected:
        raise Stale("Somebody else has changed this frame meanwhile. Look at it again, then send yours.")
    changes = tuple(sorted(_changes(before.lines, lines), key=lambda change: change.key))
    findings = (*listed.findings, *judge.findings, *notes)
    unchanged = len(lines) - sum(change.kind == "added" for change in changes)
    report = ListReport("frame", year, len(listed.rows), findings, changes, unchanged)
    if preview or report.errors or not changes:
        return report
    load_frame(platform, actor, year, lines, before.lines)
    return ListReport("frame", year, report.rows, findings, changes, unchanged, applied=True)


def _stored(session: Session, year: int) -> CollectionFrame:
    if collections.find_collection(session, year) is None:
        raise NotFound(f"The census of {year} has not been set up here.")
    names = {entry.code: entry.name for entry in register.all_organisations(session)}
    return CollectionFrame(year, tuple(register.whole_frame(session, year)), names)


def _register(session: Session, spec: Spec) -> dict[str, Organisation]:
    """The register, each organisation in the sector that it had on the reference date."""
    spells, day = register.sector_spells(session), spec.collection.reference_date
    return {
        entry.code: replace(entry, sector=sector_on(spells[entry.code], day) or entry.sector)
        for entry in register.all_organisations(session)
    }


def _about_collection(session: Session, year: int, gone: Iterable[FrameLine]) -> Iterator[ListFinding]:
    leaving = Counter(line.organisation for line in gone)
    for code in sorted(leaving.keys() & register.list_answering(session, year)):
        message = f"{code} has sent something for {year}, and {leaving[code]} of its lines would no longer be expected."
        yield _note(message, "Check that it should leave them out; what was sent is kept.")
    if find_latest(session, year, frozen=True) is not None:
        message = f"The census of {year} has been frozen, and the snapshot keeps the frame that it was frozen with."
        yield _note(message, "Nothing: a new frame counts in the next revision only.")


def _note(message: str, fix: str) -> ListFinding:
    return ListFinding("note", None, None, None, None, None, message, fix)


def _changes(before: Iterable[FrameLine], after: Iterable[FrameLine]) -> Iterator[ListChange]:
    old, new = frozenset(before), frozenset(after)
    for line in new - old:
        yield ListChange("added", "|".join(_key(line)), "expected from now on")
    for line in old - new:
        yield ListChange("removed", "|".join(_key(line)), "no longer expected")


def _key(line: FrameLine) -> tuple[str, str, str]:
    return (line.organisation, line.local_authority_code, line.service_type)


@dataclass(slots=True)
class _FrameJudge:
    """Reads the rows one by one; what is wrong goes to `findings`."""

    listed: ReadList
    spec: Spec
    register: Mapping[str, Organisation]
    findings: list[ListFinding] = field(default_factory=list)

    def lines(self) -> list[FrameLine]:
        """The lines of rows without an error, each once."""
        if not self.listed.rows and not self.listed.findings:
            message = "The list has no line, and a frame without lines expects nobody."
            fix = "Send the lines that are expected."
            self.findings.append(ListFinding("error", None, None, None, None, None, message, fix))
        possible = {(row["sector"], row["service_type"]) for row in self.spec.mappings["sector_services"]}
        found: dict[FrameLine, int] = {}
        for row in self.listed.rows:
            organisation = self._organisation(row)
            authority = self._authority(row)
            service = self._service(row)
            if organisation is None or authority is None or service is None:
                continue
            line = FrameLine(self.spec.year, organisation.code, authority, service)
            if line in found:
                message = f"This line stands in row {found[line]} as well."
                self._say("error", row, None, message, "Keep one of the two rows.")
            elif organisation.sector is not None and (organisation.sector, service) not in possible:
                message = f"An organisation of the sector {organisation.sector} has no services of this type."
                fix = "Correct the service type, or the sector of the organisation in the register."
                self._say("error", row, "service_type", message, fix)
            found.setdefault(line, row.number)
        return list(found)

    def _organisation(self, row: ListRow) -> Organisation | None:
        code = row.cells.get("organisation_code")
        if code is None:
            self._missing(row, "organisation_code")
            return None
        entry = self.register.get(code)
        if entry is None:
            near = difflib.get_close_matches(code.upper(), self.register, 1)
            meant = f" Perhaps you meant {near[0]}." if near else ""
            fix = f"Add the organisation to the register first.{meant}"
            self._say("error", row, "organisation_code", "This organisation is not in the register.", fix)
        elif entry.status != "open":
            into = f" into {entry.merged_into}" if entry.merged_into else ""
            message = f"The register says that {code} is {entry.status}{into} now."
            fix = "Nothing, if it was open on the reference date; else give the organisation that has the line now."
            self._say("note", row, "organisation_code", message, fix)
        return entry

    def _authority(self, row: ListRow) -> str | None:
        text = row.cells.get("local_authority_code")
        if text is None:
            self._missing(row, "local_authority_code")
            return None
        areas = self.spec.code_lists[AREAS]
        code = areas.lookup.get(fold_text(text))
        if code is None:
            later = areas_after(self.spec, text.partition(" ")[0])
            fix = f"It went on as {' and '.join(later)}." if later else in_list(areas, text)
            message = f"This is not a local authority of {self.spec.year}."
            self._say("error", row, "local_authority_code", message, fix)
        return code

    def _service(self, row: ListRow) -> str | None:
        text = row.cells.get("service_type")
        if text is None:
            self._missing(row, "service_type")
            return None
        services = self.spec.code_lists[_SERVICE]
        code = services.lookup.get(fold_text(text))
        if code is None:
            self._say("error", row, "service_type", "There is no such service type.", in_list(services, text))
        return code

    def _missing(self, row: ListRow, column: str) -> None:
        self._say("error", row, column, f"The {column} is missing.", "Fill in the cell, or delete the whole row.")

    def _say(self, severity: ListSeverity, row: ListRow, column: str | None, message: str, fix: str) -> None:
        self.findings.append(self.listed.at(severity, row, column, message, fix))
