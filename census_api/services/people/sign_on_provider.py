"""Speaking to an OpenID Connect provider: where it is, how a code becomes claims, and what of them is believed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from census_api.domain.kit.access import is_loopback
from census_api.domain.kit.errors import SignInRequired, Unavailable
from census_api.settings import Settings

log = structlog.get_logger(__name__)

_SIGNED_BY = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]
"""Never none, and nothing with a shared secret: what signs must not be what verifies."""
_SECONDS = 5.0
_LARGEST = 1_000_000
_KEPT_SECONDS = 3600.0
_CLOCKS_APART = 60
_AWAY = "The sign-in service does not answer just now. Please try again in a minute."
_NOT_BELIEVED = "The sign-in service's answer could not be trusted, so you are not signed in. Please try again."


@dataclass(frozen=True, slots=True)
class _Metadata:
    issuer: str
    authorize: str
    token: str
    keys: str
    userinfo: str | None
    by_header: bool


class Provider:
    """The provider of the settings. What it says of itself is kept for an hour."""

    def __init__(self, settings: Settings) -> None:
        assert settings.sso_issuer is not None
        assert settings.sso_client_id is not None
        self.issuer = settings.sso_issuer
        self._client_id = settings.sso_client_id
        self._secret = settings.sso_client_secret.get_secret_value() if settings.sso_client_secret else None
        self._lock = threading.Lock()
        self._metadata: tuple[float, _Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def address(self, redirect: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser is sent. Raises Unavailable when the provider does not answer."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect,
            "scope": "openid email profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        address = self._known().authorize
        return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}"

    def claims(self, code: str, redirect: str, nonce: str, verifier: str) -> dict[str, Any]:
        """What the provider says about who came back with the code: its signed token, and its list of claims.

        Raises SignInRequired for anything that is not signed, meant for us, of this sign-in, and of now.
        """
        known = self._known()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "client_id": self._client_id,
            "code_verifier": verifier,
        }
        basic = None
        if self._secret is not None and known.by_header:
            basic = httpx.BasicAuth(_form_encoded(self._client_id), _form_encoded(self._secret))
        elif self._secret is not None:
            form["client_secret"] = self._secret
        answer = _json("POST", known.token, data=form, auth=basic)
        claims = self._verified(str(answer.get("id_token", "")), nonce)
        if known.userinfo is not None and isinstance(answer.get("access_token"), str):
            more = _json("GET", known.userinfo, headers={"Authorization": f"Bearer {answer['access_token']}"})
            # a list of somebody else's claims must not be mixed into this one's
            if more.get("sub") == claims["sub"]:
                claims = {**more, **claims}
        return claims

    def came_from(self, issuer: str | None) -> bool:
        """Whether an answer that names its sender is from this provider."""
        return issuer is None or hmac.compare_digest(issuer.encode(), self._known().issuer.encode())

    def _verified(self, token: str, nonce: str) -> dict[str, Any]:
        registry = jwt.JWTClaimsRegistry(
            leeway=_CLOCKS_APART,
            iss={"essential": True, "value": self._known().issuer},
            aud={"essential": True, "value": self._client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = self._decoded(token).claims
            registry.validate(claims)
        except (JoseError, ValueError) as problem:
            log.warning("sign_on_not_believed", kind=type(problem).__name__)
            raise SignInRequired(_NOT_BELIEVED) from None
        audience = claims["aud"]
        others = isinstance(audience, list) and len(audience) > 1
        if (others or "azp" in claims) and claims.get("azp") != self._client_id:
            raise SignInRequired(_NOT_BELIEVED)
        if not isinstance(claims["sub"], str) or not 1 <= len(claims["sub"]) <= 255:
            raise SignInRequired(_NOT_BELIEVED)
        return dict(claims)

    def _decoded(self, token: str) -> jwt.Token:
        try:
            return jwt.decode(token, self._signing_keys(), algorithms=_SIGNED_BY)
        except (JoseError, ValueError):
            # the provider may have changed its keys since we asked
            with self._lock:
                self._keys = None
            return jwt.decode(token, self._signing_keys(), algorithms=_SIGNED_BY)

    def _known(self) -> _Metadata:
        with self._lock:
            if self._metadata is None or self._metadata[0] < time.monotonic():
                found = _metadata(_json("GET", f"{self.issuer}/.well-known/openid-configuration"), self.issuer)
                self._metadata = (time.monotonic() + _KEPT_SECONDS, found)
            return self._metadata[1]

    def _signing_keys(self) -> KeySet:
        known = self._known()
        with self._lock:
            if self._keys is None or self._keys[0] < time.monotonic():
                listed = _json("GET", known.keys).get("keys")
                usable = [key for key in listed if isinstance(key, dict) and key.get("kty") != "oct"] if listed else []
                keys = KeySet.import_key_set({"keys": usable})
                self._keys = (time.monotonic() + _KEPT_SECONDS, keys)
            return self._keys[1]


def _metadata(tree: Mapping[str, Any], issuer: str) -> _Metadata:
    """Raises Unavailable for a provider that is another, or that names places that anybody could listen to."""
    said = str(tree.get("issuer", ""))
    places = [str(tree.get(key, "")) for key in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    userinfo = tree.get("userinfo_endpoint")
    if (
        said.rstrip("/") != issuer
        or not all(map(_is_safe, places))
        or not (userinfo is None or _is_safe(str(userinfo)))
    ):
        log.error("sign_on_provider_not_usable")
        raise Unavailable(_AWAY)
    ways = tree.get("token_endpoint_auth_methods_supported")
    by_header = not isinstance(ways, list) or "client_secret_basic" in ways
    return _Metadata(said, places[0], places[1], places[2], None if userinfo is None else str(userinfo), by_header)


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def _json(method: str, url: str, **more: Any) -> dict[str, Any]:
    """The object that the provider answers with. Raises Unavailable; never follows a redirect."""
    try:
        with httpx.Client(timeout=_SECONDS, trust_env=False) as client, client.stream(method, url, **more) as answer:
            body = b""
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > _LARGEST:
                    break
            status = answer.status_code
        tree = httpx.Response(status, content=body).json() if len(body) <= _LARGEST else None
    except (httpx.HTTPError, ValueError) as problem:
        log.warning("sign_on_provider_away", kind=type(problem).__name__)
        raise Unavailable(_AWAY) from None
    if 400 <= status < 500 and method == "POST":
        raise SignInRequired(_NOT_BELIEVED)
    if status != 200 or not isinstance(tree, dict):
        log.warning("sign_on_provider_away", status=status)
        raise Unavailable(_AWAY)
    return tree


def _form_encoded(text: str) -> str:
    """As OAuth wants the two parts of a basic header."""
    return urlencode({"": text})[1:]
