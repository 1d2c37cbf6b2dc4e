"""A burst of uploads that does not give up, with a ledger of every acknowledgement to compare with what is stored."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx
from sqlalchemy import create_engine, text

from census_api.domain.kit.access import SYSTEM
from census_api.intake.judging.judge import Context, judge_return
from census_api.services.audit.reading import verify_chains
from census_api.services.upkeep.reconcile import reconcile_record
from tests.factories.uploads import make_tree
from tests.faults.site import POISON, YEAR, Site, named
from tests.patience import PATIENCE

_ROWS_OF_A_LONG_FILE = 12
_PAUSE = 0.1


@dataclass
class Sent:
    """One upload and what was said to it. `answer` is the body of its acknowledgement, None until there is one."""

    organisation: str
    key: str
    body: bytes
    answer: dict[str, Any] | None = None
    status: int = 0
    tries: int = 0

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @cached_property
    def content_sha256(self) -> str:
        return judge_return(self.body, YEAR, Context()).report.content_sha256


@dataclass
class Compared:
    """The ledger against the database."""

    sent: int
    acknowledged: int
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    corrupt: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return self.sent == self.acknowledged and not (self.lost or self.duplicated or self.corrupt or self.alarms)


def make_sent(site: Site, number: int, *, round_name: str, word: str | None = None) -> Sent:
    """The upload of this number: every second one is a long file, which a worker checks, as is one with a `word`."""
    code = named(site.codes, number)
    tree = make_tree(code, year=YEAR, headcount=1 + number, rows=_ROWS_OF_A_LONG_FILE if number % 2 or word else 1)
    tree["organisation"]["comments"] = word or f"{round_name} {number}"
    return Sent(code, f"{round_name}-{number}", json.dumps(tree).encode())


class Burst:
    """Sends uploads from a few threads; each is sent again, under its key, until it is acknowledged.

    A thread sends for organisations of its own: two files at once for one return are another matter.
    """

    def __init__(self, site: Site, uploads: list[Sent], threads: int = 4) -> None:
        self.uploads = uploads
        self.statuses: Counter[str] = Counter()
        self._site = site
        self._stop = threading.Event()
        self._changed = threading.Condition()
        shares: list[list[Sent]] = [[] for _ in range(threads)]
        for sent in uploads:
            shares[site.codes.index(sent.organisation) % threads].append(sent)
        self._threads = [threading.Thread(target=self._work, args=(share,), daemon=True) for share in shares]

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def acknowledged(self) -> int:
        return sum(sent.answer is not None for sent in self.uploads)

    def wait_for(self, number: int, seconds: float = PATIENCE) -> None:
        """Until so many are acknowledged."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.acknowledged >= number, seconds):
                raise TimeoutError(f"{self.acknowledged} of {number} acknowledged; answers: {dict(self.statuses)}")

    def finish(self, seconds: float = PATIENCE) -> None:
        """Until all are acknowledged, or the time is over."""
        try:
            self.wait_for(len(self.uploads), seconds)
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(PATIENCE)

    def _work(self, share: list[Sent]) -> None:
        with httpx.Client(timeout=PATIENCE, headers={"Authorization": f"Bearer {self._site.token}"}) as client:
            for sent in share:
                while not self._stop.is_set() and not self._send(client, sent):
                    time.sleep(_PAUSE)

    def _send(self, client: httpx.Client, sent: Sent) -> bool:
        address = f"{self._site.address}/api/v1/collections/{YEAR}/returns/{sent.organisation}/submissions"
        headers = {"Idempotency-Key": sent.key, "Content-Type": "application/json"}
        sent.tries += 1
        try:
            answer = client.post(address, content=sent.body, headers=headers)
        except httpx.HTTPError as problem:
            self.statuses[type(problem).__name__] += 1
            return False
        self.statuses[str(answer.status_code)] += 1
        if answer.status_code not in (201, 202):
            return False
        with self._changed:
            sent.status, sent.answer = answer.status_code, answer.json()
            self._changed.notify_all()
        return True


_STORED = text(
    """
    SELECT s.id, s.number, s.status, s.content_sha256, o.data, s.counts,
           (SELECT count(*) FROM idempotency AS i WHERE i.submission_id = s.id AND i.key = :key) AS keys,
           (SELECT count(*) FROM audit_event AS e WHERE e.detail ->> 'submission' = s.id::text
            AND e.detail ? 'timing') AS receipts
    FROM submission AS s
    JOIN organisation ON organisation.id = s.organisation_id
    LEFT JOIN submission_original AS o ON (o.collection_year, o.submission_id) = (s.collection_year, s.id)
    WHERE organisation.code = :organisation AND s.original_sha256 = :sha256
    """
)


def wait_until_checked(site: Site, seconds: float = PATIENCE) -> float:
    """Seconds until no job is unfinished. Raises TimeoutError."""
    began = time.monotonic()
    engine = create_engine(site.server.url())
    try:
        while time.monotonic() - began < seconds:
            with engine.connect() as connection:
                if not connection.scalar(text("SELECT count(*) FROM job WHERE finished_at IS NULL")):
                    return time.monotonic() - began
            time.sleep(0.1)
    finally:
        engine.dispose()
    raise TimeoutError("jobs are still not finished")


@dataclass(frozen=True)
class Written:
    """What stands in the database about one upload that a worker checked, and which transactions wrote it."""

    job: str
    attempt: int
    state: str
    findings: int
    events: int
    by: tuple[str, ...]


_WRITTEN = text(
    """
    SELECT job.id::text AS job, job.attempt, job.state,
           (SELECT count(*) FROM finding AS f WHERE f.submission_id = s.id) AS findings,
           (SELECT count(*) FROM audit_event AS e WHERE e.detail ->> 'submission' = s.id::text) AS events,
           ARRAY[job.xmin::text, s.xmin::text] AS by
    FROM job JOIN submission AS s ON (s.collection_year, s.id) = (job.collection_year, job.submission_id)
    WHERE s.original_sha256 = :sha256
    """
)


def written(site: Site, sent: Sent) -> Written:
    engine = create_engine(site.server.url())
    with engine.connect() as connection:
        row = connection.execute(_WRITTEN, {"sha256": sent.sha256}).one()
    engine.dispose()
    return Written(row.job, row.attempt, row.state, row.findings, row.events, tuple(row.by))


def compare(site: Site, uploads: list[Sent]) -> Compared:
    """Every acknowledgement against the database, byte for byte and row for row, and the database against itself."""
    found = Compared(len(uploads), sum(sent.answer is not None for sent in uploads))
    engine = create_engine(site.server.url())
    with engine.connect() as connection:
        for sent in uploads:
            if sent.answer is None:
                continue
            values = {"organisation": sent.organisation, "sha256": sent.sha256, "key": sent.key}
            rows = connection.execute(_STORED, values).all()
            if not rows or rows[0].data is None:
                found.lost.append(sent.key)
            elif len(rows) > 1 or rows[0].keys != 1 or rows[0].receipts != 1:
                found.duplicated.append(sent.key)
            elif not _is_as_sent(sent, rows[0]):
                found.corrupt.append(sent.key)
        number = connection.scalar(text("SELECT count(*) FROM submission WHERE status <> 'refused'")) or 0
    engine.dispose()
    if number > found.acknowledged:
        found.duplicated.append(f"{number} stored")
    found.alarms += [one.what for one in reconcile_record(site.platform).discrepancies]
    found.alarms += verify_chains(site.platform, SYSTEM).problems
    return found


def _is_as_sent(sent: Sent, row: Any) -> bool:
    assert sent.answer is not None
    if bytes(row.data) != sent.body or sent.answer["submission"] != row.number:
        return False
    if POISON.encode() in sent.body:
        return bool(row.status == "failed")
    same = row.status == "checked" and row.content_sha256 == sent.content_sha256
    if sent.status == 201:
        same = same and sent.answer["content_sha256"] == row.content_sha256 and sent.answer["counts"] == row.counts
    return bool(same)
