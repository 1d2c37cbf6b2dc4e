"""`census snapshot`: freezing a collection, and which snapshots there are."""

from __future__ import annotations

import sys
from pathlib import Path

from census_api.cli.kit.database import OPERATOR, opened_platform
from census_api.cli.kit.printing import open_console, progress_of
from census_api.domain.snapshots.revisions import Snapshot
from census_api.settings import read_settings


def run_freeze(year: int, data_dir: Path | None) -> int:
    """Prints the new revision, or the one that holds all this already."""
    from census_api.services.snapshots.revisions import freeze_collection

    with (
        opened_platform(read_settings(data_dir=data_dir)) as platform,
        progress_of(f"Freezing the census of {year}") as progress,
    ):
        done = freeze_collection(platform, OPERATOR, year, progress=progress)
    snapshot = done.snapshot
    if not done.created:
        _print(f"Nothing has changed since {snapshot.name}, so there is no new revision.")
    else:
        _print(f"Frozen as {snapshot.name}: {_contents(snapshot)}.")
        for change in snapshot.changes:
            _print(f"  {change.kind}: {change.organisation}")
    _print(f"id            {snapshot.id}")
    _print(f"content hash  {snapshot.content_hash}")
    return 0


def run_list(year: int | None, data_dir: Path | None) -> int:
    """Prints a line for each snapshot, the newest first."""
    from census_api.services.snapshots.revisions import MOST_SNAPSHOTS, list_snapshots

    with opened_platform(read_settings(data_dir=data_dir)) as platform:
        page = list_snapshots(platform, OPERATOR, year, limit=MOST_SNAPSHOTS)
        while True:
            for snapshot in page.items:
                _print(_line(snapshot))
            if page.next is None:
                break
            page = list_snapshots(platform, OPERATOR, year, cursor=page.next, limit=MOST_SNAPSHOTS)
    if not page.total:
        _print("There is no snapshot yet. census snapshot freeze YEAR makes one.")
    return 0


def _line(snapshot: Snapshot) -> str:
    if snapshot.state == "frozen" and snapshot.frozen_at is not None:
        return f"{snapshot.name:8} frozen {snapshot.frozen_at:%Y-%m-%d %H:%M} UTC  {snapshot.id}  {_contents(snapshot)}"
    if snapshot.state == "building":
        return f"{snapshot.name:8} being frozen, {snapshot.share:.0%} done: {snapshot.stage}"
    return f"{snapshot.name:8} failed: {snapshot.message}"


def _contents(snapshot: Snapshot) -> str:
    return f"{snapshot.returns:,} returns, {snapshot.lines:,} lines, {snapshot.facts:,} staff rows"


def _print(text: str) -> None:
    open_console(sys.stdout).print(text, soft_wrap=True)
