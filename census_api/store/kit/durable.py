"""Durable work: each try is counted, only the latest may write, and what everybody has lost goes back on the queue.

The check of a long file, the freezing of a snapshot and a mail are each a row that has to come to an end, whoever dies
meanwhile. A worker takes the row, which counts as a try and shuts out every earlier one that may still be running; what
it then writes about it is fenced by the number of its try.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from procrastinate import App, SyncPsycopgConnector
from sqlalchemy import ColumnElement, Text, cast, column, exists, literal_column, select, table, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from census_api.store.kit.copy import driver_of
from census_api.store.kit.metadata import TableBase

RowT = TypeVar("RowT", bound=TableBase)
Conditions = Sequence[ColumnElement[bool]]

# of a type of the queue's own, which a plain text is not compared with
_IN_HAND: tuple[ColumnElement[str], ...] = (literal_column("'todo'"), literal_column("'doing'"))
_QUEUED = table("procrastinate_jobs", column("task_name"), column("status"), column("args"))


@dataclass(frozen=True, slots=True)
class DurableWork(Generic[RowT]):
    """One kind of work: its table, the column that counts tries, and what holds of a row that is not at its end."""

    row: type[RowT]
    tries: InstrumentedAttribute[int]
    unfinished: ColumnElement[bool]

    def take(
        self, session: Session, wanted: Conditions, *, first: Sequence[InstrumentedAttribute[Any]] = (),
        key_share: bool = False, skip_locked: bool = False,
    ) -> RowT | None:  # fmt: skip
        """The `first` of the unfinished rows that are wanted, for a new try; None when there is nothing left to do.

        `key_share`: who refers to the row is not kept waiting. `skip_locked`: a row that another one is just taking is
        passed over instead of waited for.
        """
        query = select(self.row).where(self.unfinished, *wanted).order_by(*first).limit(1)
        locked = query.with_for_update(key_share=key_share, skip_locked=skip_locked)
        row = session.scalars(locked.execution_options(populate_existing=True)).first()
        if row is None:
            return None
        setattr(row, self.tries.key, getattr(row, self.tries.key) + 1)
        session.flush()
        return row

    def write(self, session: Session, wanted: Conditions, number: int, **values: Any) -> bool:
        """Writes what try `number` has to say of the row, its end too. False, and nothing, when a later one took it."""
        fenced = update(self.row).where(*wanted, self.tries == number, self.unfinished)
        return session.execute(fenced.values(**values).returning(self.tries)).first() is not None

    def list_lost(
        self, session: Session, task: str, argument: str, names: InstrumentedAttribute[Any], wanted: Conditions = ()
    ) -> Sequence[RowT]:
        """The unfinished rows that no job of the queue is about, locked, without those that somebody else has locked.

        A job of `task` is about the row that its `argument` names.
        """
        queued = exists().where(
            _QUEUED.c.task_name == task,
            _QUEUED.c.status.in_(_IN_HAND),
            _QUEUED.c.args.op("->>")(argument) == cast(names, Text),
        )
        query = select(self.row).where(self.unfinished, ~queued, *wanted)
        return session.scalars(query.with_for_update(of=self.row, skip_locked=True)).all()


def queue_job(session: Session, task: str, lock: str, **arguments: Any) -> None:
    """Puts a job on the queue in the session's transaction. Jobs of one lock run one after the other, in order."""
    App(connector=SyncPsycopgConnector()).configure_task(task, lock=lock, connection=driver_of(session)).defer(
        **arguments
    )
