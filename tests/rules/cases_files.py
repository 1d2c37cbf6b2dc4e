"""Cases of the rules about the file that a JSON return can show; test_workbook_rules.py has those of workbooks."""

from __future__ import annotations

from tests.factories.returns import Case, Draft, fails, form, passes, service, staff, unchanged


def _another_year(draft: Draft) -> None:
    draft.tree["census_year"] = draft.spec.year - 1


CASES: list[Case] = [
    fails("FIL-001", "last year's", _another_year, "/census_year"),
    passes("FIL-001", "this year's", unchanged),
    passes("FIL-001", "nobody says", lambda draft: draft.tree.pop("census_year")),
    fails("FIL-004", "one more", lambda draft: draft.tree.update(rota=[]), "/rota"),
    passes("FIL-004", "the sheets of the year", unchanged),
    fails("FIL-007", "an unknown field", form(nickname="A"), "/organisation/nickname"),
    fails("FIL-007", "an unknown column", staff(nickname="A"), "/staff/0/nickname"),
    passes("FIL-007", "the fields of the year", unchanged),
    fails("FIL-021", "a number for a text", form(name=7), "/organisation/name"),
    fails("FIL-021", "a list for a number", staff(starters=[]), "/staff/0/starters"),
    fails("FIL-021", "an object for a code", staff(role_code={}), "/staff/0/role_code"),
    passes("FIL-021", "a text for a decimal", staff(paid_wte="8.4")),
    fails("FIL-022", "NUL", form(comments="a\x00b"), "/organisation/comments"),
    fails("FIL-022", "half a pair", service(note="a\ud83d b"), "/services/0/note"),
    passes("FIL-022", "a whole pair", service(note="thanks 😀")),
]
