"""Calls an application in this process: no server, and one event loop, in a thread of its own, for all requests."""

from __future__ import annotations

import asyncio
import functools
import threading

import httpx
from starlette.types import ASGIApp

SITE = "https://127.0.0.1"
_NOBODYS_ADDRESS = ("testclient", 50000)


class _DirectTransport(httpx.BaseTransport):
    """The application as httpx speaks to it, from any thread."""

    def __init__(self, app: ASGIApp, caller: tuple[str, int], *, raises: bool) -> None:
        self._inner = httpx.ASGITransport(app, raise_app_exceptions=raises, client=caller)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(self._answer(request), _start_loop()).result()

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        # a form with files streams synchronously, the application reads asynchronously
        whole = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        answer = await self._inner.handle_async_request(whole)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(await answer.aread()))


def make_client(
    app: ASGIApp,
    *,
    headers: dict[str, str] | None = None,
    caller: tuple[str, int] = _NOBODYS_ADDRESS,
    raises: bool = True,
) -> httpx.Client:
    """A client that follows no redirect; what the application raises comes here unless `raises` is False.

    `caller` is the address that the application sees. It is not started: what it does beside requests stays undone.
    """
    return httpx.Client(
        transport=_DirectTransport(app, caller, raises=raises), base_url=SITE, headers=headers, follow_redirects=False
    )


@functools.cache
def _start_loop() -> asyncio.AbstractEventLoop:
    # the main thread may have a loop at work already: the one that drives the browser
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="calls", daemon=True).start()
    return loop
