"""What can be asked of a snapshot, and the reading of a question: every name in it is one of a list, or is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from census_api.domain.aggregates import BREAKDOWNS, DIMENSIONS, PAID_VALUES, WHOLE_MEASURES, Query
from census_api.domain.kit.errors import InvalidRequest
from census_api.domain.kit.measures import LINE_DIMENSIONS, MEASURES, PAID, ROLE_DIMENSIONS, Measure
from census_api.questionnaire.model import Spec

MOST_DIMENSIONS = 4
_SHOWN = 20
_LISTS = {
    "region": "regions",
    "local_authority": "local_authorities",
    "sector": "sectors",
    "service_type": "service_types",
    "organisation_type": "organisation_types",
    "role_group": "role_groups",
    "profession_group": "profession_groups",
}
_REGULATED = {
    "yes": "Regulated",
    "accredited_register": "On an accredited register",
    "pre-registration": "In training for a regulated role",
    "no": "Not regulated",
}
_OF_PEOPLE = "paid_headcount"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question as it was asked. Each text may hold several names, with commas between them."""

    by: Sequence[str] = ()
    measures: Sequence[str] = ()
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Codebook:
    """Dimension -> code -> words, in the order of the code lists; and the snapshot's roles with their attributes.

    `by_role` names the breakdowns that have a row for each role; the others have one for each role group.
    """

    labels: Mapping[str, Mapping[str, str]]
    roles: Sequence[Mapping[str, str]]
    by_role: frozenset[str]

    def ranks(self, dimension: str) -> dict[str, int]:
        """Code -> its place in the list."""
        return {code: place for place, code in enumerate(self.labels[dimension])}

    def role_keys(self, query: Query) -> list[tuple[tuple[str | None, ...], list[str]]]:
        """For each combination of the query's codes of role: the roles (or groups) that pass its filters."""
        names, filters = query.used(ROLE_DIMENSIONS), query.filtered(ROLE_DIMENSIONS)
        key = "role" if query.sheet is None or query.sheet in self.by_role else "role_group"
        found: dict[tuple[str | None, ...], dict[str, None]] = {}
        for role in self.roles:
            if all(role[name] in codes for name, codes in filters.items()):
                found.setdefault(tuple(role[name] for name in names), {})[role[key]] = None
        return [(codes, list(keys)) for codes, keys in found.items()]


def codebook_of(spec: Spec, roles: Sequence[Mapping[str, str]]) -> Codebook:
    """The codes of a year and the roles of its snapshot."""
    labels: dict[str, dict[str, str]] = {}
    for name in DIMENSIONS:
        if name in _LISTS:
            labels[name] = {code.code: code.label for code in spec.code_lists[_LISTS[name]].codes}
        elif name in BREAKDOWNS:
            labels[name] = {question.key: question.label for question in spec.sheet[name].counts}
    order = {code.code: place for place, code in enumerate(spec.code_lists["roles"].codes)}
    listed = sorted(roles, key=lambda role: (order.get(role["role"], len(order)), role["role"]))
    labels["role"] = {role["role"]: role["label"] for role in listed}
    labels["regulated"] = dict(_REGULATED)
    labels[PAID] = {value: value.capitalize() for value in PAID_VALUES}
    by_role = frozenset(sheet.key for sheet in spec.breakdowns if sheet.rows_by == "role_code")
    return Codebook({name: labels[name] for name in DIMENSIONS}, listed, by_role)


def parse_question(wanted: Wanted, book: Codebook) -> Query:
    """The question as a query. Raises InvalidRequest, saying what there is to choose from."""
    by = _names(wanted.by, DIMENSIONS, "dimension", "dimensions")
    if len(by) > MOST_DIMENSIONS:
        raise InvalidRequest(f"A breakdown has at most {MOST_DIMENSIONS} dimensions. Ask for fewer of them in by.")
    filters = _filters(wanted.filters, book)
    of_people = any(name in BREAKDOWNS for name in (*by, *filters))
    keys = _names(wanted.measures, tuple(MEASURES), "measure", "measures") or (_OF_PEOPLE if of_people else "wte",)
    query = Query(by, tuple(MEASURES[key] for key in keys), filters)
    _check_breakdown(query, book)
    for measure in query.measures:
        _check_measure(measure, query)
    return query


def _names(texts: Iterable[str], known: Sequence[str], one: str, many: str) -> tuple[str, ...]:
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise InvalidRequest(f"There is no {one} {name[:40]!r}. The {many} are {', '.join(known)}.")
        if names.count(name) > 1:
            raise InvalidRequest(f"The {one} {name} is asked for twice. Name it once.")
    return tuple(names)


def _filters(given: Mapping[str, Sequence[str]], book: Codebook) -> dict[str, tuple[str, ...]]:
    filters: dict[str, tuple[str, ...]] = {}
    for name in DIMENSIONS:
        codes = {code.strip() for text in given.get(name, ()) for code in text.split(",") if code.strip()}
        known = book.labels[name]
        for code in sorted(codes - set(known)):
            raise InvalidRequest(
                f"There is no {name} {code[:40]!r} in this snapshot's year. {_choice(name, list(known))}"
            )
        if codes:
            filters[name] = tuple(code for code in known if code in codes)
    return filters


def _choice(name: str, known: list[str]) -> str:
    if len(known) <= _SHOWN:
        return f"Choose from {', '.join(known)}."
    return f"There are {len(known)}, such as {', '.join(known[:3])}; break down by {name} to see all, or look in the dictionary."


def _check_breakdown(query: Query, book: Codebook) -> None:
    sheets = {name for name in (*query.by, *query.filters) if name in BREAKDOWNS}
    if not sheets:
        return
    if len(sheets) > 1:
        raise InvalidRequest(
            f"Nobody is asked how {' and '.join(sorted(sheets))} go together, so they cannot be crossed. "
            "Ask for one of them at a time."
        )
    sheet = sheets.pop()
    other = [measure.key for measure in query.measures if measure.key != _OF_PEOPLE]
    if other:
        raise InvalidRequest(
            f"Only {_OF_PEOPLE} is asked by {sheet}, so {', '.join(other)} cannot be broken down by it. "
            f"Ask for the measure {_OF_PEOPLE} ({MEASURES[_OF_PEOPLE].label})."
        )
    unknown = {PAID} if sheet in book.by_role else {PAID, "role", "regulated", "profession_group"}
    wrong = sorted(unknown & {*query.by, *query.filters})
    if wrong:
        allowed = (*LINE_DIMENSIONS, *(name for name in ROLE_DIMENSIONS if name not in unknown))
        raise InvalidRequest(
            f"{sheet} is not asked by {', '.join(wrong)}. It can be crossed with {', '.join(allowed)}."
        )


def _check_measure(measure: Measure, query: Query) -> None:
    named = {*query.by, *query.filters}
    if PAID in named and measure.key not in WHOLE_MEASURES:
        raise InvalidRequest(
            f"{measure.key} does not hold paid and unpaid staff together, so it cannot be split or filtered by paid. "
            f"The measures that can are {', '.join(WHOLE_MEASURES)}."
        )
    deciding = sorted({"role", "regulated"} & set(query.by))
    if measure.of is not None and deciding:
        raise InvalidRequest(
            f"{measure.key} sets regulated roles against the others, and {' and '.join(deciding)} says which a row is: "
            "each cell would hold one side only. Break it down by something else, such as role_group or region."
        )
