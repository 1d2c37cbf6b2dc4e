"""Whether the process lives, whether it can work, and what it has done. Outside /api, for machines that watch it."""

from __future__ import annotations

import hmac
import shutil
from pathlib import Path

from fastapi import APIRouter, Request, Response
from pydantic import SecretStr

from census_api.api.kit.answers import json_answer
from census_api.api.kit.auth import address_of
from census_api.api.kit.common_payloads import HealthPayload
from census_api.api.kit.dependencies import Shared, ThePlatform, everyone
from census_api.api.kit.problems import document_problems
from census_api.domain.kit.access import is_loopback
from census_api.domain.kit.errors import Forbidden, SignInRequired, Unavailable
from census_api.services.kit.platform import Platform, is_ready
from census_api.services.upkeep.reconcile import read_figures

router = APIRouter(tags=["health"])

_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_FORWARDED = ("forwarded", "x-forwarded-for")
_LEAST_FREE = 200_000_000
"""Bytes: ten of the largest uploads."""


@router.get("/livez", dependencies=[everyone()], response_model=HealthPayload)
async def livez() -> Response:
    """The process answers. Asks nothing of the database, nor of a thread."""
    return json_answer(HealthPayload(status="alive"))


@router.get(
    "/readyz", dependencies=[everyone()], response_model=HealthPayload, responses=document_problems(only=(503,))
)
def readyz(platform: ThePlatform) -> Response:
    """The platform can take returns: the database answers and is at this version's schema, and the disk has room."""
    if not is_ready(platform):
        raise Unavailable("The database is not at the version that this platform needs. Run census db upgrade.")
    if not _has_room(platform):
        raise Unavailable("The disk that holds the database is nearly full. Make room on it.")
    return json_answer(HealthPayload(status="ready"))


@router.get(
    "/metrics",
    dependencies=[everyone()],
    response_class=Response,
    responses=document_problems(only=(401, 403)) | {200: {"content": {_TEXT: {"schema": {"type": "string"}}}}},
)
def metrics(request: Request, shared: Shared) -> Response:
    """What this process has done, and how the platform as a whole stands, in Prometheus' text format.

    For this machine alone, or, where the settings name a token, for whoever sends it.
    """
    _refuse_onlookers(request, shared.platform.settings.metrics_token)
    text = shared.metrics.text() + _figures(shared.platform)
    return Response(text, media_type=_TEXT)


def _refuse_onlookers(request: Request, token: SecretStr | None) -> None:
    if token is not None:
        sent = request.headers.get("authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(sent, f"Bearer {token.get_secret_value()}".encode()):
            raise SignInRequired("Send the token of CENSUS_METRICS_TOKEN in the Authorization header.")
    elif not is_loopback(address_of(request) or "") or any(name in request.headers for name in _FORWARDED):
        # what a proxy on this machine passes on comes from elsewhere, whether or not we are told to believe the proxy
        raise Forbidden("The metrics can be read on this machine alone, until CENSUS_METRICS_TOKEN names a token.")


def _figures(platform: Platform) -> str:
    """Nothing while the database is away: what this process has done can still be read."""
    try:
        found = read_figures(platform)
    except Unavailable:
        return ""
    return "".join(f"# TYPE {name} gauge\n{name} {value:.15g}\n" for name, value in sorted(found.items()))


def _has_room(platform: Platform) -> bool:
    if platform.settings.database_url is not None:
        return True
    folder: Path = platform.settings.data_dir
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free >= _LEAST_FREE
