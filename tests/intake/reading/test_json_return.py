"""The JSON return is read strictly: whatever a program sends is judged or refused in words, and never guessed at."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from census_api.domain.collecting.findings import Finding
from census_api.domain.kit.errors import CensusError, InvalidRequest, NotFound, Refused
from census_api.intake.judging.judge import Context, Judged, judge_return
from census_api.intake.reading.json_return import MAX_UNKNOWN
from census_api.questionnaire.load import load_spec
from tests.factories.returns import clean_tree

YEAR = 2024
SPEC = load_spec(YEAR)


def judged(data: bytes | dict[str, Any], year: int | None = YEAR) -> Judged:
    return judge_return(data if isinstance(data, bytes) else json.dumps(data).encode(), year, Context())


def judged_or_refused(data: bytes) -> Judged | None:
    """None where the bytes are refused, which is said in a sentence."""
    refusal = ""
    try:
        return judged(data)
    except CensusError as problem:
        refusal = problem.message
    assert refusal.endswith(".")
    assert len(refusal) < 400
    return None


def findings(tree: dict[str, Any], pointer: str) -> list[Finding]:
    return [finding for finding in judged(tree).report.findings if finding.pointer == pointer]


def text_of(tree: dict[str, Any]) -> str:
    return json.dumps(tree)


def with_cell(field: str, literal: str) -> bytes:
    """The clean return with this JSON text as one Staff cell."""
    tree = clean_tree(SPEC)
    tree["staff"][0][field] = "@@"
    return text_of(tree).replace('"@@"', literal).encode("utf-8", "surrogatepass")


REFUSED: dict[str, tuple[bytes, str]] = {
    "a key twice": (b'{"census_year": 2024, "staff": [], "staff": [{}]}', "json_duplicate_key"),
    "a key twice deep inside": (b'{"organisation": {"name": "a", "name": "b"}}', "json_duplicate_key"),
    "NaN": (with_cell("paid_wte", "NaN"), "json_not_a_number"),
    "Infinity": (with_cell("paid_wte", "Infinity"), "json_not_a_number"),
    "-Infinity": (with_cell("paid_headcount", "-Infinity"), "json_not_a_number"),
    "10,000 lists deep": (b'{"staff": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "json_depth"),
    "10,000 objects deep": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "json_depth"),
    "something after the end": (text_of({"census_year": YEAR}).encode() + b" {}", "json_broken"),
    "cut off": (text_of(clean_tree(SPEC)).encode()[:-9], "json_broken"),
    "a comma too many": (b'{"census_year": 2024,}', "json_broken"),
    "a comment": (b'{"census_year": 2024 /* */}', "json_broken"),
    "single quotes": (b"{'census_year': 2024}", "json_broken"),
    "a bare tab in a text": (b'{"organisation": {"name": "a\tb"}}', "json_broken"),
    "a leading zero": (with_cell("starters", "012"), "json_broken"),
    "a plus sign": (with_cell("starters", "+12"), "json_broken"),
    "a hexadecimal": (with_cell("starters", "0x1F"), "json_broken"),
    "Arabic digits as a number": (with_cell("starters", "\u0663"), "json_broken"),
    "not UTF-8": ('{"organisation": {"name": "Am\u00e9lie"}}'.encode("latin-1"), "json_encoding"),
    "a list at the top": (b"[]", "json_shape"),
    "organisation as a list": (b'{"organisation": []}', "json_shape"),
    "staff as an object": (b'{"staff": {}}', "json_shape"),
    "a staff row as a list": (b'{"staff": [[1, 2]]}', "json_shape"),
    "a staff row as null": (b'{"staff": [null]}', "json_shape"),
    "pay as a number": (b'{"pay": 7}', "json_shape"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_return_is_refused_in_words(name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(Refused) as refusal:
        judged(data)
    assert refusal.value.reason == reason
    assert refusal.value.message.endswith(".")
    assert len(refusal.value.message) < 400


@pytest.mark.parametrize(
    "data", [b"", b"   ", b"7", b'"staff"', b"null", b"true", b"\xff\xfe{\x00}\x00", b"\x00", b"{"]
)
def test_scraps_are_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        judged(data)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_only_utf_8_is_read(encoding: str) -> None:
    with pytest.raises(Refused):
        judged(text_of(clean_tree(SPEC)).encode(encoding))


def test_a_byte_order_mark_changes_nothing() -> None:
    data = text_of(clean_tree(SPEC)).encode()
    assert judged(b"\xef\xbb\xbf" + data).report == judged(data).report


# field, JSON text, rule that speaks, value in the finding
CELLS = [
    ("starters", "false", "STF-006", "false"),
    ("starters", "true", "STF-006", "true"),
    ("starters", '"12"', "STF-006", '"12"'),
    ("starters", '" 12 "', "STF-006", '"12"'),
    ("starters", "12.0", "STF-006", "12.0"),
    ("starters", "12.5", "STF-006", "12.5"),
    ("starters", "1e2", "STF-006", "1e2"),
    ("starters", "-0", "STF-006", "-0"),
    ("starters", "1e309", "STF-006", "1e309"),
    ("starters", "9" * 5_000, "STF-006", None),
    ("starters", '"\u0661\u0662"', "STF-006", "\u0661\u0662"),
    ("starters", '"\uff11\uff12"', "STF-006", "\uff11\uff12"),
    ("starters", '"1_000"', "STF-006", "1_000"),
    ("starters", '"1,000"', "STF-006", "1,000"),
    ("starters", '"nan"', "STF-006", "nan"),
    ("starters", '"NA"', "STF-011", "NA"),
    ("starters", "-1", "STF-008", "-1"),
    ("starters", "[]", "FIL-021", "a list or an object"),
    ("starters", "{}", "FIL-021", "a list or an object"),
    ("paid_wte", "false", "STF-007", "false"),
    ("paid_wte", '"12,5"', "STF-007", "12,5"),
    ("paid_wte", '"1e1"', "STF-007", "1e1"),
    ("paid_wte", '"Infinity"', "STF-007", "Infinity"),
    ("paid_wte", "1e309", "STF-007", "1e309"),
    ("paid_wte", "1e-400", "STF-007", "1e-400"),
    ("paid_wte", "9" * 5_000, "STF-007", None),
    ("paid_wte", "8.123", "STF-010", "8.123"),
    ("paid_wte", '"\u0661.5"', "STF-007", "\u0661.5"),
    ("paid_wte", "-0.5", "STF-008", "-0.5"),
    ("role_code", "7", "FIL-021", "7"),
    ("role_code", "true", "FIL-021", "true"),
    ("role_code", '"DA\\u0000W"', "FIL-022", "DA\ufffdW"),
    ("role_code", '"\\ud800"', "FIL-022", "\ufffd"),
]


@pytest.mark.parametrize(("field", "literal", "rule", "value"), CELLS, ids=[f"{c[0]} {c[1][:12]!a}" for c in CELLS])
def test_types_are_strict(field: str, literal: str, rule: str, value: str | None) -> None:
    result = judged(with_cell(field, literal))
    found = [f for f in result.report.findings if f.pointer == f"/staff/0/{field}" and f.rule == rule]
    assert len(found) == 1
    assert found[0].severity == "error"
    assert len(found[0].value or "") <= 100
    if value is not None:
        assert found[0].value == value


@pytest.mark.parametrize("literal", ["8.4", '"8.4"', "8.40", "0.84e1", '" 8.40 "', "8.400000000000000355"])
def test_one_decimal_in_many_spellings_is_one_content(literal: str) -> None:
    result = judged(with_cell("paid_wte", literal))
    assert result.report.outcome == "clean"
    assert result.report.content_sha256 == judged(clean_tree(SPEC)).report.content_sha256


@pytest.mark.parametrize("literal", ["0", '"0.00"', "0.0", "0e0"])
def test_zero_is_zero_and_not_blank(literal: str) -> None:
    result = judged(with_cell("vacant_wte", literal))
    assert result.content.table("staff")[0]["vacant_wte"] == "0"


@pytest.mark.parametrize("literal", ["null", '""', '"  "'])
def test_null_and_empty_texts_are_blank_and_not_zero(literal: str) -> None:
    result = judged(with_cell("vacant_wte", literal))
    assert "vacant_wte" not in result.content.table("staff")[0]
    assert [finding.rule for finding in result.report.findings] == ["STF-015"]


# --- the year ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "rule"),
    [(2023, "FIL-001"), (0, "FIL-001"), (10**300, "FIL-001"), (2024.0, "FIL-001"), ("2024", "FIL-021"), (True, "FIL-021"),
     ([2024], "FIL-021"), ({}, "FIL-021"), ("\ud800\x00", "FIL-021")],
)  # fmt: skip
def test_a_year_that_is_not_the_one_asked_for_is_said(stated: object, rule: str) -> None:
    (finding,) = findings(clean_tree(SPEC) | {"census_year": stated}, "/census_year")
    assert finding.rule == rule
    assert "not given" not in finding.message


@pytest.mark.parametrize("stated", [None, "2024", True, 2024.5, [], {}, 10**300])
def test_without_a_year_from_anybody_the_answer_asks_for_it(stated: object) -> None:
    with pytest.raises(InvalidRequest, match="census_year"):
        judged(clean_tree(SPEC) | {"census_year": stated}, None)


@pytest.mark.parametrize("stated", [1066, 9999, 2021])
def test_a_year_without_a_census_is_not_found(stated: int) -> None:
    with pytest.raises(NotFound, match="There is no census of"):
        judged(clean_tree(SPEC) | {"census_year": stated}, None)


def test_the_year_in_the_file_decides_where_nobody_asks() -> None:
    assert judged(clean_tree(SPEC), None).report.collection == YEAR


# --- what is not asked ------------------------------------------------------------------------------------------


def test_unknown_fields_are_named_wherever_they_stand() -> None:
    tree = clean_tree(SPEC)
    tree["admin"] = True
    tree["organisation"]["status"] = "accepted"
    tree["staff"][1]["a/b~c"] = 1
    found = {(finding.rule, finding.pointer) for finding in judged(tree).report.findings}
    assert found == {("FIL-004", "/admin"), ("FIL-007", "/organisation/status"), ("FIL-007", "/staff/1/a~1b~0c")}


def test_a_great_many_unknown_fields_are_counted_and_the_report_stays_small() -> None:
    tree = clean_tree(SPEC)
    for place in (tree, tree["organisation"], tree["staff"][0]):
        place |= {f"k{number}": number for number in range(5_000)}
    result = judged(tree)
    by_rule = [finding.rule for finding in result.report.findings]
    assert by_rule.count("FIL-004") == MAX_UNKNOWN + 1
    assert by_rule.count("FIL-007") == 2 * (MAX_UNKNOWN + 1)
    assert sum("and 4800 more" in finding.message for finding in result.report.findings) == 3
    assert len(json.dumps(result.report.as_json())) < 500_000


def test_a_long_text_is_not_echoed() -> None:
    tree = clean_tree(SPEC)
    tree["staff"][0]["role_code"] = "x" * 100_000
    tree["x" * 100_000] = 1
    assert len(json.dumps(judged(tree).report.as_json())) < 10_000


def test_control_characters_and_halves_of_pairs_never_get_into_the_content() -> None:
    tree = clean_tree(SPEC)
    tree["organisation"]["comments"] = "a\x00b\ud800c\udc00"
    result = judged(tree)
    comments = result.content.organisation["comments"]
    assert comments == "a\ufffdb\ufffdc\ufffd"
    assert {finding.rule for finding in result.report.findings} == {"FIL-022", "ORG-008"}


# --- anything at all --------------------------------------------------------------------------------------------

_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            found += _places(value, (*path, key))
    return found


PLACES = _places(clean_tree(SPEC))


@settings(max_examples=150)
@given(place=st.sampled_from(PLACES), value=_ANY)
def test_any_value_in_place_of_any_node_is_judged_or_refused(place: tuple[Any, ...], value: Any) -> None:
    tree: Any = {"": clean_tree(SPEC)}
    node = tree
    for key in ("", *place)[:-1]:
        node = node[key]
    node[("", *place)[-1]] = value
    result = judged_or_refused(json.dumps(tree[""]).encode("utf-8", "surrogatepass"))
    if result is None:
        return
    assert result.report.rules["failed"] == 0
    assert result.content.sha256() == result.report.content_sha256
    json.dumps(result.report.as_json(), allow_nan=False).encode()


@settings(max_examples=100)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_judged_or_refused(data: bytes) -> None:
    with pytest.raises(CensusError):
        judged(data)


@settings(max_examples=60)
@given(cut=st.integers(0, 3_000), junk=st.binary(max_size=4))
def test_a_damaged_return_is_judged_or_refused(cut: int, junk: bytes) -> None:
    data = text_of(clean_tree(SPEC)).encode()
    result = judged_or_refused(data[:cut] + junk + data[cut + len(junk) :])
    assert result is None or result.report.rules["failed"] == 0


def test_reading_does_not_change_the_tree() -> None:
    tree = clean_tree(SPEC)
    before = copy.deepcopy(tree)
    judged(tree)
    assert tree == before
