"""Hypothesis strategies of whole returns, made from the spec: clean ones that fit by construction, and spoilt ones.

A return is its JSON tree. Spoilt cells are those that a workbook can hold as well: a program's slips of type (a count
as a text, a Boolean) have no workbook to be compared with and are left to the tests of the JSON return.
"""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from census_api.questionnaire.model import SheetQuestion, Spec
from tests.factories.returns import Row, Tree, breakdowns, clean_tree, service_row, staff_row

_SERVICES = ("adult_community", "young_people", "residential_rehabilitation", "inpatient_detox")
_WORDS = ("many", "12,5", "1 000", "n/a", "#N/A?", "Ünïcode", "=2+2", "-", "x" * 60, "half", "NK?", "1e3", "1.2.3")


@st.composite
def clean_returns(draw: st.DrawFn, spec: Spec) -> Tree:
    """A return without an error: every flow adds up and every breakdown fits the Staff sheet."""
    tree = clean_tree(spec)
    authorities = [code.code for code in spec.code_lists["local_authorities"].codes]
    lines = draw(
        st.lists(
            st.tuples(st.sampled_from(authorities), st.sampled_from(_SERVICES)), min_size=1, max_size=3, unique=True
        )
    )
    tree["services"] = [service_row(*line) for line in lines]
    tree["staff"] = [row for line in lines for row in draw(_line(spec, line))]
    tree["organisation"]["comments"] = draw(st.none() | st.text(st.characters(categories=["L", "N", "P"]), max_size=20))
    tree["organisation"] = {key: value for key, value in tree["organisation"].items() if value not in (None, "")}
    return tree | breakdowns(spec, tree["staff"])


@st.composite
def _line(draw: st.DrawFn, spec: Spec, line: tuple[str, str]) -> list[Row]:
    roles = [
        role.code
        for role in spec.code_lists["roles"].codes
        if role.attributes["pay_basis"] == "paid" and line[1] in role.many("service_types")
    ]
    chosen = draw(st.lists(st.sampled_from(roles), min_size=1, max_size=4, unique=True))
    return [draw(_row(role, line)) for role in chosen]


@st.composite
def _row(draw: st.DrawFn, role: str, line: tuple[str, str]) -> Row:
    paid = draw(st.integers(1, 40))
    leavers, starters = draw(st.integers(0, 5)), draw(st.integers(0, paid))
    hundredths = draw(st.integers(20 * paid, 100 * paid))
    row = staff_row(role, paid, f"{hundredths // 100}.{hundredths % 100:02d}", line)
    row |= {"starters": starters, "leavers": leavers, "opening_headcount": paid - starters + leavers}
    row["vacant_wte"] = draw(st.sampled_from(["0", "0.5", "2", "NK", "REFUSED"]))
    return row


@st.composite
def spoilt_returns(draw: st.DrawFn, spec: Spec) -> Tree:
    """A clean return with a few cells changed, rows repeated, dropped or blanked."""
    tree = copy.deepcopy(draw(clean_returns(spec)))
    for _ in range(draw(st.integers(1, 6))):
        sheet = draw(st.sampled_from([sheet for sheet in spec.sheets if sheet.kind != "form" and tree[sheet.key]]))
        rows = tree[sheet.key]
        index = draw(st.integers(0, len(rows) - 1))
        match draw(st.sampled_from(["cell", "cell", "cell", "repeat", "drop"])):
            case "cell":
                question = draw(st.sampled_from(sheet.fields))
                rows[index][question.key] = draw(_cells(question, spec))
            case "repeat":
                rows.append(dict(rows[index]))
            case "drop" if len(rows) > 1:
                del rows[index]
    if draw(st.booleans()):
        question = draw(st.sampled_from(spec.sheets[0].fields))
        tree["organisation"][question.key] = draw(_cells(question, spec))
    return tree


def _cells(question: SheetQuestion, spec: Spec) -> st.SearchStrategy[Any]:
    texts: st.SearchStrategy[Any] = st.none() | st.sampled_from(_WORDS) | st.sampled_from(["NK", "REFUSED", "NA"])
    if question.type == "count":
        return texts | st.integers(-3, 120_000)
    if question.type == "decimal":
        return texts | st.decimals(-2, 25_000, places=3).map(lambda number: f"{number:f}".rstrip("0").rstrip("."))
    if question.code_list:
        codes = spec.code_lists[question.code_list].codes
        return (
            texts
            | st.sampled_from(codes).map(lambda code: code.code)
            | st.sampled_from(codes).map(lambda code: code.label)
        )
    return texts
