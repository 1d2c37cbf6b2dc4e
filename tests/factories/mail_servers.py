"""Mail services on loopback that behave as a test says: an SMTP server, and an HTTP server that plays GOV.UK Notify."""

from __future__ import annotations

import contextlib
import datetime as dt
import email
import ipaddress
import json
import socketserver
import ssl
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import OctKey

from tests.patience import PATIENCE

SERVICE = "11111111-2222-4333-8444-555555555555"
SECRET = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
TEMPLATE = "99999999-8888-4777-8666-555555555555"


@dataclass(slots=True)
class SmtpServer:
    """What came in, and how to answer. `answers` maps a verb, or `data-end`, to the code it gets instead of success.

    `hang_up_after` closes the connection instead of answering that verb. `encrypted` says for each letter whether it
    came through TLS; `logins` are the AUTH lines.
    """

    port: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    hang_up_after: str = ""
    tls: ssl.SSLContext | None = None
    letters: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    connections: int = 0

    def messages(self) -> list[EmailMessage]:
        return [email.message_from_bytes(letter, policy=default) for letter in self.letters]


class _HungUpError(Exception):
    pass


class _SmtpHandler(socketserver.StreamRequestHandler):
    mind: SmtpServer
    secure = False

    def handle(self) -> None:
        self.mind.connections += 1
        self._say(220)
        with contextlib.suppress(_HungUpError, ConnectionError, ssl.SSLError):
            while line := self.rfile.readline().decode("ascii", "replace").strip():
                if self._answer(line):
                    return

    def _answer(self, line: str) -> bool:
        verb = line.split(":", maxsplit=1)[0].split(maxsplit=1)[0].lower()
        if verb == "ehlo":
            offers = ["census.test", "AUTH PLAIN"] + (["STARTTLS"] if self.mind.tls and not self.secure else [])
            self.wfile.write("".join(f"250-{offer}\r\n" for offer in offers[:-1]).encode())
            self.wfile.write(f"250 {offers[-1]}\r\n".encode())
        elif verb == "starttls" and self.mind.tls:
            self._say(220)
            self.connection = self.mind.tls.wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
            self.secure = True
        elif verb == "auth":
            self.mind.logins.append(line)
            self._say(self._code("auth", 235))
        elif verb == "data":
            self._data()
        else:
            code = self._code(verb, 250 if verb != "quit" else 221)
            if verb == "rcpt" and code == 250:
                self.mind.recipients.append(line.partition(":")[2].strip("<>"))
            self._say(code)
        return verb == "quit"

    def _data(self) -> None:
        code = self._code("data", 354)
        self._say(code)
        if code != 354:
            return
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise _HungUpError
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        code = self._code("data-end", 250)
        if code == 250:
            self.mind.letters.append(b"".join(lines))
            self.mind.encrypted.append(self.secure)
        self._say(code)

    def _code(self, verb: str, usual: int) -> int:
        if self.mind.hang_up_after == verb:
            self.connection.close()
            raise _HungUpError
        return self.mind.answers.get(verb, usual)

    def _say(self, code: int) -> None:
        self.wfile.write(f"{code} so be it\r\n".encode())


@contextlib.contextmanager
def smtp_server(tls: ssl.SSLContext | None = None) -> Iterator[SmtpServer]:
    """An SMTP server on a port of 127.0.0.1, until the end of the block."""
    mind = SmtpServer(tls=tls)
    handler = type("Handler", (_SmtpHandler,), {"mind": mind})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        mind.port = server.server_address[1]
        with _running(server):
            yield mind


@dataclass(slots=True)
class Notify:
    """What Notify was sent. `status` is its answer to the next mails; `silent` takes a mail and never answers.

    `returned` are the references of mails that it could not deliver.
    """

    url: str = ""
    status: int = 201
    silent: bool = False
    mails: list[dict[str, Any]] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)


class _NotifyHandler(BaseHTTPRequestHandler):
    mind: Notify

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._is_signed():
            return
        if self.mind.status == 201:
            self.mind.mails.append({"path": self.path, **body})
        if self.mind.silent:
            self.close_connection = True
            return
        self._reply(self.mind.status, {"id": str(uuid.uuid4())})

    def do_GET(self) -> None:
        if self._is_signed():
            asked = parse_qs(urlsplit(self.path).query)
            if "reference" not in asked:
                assert asked == {"template_type": ["email"], "status": ["failed"]}
                failed: list[dict[str, str | None]] = [{"reference": entry} for entry in self.mind.returned]
                self._reply(self.mind.status, {"notifications": [*failed, {"reference": None}]})
                return
            wanted = asked["reference"][0]
            self.mind.asked_for.append(wanted)
            found = [{"id": "x"} for mail in self.mind.mails if mail["reference"] == wanted]
            self._reply(200, {"notifications": found})

    def _is_signed(self) -> bool:
        try:
            token = jwt.decode(self.headers["Authorization"].removeprefix("Bearer "), OctKey.import_key(SECRET))
        except ValueError:
            self._reply(403, {})
            return False
        self.mind.services.append(token.claims["iss"])
        assert abs(token.claims["iat"] - dt.datetime.now(dt.UTC).timestamp()) < 30
        return True

    def _reply(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextlib.contextmanager
def notify_server() -> Iterator[Notify]:
    """A server that answers as Notify does, to a key made of SERVICE and SECRET, until the end of the block."""
    mind = Notify()
    handler = type("Handler", (_NotifyHandler,), {"mind": mind})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        mind.url = f"http://127.0.0.1:{server.server_address[1]}"
        with _running(server):
            yield mind


def make_certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context for 127.0.0.1, and the file of the certificate that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "census.test")])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "server.pem", folder / "server.key"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public


@contextlib.contextmanager
def _running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(PATIENCE)
