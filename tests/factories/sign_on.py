"""Sign-on providers for tests: the people that a mock provider knows, and one that forges what it signs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "census"
SECRET = "a secret of the client and the provider"
PEOPLE = {
    "tess": {"email": "tess@example.org", "email_verified": True, "name": "Tess Team", "groups": ["census-team", "golf"]},
    "sid": {"email": "Sid@Example.org", "email_verified": True, "name": "Sid", "groups": ["alpha-signatories"],
            "organisation_codes": ["ALPHA", "UNHEARD-OF"]},
    "nora": {"email": "nora@example.org", "email_verified": True, "name": "Nora No-role"},
    "mallory": {"email": "tess@example.org", "email_verified": False, "name": "Mallory", "groups": ["census-team"]},
}  # fmt: skip
MAPPING = """
[[grant]]
claim = "groups"
value = "census-team"
role = "census_team"

[[grant]]
claim = "groups"
value = "alpha-signatories"
organisation = "ALPHA"
member = "signatory"

[[grant]]
claim = "organisation_codes"
member = "editor"
"""


def settings_for(issuer: str, folder: Path, mapping: str = MAPPING) -> dict[str, Any]:
    """The settings that make a provider the platform's."""
    from pydantic import SecretStr

    file = folder / "mapping.toml"
    file.write_text(mapping)
    return {
        "sso_issuer": issuer,
        "sso_client_id": CLIENT,
        "sso_client_secret": SecretStr(SECRET),
        "sso_mapping": file,
        "sso_name": "the test's provider",
    }


def agree(address: str, person: str) -> str:
    """What a person does at the mock provider: says who they are, and is sent back to the address returned."""
    answer = httpx.post(address, data={"sub": person}, follow_redirects=False)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


@dataclass
class Forger:
    """A provider whose tokens say whatever a test wants. It checks the verifier against the challenge, as it should."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    listed: RSAKey | None = None
    asked: dict[str, list[str]] = field(default_factory=dict)
    codes_used: list[str] = field(default_factory=list)
    says_issuer: str | None = None
    userinfo: dict[str, Any] | None = None

    def authorize(self, address: str) -> str:
        """The way back, as a browser would be sent it."""
        self.asked = parse_qs(urlsplit(address).query)
        return f"{urlsplit(self.asked['redirect_uri'][0]).path}?code=c1&state={self.asked['state'][0]}"

    def answer(self, path: str, form: dict[str, list[str]]) -> tuple[int, Any]:
        if path == "/.well-known/openid-configuration":
            return 200, self._metadata()
        if path == "/jwks":
            key = self.listed or self.key
            return 200, {"keys": [key.as_dict(private=False)]}
        if path == "/userinfo":
            return 200, self.userinfo or {}
        return self._token(form)

    def _metadata(self) -> dict[str, Any]:
        found = {
            "issuer": self.says_issuer or self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
        }
        return found if self.userinfo is None else {**found, "userinfo_endpoint": f"{self.issuer}/userinfo"}

    def _token(self, form: dict[str, list[str]]) -> tuple[int, Any]:
        digest = hashlib.sha256(form["code_verifier"][0].encode()).digest()
        challenge = _encoded(digest)
        if challenge != self.asked["code_challenge"][0] or form["code"][0] in self.codes_used:
            return 400, {"error": "invalid_grant"}
        self.codes_used.append(form["code"][0])
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "tess", "iat": now, "exp": now + 60,
            "nonce": self.asked["nonce"][0], **PEOPLE["tess"], **self.claims,
        }  # fmt: skip
        claims = {key: value for key, value in claims.items() if value is not None}
        if self.algorithm == "RS256":
            token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)
        else:
            token = self._forged(claims)
        return 200, {"id_token": token, "access_token": "at", "token_type": "Bearer"}

    def _forged(self, claims: dict[str, Any]) -> str:
        """Unsigned, or signed with the provider's public key, which everybody has."""
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": self.algorithm, "kid": "1"}, claims))
        if self.algorithm == "none":
            return f"{signed}."
        digest = hmac.new(self.key.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{_encoded(digest)}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def forging() -> Iterator[Forger]:
    """A forger that listens on this machine until the end of the block."""
    forger = Forger()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(*forger.answer(self.path, {}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self._say(*forger.answer(self.path, parse_qs(body.decode())))

        def _say(self, status: int, tree: Any) -> None:
            data = json.dumps(tree).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing: a test says what went wrong."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        forger.issuer = f"http://127.0.0.1:{server.server_address[1]}"
        yield forger
        server.shutdown()
        thread.join()
