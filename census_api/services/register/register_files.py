"""The register as a file: out as it stands, and in with everything said that is wrong with it, or would change."""

from __future__ import annotations

import datetime as dt
import difflib
import functools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from census_api.domain.kit.access import Actor, authorise
from census_api.domain.register.lists import (
    ListChange,
    ListColumn,
    ListFinding,
    ListFormat,
    ListReport,
    ListRow,
    ReadList,
)
from census_api.domain.register.organisations import (
    ORGANISATION_STATUSES,
    Organisation,
    OrganisationStatus,
    SectorSpell,
)
from census_api.questionnaire import grammar
from census_api.questionnaire.identifiers import identifier_schemes, local_authority_letters
from census_api.questionnaire.model import CodeList, Spec, fold_text
from census_api.services.kit.limits import refuse_too_large
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import load_organisations
from census_api.store.register import queries as register

NAME = "organisations"
"""The sheet's name, and the key of the list in JSON."""
LONGEST_NAME = 200


def list_columns() -> tuple[ListColumn, ...]:
    """The columns of the list: one for each scheme of identifiers stands last."""
    return (
        ListColumn("organisation_code", "Organisation code"),
        ListColumn("name", "Name"),
        ListColumn("sector", "Sector", required=False),
        ListColumn("sector_since", "Sector since", required=False),
        ListColumn("status", "Status", required=False),
        ListColumn("parent", "Parent", required=False),
        ListColumn("merged_into", "Merged into", required=False),
        *(ListColumn(scheme.key, scheme.label, required=False) for scheme in identifier_schemes()),
    )


def export_register(platform: Platform, actor: Actor, kind: ListFormat) -> bytes:
    """The whole register as a file that `import_register` takes back and finds nothing to change in."""
    from census_api.intake.reading.list_writing import written_list

    authorise(actor, "register.manage")
    with platform.database.snapshot(actor) as session:
        organisations = register.all_organisations(session)
        spells = register.sector_spells(session)
    rows = (_cells(entry, spells[entry.code]) for entry in organisations)
    return written_list(kind, NAME, list_columns(), rows)


def import_register(platform: Platform, actor: Actor, data: bytes, *, preview: bool = False) -> ListReport:
    """Adds and changes organisations as the file says; those that it leaves out stay. With an error nothing changes.

    A column that the file leaves out leaves what is known as it is; a blank cell takes it away. `preview` changes
    nothing and says what would. Raises TooLarge, or Refused for what cannot be read as a list.
    """
    from census_api.intake.reading.lists import read_list

    authorise(actor, "register.manage")
    refuse_too_large(platform, data)
    listed = platform.sandbox.run(functools.partial(read_list, name=NAME, columns=list_columns()), data)
    with platform.database.snapshot(actor) as session:
        known = {entry.code: entry for entry in register.all_organisations(session)}
        spells = register.sector_spells(session)
    judge = _RegisterJudge(listed, known, spells, platform.spec(platform.specs.years[-1]))
    entries = judge.entries()
    findings = (*listed.findings, *judge.findings)
    changed = [entry for entry in entries if entry.organisation != known.get(entry.code) or entry.since is not None]
    changes = tuple(_change(entry, known.get(entry.code)) for entry in sorted(changed, key=lambda one: one.code))
    report = ListReport("register", None, len(listed.rows), findings, changes, len(entries) - len(changed))
    if preview or report.errors or not changed:
        return report
    since = {entry.code: entry.since for entry in changed if entry.since is not None}
    load_organisations(platform, actor, [entry.organisation for entry in changed], since)
    return ListReport("register", None, report.rows, findings, changes, report.unchanged, applied=True)


@dataclass(frozen=True, slots=True)
class _Entry:
    """An organisation as the file has it. `since` is the day of a sector's change, None where that is as known."""

    row: ListRow
    organisation: Organisation
    since: dt.date | None

    @property
    def code(self) -> str:
        return self.organisation.code


@dataclass(slots=True)
class _RegisterJudge:
    """Reads the rows one by one, then looks at them together; what is wrong goes to `findings`."""

    listed: ReadList
    known: Mapping[str, Organisation]
    spells: Mapping[str, tuple[SectorSpell, ...]]
    spec: Spec
    findings: list[ListFinding] = field(default_factory=list)

    def entries(self) -> list[_Entry]:
        """Every row that has a code of its own, judged; those with errors as well, so that the rest can be."""
        found: dict[str, _Entry] = {}
        for row in self.listed.rows:
            code = row.cells.get("organisation_code")
            if code is None:
                self._wrong(row, "organisation_code", "The code is missing.", "Give each organisation a code.")
            elif code in found:
                message = f"{code} stands in row {found[code].row.number} as well."
                self._wrong(row, "organisation_code", message, "Keep one of the two rows.")
            else:
                found[code] = self._entry(row, code)
        codes = found.keys() | self.known.keys()
        after = {**self.known, **{code: entry.organisation for code, entry in found.items()}}
        for entry in found.values():
            self._about_kin(entry, codes, after)
        self._about_shared_numbers(found, after)
        return list(found.values())

    def _entry(self, row: ListRow, code: str) -> _Entry:
        before = self.known.get(code)
        if before is None and not re.fullmatch(grammar.ORGANISATION_CODE, code):
            message = "This is not a code that an organisation can have."
            fix = "Use 2 to 20 capital letters, digits and hyphens, beginning with a letter or digit."
            self._wrong(row, "organisation_code", message, fix)
        organisation = Organisation(
            code=code,
            name=self._name(row, before),
            sector=self._sector(row, before),
            status=self._status(row, before),
            parent=self._kept(row, "parent", before.parent if before else None),
            merged_into=self._kept(row, "merged_into", before.merged_into if before else None),
            identifiers=dict(self._identifiers(row, before)),
        )
        return _Entry(row, organisation, self._since(row, organisation, before))

    def _kept(self, row: ListRow, column: str, before: str | None) -> str | None:
        """What the cell says, or what was known where the file does not have the column."""
        return row.cells.get(column) if column in self.listed.given else before

    def _name(self, row: ListRow, before: Organisation | None) -> str:
        name = row.cells.get("name", "")
        if before is not None and name == before.name.strip():
            return before.name
        if not name:
            self._wrong(row, "name", "The name is missing.", "Give each organisation a name.")
        elif len(name) > LONGEST_NAME or re.search(grammar.CONTROL, name) or "\n" in name:
            message = f"The name is longer than {LONGEST_NAME} characters, or holds some that are no text."
            self._wrong(row, "name", message, "Type it again, on one line.")
        return name

    def _sector(self, row: ListRow, before: Organisation | None) -> str | None:
        text = self._kept(row, "sector", before.sector if before else None)
        sectors = self.spec.code_lists["sectors"]
        if text is None or (before is not None and text == before.sector):
            return text
        code = sectors.lookup.get(fold_text(text))
        if code is None:
            self._wrong(row, "sector", "There is no such sector.", in_list(sectors, text))
        return code

    def _status(self, row: ListRow, before: Organisation | None) -> OrganisationStatus:
        text = self._kept(row, "status", before.status if before else None) or "open"
        status = next((known for known in ORGANISATION_STATUSES if known == text.casefold()), None)
        if status is None:
            self._wrong(row, "status", "There is no such status.", f"Write {', '.join(ORGANISATION_STATUSES)}.")
        return status or "open"

    def _since(self, row: ListRow, entry: Organisation, before: Organisation | None) -> dt.date | None:
        text = row.cells.get("sector_since")
        earlier = self.spells.get(entry.code, ())
        known = earlier[-1].since if earlier else None
        if text is None:
            return None
        try:
            day = dt.date.fromisoformat(text)
        except ValueError:
            self._wrong(row, "sector_since", "This is not a date.", "Write year, month and day: 2024-04-01.")
            return None
        changes = before is not None and before.sector != entry.sector
        if entry.sector is None:
            self._wrong(row, "sector_since", "There is no sector that could hold since then.", "Give the sector too.")
        elif changes and known is not None and day <= known:
            message = f"The sector that the register has holds since {known}, so another cannot have begun then."
            self._wrong(row, "sector_since", message, "Give the day on which the sector changed.")
        elif not changes and len(earlier) > 1 and (bound := earlier[-2].since) is not None and day <= bound:
            message = f"An earlier sector held since {bound}, so this one cannot have begun then."
            self._wrong(row, "sector_since", message, f"Give a day after {bound}.")
        return day if changes or day != known else None

    def _identifiers(self, row: ListRow, before: Organisation | None) -> Iterator[tuple[str, str]]:
        held = before.identifiers if before else {}
        schemes = {scheme.key: scheme for scheme in identifier_schemes()}
        yield from ((key, number) for key, number in held.items() if key not in schemes)
        for key, scheme in schemes.items():
            number = self._kept(row, key, held.get(key))
            if number is None:
                continue
            if number != held.get(key):
                if not scheme.fits(number):
                    likely = scheme.likely(number)
                    meant = f" Perhaps it is {likely}." if likely else ""
                    self._wrong(row, key, f"This is not a number of the scheme {key}.", f"{scheme.advice}{meant}")
                elif key == "local_authority" and number not in local_authority_letters(self.spec):
                    self._wrong(row, key, "No local authority has these letters.", scheme.advice)
            yield key, number

    def _about_kin(self, entry: _Entry, codes: frozenset[str] | set[str], after: Mapping[str, Organisation]) -> None:
        row, organisation = entry.row, entry.organisation
        for column, code in (("parent", organisation.parent), ("merged_into", organisation.merged_into)):
            if code is not None and code not in codes:
                near = difflib.get_close_matches(code, codes, 1)
                meant = f" Perhaps you meant {near[0]}." if near else ""
                self._wrong(row, column, f"No organisation has the code {code[:40]}.", f"Add it to the list.{meant}")
            elif code is not None and _leads_back(organisation.code, column, after):
                message = f"Following {column} from {organisation.code} leads back to where it began."
                self._wrong(row, column, message, "Break the circle.")
        if (organisation.status == "merged") != (organisation.merged_into is not None):
            message = "An organisation whose status is merged, and only such a one, names the one that it merged into."
            self._wrong(row, "merged_into", message, "Give both, or neither.")

    def _about_shared_numbers(self, found: Mapping[str, _Entry], after: Mapping[str, Organisation]) -> None:
        """A number held twice can be right (a council with two entries), but is worth a look."""
        holders: dict[tuple[str, str], list[str]] = defaultdict(list)
        for code, organisation in sorted(after.items()):
            for pair in organisation.identifiers.items():
                holders[pair].append(code)
        for (scheme, _), codes in holders.items():
            for code in codes if len(codes) > 1 else ():
                # who has it unchanged was told when it came in
                before = self.known.get(code)
                if code in found and (before is None or before.identifiers.get(scheme) != _number(found[code], scheme)):
                    others = ", ".join(other for other in codes if other != code)
                    message = f"{others} has the same {scheme} number."
                    fix = "Nothing, if they are parts of one body; else correct one of them."
                    self.findings.append(self.listed.at("note", found[code].row, scheme, message, fix))

    def _wrong(self, row: ListRow, column: str, message: str, fix: str) -> None:
        self.findings.append(self.listed.at("error", row, column, message, fix))


def in_list(codes: CodeList, text: str) -> str:
    """What to write in place of a text that is in no list: the nearest code, or all of a short list."""
    near = difflib.get_close_matches(fold_text(text), codes.lookup, 1)
    if near:
        return f"Perhaps you meant {codes.lookup[near[0]]}."
    return f"The codes are {', '.join(codes.by_code)}." if len(codes.codes) <= 10 else "See the year's code list."


def _number(entry: _Entry, scheme: str) -> str | None:
    return entry.organisation.identifiers.get(scheme)


def _leads_back(start: str, column: str, after: Mapping[str, Organisation]) -> bool:
    seen: set[str] = set()
    code: str | None = start
    while code is not None and code in after and code not in seen:
        seen.add(code)
        code = after[code].parent if column == "parent" else after[code].merged_into
    return code == start


def _cells(entry: Organisation, spells: Sequence[SectorSpell]) -> dict[str, str]:
    since = spells[-1].since
    return {
        "organisation_code": entry.code,
        "name": entry.name,
        "sector": entry.sector or "",
        "sector_since": since.isoformat() if since and entry.sector else "",
        "status": entry.status,
        "parent": entry.parent or "",
        "merged_into": entry.merged_into or "",
        **entry.identifiers,
    }


def _change(entry: _Entry, before: Organisation | None) -> ListChange:
    after = entry.organisation
    if before is None:
        return ListChange("added", entry.code, after.name)
    parts = [
        f"{name}: {getattr(before, name) or 'none'} -> {getattr(after, name) or 'none'}"
        for name in ("name", "sector", "status", "parent", "merged_into")
        if getattr(before, name) != getattr(after, name)
    ]
    parts += [
        f"{key}: {before.identifiers.get(key) or 'none'} -> {after.identifiers.get(key) or 'none'}"
        for key in sorted(before.identifiers.keys() | after.identifiers.keys())
        if before.identifiers.get(key) != after.identifiers.get(key)
    ]
    parts += [f"sector since {entry.since}"] if entry.since else []
    return ListChange("changed", entry.code, "; ".join(parts))
