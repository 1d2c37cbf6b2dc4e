"""The findings of a submission as pages show them: counted by rule and sheet, and one at a time."""

from __future__ import annotations

from census_api.domain.collecting.findings import Finding, FindingGroup
from census_api.domain.kit.access import Actor
from census_api.domain.kit.errors import NotFound
from census_api.services.collecting.submissions import reading_checked
from census_api.services.kit.platform import Platform
from census_api.store.collecting import contents, finding_groups


def group_findings(platform: Platform, actor: Actor, year: int, organisation: str, number: int) -> list[FindingGroup]:
    """How many findings there are of each rule on each sheet. Raises NotFound, Conflict while it is being checked."""
    with reading_checked(platform, actor, year, organisation, number, "the findings") as (session, row):
        return finding_groups.groups_of(session, row)


def get_finding(platform: Platform, actor: Actor, year: int, organisation: str, number: int, key: str) -> Finding:
    """One finding by its key. Raises NotFound, Conflict while the file is still being checked."""
    with reading_checked(platform, actor, year, organisation, number, "a finding") as (session, row):
        found = contents.finding_of_key(session, row, key)
        if found is None:
            raise NotFound(f"Submission {number} has no finding of that key. Its list of findings shows them all.")
        return found
