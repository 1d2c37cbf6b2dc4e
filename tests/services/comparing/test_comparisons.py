from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from census_api.domain.comparing import REASONS, SHORT_REASONS, TERMS
from census_api.domain.kit.access import SYSTEM
from census_api.domain.kit.errors import Forbidden, InvalidRequest, NotFound
from census_api.domain.register.lineage import LineKey
from census_api.questionnaire.resources import find_folder
from census_api.services.comparing.comparisons import compare_snapshots, comparison_key
from census_api.services.comparing.tables import comparison_sheet
from census_api.services.kit.platform import Platform
from census_api.services.kit.tables_out import KINDS, write_sheet
from census_api.statistics.comparability.status import Reason
from census_api.statistics.policy import DEFAULT_POLICY
from tests.factories.actors import ANALYST, EVE
from tests.factories.snapshots import BreakdownCell, Given, StaffRow, make_snapshot
from tests.services.comparing.small_years import Rows, absent, draw_edge, freeze, line, terms, wte


def wte_of(platform: Platform, by: str = "", measure: str = "wte") -> dict[str, Any]:
    return compare_snapshots(platform, ANALYST, "2023", "2024", measure=measure, by=by)


def test_every_kind_of_participation_is_booked_under_its_term(bare: Platform) -> None:
    south: dict[str, Any] = {"local_authority_code": "E06000002"}
    freeze(
        bare,
        2023,
        [
            (line("STAYS"), wte(10)), (line("LEAVES"), wte(20)), (line("SILENT"), wte(30)),
            (line("PART"), wte(5)), (replace(line("PART"), **south), wte(7)),
            (line("SHRINKS"), wte(1)), (replace(line("SHRINKS"), **south), wte(9)),
            (absent("BACK"), {}), (line("GAINS"), wte(3)),
            (line("LATE"), wte(2)), (replace(absent("LATE"), **south), {}),
        ],
    )  # fmt: skip
    freeze(
        bare,
        2024,
        [
            (line("STAYS"), wte(11)), (absent("SILENT"), {}),
            (line("PART"), wte(6)), (replace(absent("PART"), **south), {}),
            (line("SHRINKS"), wte(1)), (line("BACK"), wte(40)),
            (line("GAINS"), wte(3)), (replace(line("GAINS"), **south), wte(8)),
            (line("LATE"), wte(2)), (replace(line("LATE"), **south), wte(4)), (line("NEW"), wte(50)),
        ],
    )  # fmt: skip
    total = wte_of(bare)["total"]
    assert terms(total) == {
        "continuing": 2, "entrant": 50, "exit": -20, "scope_gained": 8, "scope_lost": -9,
        "nonresponse_lost": -30, "nonresponse_recovered": 40, "partial_lost": -7, "partial_recovered": 4,
    }  # fmt: skip
    assert (total["from"], total["to"]) == (87, 125)
    assert math.fsum(total["terms"].values()) == 38
    assert total["coverage"]["to"] | {"match_rate": None} == {
        "unit": pytest.approx(9 / 11), "size": pytest.approx(9 / 11), "largest_missing": pytest.approx(1 / 11),
        "match_rate": None, "expected": 11, "answered": 9, "items": 1, "items_by_people": 1,
    }  # fmt: skip


def test_a_line_reports_a_measure_only_where_a_row_gives_it_and_nothing_where_the_return_is_nil(bare: Platform) -> None:
    """Blank is no zero; a nil return is."""
    given: dict[str, dict[str, Given]] = {"DAW": {"paid_wte": 5, "paid_headcount": 6, "vacant_wte": 1}}
    blank: dict[str, dict[str, Given]] = {"DAW": {"paid_wte": 5, "paid_headcount": 6, "vacant_wte": None}}
    freeze(bare, 2023, [(line("A"), given), (line("N"), given)])
    freeze(bare, 2024, [(line("A"), blank), (line("N"), {})], nil=["N"])
    assert terms(wte_of(bare)["total"]) == {"continuing": -5}
    assert terms(wte_of(bare, measure="vacant_wte")["total"]) == {"continuing": -1, "nonresponse_lost": -1}
    rate = wte_of(bare, measure="vacancy_rate")["total"]
    assert rate["rate"]["denominator"] == {"from": 12, "to": 0}


def test_a_merged_organisation_is_one_key_in_both_years(bare: Platform) -> None:
    freeze(bare, 2023, [(line("OLD"), wte(10)), (line("BIG"), wte(20))])
    freeze(bare, 2024, [(line("BIG"), wte(31)), (line("BIG", "E06000002"), wte(4))])
    assert terms(wte_of(bare)["total"]) == {"exit": -10, "continuing": 11, "scope_gained": 4}
    big = LineKey("BIG", "E06000001", "adult_community")
    draw_edge(bare, LineKey("OLD", "E06000001", "adult_community"), big, "merged")
    draw_edge(bare, big, big)
    total = wte_of(bare)["total"]
    assert terms(total) == {"continuing": 1, "scope_gained": 4}
    assert total["matched"]["n"] == 1


def test_lineage_passes_through_the_years_between(bare: Platform) -> None:
    freeze(bare, 2022, [(line("A"), wte(10)), (line("Z"), wte(1))])
    freeze(bare, 2023, [(line("B"), wte(10))])
    freeze(bare, 2024, [(line("C"), wte(12)), (line("Z"), wte(2))])
    keys = [LineKey(name, "E06000001", "adult_community") for name in "ABC"]
    draw_edge(bare, keys[0], keys[1], "contract_transfer", from_year=2022, to_year=2023)
    draw_edge(bare, keys[1], keys[2], "contract_transfer")
    found = compare_snapshots(bare, ANALYST, "2022", "2024", measure="wte")
    assert terms(found["total"]) == {"continuing": 3}


def test_a_suggested_edge_joins_nothing_and_caps_what_it_touches(bare: Platform) -> None:
    areas = ("E06000001", "E06000002")
    lines: Rows = [(line(f"O{n}", area), wte(10)) for n in range(6) for area in areas]
    for year in (2023, 2024):
        freeze(bare, year, lines)
    assert {cell["status"] for cell in wte_of(bare, "local_authority")["cells"]} == {"COMPARABLE"}
    ends = [LineKey(code, "E06000001", "adult_community") for code in ("O0", "O1")]
    draw_edge(bare, ends[0], ends[1], "renamed", "suggested")
    cells = wte_of(bare, "local_authority")["cells"]
    assert [(cell["status"], cell["reasons"]) for cell in cells] == [
        ("CAUTION", ["LINEAGE_UNRESOLVED"]), ("COMPARABLE", []),
    ]  # fmt: skip
    assert cells[0]["change"] == 0


def test_a_renumbered_authority_is_bridged_and_a_divided_one_is_not(bare: Platform) -> None:
    """North Yorkshire only got another code in April 2023; Cumbria became two."""
    old = ("E10000023", "E10000006")
    freeze(bare, 2022, [(line(f"O{n}", area), wte(10)) for n in range(6) for area in old])
    new = ("E06000065", "E06000063")
    freeze(bare, 2023, [(line(f"O{n}", area), wte(11)) for n in range(6) for area in new])
    found = compare_snapshots(bare, ANALYST, "2022", "2023", measure="wte", by="local_authority")
    cells = {cell["by"]["local_authority"]: cell for cell in found["cells"]}
    assert set(cells) == {"E10000006", "E06000063", "E06000065"}
    assert (cells["E06000065"]["from"], cells["E06000065"]["to"], cells["E06000065"]["change"]) == (60, 66, 6)
    for code in ("E10000006", "E06000063"):
        assert "DEFINITION_CHANGE" in cells[code]["reasons"]
        assert cells[code]["change"] is None
        assert cells[code]["definitions"]["changes"] == [
            "The local authority Cumbria was divided into Cumberland, Westmorland and Furness."
        ]
    assert terms(found["total"]) == {"continuing": 12}


def test_other_salary_thresholds_block_the_bands_that_they_touch(bare: Platform, tmp_path: Path) -> None:
    shutil.copytree(find_folder("schemas"), tmp_path / "schemas")
    bands = tmp_path / "schemas" / "2024" / "salary_bands.csv"
    bands.write_text(bands.read_text("utf-8").replace("26700", "27500"), "utf-8")
    pay = [("B4_BELOW", 4.0), ("B5", 3.0), ("B6", 2.0), ("NK", 1.0)]
    other = replace(bare, schemas=tmp_path / "schemas")
    lines: Rows = [(line(f"O{n}"), {"DAW": {"paid_wte": 8, "paid_headcount": 10}}) for n in range(6)]
    cells = [BreakdownCell(f"O{n}", "pay", "DAW", band, people) for n in range(6) for band, people in pay]
    for year in (2023, 2024):
        freeze(bare, year, lines, breakdowns=cells)
    same = compare_snapshots(bare, ANALYST, "2023", "2024", measure="paid_headcount", by="pay")
    assert {cell["status"] for cell in same["cells"]} == {"COMPARABLE"}
    changed = compare_snapshots(other, ANALYST, "2023", "2024", measure="paid_headcount", by="pay")
    found = {cell["by"]["pay"]: (cell["status"], cell["reasons"]) for cell in changed["cells"]}
    blocked = ("BLOCKED", ["DEFINITION_CHANGE"])
    assert found == {"B4_BELOW": blocked, "B5": blocked, "B6": ("COMPARABLE", []), "NK": ("COMPARABLE", [])}
    assert changed["total"]["status"] == "COMPARABLE"


def test_an_organisation_in_several_regions_is_in_none_of_them_for_a_breakdown(bare: Platform) -> None:
    lines: Rows = [(line("ONE"), wte(8)), (line("TWO"), wte(8)), (line("TWO", "E09000002"), wte(8))]
    cells = [
        BreakdownCell(code, "age", "drug_alcohol_workers", "20_29", people)
        for code, people in (("ONE", 10.0), ("TWO", 20.0))
    ]
    for year in (2023, 2024):
        freeze(bare, year, lines, breakdowns=cells)
    found = compare_snapshots(bare, ANALYST, "2023", "2024", measure="paid_headcount", by="age,region")
    assert [(cell["by"]["region"], cell["from"]) for cell in found["cells"]] == [("E12000001", 10), (None, 20)]


def ten_of_each(platform: Platform, sectors: dict[str, tuple[float, float]]) -> None:
    """Ten organisations of each sector that answer in both years."""
    for place, year in enumerate((2023, 2024)):
        freeze(
            platform,
            year,
            [
                (line(f"{sector.upper()}{n}", sector=sector), wte(values[place] + n))
                for sector, values in sectors.items()
                for n in range(10)
            ],
        )


def test_a_share_of_units_may_be_compared_where_the_levels_may(bare: Platform) -> None:
    ten_of_each(bare, {"voluntary": (10, 12), "nhs": (10, 10)})
    freeze_again: Rows = [(absent(f"NHS{n}", sector="nhs"), {}) for n in range(10)]
    found = wte_of(bare, "sector")
    shares = {cell["by"]["sector"]: cell["share"] for cell in found["cells"]}
    assert shares["voluntary"]["from"] == 0.5
    assert shares["voluntary"]["change"] == pytest.approx(165 / 310 - 0.5)
    with bare.database.transaction(SYSTEM) as session:
        rows = [(line(f"VOLUNTARY{n}"), wte(12 + n)) for n in range(10)]
        make_snapshot(
            session, 2024, 2,
            lines=[one for one, _ in (*rows, *freeze_again)],
            staff=[StaffRow(n, "DAW", row["DAW"]) for n, (_, row) in enumerate(rows, start=1)],
        )  # fmt: skip
    blocked = {cell["by"]["sector"]: cell["share"] for cell in wte_of(bare, "sector")["cells"]}
    assert (blocked["voluntary"]["status"], blocked["voluntary"]["change"]) == ("BLOCKED", None)
    assert blocked["voluntary"]["to"] == 1


def test_a_share_within_units_has_the_gate_of_rates(bare: Platform) -> None:
    for year, doctors in ((2023, 2.0), (2024, 4.0)):
        rows: Rows = [(line(f"O{n}"), {**wte(10), "GP": {"paid_wte": doctors, "paid_headcount": 3}}) for n in range(6)]
        freeze(bare, year, rows)
    cells = {cell["by"]["role"]: cell for cell in wte_of(bare, "role")["cells"]}
    share = cells["GP"]["share"]
    assert (share["from"], share["to"]) == (pytest.approx(2 / 12), pytest.approx(4 / 14))
    assert share["status"] == "COMPARABLE"
    assert share["matched"]["n"] == 6


def test_what_was_worked_out_is_kept_under_its_key(bare: Platform) -> None:
    ten_of_each(bare, {"nhs": (10, 11)})
    key = comparison_key(bare, ANALYST, "2023", "2024", measure="wte", by="sector")
    first = wte_of(bare, "sector")
    assert first["id"] == key
    assert first["policy"] == DEFAULT_POLICY.digest
    assert wte_of(bare, "sector") == first
    crossed = [json.dumps(wte_of(bare, "sector,region")) for _ in range(2)]
    assert crossed[0] == crossed[1]
    assert compare_snapshots(bare, ANALYST, "2023.1", "2024.1", measure="wte", by="sector", policy="2026-1") == first
    ends = LineKey("NHS0", "E06000001", "adult_community")
    draw_edge(bare, ends, ends)
    assert comparison_key(bare, ANALYST, "2023", "2024", measure="wte", by="sector") != key


def test_another_policy_is_another_key_and_another_answer(bare: Platform) -> None:
    ten_of_each(bare, {"nhs": (10, 11)})
    strict = replace(DEFAULT_POLICY, version="2026-strict")
    with bare.database.transaction(SYSTEM) as session:
        session.execute(
            text(
                "INSERT INTO policy (digest, version, document, stored_at) VALUES (:digest, :version, :document, now())"
            ),
            {"digest": strict.digest, "version": strict.version, "document": json.dumps(strict.as_dict())},
        )
    keys = {
        policy: comparison_key(bare, ANALYST, "2023", "2024", measure="wte", policy=policy)
        for policy in (None, DEFAULT_POLICY.version, DEFAULT_POLICY.digest, strict.version, strict.digest)
    }
    usual = {keys[None], keys[DEFAULT_POLICY.version], keys[DEFAULT_POLICY.digest]}
    other = {keys[strict.version], keys[strict.digest]}
    assert (len(usual), len(other), usual & other) == (1, 1, set())
    first = compare_snapshots(bare, ANALYST, "2023", "2024", measure="wte")
    second = compare_snapshots(bare, ANALYST, "2023", "2024", measure="wte", policy=strict.version)
    assert (first["policy"], second["policy"]) == (DEFAULT_POLICY.digest, strict.digest)


def test_every_reason_and_term_has_a_sentence() -> None:
    assert set(REASONS) == set(SHORT_REASONS) == {reason.value for reason in Reason}
    assert len(set(REASONS.values())) == len(REASONS)
    assert all(sentence.endswith(".") for sentence in REASONS.values())
    assert len(TERMS) == 11


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"measure": "people"}, "The measures are wte, paid_wte"),
        ({"by": "colour"}, "You can break by region, local_authority"),
        ({"by": "sector,sector"}, "named twice"),
        ({"by": "sector,region,role,paid"}, "At most 3"),
        ({"by": "age"}, "Ask for the measure paid_headcount"),
        ({"by": "age,gender", "measure": "paid_headcount"}, "cannot be crossed"),
        ({"by": "age,role", "measure": "paid_headcount"}, "age can be crossed with region"),
        ({"by": "role", "measure": "regulated_ratio"}, "cannot be broken by role"),
        ({"by": "paid", "measure": "starters"}, "wte and headcount"),
        ({"policy": "1999"}, "The versions are 2026-1"),
    ],
)
def test_a_question_that_has_no_answer_says_what_can_be_asked(
    bare: Platform, asked: dict[str, str], sentence: str
) -> None:
    ten_of_each(bare, {"nhs": (10, 11)})
    with pytest.raises(InvalidRequest, match=sentence):
        compare_snapshots(bare, ANALYST, "2023", "2024", **{"measure": "wte", **asked})


def test_a_snapshot_that_is_not_there_is_refused_with_those_that_are(bare: Platform) -> None:
    with pytest.raises(NotFound, match="Frozen are: none yet"):
        compare_snapshots(bare, ANALYST, "2023", "2024", measure="wte")
    ten_of_each(bare, {"nhs": (10, 11)})
    for wrong in ("2022", "2024.7", "nonsense", ""):
        with pytest.raises(NotFound, match=r"Frozen are: 2023\.1, 2024\.1"):
            compare_snapshots(bare, ANALYST, "2023", wrong, measure="wte")
    with pytest.raises(InvalidRequest, match="Exchange them"):
        compare_snapshots(bare, ANALYST, "2024", "2023", measure="wte")
    with pytest.raises(Forbidden):
        compare_snapshots(bare, EVE, "2023", "2024", measure="wte")


def test_a_blocked_change_is_in_none_of_the_formats(bare: Platform) -> None:
    freeze(bare, 2023, [(line(f"O{n}"), wte(100)) for n in range(3)])
    freeze(bare, 2024, [(line(f"O{n}"), wte(233.25)) for n in range(3)])
    found = wte_of(bare, "sector")
    assert found["total"]["reasons"] == ["SMALL_BASE"]
    for kind in KINDS:
        assert b"".join(write_sheet(comparison_sheet(found), kind))
    rows = list(comparison_sheet(found).rows)
    columns = list(comparison_sheet(found).columns)
    for row in rows:
        cells = dict(zip(columns, row, strict=True))
        assert (cells["status"], cells["change"], cells["change_pct"]) == ("BLOCKED", None, None)
        assert cells["matched_change"] == pytest.approx(399.75)
