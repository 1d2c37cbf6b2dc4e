"""The mistakes that people make in returns, put into clean ones: for the fixed organisations and for bad files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from census_api.demo.fitting import draw_chance
from census_api.demo.returns import from_tree, write_decimal
from census_api.domain.collecting.content import Content
from census_api.questionnaire.model import Spec

_Row = dict[str, Any]
_MOST_IN_A_FILE = 4


class SpoiltReturn:
    """A return being spoilt. Every mistake takes a Staff row of its own, as long as there are some."""

    def __init__(self, content: Content) -> None:
        self.tree: dict[str, Any] = {
            key: [dict(row) for row in value] if isinstance(value, list) else value
            for key, value in content.as_json().items()
        }
        self.form: _Row = dict(content.organisation)
        self.tree["organisation"] = self.form
        rows: list[_Row] = self.tree["staff"]
        self._free = sorted(rows, key=lambda row: isinstance(row["starters"], str))

    def staff(self, least: int = 1) -> _Row:
        """The next row with at least so many paid people; failing that the one with most."""
        row = next((row for row in self._free if row["paid_headcount"] >= least), None)
        if row is None:
            row = max(self._free, key=lambda row: int(row["paid_headcount"]))
        if len(self._free) > 1:
            self._free.remove(row)
        return row

    def table(self, sheet: str) -> list[_Row]:
        rows: list[_Row] = self.tree[sheet]
        return rows

    def largest(self, sheet: str) -> _Row:
        return max(self.table(sheet), key=lambda row: sum(value for value in row.values() if isinstance(value, int)))


Mistake = Callable[[SpoiltReturn], None]


def _decimal_comma(draft: SpoiltReturn) -> None:
    row = draft.staff(3)
    row["paid_wte"] = str(row["paid_wte"]).replace(".", ",") if "." in str(row["paid_wte"]) else f"{row['paid_wte']},5"


def _number_in_words(draft: SpoiltReturn) -> None:
    draft.staff(2)["starters"] = "two"


def _text_beside_number(draft: SpoiltReturn) -> None:
    draft.staff(1)["leavers"] = "1 (retired)"


def _row_twice(draft: SpoiltReturn) -> None:
    draft.table("staff").append(dict(draft.staff(1)))


def _wte_far_above_headcount(draft: SpoiltReturn) -> None:
    row = draft.staff(2)
    row["paid_wte"] = write_decimal(row["paid_headcount"] * 150)


def _role_code_misspelt(draft: SpoiltReturn) -> None:
    row = draft.staff(1)
    row["role_code"] = f"{row['role_code']}S"


def _local_authority_digit_lost(draft: SpoiltReturn) -> None:
    row = draft.table("services")[-1]
    row["local_authority_code"] = row["local_authority_code"][:-1]


def _genders_do_not_add_up(draft: SpoiltReturn) -> None:
    draft.largest("gender")["F"] += 3


def _part_of_age_blank(draft: SpoiltReturn) -> None:
    del draft.largest("age")["30_39"]


def _negative_leavers(draft: SpoiltReturn) -> None:
    row = draft.staff(2)
    row["leavers"] = -1


def _flows_do_not_balance(draft: SpoiltReturn) -> None:
    row = draft.staff(4)
    row["opening_headcount"] += 2


def _volunteers_in_a_paid_role(draft: SpoiltReturn) -> None:
    row = draft.staff(2)
    row["unpaid_headcount"], row["unpaid_wte"] = 3, "1.2"


def _three_decimals(draft: SpoiltReturn) -> None:
    row = draft.staff(2)
    row["paid_wte"] = f"{row['paid_headcount'] - 1}.333"


def _headcount_blank(draft: SpoiltReturn) -> None:
    draft.staff(1).pop("paid_headcount")


def _email_without_at(draft: SpoiltReturn) -> None:
    draft.form["contact_email"] = str(draft.form["contact_email"]).replace("@", " at ")


def _sector_in_own_words(draft: SpoiltReturn) -> None:
    draft.form["sector"] = "Charity"


def _unlisted_line(draft: SpoiltReturn) -> None:
    listed = {row["local_authority_code"] for row in draft.table("services")}
    other = "E06000001" if "E06000001" not in listed else "E06000002"
    draft.table("staff").append({**draft.staff(1), "local_authority_code": other})


def _insurance_number_in_comments(draft: SpoiltReturn) -> None:
    draft.form["comments"] = "Please correct the hours of AB 12 34 56 C."


ERRORS: Mapping[str, Mistake] = {
    "a comma as decimal point": _decimal_comma,
    "a number in words": _number_in_words,
    "text beside a number": _text_beside_number,
    "a row twice": _row_twice,
    "WTE far above headcount": _wte_far_above_headcount,
    "a role code misspelt": _role_code_misspelt,
    "a local authority code with a digit lost": _local_authority_digit_lost,
    "genders that do not add up": _genders_do_not_add_up,
    "an age band left blank": _part_of_age_blank,
    "negative leavers": _negative_leavers,
    "flows that do not balance": _flows_do_not_balance,
    "three decimals": _three_decimals,
    "a headcount left blank": _headcount_blank,
    "an email address without @": _email_without_at,
    "a sector in the sender's own words": _sector_in_own_words,
    "staff on a line that Services does not list": _unlisted_line,
    "a number that looks like a National Insurance number": _insurance_number_in_comments,
}


def _wte_a_little_above(draft: SpoiltReturn) -> None:
    row = draft.staff(2)
    row["paid_wte"] = write_decimal(row["paid_headcount"] * 110)
    row.pop("establishment_wte", None)


def _few_hours(draft: SpoiltReturn) -> None:
    row = draft.staff(3)
    row["paid_wte"] = write_decimal(row["paid_headcount"] * 14)
    row.pop("establishment_wte", None)


def _no_vacancies(draft: SpoiltReturn) -> None:
    for row in draft.table("staff"):
        row["vacant_wte"] = "0"
        row.pop("establishment_wte", None)


def _ethnicity_not_asked(draft: SpoiltReturn) -> None:
    draft.table("ethnicity").clear()


def _disability_mostly_unknown(draft: SpoiltReturn) -> None:
    for row in draft.table("disability"):
        row["NK"] += row["N"]
        row["N"] = 0


QUERIES: Mapping[str, Mistake] = {
    "WTE a little above headcount": _wte_a_little_above,
    "very few hours a head": _few_hours,
    "volunteers in a paid role": _volunteers_in_a_paid_role,
    "no vacancies anywhere": _no_vacancies,
    "ethnicity left blank": _ethnicity_not_asked,
    "disability mostly not known": _disability_mostly_unknown,
}


def spoil_content(content: Content, spec: Spec, seed: int, only: str | None = None) -> Content:
    """`content` with one to four errors, by its organisation and the seed; with `only`, that mistake or doubt alone.

    A nil return has mistakes in its form alone.
    """
    if only is not None:
        return _changed(content, spec, [{**ERRORS, **QUERIES}[only]])
    code = content.organisation["organisation_code"]
    names = sorted(ERRORS, key=lambda name: draw_chance(seed, "mistake", code, name))
    if not content.table("staff"):
        names = ["an email address without @", "a sector in the sender's own words"]
    count = 1 + int(draw_chance(seed, "mistakes", code) * _MOST_IN_A_FILE)
    return _changed(content, spec, [ERRORS[name] for name in names[:count]])


def with_errors(content: Content, spec: Spec) -> Content:
    """`content` with every error and query that this module knows, in one return."""
    queries = [_few_hours, _disability_mostly_unknown]
    return _changed(content, spec, [*queries, *ERRORS.values()])


def with_queries(content: Content, spec: Spec) -> Content:
    """`content` with several queries and no error."""
    return _changed(content, spec, QUERIES.values())


def with_fixed_mistakes(content: Content, spec: Spec, code: str) -> Content:
    """`content` with the mistakes of the two fixed organisations that make some; that of any other as it is."""
    if code == "DEMO-ERRORS":
        return with_errors(content, spec)
    if code == "DEMO-QUERIES":
        return with_queries(content, spec)
    return content


def _changed(content: Content, spec: Spec, changes: Iterable[Mistake]) -> Content:
    draft = SpoiltReturn(content)
    for change in changes:
        change(draft)
    return from_tree(draft.tree, spec)
