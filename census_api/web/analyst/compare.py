"""Comparing two years: one question in the address, what may be said of it, and why the rest may not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response

from census_api.api.kit.dependencies import may
from census_api.api.kit.problems import status_of
from census_api.domain.comparing import REASONS, SHORT_REASONS, SHORT_TERMS, STATUSES, TERMS
from census_api.domain.kit.errors import InvalidRequest, NotFound
from census_api.domain.kit.measures import LINE_DIMENSIONS, MEASURES, PAID, ROLE_DIMENSIONS
from census_api.domain.snapshots.revisions import Snapshot
from census_api.services.aggregates.asking import what_can_be_asked
from census_api.services.comparing.comparisons import compare_snapshots, list_choices
from census_api.services.kit.tables_out import KINDS
from census_api.statistics.comparability.identity import REAL
from census_api.web.analyst.waterfall import Kind, Waterfall, WaterfallStep, draw_waterfall
from census_api.web.kit.visit import TheVisit, Visit
from census_api.web.kit.words import Tag, day_in_words

router = APIRouter(include_in_schema=False)

MOST_SHOWN = 300
"""Rows of the table on the page; the files hold them all."""
TAGS: Mapping[str, Tag] = {
    "BLOCKED": ("Blocked", "bad"),
    "CAUTION": ("With caution", "warn"),
    "COMPARABLE": ("Comparable", "good"),
    "NOT_APPLICABLE": ("Nothing to compare", ""),
}
_PARTS = {
    "within": "Rates that changed within services",
    "mix": "Staff who are on other services than before",
    "joiners": "Services that only answered in the later year",
    "leavers": "Services that only answered in the earlier year",
}
_SHORT_PARTS = {
    "within": "Within services", "mix": "Staff elsewhere", "joiners": "Only in later year",
    "leavers": "Only in earlier year",
}  # fmt: skip
_KINDS = {"real": "Real", "artefact": "Who answered", "year": ""}
_FILE_WORDS = {"json": "JSON", "csv": "CSV", "xlsx": "Excel workbook", "parquet": "Parquet"}
_Text = Annotated[str, Query(max_length=400)]
_Cell = Mapping[str, Any]


@router.get("/compare", dependencies=[may("aggregate.read")])
def compare_page(
    visit: TheVisit,
    before: Annotated[str, Query(alias="from", max_length=40)] = "",
    after: Annotated[str, Query(alias="to", max_length=40)] = "",
    measure: _Text = "wte",
    by: Annotated[list[str] | None, Query(max_length=20)] = None,
    cell: _Text = "",
) -> Response:
    """The question in the address with its answer, or the form alone, or the form again with what is wrong."""
    frozen, breakdowns = list_choices(visit.platform, visit.actor)
    wanted = [name.strip() for text in by or () for name in text.split(",") if name.strip()]
    page = _form(frozen, breakdowns, before, after, measure, wanted)
    if not (before and after):
        return visit.page("compare.html", **page, found=None)
    try:
        found = compare_snapshots(visit.platform, visit.actor, before, after, measure=measure, by=wanted)
    except (InvalidRequest, NotFound) as error:
        return visit.refused("compare.html", error, status_of(error) or 422, "by", **page, found=None)
    return visit.page("compare.html", **page, **_answer(visit, found, cell))


def _form(
    frozen: Sequence[Snapshot], breakdowns: Sequence[str], before: str, after: str, measure: str, by: Sequence[str]
) -> dict[str, Any]:
    """What can be chosen, and what is: at first the last two years."""
    years = sorted({snapshot.collection for snapshot in frozen})
    latest = {snapshot.collection: snapshot for snapshot in frozen}
    options = [(one.name, _named(one, latest)) for one in reversed(frozen)]
    names = {str(one.id): one.name for one in frozen} | {str(year): one.name for year, one in latest.items()}
    dimensions = [(name, _words(name)) for name in (*LINE_DIMENSIONS, *ROLE_DIMENSIONS, PAID, *breakdowns)]
    chosen = [latest[year].name for year in years[-2:]] if len(years) > 1 else ["", ""]
    return {
        "enough": len(years) > 1,
        "options": options,
        "before": names.get(before, before) or chosen[0],
        "after": names.get(after, after) or chosen[1],
        "measures": [(key, one.label) for key, one in MEASURES.items()],
        "measure": measure,
        "breakdowns": [("", "Nothing: the whole country"), *dimensions],
        "seconds": [("", "Nothing more"), *dimensions],
        "by": [*by, "", ""][:2],
    }


def _named(snapshot: Snapshot, latest: Mapping[int, Snapshot]) -> str:
    on = f", frozen on {day_in_words(snapshot.frozen_at.date())}" if snapshot.frozen_at else ""
    is_latest = latest[snapshot.collection].id == snapshot.id
    return str(snapshot.collection) if is_latest else f"{snapshot.collection}, revision {snapshot.revision}{on}"


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _answer(visit: Visit, found: dict[str, Any], chosen: str) -> dict[str, Any]:
    """Everything that the page says about a comparison."""
    labels = _labels(visit, found)
    rows = [_row(one, found, labels) for one in found["cells"][:MOST_SHOWN]]
    focus = next((one for one in found["cells"] if _key(one) == chosen), found["total"]) if chosen else found["total"]
    name = ", ".join(_label(labels, *pair) for pair in focus["by"].items()) or "the whole country"
    seen = sorted({reason for one in (focus, *found["cells"][:MOST_SHOWN]) for reason in one["reasons"]})
    return {
        "found": found,
        "years": [found["from"]["collection"], found["to"]["collection"]],
        "label": found["label"],
        "is_rate": "rate" in found["total"],
        "dimensions": [_words(name) for name in found["by"]],
        "rows": rows,
        "cells": len(found["cells"]),
        "most": MOST_SHOWN,
        "focus": focus,
        "name": name,
        "tag": TAGS[focus["status"]],
        "statement": STATUSES[focus["status"]],
        "reasons": [REASONS[reason] for reason in focus["reasons"]],
        "facts": _facts(focus, found),
        "coverage": _coverage(focus),
        "steps": _steps(focus),
        "picture": _picture(focus, found, name),
        "legend": [(SHORT_REASONS[reason], REASONS[reason]) for reason in seen],
        "files": [(_FILE_WORDS[kind], f"/api/v1/comparisons?{_address(found)}&format={kind}") for kind in KINDS],
        "link": f"/compare?{_address(found)}",
        "composition": [(_words(name), _points(value)) for name, value in (found["composition"] or {"mix": {}})["mix"].items()],
    }  # fmt: skip


def _labels(visit: Visit, found: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Words for codes; the earlier year's for those that the later no longer has."""
    books = [what_can_be_asked(visit.platform, visit.actor, found[year]["id"])[1] for year in ("from", "to")]
    return {
        name: {code: words for book in books for code, words in book.labels.get(name, {}).items()}
        for name in found["by"]
    }


def _label(labels: Mapping[str, Mapping[str, str]], name: str, value: str | None) -> str:
    return "In no one of them" if value is None else labels.get(name, {}).get(value, value)


def _key(cell: _Cell) -> str:
    return "|".join(value or "" for value in cell["by"].values())


def _row(cell: _Cell, found: Mapping[str, Any], labels: Mapping[str, Mapping[str, str]]) -> dict[str, object]:
    rate = "rate" in cell
    return {
        "labels": [_label(labels, *pair) for pair in cell["by"].items()],
        "href": f"/compare?{_address(found)}&{urlencode({'cell': _key(cell)})}#focus",
        "from": _figure(cell["from"], rate=rate),
        "to": _figure(cell["to"], rate=rate),
        "tag": TAGS[cell["status"]],
        "reasons": ", ".join(SHORT_REASONS[reason] for reason in cell["reasons"]),
        "change": _change(cell["change"], cell["change_pct"], rate=rate) or "Not shown",
        "matched": _change(cell["matched"]["change"], cell["matched"]["change_pct"], rate=rate) or "None",
    }


def _figure(value: float | None, *, rate: bool) -> str:
    if value is None:
        return "Not known"
    return f"{value:.1%}" if rate else _number(value)


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def _points(value: float | None) -> str:
    return "not known" if value is None else f"{100 * value:+.1f} points"


def _signed(value: float) -> str:
    return f"{value:+,.0f}" if float(value).is_integer() else f"{value:+,.1f}"


def _change(change: float | None, per_cent: float | None, *, rate: bool) -> str:
    if change is None:
        return ""
    if rate:
        return _points(change)
    return _signed(change) if per_cent is None else f"{_signed(change)} ({per_cent:+.1f}%)"


def _facts(cell: _Cell, found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was reported, what may be said of the change, and what is valid instead."""
    rate, matched = "rate" in cell, cell["matched"]
    years = (found["from"]["collection"], found["to"]["collection"])
    pairs = [
        (f"Reported in {year}", _figure(cell[end], rate=rate)) for year, end in zip(years, ("from", "to"), strict=True)
    ]
    shown = _change(cell["change"], cell["change_pct"], rate=rate)
    pairs.append(("Change of what was reported", shown or "Not shown: the two years are not comparable here"))
    of_matched = _change(matched["change"], matched["change_pct"], rate=rate)
    units = f"{matched['n']:,} {'service' if matched['n'] == 1 else 'services'}"
    ends = f"from {_figure(matched['from'], rate=rate)} to {_figure(matched['to'], rate=rate)}"
    pairs.append(("Answered in both years", f"{of_matched}: {units}, {ends}" if of_matched else "Nobody did"))
    if rate:
        return [*pairs, *_rate_facts(cell)]
    return [*pairs, *_level_facts(cell)]


def _level_facts(cell: _Cell) -> list[tuple[str, str]]:
    adjusted, pairs = cell["adjusted"], []
    if adjusted and adjusted["change"] is not None:
        said = f"{_change(adjusted['change'], adjusted['change_pct'], rate=False)}: from {_number(adjusted['from'])} to {_number(adjusted['to'])}"
        if adjusted["interval"]:
            said += f" (95% interval of the change {_signed(adjusted['interval'][0])} to {_signed(adjusted['interval'][1])})"
        pairs.append(("Adjusted for who did not answer", said))
    else:
        pairs.append(("Adjusted for who did not answer", "Not shown: it would rest on too little"))
    if cell["bounds"]:
        low, high = (None if end is None else _signed(end) for end in cell["bounds"])
        pairs.append(
            ("Plausible change, everybody counted", f"{low or 'no lower bound'} to {high or 'no upper bound'}")
        )
    share = cell["share"]
    if share and share["from"] is not None and share["to"] is not None:
        said = f"{share['from']:.1%} and {share['to']:.1%}"
        change = _points(share["change"]) if share["change"] is not None else "its change is not shown"
        pairs.append(("Share of the whole", f"{said}; {change}"))
    return pairs


def _rate_facts(cell: _Cell) -> list[tuple[str, str]]:
    rate = cell["rate"]
    pairs = [("Due to who answered", _points(rate["participation_effect"]))]
    ends = cell["matched"]["leave_one_out"]
    if ends:
        pairs.append(("Leaving any one service out", f"{_points(ends[0])} to {_points(ends[1])}"))
    return pairs


def _coverage(cell: _Cell) -> list[tuple[str, list[str]]]:
    """Who answered, a row a fact, a column a year."""
    years = [cell["coverage"][year] for year in ("from", "to")]

    def share(name: str) -> list[str]:
        return ["not known" if year[name] is None else f"{year[name]:.1%}" for year in years]

    return [
        (
            "Services that answered, of those expected",
            [f"{year['answered']:,} of {year['expected']:,}" for year in years],
        ),
        ("Answered, by size", share("size")),
        ("Largest that did not answer", share("largest_missing")),
        ("Of the figure, answered in both years", share("match_rate")),
        ("Rows that give the figure", share("items")),
    ]


def _steps(cell: _Cell) -> list[tuple[str, str, str]]:
    """(what, how much, kind) of everything that the difference is made of."""
    words = _PARTS if "rate" in cell else TERMS
    return [(words[name], step.said, _KINDS[step.kind]) for name, step in _changes(cell).items() if step.value]


def _changes(cell: _Cell) -> dict[str, WaterfallStep]:
    """The steps by the key of their term or part."""
    if "rate" in cell:
        return {
            name: WaterfallStep(
                words, cell["rate"][name] or 0.0, _points(cell["rate"][name]), _kind(name in ("within", "mix"))
            )
            for name, words in _SHORT_PARTS.items()
        }
    return {
        name: WaterfallStep(words, cell["terms"][name], _signed(cell["terms"][name]), _kind(name in REAL))
        for name, words in SHORT_TERMS.items()
    }


def _kind(is_real: bool) -> Kind:
    return "real" if is_real else "artefact"


def _picture(cell: _Cell, found: Mapping[str, Any], name: str) -> Waterfall | None:
    if cell["from"] is None or cell["to"] is None:
        return None
    rate = "rate" in cell
    years = (found["from"]["collection"], found["to"]["collection"])
    ends = [
        WaterfallStep(f"Reported in {year}", cell[end], _figure(cell[end], rate=rate), "year")
        for year, end in zip(years, ("from", "to"), strict=True)
    ]
    title = f"{found['label']}, {name}: from {years[0]} to {years[1]}"
    return draw_waterfall("steps", title, ends[0], [*_changes(cell).values()], ends[1])


def _address(found: Mapping[str, Any]) -> str:
    """The shortest address of the question."""
    asked = [("from", found["from"]["name"]), ("to", found["to"]["name"]), ("measure", found["measure"])]
    if found["by"]:
        asked.append(("by", ",".join(found["by"])))
    return urlencode(asked, safe=",")
