"""Surveys and the margins they are weighted to: the published one, and others of any size."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from census_api.statistics.margins.document import MarginDocument, read_document, seal_document, serve_document

PROFESSIONS = (
    "peer_support_worker", "unregulated_frontline", "regulated_frontline", "management_administrative", "commissioning",
)  # fmt: skip
TYPES = ("lero", "voluntary", "local_authority", "nhs", "for_profit")
PUBLISHED_SHARES = {"profession_group": (3, 55, 12, 25, 5), "organisation_type": (3, 78, 8, 9, 2)}
PUBLISHED_ANSWERS = (
    (4, 48, 8, 6, 1),
    (62, 720, 122, 87, 11),
    (18, 196, 33, 23, 3),
    (39, 459, 78, 54, 7),
    (10, 116, 21, 14, 1),
)
"""Professions by types: tables 2.1 and 2.2 of the survey, joined under independence."""


def make_document(margins: Mapping[str, Mapping[str, object]], **more: Any) -> MarginDocument:
    """Sealed margins with these categories, each a number or the text of one."""
    return read_document(make_json(margins, **more))


def make_json(margins: Mapping[str, Mapping[str, object]], **more: Any) -> str:
    """The same as the file that holds it; `more` replaces parts before it is sealed."""
    texts = {name: {key: str(value) for key, value in part.items()} for name, part in margins.items()}
    first = next(iter(texts.values()), {})
    content = {
        "snapshot": "a snapshot",
        "population": "eligible_paid_headcount",
        "estimator": "reported",
        "grouping": "survey",
        "reference_date": "2024-06-30",
        "total": str(sum(int(value) if value.isdecimal() else float(value) for value in first.values())),
        "dimensions": list(texts),
        "margins": texts,
    }
    return serve_document(*seal_document(content | more))


def published_document(**more: Any) -> MarginDocument:
    """The published shares of the 2024 census, as people of a hundred."""
    shares = PUBLISHED_SHARES
    return make_document(
        {
            "profession_group": dict(zip(PROFESSIONS, shares["profession_group"], strict=True)),
            "organisation_type": dict(zip(TYPES, shares["organisation_type"], strict=True)),
        },
        **more,
    )


def published_answers() -> dict[str, list[str]]:
    """The 2,141 answers of the published survey, a person a place."""
    people = [
        (profession, kind)
        for profession, row in zip(PROFESSIONS, PUBLISHED_ANSWERS, strict=True)
        for kind, count in zip(TYPES, row, strict=True)
        for _ in range(count)
    ]
    return {"profession_group": [one for one, _ in people], "organisation_type": [kind for _, kind in people]}


def drawn_answers(document: MarginDocument, count: int = 2179, seed: int = 7) -> dict[str, list[str]]:
    """Answers that resemble the margins, with some organisation types answering more than others."""
    keen = {"lero": 2.0, "local_authority": 1.4, "for_profit": 0.7}
    chance = random.Random(seed)
    return {
        dimension: chance.choices(
            list(margin), [float(value) * keen.get(category, 1.0) for category, value in margin.items()], k=count
        )
        for dimension, margin in document.margins.items()
    }


def as_csv(answers: Mapping[str, Sequence[str]]) -> str:
    """A survey file with these columns, after a number for each person."""
    lines = [",".join(("person", *answers))]
    lines += [",".join((str(number), *row)) for number, row in enumerate(zip(*answers.values(), strict=True), start=1)]
    return "\n".join(lines) + "\n"


def altered(text: str, **changes: Any) -> str:
    """The document with parts changed and its id left as it was."""
    return json.dumps({**json.loads(text), **changes})
