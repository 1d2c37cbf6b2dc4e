"""`census serve`, `census worker` and `census db upgrade`: the platform as it runs."""

from __future__ import annotations

import errno
import signal
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from census_api.cli.kit.database import OPERATOR, open_database, opened_platform
from census_api.cli.kit.printing import say
from census_api.domain.kit.errors import ConfigError
from census_api.logging import configure_logging
from census_api.settings import Settings, read_settings, refuse_to_serve_without_secret

if TYPE_CHECKING:
    from census_api.services.kit.platform import Platform

_GRACE_SECONDS = 30
_BACKLOG = 512


def run_server(port: int | None, data_dir: Path | None) -> int:
    """Serves until told to stop: requests in hand are finished first."""
    settings = _start(port=port, data_dir=data_dir)
    refuse_to_serve_without_secret(settings)
    with open_listener(settings.host, settings.port) as listener, opened_platform(settings) as platform:
        serve_on(listener, platform, said=lambda address: say(f"The workforce census is at {address}"))
    return 0


def run_worker(data_dir: Path | None) -> int:
    """Works off long files until told to stop."""
    from census_api.worker import work_until_told

    settings = _start(data_dir=data_dir)
    with opened_platform(settings) as platform:
        say("Waiting for long files to check. Stop with Ctrl+C.")
        work_until_told(platform)
    return 0


def run_upgrade(data_dir: Path | None) -> int:
    """Brings the database to this version and sets up the collections of every year that has a spec."""
    from census_api.services.collecting.collections import ensure_collections
    from census_api.services.kit.platform import open_platform
    from census_api.store.kit.migrate import upgrade_schema

    settings = _start(data_dir=data_dir)
    with open_database(settings) as url, open_platform(settings, url) as platform:
        platform.database.ping()
        upgrade_schema(url)
        new = ensure_collections(platform, OPERATOR)
    say("The database is at this version.")
    if new:
        say(f"Collections set up: {', '.join(map(str, new))}.")
    return 0


def open_listener(host: str, port: int, *, or_next: int = 0) -> socket.socket:
    """A socket that listens on the port, or on the first free one of the `or_next` that follow it.

    Raises ConfigError when they are taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, min(port + or_next, 65535) + 1):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(_BACKLOG)
        except OSError as problem:
            listener.close()
            if problem.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
        else:
            return listener
    raise ConfigError(f"Port {port} cannot be used: it is taken, or reserved. Choose another with --port.")


def serve_on(listener: socket.socket, platform: Platform, *, said: Callable[[str], None]) -> None:
    """Serves the platform on a listening socket until told to stop; `said` is told the address once it answers.

    Where the database is our own the worker runs inside, for there is nobody else to start one.
    """
    import uvicorn

    from census_api.app import create_app
    from census_api.worker import work_beside

    beside = partial(work_beside, platform) if platform.settings.sqlalchemy_url is None else None
    config = uvicorn.Config(
        create_app(platform, beside=beside),
        log_config=None,
        access_log=False,
        server_header=False,
        http="httptools",
        ws="none",
        # who is behind a proxy is believed of the proxies that were named, and of nobody else
        proxy_headers=bool(platform.settings.proxies),
        forwarded_allow_ips=platform.settings.proxies or [],
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    host, port = listener.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    class Server(uvicorn.Server):
        """Says where it is once it answers."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                said(address)

    _end_quietly()
    platform.sandbox.warm()
    Server(config).run(sockets=[listener])


def _end_quietly() -> None:
    """The server raises the signal that ended it once more, when all is done: that shall not look like a crash."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)


def _start(**overrides: object) -> Settings:
    settings = read_settings(**overrides)
    configure_logging(settings.log_level, settings.log_format)
    return settings
