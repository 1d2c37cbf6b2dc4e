"""The web application: routes, pages, problems and the guard before them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from functools import cache
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, FastAPI
from starlette.routing import BaseRoute

from census_api.api import health
from census_api.api.kit import problems
from census_api.api.kit.dependencies import SharedState, declared_only
from census_api.api.kit.description import describe_api
from census_api.api.kit.guard import Guard
from census_api.api.kit.metrics import Metrics
from census_api.api.kit.upload_room import PLACES, UploadRoom
from census_api.api.routes import router
from census_api.services.kit.platform import Platform
from census_api.web.account import account, sign_in
from census_api.web.analyst import compare, explore
from census_api.web.employer import changes, findings, members, one_return, receipts, returns, signing
from census_api.web.kit import problems as page_problems
from census_api.web.public import check, home, information, reference
from census_api.web.team import outbox
from census_api.web.team import pages as team_pages

_TITLE = "Workforce census"
_PAGES = (
    health,
    home,
    sign_in,
    account,
    receipts,
    outbox,
    information,
    reference,
    check,
    compare,
    explore,
    returns,
    one_return,
    findings,
    changes,
    signing,
    members,
    team_pages,
)
_UPLOADS_IN_MEMORY = 10
"""How many uploads of the largest size are held at once."""


def create_app(
    platform: Platform, *, hosts: Collection[str] = (), beside: Callable[[], Awaitable[None]] | None = None
) -> FastAPI:
    """The application on a platform, which stays the caller's to close.

    It answers to the names of this machine, that of its public address, and `hosts`. `beside` runs on the server's
    event loop from start to end (the worker, where it has no process of its own) and is cancelled at the end.
    """
    metrics = Metrics()
    app = FastAPI(
        title=_TITLE,
        version="1.0",
        description="Returns of the workforce census: checked at every cell, kept, and given back with their findings.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(beside),
    )
    # the others of the database's connections are for everybody else
    turns = max(1, platform.settings.pool_size - 2)
    room = UploadRoom(PLACES, turns, _UPLOADS_IN_MEMORY * platform.settings.max_upload_bytes, metrics)
    app.state.shared = SharedState(platform, metrics, room)
    problems.register_handlers(app)
    page_problems.register_pages(app)
    app.router.routes.extend(_routes())
    describe_api(app)
    address = urlsplit(platform.settings.public_url or "")
    names = {*hosts, *([address.hostname] if address.hostname else [])}
    app.add_middleware(Guard, metrics=metrics, hosts=names, over_https=address.scheme == "https")
    return app


@cache
def _routes() -> list[BaseRoute]:
    """Every route of API and pages: the same for all applications of a process, and slow to make."""
    everything = APIRouter(redirect_slashes=False)
    everything.include_router(router)
    for pages in _PAGES:
        everything.include_router(pages.router, dependencies=[Depends(declared_only)])
    return everything.routes


def _lifespan(
    beside: Callable[[], Awaitable[None]] | None,
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.ensure_future(beside()) if beside else None
        yield
        if task:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    return lifespan
