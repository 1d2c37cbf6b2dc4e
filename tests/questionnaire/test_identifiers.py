"""Identifiers of organisations elsewhere: what their numbers look like."""

from __future__ import annotations

import pytest

from census_api.questionnaire.areas import area_began, areas_after, region_of
from census_api.questionnaire.identifiers import identifier_schemes, local_authority_letters
from census_api.questionnaire.load import load_spec

SCHEMES = {scheme.key: scheme for scheme in identifier_schemes()}


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("ods", ["RAX", "01F", "7A1A5", "Z1070", "QWO"], ["A1", "rax", "RAX12345", "R-X", ""]),
        ("charity", ["279417", "1090095"], ["079417", "27941", "12345678", "1090095-1", "GB279417"]),
        (
            "company",
            ["09506232", "SC123456", "R0123456", "IP12345R", "CE012345"],
            ["9506232", "ABC12345", "095062321", "sc123456"],
        ),
        ("local_authority", ["WOT", "GED"], ["WO", "wot", "WOTS", "GB-LAE-WOT"]),
    ],
)
def test_forms_of_numbers(key: str, good: list[str], bad: list[str]) -> None:
    scheme = SCHEMES[key]
    assert scheme.fits(scheme.example)
    assert [number for number in good if not scheme.fits(number)] == []
    assert [number for number in bad if scheme.fits(number)] == []


@pytest.mark.parametrize(
    ("key", "given", "likely"),
    [
        ("company", "9506232", "09506232"),
        ("company", "sc 123456", "SC123456"),
        ("local_authority", "GB-LAE-WOT", "WOT"),
        ("ods", "rax", "RAX"),
        ("charity", "12", None),
        ("company", "09506232", None),
    ],
)
def test_what_was_probably_meant(key: str, given: str, likely: str | None) -> None:
    assert SCHEMES[key].likely(given) == likely


def test_letters_of_local_authorities_come_from_the_year() -> None:
    letters = local_authority_letters(load_spec(2025))
    assert {"HPL", "CMA", "CBD"} <= letters
    assert all(SCHEMES["local_authority"].fits(one) for one in letters)


def test_local_authorities_go_on_under_their_successors() -> None:
    later = load_spec(2025)
    assert areas_after(later, "E06000001") == ("E06000001",)
    assert areas_after(later, "E10000006") == ("E06000063", "E06000064")
    assert areas_after(later, "E08000016") == ("E08000038",)
    assert areas_after(later, "E99999999") == ()
    assert str(area_began(later, "E08000038")) == "2025-04-01"
    assert area_began(later, "E06000001") is None
    assert region_of(later, "E10000006") == region_of(later, "E06000063") == "E12000002"
    assert region_of(later, "nowhere") is None
