"""Templates and static files. A static file's address holds its hash, so that browsers may keep it for ever."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_KIT = Path(__file__).resolve().parent
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class StaticFile:
    body: bytes
    media_type: str


def _static_files() -> tuple[dict[str, StaticFile], dict[str, str]]:
    files: dict[str, StaticFile] = {}
    addresses: dict[str, str] = {}
    for path in sorted((_KIT / "static").iterdir()):
        body = path.read_bytes()
        name = f"{path.stem}.{hashlib.sha256(body).hexdigest()[:12]}{path.suffix}"
        files[name] = StaticFile(body, _MEDIA_TYPES[path.suffix])
        addresses[path.name] = f"/static/{name}"
    return files, addresses


STATIC_FILES, _ADDRESSES = _static_files()

_templates = Environment(
    loader=FileSystemLoader(sorted(_KIT.parent.glob("*/templates"))),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals["static"] = _ADDRESSES.__getitem__


def render_page(template: str, status: int = 200, **values: Any) -> Response:
    """A page of a room's templates/, which may load nothing but our own style sheet, scripts and pictures."""
    body = _templates.get_template(template).render(**values)
    # without a referrer of our own a browser would not say that a form came from us
    headers = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "same-origin"}
    return Response(body, status, headers, media_type="text/html; charset=utf-8")
