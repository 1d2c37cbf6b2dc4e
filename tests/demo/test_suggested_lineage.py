"""How well suggestions find the changes that the synthetic population is known to have made."""

from __future__ import annotations

from census_api.demo.population import frame_rows, make_population, register_rows
from census_api.domain.register.lineage import LineKey
from census_api.domain.register.suggestions import suggest_edges
from census_api.questionnaire.areas import areas_after
from census_api.questionnaire.load import load_spec


def lines(year: int) -> list[LineKey]:
    return [
        LineKey(line.organisation, line.local_authority_code, line.service_type)
        for line in frame_rows(make_population(), year)
    ]


def test_most_changes_are_found_and_most_suggestions_are_right() -> None:
    people = make_population()
    register = {entry.code: entry for entry in register_rows(people)}
    right = wrong = missed = 0
    for year in (2023, 2024, 2025):
        spec = load_spec(year)
        true = {
            (LineKey(*edge.source), LineKey(*edge.target))
            for edge in people.edges
            # the local authorities' changes are declared by the spec, and need no suggestion
            if edge.to_year == year and not edge.evidence.startswith("Change of local authorities")
        }
        before, after = lines(year - 1), lines(year)
        got = suggest_edges(before, after, register, lambda area, spec=spec: areas_after(spec, area))  # type: ignore[misc]  # mypy has no type for a lambda with a default
        pairs = {(one.source, one.target) for one in got}
        right, wrong, missed = right + len(pairs & true), wrong + len(pairs - true), missed + len(true - pairs)
        # what is missed is a team that moved while its line went on
        assert all(source in after for source, _ in true - pairs)
    assert right / (right + wrong) >= 0.85
    assert right / (right + missed) >= 0.8
