"""Whose return a file is, for people who look after several organisations."""

from __future__ import annotations

from census_api.domain.kit.access import Actor
from census_api.domain.kit.errors import InvalidRequest
from census_api.services.collecting.check import check_bytes
from census_api.services.kit.platform import Platform

_CHOOSE = "Choose the organisation in the list, and send the file again."


def organisation_in(platform: Platform, actor: Actor, year: int, data: bytes) -> str:
    """The code of the organisation that a file names, where it is one of the actor's own.

    Raises InvalidRequest when the file names none, or one that is not theirs (in the same words whether or not it
    exists) or is too long to be read twice; and Refused, TooLarge and NotFound as `check_bytes` does.
    """
    if len(data) > platform.settings.long_file_bytes:
        raise InvalidRequest(f"The file is too long to look for the organisation in it first. {_CHOOSE}")
    answer = check_bytes(platform, actor, year, data).content.organisation.get("organisation_code")
    if answer is None:
        raise InvalidRequest(f"The file does not say which organisation it is for. {_CHOOSE}")
    code = next((own for own in actor.memberships if own.casefold() == str(answer).strip().casefold()), None)
    if code is None:
        raise InvalidRequest(f"The file is for an organisation that is not one of yours. {_CHOOSE}")
    return code
