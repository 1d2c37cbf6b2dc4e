"""`census audit`: whether the audit is whole, and whether what was acknowledged is stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from census_api.cli.kit.database import OPERATOR, opened_platform
from census_api.domain.audit import NO_COLLECTION, noted_end
from census_api.settings import read_settings

DID_NOT_HOLD = 1


def run_verify(noted: Sequence[str], data_dir: Path | None) -> int:
    """0 when every event is as it was written, 1 when not, with a line for each place that is not."""
    from census_api.services.audit.reading import verify_chains

    ends = [noted_end(text) for text in noted]
    with opened_platform(read_settings(data_dir=data_dir)) as platform:
        verdict = verify_chains(platform, OPERATOR, ends)
    for end in verdict.ends:
        name = "no collection" if end.collection == NO_COLLECTION else f"the census of {end.collection}"
        print(f"Events of {name}: {end.position}. The chain ends with {end}")
    for problem in verdict.problems:
        print(problem)
    if verdict.problems:
        return DID_NOT_HOLD
    print(f"The audit is whole: {verdict.events} events, each as it was written. Keep the ends above somewhere else.")
    return 0


def run_reconcile(data_dir: Path | None) -> int:
    """0 when everything that was acknowledged is stored as it was, 1 when not."""
    from census_api.services.upkeep.reconcile import reconcile_record

    with opened_platform(read_settings(data_dir=data_dir)) as platform:
        found = reconcile_record(platform)
    for discrepancy in found.discrepancies:
        where = f"{discrepancy.submission_id} of {discrepancy.collection}"
        print(f"The acknowledged submission {where} is not as it should be: {discrepancy.what}.")
    if found.overdue:
        print(f"Not checked in time: {found.overdue}. See that a worker runs, and the list of failed jobs.")
    if found.is_alarm:
        return DID_NOT_HOLD
    print(f"All is stored: {found.acknowledged} acknowledgements compared.")
    return 0
