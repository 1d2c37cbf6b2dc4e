"""One tree of errors with stable codes and sentences for people. No HTTP numbers: the api layer maps them."""

from __future__ import annotations

from typing import ClassVar


class CensusError(Exception):
    """Base of every error the platform raises on purpose.

    `message` is one or more plain sentences: what is wrong, where, and what to do next. It never
    holds class names, paths, SQL, or the content of an uploaded file. `field` names the one value of a
    request that it is about, where it is about one, so that a page shows it there.
    """

    code: ClassVar[str] = "census_error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class Refused(CensusError):
    """The bytes cannot be read as a return at all (not a workbook, macros, password, bomb, broken JSON).

    `reason` is a stable code from the table REFUSALS, for logs, clients and the error catalogue.
    """

    code: ClassVar[str] = "refused"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[Refused], tuple[str, str]]:
        # crosses the process boundary of the intake sandbox
        return (type(self), (self.reason, self.message))


class TooLarge(CensusError):
    """More bytes than the platform takes in one piece."""

    code: ClassVar[str] = "too_large"


class SpecError(CensusError):
    """A spec that cannot be used: names the file and the key. A start-up error."""

    code: ClassVar[str] = "spec_error"

    def __init__(self, file: str, key: str, problem: str) -> None:
        super().__init__(f"{file}: {key}: {problem}")
        self.file = file
        self.key = key


class ConfigError(CensusError):
    """A setting that the platform refuses to start with."""

    code: ClassVar[str] = "config_error"


class NotFound(CensusError):
    """Nothing here by that name, or nothing the caller may know of."""

    code: ClassVar[str] = "not_found"


class SignInRequired(CensusError):
    """The caller has not signed in, or what was sent to say who calls is not valid (any more)."""

    code: ClassVar[str] = "sign_in_required"


class Forbidden(CensusError):
    """The caller may know of the thing, but not do that to it."""

    code: ClassVar[str] = "forbidden"


class TooManyAttempts(CensusError):
    """Tried too often in a short time. `seconds` is when to try again."""

    code: ClassVar[str] = "too_many_attempts"

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class Conflict(CensusError):
    """Somebody else changed it first, or its state does not allow the move."""

    code: ClassVar[str] = "conflict"


class Stale(Conflict):
    """The caller's version of a thing is not its present one."""

    code: ClassVar[str] = "changed_meanwhile"


class Overtaken(Conflict):
    """Somebody else sent a file for the same return at the same time. Both are kept."""

    code: ClassVar[str] = "overtaken"


class IdempotencyMismatch(CensusError):
    """An Idempotency-Key was used again with another body."""

    code: ClassVar[str] = "idempotency_mismatch"


class InvalidRequest(CensusError):
    """A request or command whose parameters are wrong; the message names what is allowed."""

    code: ClassVar[str] = "invalid_request"


class Unavailable(CensusError):
    """The platform cannot answer for now (database away, storage full, queue full)."""

    code: ClassVar[str] = "unavailable"
