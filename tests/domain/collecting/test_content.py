"""The content of a return and its hash."""

from __future__ import annotations

import hashlib
import json
import random

from hypothesis import given
from hypothesis import strategies as st

from census_api.domain.collecting.content import Content, ContentCell, ContentRow, content_from_json

KEYS = {"staff": ("place", "role"), "pay": ("role",)}
_CELLS = st.dictionaries(
    st.sampled_from(["place", "role", "heads", "wte"]), st.integers(0, 9) | st.text(max_size=5), max_size=4
)
_ROWS = st.lists(st.tuples(st.sampled_from(["staff", "pay"]), _CELLS), max_size=8)


def content(rows: list[tuple[str, dict[str, ContentCell]]]) -> Content:
    made = Content(2024, {"name": "Alpha", "comments": "“é” 😀"})
    for position, (sheet, cells) in enumerate(rows):
        key = "|".join(str(cells.get(part, "")) for part in KEYS[sheet])
        made.rows.append(ContentRow(sheet, position, key, cells))
    return made


@given(rows=_ROWS, seed=st.integers(0, 99))
def test_the_order_of_rows_and_cells_is_no_part_of_the_hash(
    rows: list[tuple[str, dict[str, ContentCell]]], seed: int
) -> None:
    mixed = [(sheet, dict(random.Random(seed).sample(list(cells.items()), len(cells)))) for sheet, cells in rows]
    random.Random(seed).shuffle(mixed)
    assert content(mixed).sha256() == content(rows).sha256()


@given(rows=_ROWS)
def test_as_json_and_back_is_the_same_content(rows: list[tuple[str, dict[str, ContentCell]]]) -> None:
    made = content(rows)
    again = content_from_json(json.loads(json.dumps(made.as_json())), KEYS)
    assert again.as_json() == made.as_json()
    assert again.sha256() == made.sha256()


def test_the_hash_is_that_of_canonical_json() -> None:
    made = content([("staff", {"place": "B", "heads": 2}), ("staff", {"place": "A", "heads": 1})])
    text = json.dumps(
        {
            "census_year": 2024,
            "organisation": made.organisation,
            "staff": [{"heads": 1, "place": "A"}, {"heads": 2, "place": "B"}],
        },
        sort_keys=True, ensure_ascii=False, separators=(",", ":"),
    )  # fmt: skip
    assert made.sha256() == hashlib.sha256(text.encode()).hexdigest()


def test_every_answer_counts_and_one_is_not_the_text_1() -> None:
    base = content([("staff", {"place": "A", "heads": 1})])
    others = [
        content([("staff", {"place": "A", "heads": "1"})]),
        content([("staff", {"place": "A", "heads": 2})]),
        content([("staff", {"place": "A"})]),
        content([("pay", {"place": "A", "heads": 1})]),
        Content(2025, base.organisation, base.rows),
        Content(2024, {"name": "Alpha"}, base.rows),
    ]
    assert len({base.sha256(), *(other.sha256() for other in others)}) == 7


def test_tables_come_out_in_the_order_they_came_in() -> None:
    made = content([("staff", {"role": "B"}), ("pay", {"role": "X"}), ("staff", {"role": "A"})])
    assert made.table("staff") == [{"role": "B"}, {"role": "A"}]
    assert made.as_json()["pay"] == [{"role": "X"}]
    assert made.table("age") == []
