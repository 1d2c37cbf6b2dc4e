"""The one answer to "which snapshot?", and the one refusal where there is none of that name."""

from __future__ import annotations

from census_api.domain.kit.errors import NotFound
from census_api.domain.snapshots.revisions import Snapshot
from census_api.store.kit import snapshots
from census_api.store.kit.session import Session

_SHOWN = 40


def resolve_snapshot(session: Session, wanted: str, *, frozen: bool = True) -> Snapshot:
    """The snapshot that a text names: its id in any case, a year (its latest frozen revision), or year.revision.

    With `frozen` False one that is being built or has failed will do too, where its id or revision names it. Raises
    NotFound, which says how a snapshot is named and which are frozen.
    """
    found = snapshots.find_snapshot(session, wanted)
    if found is not None and (found.state == "frozen" or not frozen):
        return found
    names = ", ".join(snapshot.name for snapshot in snapshots.list_frozen(session)) or "none yet"
    raise NotFound(
        f"There is no {'frozen ' if frozen else ''}snapshot {wanted[:_SHOWN]!r}. Give its id, a year (its latest frozen "
        f"revision), or a year and a revision, such as 2024.2. Frozen are: {names}."
    )
