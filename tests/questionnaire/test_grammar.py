"""The written grammar: what is a number, what is a name, and that no pattern is slow."""

from __future__ import annotations

import re
import time

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from census_api.questionnaire import grammar

ALL = {**grammar.PATTERNS, "whole": grammar.WHOLE, "decimal": grammar.DECIMAL, "state": grammar.STATE}


def holds(pattern: str, text: str) -> bool:
    """As the plan reads it."""
    found: bool = pl.Series([text]).str.contains(pattern).item()
    return found


@pytest.mark.parametrize("text", ["0", "7", "12", "-3", "999999999999999"])
def test_whole_numbers(text: str) -> None:
    assert holds(grammar.WHOLE, text)
    assert holds(grammar.DECIMAL, text)


@pytest.mark.parametrize("text", ["12.5", "0.25", "-1.5", "0.0", "3.14159265358979323846"])
def test_decimals(text: str) -> None:
    assert holds(grammar.DECIMAL, text)
    assert not holds(grammar.WHOLE, text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "12 ", "+3", "007", "1,000", "1 000", "1_000", "12,5", ".5", "5.", "1.2.3", "1e3", "1E-3", "0x1F", "nan", "NaN",
     "inf", "Infinity", "twelve", "½", "٣", "１２", "12%", "£5", "--3", "-", "9" * 16, "1\n2", "TRUE", "None"],
)  # fmt: skip
def test_nothing_else_is_a_number(text: str) -> None:
    assert not holds(grammar.WHOLE, text)
    assert not holds(grammar.DECIMAL, text)


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_every_integer_as_python_writes_it_is_a_whole_number(number: int) -> None:
    assert re.fullmatch(grammar.WHOLE, str(number))


@given(st.text(max_size=30))
def test_what_the_grammar_takes_is_what_python_would_read(text: str) -> None:
    if re.fullmatch(grammar.WHOLE, text) and not text.endswith("\n"):
        assert str(int(text)) == text
    if re.fullmatch(grammar.DECIMAL, text) and not text.endswith("\n"):
        assert float(text) == float(text)
        assert text.isascii()


@pytest.mark.parametrize(
    "text", ["AB 12 34 56 C", "ab123456c", "QQ123456C", "943 476 5919", "9434765919", "943-476-5919"]
)
def test_personal_numbers_are_seen(text: str) -> None:
    assert holds(grammar.PERSONAL_NUMBER, f"see {text}, please")


@pytest.mark.parametrize(
    "text", ["0113 496 0000", "020 7946 0958", "contract 12/345", "E06000001", "30 June 2024", "12345678901"]
)
def test_other_numbers_are_not(text: str) -> None:
    assert not holds(grammar.PERSONAL_NUMBER, f"see {text}, please")


@pytest.mark.parametrize("text", ["Dr Patel", "Mrs. O'Neill", "Sarah Jones", "John Smith-Brown", "ask Ms Green"])
def test_names_of_people_are_seen(text: str) -> None:
    assert holds(grammar.PERSON_NAME, f"When {text} left, nobody came.")


@pytest.mark.parametrize(
    "text",
    ["Recovery Services", "the doctor", "a Nurse Prescriber", "Leeds City Council", "dr. of record", "in April 2024",
     "Service Manager post", "Sister service", "Change Grow Live"],
)  # fmt: skip
def test_names_of_roles_and_places_are_not(text: str) -> None:
    assert not holds(grammar.PERSON_NAME, f"We moved {text} in May.")


_HARD = ["0" * 30_000, "1" * 30_000 + "x", "a" * 30_000, "-" * 30_000, "(" * 30_000, "a@" * 15_000, "a@" + "a." * 15_000,
         "a@" + "a-" * 15_000, "AB" * 15_000, "Dr " * 10_000, "12 " * 10_000, " " * 30_000, "0 (" * 10_000, "John " * 6_000]  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_every_pattern_is_linear(name: str) -> None:
    start = time.process_time()
    for text in _HARD:
        holds(ALL[name], text)
        re.search(ALL[name], text)
    assert time.process_time() - start < 3


@pytest.mark.parametrize("name", ALL)
@given(text=st.text(max_size=40))
def test_the_plan_and_python_read_a_pattern_alike(name: str, text: str) -> None:
    pattern = ALL[name]
    assert holds(pattern, text) == (re.search(pattern.replace("$", r"\Z"), text) is not None)
