"""The application behind a real server on a real port, in a thread of the test."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from census_api.cli.serving import open_listener
from tests.patience import PATIENCE


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The address at which the application answers until the block ends."""
    listener = open_listener("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, http="httptools", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    host, port = listener.getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()


def raw(address: str, request: bytes, *, hang_up: bool = False) -> bytes:
    """What the server answers to these very bytes; with `hang_up` the connection is cut after them."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        # a server that has heard enough hangs up; its answer is there all the same
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        if hang_up:
            return b""
        answer = bytearray()
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
        return bytes(answer)
