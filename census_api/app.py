"""The web application: routes, pages, problems and the guard before them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI
from fastapi.routing import iter_route_contexts

from census_api.api import health, problems
from census_api.api.dependencies import SharedState, declared_only, is_public
from census_api.api.guard import Guard
from census_api.api.metrics import Metrics
from census_api.api.problems import Problem
from census_api.api.routes import router
from census_api.api.uploads import PLACES, Room
from census_api.services.platform import Platform
from census_api.web import account, home, outbox, receipts, sign_in
from census_api.web import problems as page_problems

_TITLE = "Workforce census"
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
    room = Room(PLACES, turns, _UPLOADS_IN_MEMORY * platform.settings.max_upload_bytes, metrics)
    app.state.shared = SharedState(platform, metrics, room)
    problems.register(app)
    page_problems.register(app)
    app.include_router(router)
    for pages in (health, home, sign_in, account, receipts, outbox):
        app.include_router(pages.router, dependencies=[Depends(declared_only)])
    _describe_problems(app)
    public = urlsplit(platform.settings.public_url or "")
    names = {*hosts, *([public.hostname] if public.hostname else [])}
    app.add_middleware(Guard, metrics=metrics, hosts=names, over_https=public.scheme == "https")
    return app


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


def _describe_problems(app: FastAPI) -> None:
    """Adds the schema that every route's problems refer to, and which routes need a token."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        schema = generate()
        schema["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{"token": []}]
        for route in iter_route_contexts(app.routes):
            if route.path in schema["paths"] and is_public(route.original_route):
                for method in route.methods or ():
                    schema["paths"][route.path].get(method.lower(), {})["security"] = []
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
