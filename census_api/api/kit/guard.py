"""What stands before every route: whose request it is, where it came from, what it is told, and what is written down."""

from __future__ import annotations

import ipaddress
import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from census_api.api.kit.metrics import Metrics
from census_api.api.kit.problems import CrossSite, WrongHost, of_error, of_fault
from census_api.domain.kit.access import is_loopback
from census_api.domain.kit.errors import CensusError

log = structlog.get_logger(__name__)

_SAFE = ("GET", "HEAD", "OPTIONS")
_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""On every answer, unless its route says otherwise."""
_OVER_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}


@dataclass(slots=True)
class _Exchange:
    """One request and its answer, as far as they have come."""

    reference: str
    has_body: bool
    body_read: bool = False
    status: int = 0


class Guard:
    """The outermost layer of the application, plain ASGI.

    Refuses requests for names that are not this machine's (or one of `hosts`) and changes that a page of another site
    asks for: a visitor's browser must not become the way in. Gives every request a reference, every answer its headers
    (`over_https` the one that keeps browsers there), every fault a problem, and every exchange one line in the log.
    """

    def __init__(
        self, app: ASGIApp, metrics: Metrics, hosts: Collection[str] = (), *, over_https: bool = False
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._hosts = frozenset(hosts)
        self._headers = {**_HEADERS, **(_OVER_HTTPS if over_https else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        exchange = _Exchange(uuid.uuid4().hex, has_body)
        scope["census.reference"] = exchange.reference
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(reference=exchange.reference)
        began = time.perf_counter()
        self._metrics.change("census_http_requests_in_flight", 1)
        try:
            await self._answer(
                scope, headers, _reading(receive, exchange), _writing(send, exchange, self._headers), exchange
            )
        finally:
            self._metrics.change("census_http_requests_in_flight", -1)
            self._write_down(scope, exchange, time.perf_counter() - began)

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive, send: Send, exchange: _Exchange) -> None:
        try:
            self._refuse_strangers(scope["method"], headers)
            await self._app(scope, receive, send)
        except CensusError as error:
            await of_error(error, exchange.reference)(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets a problem and the process goes on
            answer = of_fault(error, exchange.reference)
            if not exchange.status:
                await answer(scope, receive, send)

    def _refuse_strangers(self, method: str, headers: Headers) -> None:
        host = headers.get("host", "")
        if not self._is_ours(host):
            raise WrongHost("This platform does not go by that name. Use the address that you were given for it.")
        if method in _SAFE:
            return
        origin = headers.get("origin")
        elsewhere = origin is not None and origin.split("://", 1)[-1] != host
        if elsewhere or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise CrossSite(
                "A page of another site cannot change anything here. Go to the census yourself and do it there."
            )

    def _is_ours(self, host: str) -> bool:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        return name in self._hosts or is_loopback(name.strip("[]").lower())

    def _write_down(self, scope: Scope, exchange: _Exchange, seconds: float) -> None:
        # neither the path nor the query: both may hold what somebody typed
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.answered(method, route, exchange.status, seconds)
        log.info(
            "request",
            method=method,
            route=route,
            status=exchange.status,
            milliseconds=round(seconds * 1000, 1),
            client=_address(scope),
            account=scope.get("census.actor"),
        )


def _reading(receive: Receive, exchange: _Exchange) -> Receive:
    async def read() -> Message:
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            exchange.body_read = True
        return message

    return read


def _writing(send: Send, exchange: _Exchange, always: Mapping[str, str]) -> Send:
    async def write(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = exchange.reference
            for name, value in always.items():
                headers.setdefault(name, value)
            if exchange.has_body and not exchange.body_read:
                # the rest of a body that was refused is not worth reading
                headers["Connection"] = "close"
        await send(message)

    return write


def _address(scope: Scope) -> str | None:
    client = scope.get("client")
    try:
        return str(ipaddress.ip_address(client[0])) if client else None
    except ValueError:
        return None
