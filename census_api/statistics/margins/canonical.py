"""One way to write a document down, and the id that follows from it (methods, section 4.4)."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from census_api.domain.kit.errors import InvalidRequest


def canonical_json(document: object) -> str:
    """Keys sorted, no spaces, measured numbers as decimal strings, integers as they are.

    Raises InvalidRequest for numbers that are not finite, keys that are not text, and text that is not Unicode.
    """
    text = json.dumps(_plain(document), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise InvalidRequest("A text holds half a character. Write it again, or leave it out.")
    return text


def content_id(document: object) -> str:
    """SHA-256, in hex, of the canonical JSON in UTF-8."""
    return hashlib.sha256(canonical_json(document).encode()).hexdigest()


def decimal_text(value: float | Decimal) -> str:
    """The shortest plain decimal: no exponent, no trailing zeros, no minus before zero."""
    if not math.isfinite(value):
        raise InvalidRequest("A figure is not a finite number. Every figure must be an ordinary number.")
    text = format(value if isinstance(value, Decimal) else Decimal(repr(value)), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise InvalidRequest("A name in the document is not text. Every name must be text.")
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (float, Decimal)):
        return decimal_text(value)
    if isinstance(value, Fraction):
        raise InvalidRequest("A figure is a fraction. Write it as a decimal first.")
    return value
