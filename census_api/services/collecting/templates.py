"""The workbook to fill in: blank, or with what the platform knows about an organisation typed in."""

from __future__ import annotations

import contextlib
import functools

from census_api.domain.collecting.content import Content, ContentCell
from census_api.domain.kit.access import Actor, authorise
from census_api.domain.kit.errors import Conflict
from census_api.questionnaire.model import Spec
from census_api.services.collecting.submissions import get_content, get_return
from census_api.services.kit.platform import Platform
from census_api.services.register.organisations import get_frame, get_organisation

_SPECS_KEPT = 8


def blank_template(spec: Spec) -> bytes:
    """The blank workbook of the year as .xlsx."""
    return _blank(_BySpec(spec))


def prefilled_template(platform: Platform, actor: Actor, year: int, organisation: str) -> bytes:
    """The workbook with the organisation's entry in the register, its expected lines, and last year's answers.

    Raises NotFound for an unknown year or organisation.
    """
    from census_api.questionnaire.templates.workbook import build_template

    authorise(actor, "return.read", organisation)
    spec = platform.spec(year)
    entry = get_organisation(platform, actor, organisation)
    known: dict[str, ContentCell] = {"organisation_code": entry.code, "name": entry.name}
    if entry.sector is not None:
        known["sector"] = entry.sector
    frame = get_frame(platform, actor, year, organisation)
    lines: list[dict[str, ContentCell]] = [
        {"local_authority_code": area, "service_type": service} for area, service in frame
    ]
    return build_template(
        spec, organisation=known, lines=lines or None, last_year=_last_year(platform, actor, year - 1, organisation)
    )


def _last_year(platform: Platform, actor: Actor, year: int, organisation: str) -> Content | None:
    """What was accepted; without that what was signed, then the newest that was checked. Nothing of a withdrawn return."""
    if year not in platform.specs.years:
        return None
    found = get_return(platform, actor, year, organisation)
    for number in (found.accepted, found.signed, found.latest) if found.state != "withdrawn" else ():
        with contextlib.suppress(Conflict):  # its content was deleted for good
            if number is not None:
                return get_content(platform, actor, year, organisation, number)
    return None


class _BySpec:
    """A spec as a key: two of the same digest ask for the same workbook."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BySpec) and other.spec.digest == self.spec.digest

    def __hash__(self) -> int:
        return hash(self.spec.digest)


@functools.lru_cache(maxsize=_SPECS_KEPT)
def _blank(key: _BySpec) -> bytes:
    from census_api.questionnaire.templates.workbook import build_template

    return build_template(key.spec)
