"""The main navigation: what a visitor can use, and where in it they are."""

from __future__ import annotations

from census_api.domain.kit.access import Actor, is_allowed

_PUBLIC = (("About", "/about"), ("Check a file", "/check"), ("Rules", "/rules"), ("Dictionary", "/dictionary"))
_ANALYST = (("Explore", "/explore"), ("Compare", "/compare"))
_RETURNS = ("Your returns", "/returns")
_TEAM = ("Team", "/team")
# addresses that belong to an entry whose own address they do not begin with
_BELOW = {"/returns": ("/collections/", "/organisations/", "/receipts/"), "/team": ("/outbox",)}


def list_navigation(actor: Actor, path: str) -> list[tuple[str, str, str]]:
    """(label, address, current) for a visitor at a path: `current` is `page`, `true` below that page, or empty."""
    entries = list(_PUBLIC)
    if is_allowed(actor, "aggregate.read"):
        entries = [*_ANALYST, *entries]
    if not actor.roles.isdisjoint({"census_team", "administrator"}):
        entries = [_TEAM, *entries]
    if actor.memberships or actor.watched:
        entries = [_RETURNS, *entries]
    return [(label, href, _current(href, path)) for label, href in entries]


def _current(href: str, path: str) -> str:
    if path == href:
        return "page"
    below = (f"{href}/", *_BELOW.get(href, ()))
    return "true" if path.startswith(below) else ""
