"""Secrets that have to be read again: encrypted with the platform's key, which is not in the database."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from census_api.domain.kit.errors import ConfigError
from census_api.settings import Settings

_METHOD = {"alg": "dir", "enc": "A256GCM"}
_FILE = "secret-key"


def seal_secret(settings: Settings, secret: str, purpose: str) -> str:
    """The secret, encrypted. It can be read for the same purpose only."""
    return jwe.encrypt_compact(_METHOD, f"{purpose}\n{secret}", OctKey.import_key(secret_key(settings)))


def open_secret(settings: Settings, text: str, purpose: str) -> str:
    """The secret again. Raises ConfigError when the platform's key is another than the one it was sealed with."""
    try:
        found = jwe.decrypt_compact(text, OctKey.import_key(secret_key(settings)), list(_METHOD.values()))
    except JoseError:
        raise ConfigError("The setting CENSUS_SECRET_KEY is not the one that this database was used with.") from None
    was_for, _, secret = (found.plaintext or b"").decode().partition("\n")
    if was_for != purpose:
        raise ConfigError("A secret in the database is at the wrong place. Nothing was done with it.")
    return secret


def secret_key(settings: Settings) -> bytes:
    """The platform's key, 32 bytes: from CENSUS_SECRET_KEY, or our own beside our own database, made on first use."""
    if settings.secret_key is not None:
        return hashlib.sha256(b"census\x00" + settings.secret_key.get_secret_value().encode()).digest()
    return hashlib.sha256(b"census\x00" + _own_key(settings.data_dir / _FILE)).digest()


def _own_key(file: Path) -> bytes:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        made = file.with_name(f"{_FILE}.{secrets.token_hex(8)}")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_hex(32))
        try:
            # of two that make it at once one wins, and both read the winner's
            os.link(made, file)
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return file.read_bytes()
