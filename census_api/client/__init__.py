"""A client of the API for Python programs, such as the pipeline that weights the national survey.

    with Client("https://census.example.org", token) as census:
        margins = census.margins("2024")
        ...
        again = census.margin(margins["id"])

Calls wait and try again while the platform is busy or away; what was fetched before is not fetched again unless it has
changed. A client is for one thread.
"""

from __future__ import annotations

import random
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx

from census_api.statistics.margins.document import read_document

_AGAIN = frozenset({429, 503})
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 60.0
_MOST_KEPT = 128
_TYPES = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".json": "application/json",
}


class ApiError(Exception):
    """The platform refused: `code` is stable, `detail` is a sentence for people, `reference` finds it in the log."""

    def __init__(self, status: int, code: str, detail: str, reference: str) -> None:
        super().__init__(f"{detail} ({status} {code}, reference {reference or 'none'})")
        self.status = status
        self.code = code
        self.detail = detail
        self.reference = reference


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer, its entity tag, and whether it is the same for ever."""

    tag: str
    for_ever: bool
    answer: httpx.Response


class Client:
    """Calls with a token. `attempts` are how often a call is tried in all; `sleep` waits that many seconds.

    Raises ApiError for what the platform refuses, httpx.TransportError when it cannot be reached after all attempts.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        timeout: float = 60.0,
        attempts: int = 6,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {token}", "User-Agent": "census-client/1"}
        self._http = httpx.Client(
            base_url=f"{base_url.rstrip('/')}/api/v1", headers=headers, timeout=timeout, transport=transport
        )
        self._attempts = attempts
        self._sleep = sleep
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the connections back."""
        self._http.close()

    def margins(self, snapshot: str, *, estimator: str = "reported", grouping: str = "survey") -> dict[str, Any]:
        """The margins of a snapshot: its id, `2024` or `2024.2`. Raises MarginsRefused where the id does not hold."""
        asked = {"estimator": estimator, "grouping": grouping}
        return self._verified(self._get(f"/snapshots/{_part(snapshot)}/margins", asked))

    def margin(self, sha256: str) -> dict[str, Any]:
        """The margins with this id, which never change. Raises MarginsRefused where the id does not hold."""
        return self._verified(self._get(f"/margins/{_part(sha256)}", {}))

    def margins_as(self, sha256: str, shape: str) -> str:
        """The same in the shape of a tool, as text: csv, balance, weightipy, samplics, ipfn or r."""
        return self._get(f"/margins/{_part(sha256)}", {"format": shape}).text

    def aggregates(
        self, snapshot: str, *, by: Sequence[str] = (), measure: Sequence[str] = (), **filters: str
    ) -> dict[str, Any]:
        """Totals and rates of a snapshot, broken down; `filters` are further parameters such as `region`."""
        return self._json(self._get(f"/snapshots/{_part(snapshot)}/aggregates", _lists(by, measure) | filters))

    def comparison(
        self, start: str, end: str, *, by: Sequence[str] = (), measure: Sequence[str] = (), **more: str
    ) -> dict[str, Any]:
        """Two snapshots cell by cell. A blocked change is None: its reasons say why."""
        asked = {"from": start, "to": end} | _lists(by, measure) | more
        return self._json(self._get("/comparisons", asked))

    def submit(self, year: int, organisation: str, file: Path, *, idempotency_key: str | None = None) -> dict[str, Any]:
        """Sends in a return, a workbook or JSON, and gives the report, or the job of a long file.

        Tried again under one key, so that a lost answer does not make two submissions.
        """
        kind = _TYPES.get(file.suffix.lower(), "application/octet-stream")
        answer = self._tried(
            "POST",
            f"/collections/{year}/returns/{_part(organisation)}/submissions",
            headers={"Idempotency-Key": idempotency_key or uuid.uuid4().hex},
            files={"file": (file.name, file.read_bytes(), kind)},
        )
        return self._json(_accepted(answer))

    def _get(self, path: str, asked: Mapping[str, str]) -> httpx.Response:
        """What is kept where it has not changed, without asking where it cannot change."""
        key = str(httpx.URL(path, params=dict(sorted(asked.items()))))
        kept = self._kept.get(key)
        if kept is not None and kept.for_ever:
            return kept.answer
        headers = {} if kept is None else {"If-None-Match": kept.tag}
        answer = self._tried("GET", path, headers=headers, params=dict(asked))
        if answer.status_code == 304 and kept is not None:
            return kept.answer
        self._keep(key, _accepted(answer))
        return answer

    def _keep(self, key: str, answer: httpx.Response) -> None:
        tag = answer.headers.get("etag")
        if tag is None:
            return
        self._kept[key] = _Kept(tag, "immutable" in answer.headers.get("cache-control", ""), answer)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    def _tried(self, method: str, path: str, **more: Any) -> httpx.Response:
        for attempt in range(1, self._attempts + 1):
            last = attempt == self._attempts
            try:
                answer = self._http.request(method, path, **more)
            except httpx.TransportError:
                if last:
                    raise
                self._sleep(_wait(attempt, None))
                continue
            if last or answer.status_code not in _AGAIN:
                return answer
            self._sleep(_wait(attempt, answer.headers.get("retry-after")))
        raise ValueError("a client needs at least one attempt")

    def _verified(self, answer: httpx.Response) -> dict[str, Any]:
        read_document(answer.content)
        return self._json(answer)

    def _json(self, answer: httpx.Response) -> dict[str, Any]:
        tree: dict[str, Any] = answer.json()
        return tree


def _accepted(answer: httpx.Response) -> httpx.Response:
    """The answer, if the platform did what was asked."""
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    known = problem if isinstance(problem, dict) else {}
    raise ApiError(
        answer.status_code,
        str(known.get("code", "http_error")),
        str(known.get("detail", f"The platform answered with {answer.status_code}.")),
        str(known.get("reference", answer.headers.get("x-request-id", ""))),
    )


def _wait(attempt: int, retry_after: str | None) -> float:
    """As long as the platform says, or twice as long each time; a little more or less, so that callers spread."""
    if retry_after is not None and retry_after.strip().isdecimal():
        return min(float(retry_after), _LONGEST_WAIT)
    return min(_FIRST_WAIT * 2.0 ** (attempt - 1), _LONGEST_WAIT) * random.uniform(0.75, 1.25)  # noqa: S311 - spreads retries; nothing secret depends on it


def _part(text: str) -> str:
    return quote(text, safe="")


def _lists(by: Sequence[str], measure: Sequence[str]) -> dict[str, str]:
    return {name: ",".join(values) for name, values in (("by", by), ("measure", measure)) if values}
