"""The resolved spec of a year as JSON: everything that the year's files and those they extend add up to."""

from __future__ import annotations

import json
from typing import Any

from census_api.questionnaire.model import Spec


def resolve_spec(spec: Spec) -> dict[str, Any]:
    """The whole spec as plain JSON values, in the order of the files. `digest` is the one in reports and templates."""
    return {
        "year": spec.year,
        "digest": spec.digest,
        "collection": spec.collection.model_dump(mode="json"),
        "sheets": {sheet.key: sheet.model_dump(mode="json") for sheet in spec.sheets},
        "code_lists": {name: code_list.model_dump(mode="json") for name, code_list in spec.code_lists.items()},
        "mappings": {name: [dict(row) for row in rows] for name, rows in spec.mappings.items()},
        "rules": {rule.code: rule.model_dump(mode="json") for rule in spec.rules},
    }


def as_text(tree: dict[str, Any]) -> str:
    """JSON with one entry a line down to the rows of lists, so that a change of one code is a change of one line."""
    return _lines(tree, "") + "\n"


def _lines(node: object, indent: str) -> str:
    inner = indent + "  "
    flat = json.dumps(node, ensure_ascii=False)
    if len(indent) + len(flat) <= _LINE or not isinstance(node, dict | list) or not node:
        return flat
    if isinstance(node, dict):
        entries = [
            f"{inner}{json.dumps(key, ensure_ascii=False)}: {_lines(value, inner)}" for key, value in node.items()
        ]
        return "{\n" + ",\n".join(entries) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + _lines(value, inner) for value in node) + f"\n{indent}]"


_LINE = 160
