"""What the census team asks an employer about a signed return, and what the employer replies."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Literal, get_args

from census_api.domain.collecting.explanations import checked_text
from census_api.domain.kit.errors import InvalidRequest

About = Literal["finding", "line", "return"]
ABOUTS: tuple[About, ...] = get_args(About)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a question is about: a finding by its key, a line by its two codes, or the whole return."""

    about: About
    finding_key: str | None = None
    local_authority_code: str | None = None
    service_type: str | None = None

    def checked(self) -> Subject:
        """Itself. Raises InvalidRequest unless exactly what it is about is named."""
        line = (self.local_authority_code, self.service_type)
        named = {"finding": self.finding_key is not None, "line": None not in line}
        wrong = [kind for kind, there in named.items() if there != (kind == self.about)]
        if wrong or (self.about != "line" and line != (None, None)):
            raise InvalidRequest(
                "A question is about a finding (give finding_key), a line (give local_authority_code and "
                "service_type), or the whole return (give neither)."
            )
        return self


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a question."""

    text: str
    replied_by: str
    replied_at: dt.datetime


@dataclass(frozen=True, slots=True)
class ReturnQuestion:
    """A question about a signed submission, with its replies in order; open while there is none."""

    id: uuid.UUID
    submission: int
    subject: Subject
    text: str
    asked_by: str
    asked_at: dt.datetime
    replies: tuple[Reply, ...]

    @property
    def is_open(self) -> bool:
        return not self.replies


def checked_question(text: str) -> str:
    """The text of a question, trimmed. Raises InvalidRequest."""
    return checked_text(text, "A question")


def checked_reply(text: str) -> str:
    """The text of a reply, trimmed. Raises InvalidRequest."""
    return checked_text(text, "A reply", shortest=2)


def checked_why(text: str) -> str:
    """The reason the team gives for a move, trimmed. Raises InvalidRequest."""
    return checked_text(text, "A reason", field="reason")
