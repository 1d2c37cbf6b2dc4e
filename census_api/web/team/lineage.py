"""Lineage: what is suggested, on what grounds, and confirming or refusing it."""

from __future__ import annotations

import uuid
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Response

from census_api.api.kit.dependencies import may
from census_api.domain.collecting.deadlines import in_words
from census_api.domain.kit.errors import CensusError, InvalidRequest, NotFound
from census_api.domain.register.lineage import EDGE_STATES, EdgeFilter, EdgeState, LineageEdge, LineKey
from census_api.services.collecting.collections import list_collections
from census_api.services.register.lineage import list_edges, settle_edge, store_suggestions
from census_api.web.kit.problems import status_for
from census_api.web.kit.visit import CursorQuery, ThePosted, TheVisit, Visit
from census_api.web.kit.words import Tag, count_in_words, day_in_words, row_words

router = APIRouter(include_in_schema=False)

ON_A_PAGE = 50
_STATES: dict[EdgeState, Tag] = {
    "suggested": ("To decide", "warn"),
    "confirmed": ("Confirmed", "good"),
    "refused": ("Refused", ""),
}
_DOOR = [may("frame.manage")]
StateFilter = Annotated[EdgeState, Query()]
EdgeId = Annotated[uuid.UUID, Path()]


@router.get("/team/lineage", dependencies=_DOOR)
def show_lineage(
    visit: TheVisit,
    state: StateFilter = "suggested",
    cursor: CursorQuery = None,
    found: Annotated[int | None, Query(ge=0, le=1_000_000)] = None,
) -> Response:
    """The edges of one state: those to decide unless another is asked for."""
    said = (
        ""
        if found is None
        else f"{count_in_words(found, 'new suggestion')} found."
        if found
        else "Nothing new is suggested."
    )
    return _page(visit, state, cursor, said=said)


@router.post("/team/lineage/suggest", dependencies=_DOOR)
def find_suggestions(visit: TheVisit, typed: ThePosted) -> Response:
    """Compares two frames by names, identifiers and places, and keeps what looks like one line going on as another."""
    try:
        before, after = _year(typed["from_year"]), _year(typed["to_year"])
        found = store_suggestions(visit.platform, visit.actor, before, after)
    except (InvalidRequest, NotFound) as error:
        return _page(
            visit, "suggested", None, status_for(error), errors={"from_year": error.message}, typed=typed.values
        )
    return visit.go(f"/team/lineage?found={len(found)}")


@router.post("/team/lineage/{edge}", dependencies=_DOOR)
def decide_edge(visit: TheVisit, edge: EdgeId, typed: ThePosted) -> Response:
    """Confirms or refuses an edge, with what shows it."""
    state: EdgeState = next((entry for entry in EDGE_STATES if entry == typed["state"]), "suggested")
    try:
        decision = typed["decision"]
        if decision == "confirmed":
            settle_edge(visit.platform, visit.actor, edge, "confirmed", typed["evidence"])
        elif decision == "refused":
            settle_edge(visit.platform, visit.actor, edge, "refused", typed["evidence"])
        else:
            raise InvalidRequest("Press one of the two buttons: confirm or refuse.")
    except NotFound:
        raise
    except CensusError as error:
        errors = {f"evidence-{edge}": error.message}
        return _page(visit, state, None, status_for(error), errors=errors, typed=typed.values, tried=str(edge))
    return visit.go(f"/team/lineage?state={state}")


def _page(visit: Visit, state: EdgeState, cursor: str | None, status: int = 200, **values: Any) -> Response:
    platform, actor = visit.platform, visit.actor
    found = list_edges(platform, actor, EdgeFilter(state=state), cursor=cursor, limit=ON_A_PAGE)
    years = [entry.year for entry in list_collections(platform, actor)]
    return visit.page(
        "team_lineage.html",
        status,
        **{
            "edges": [_shown(visit, edge) for edge in found.items],
            "total": found.total,
            "state": state,
            "states": list(_STATES.items()),
            "following": found.next,
            "base": f"/team/lineage?{urlencode({'state': state})}&",
            "years": [(str(year), str(year)) for year in years],
            "said": "",
            "typed": {},
            "tried": "",
            **values,
        },
    )


def _shown(visit: Visit, edge: LineageEdge) -> dict[str, Any]:
    decided = f"{edge.decided_by}, {in_words(edge.decided_at)}" if edge.decided_by and edge.decided_at else ""
    return {
        "edge": edge,
        "source": _line(visit, edge.from_year, edge.source),
        "target": _line(visit, edge.to_year, edge.target),
        "kind": edge.kind.replace("_", " "),
        "tag": _STATES[edge.state],
        "effective": day_in_words(edge.effective),
        "decided": decided,
    }


def _line(visit: Visit, year: int, line: LineKey) -> str:
    spec = visit.platform.spec(year)
    words = row_words(spec, "services", f"{line.local_authority_code}|{line.service_type}")
    return f"{line.organisation}: {words}"


def _year(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) == 4):
        raise InvalidRequest("Choose the two censuses.")
    return int(text)
