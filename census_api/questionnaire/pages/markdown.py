"""Small pieces of Markdown that the reference pages are put together from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

GENERATED = "<!-- Written by `census build` from the files under schemas/. Change those, not this page. -->"
SEVERITY_WORDS = {
    "error": "Error: must be corrected before the return can be signed off",
    "query": "Query: correct it, or explain why it is right",
    "note": "Note: for information, nothing has to be done",
}


def write_page(title: str, *blocks: str) -> str:
    """A whole page: the title, the note on where it comes from, the blocks that are not empty."""
    return "\n\n".join([f"# {title}", GENERATED, *filter(None, blocks)]) + "\n"


def write_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table, one line a row. Bars and line breaks in cells are made harmless."""
    lines = ["| " + " | ".join(headers) + " |", "|" + " --- |" * len(headers)]
    lines += ["| " + " | ".join(map(escape_cell, row)) + " |" for row in rows]
    return "\n".join(lines)


def escape_cell(value: object) -> str:
    """Text for one table cell."""
    return " ".join(str(value).split()).replace("|", "\\|")


def quote_code(text: str) -> str:
    return f"`{text}`"


def write_bullets(pairs: Iterable[tuple[str, str]]) -> str:
    """A list of `**name**: text`; pairs without text are left out."""
    return "\n".join(f"- **{name}**: {text}" for name, text in pairs if text)


def make_anchor(heading: str) -> str:
    """The address that Markdown viewers give to a heading: small letters, digits, `-` and `_`."""
    kept = (letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return "".join(kept).replace(" ", "-")


def write_link(text: str, heading: str) -> str:
    return f"[{text}](#{make_anchor(heading)})"


def count_of(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
