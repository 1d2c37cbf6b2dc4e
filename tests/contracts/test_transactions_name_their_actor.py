"""Services that touch returns say for whom each transaction is: leaving it out would be for everybody."""

from __future__ import annotations

import ast

import census_api.services
from census_api.questionnaire.resources import find_folder

OF_ACCOUNTS = {
    "accounts", "attempts", "demo_accounts", "one_time_links", "second_factor", "secrets_at_rest", "sessions",
    "single_sign_on", "tokens",
}  # fmt: skip
"""These find out who somebody is, so there is nobody yet to name; they touch no return."""


def test_every_transaction_names_its_actor() -> None:
    silent = []
    files = sorted((find_folder("tests").parent / "census_api" / "services").rglob("*.py"))
    assert len(files) > 80
    assert census_api.services.__file__ in map(str, files)
    for file in files:
        if file.stem in OF_ACCOUNTS:
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr in ("transaction", "snapshot") and not node.args and not node.keywords:
                silent.append(f"{file.parent.name}/{file.name}:{node.lineno}")
    assert silent == []
