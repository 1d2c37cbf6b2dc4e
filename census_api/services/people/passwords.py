"""Passwords: argon2id, and which ones are taken. What is said about a wrong one is the same whoever it was for."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from census_api.domain.kit.errors import Unavailable
from census_api.domain.people import LONGEST_PASSWORD, checked_password

_COMMON = Path(__file__).resolve().parent / "common_passwords.txt"
_MEMORY_KIB = 47_104
_AT_ONCE = 4
"""Each takes its memory: more at once would let whoever tries passwords fill the machine."""
_WAIT_SECONDS = 5.0

_hasher = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=_MEMORY_KIB, parallelism=1),))
_places = threading.BoundedSemaphore(_AT_ONCE)


@functools.cache
def common_passwords() -> frozenset[str]:
    """Passwords that are guessed first, case-folded."""
    return frozenset(_COMMON.read_text("utf-8").split())


def check_acceptable(password: str, *about: str | None) -> str:
    """The password itself. Raises InvalidRequest saying why it will not do; `about` is who it is for."""
    known = [text for text in about if text]
    parts = [part for text in known for part in (text, text.partition("@")[0], *re.split(r"[@.\s]+", text))]
    return checked_password(password, common_passwords(), about=tuple(parts))


def hash_password(password: str) -> str:
    """What is stored of a password. Raises Unavailable when too many are asked for at once."""
    with _place():
        return _hasher.hash(password)


def is_right(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Whether it is the password, and a new hash where the stored one is of an older kind.

    Without a stored hash it takes as long, and is wrong.
    """
    if len(password) > LONGEST_PASSWORD:
        password = password[: LONGEST_PASSWORD + 1]
    with _place():
        try:
            right, newer = _hasher.verify_and_update(password, stored or _nobodys())
        except (UnknownHashError, UnicodeEncodeError):
            return False, None
    return right and stored is not None, newer


@functools.cache
def _nobodys() -> str:
    return _hasher.hash("the password of nobody at all")


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(timeout=_WAIT_SECONDS):
        raise Unavailable("Many people are signing in just now. Please try again in a minute.")
    try:
        yield
    finally:
        _places.release()
