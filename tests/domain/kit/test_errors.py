"""The tree of errors: stable codes, sentences for people, and safe passage between processes."""

from __future__ import annotations

import pickle

from census_api.domain.kit import errors
from census_api.domain.kit.errors import CensusError, Refused, SpecError


def _tree(root: type[CensusError]) -> list[type[CensusError]]:
    return [root, *(found for child in root.__subclasses__() for found in _tree(child))]


def test_every_error_has_a_code_of_its_own() -> None:
    public = [error for error in _tree(CensusError) if error.__module__ == errors.__name__]
    codes = [error.code for error in public]
    assert len(set(codes)) == len(codes) >= 10


def test_a_refusal_survives_the_way_out_of_the_sandbox() -> None:
    refusal = pickle.loads(pickle.dumps(Refused("macros", "This workbook holds macros.")))
    assert isinstance(refusal, Refused)
    assert (refusal.reason, refusal.message, str(refusal)) == ("macros", "This workbook holds macros.", refusal.message)


def test_a_spec_error_names_file_and_key() -> None:
    error = SpecError("schemas/2026/census.toml", "rules.STF-001", "is wrong")
    assert str(error) == "schemas/2026/census.toml: rules.STF-001: is wrong"
    assert (error.file, error.key) == ("schemas/2026/census.toml", "rules.STF-001")
