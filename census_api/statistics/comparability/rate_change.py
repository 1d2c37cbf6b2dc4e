"""A change in a rate, taken apart exactly: within, mix, joiners and leavers (methods.md 1.7)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from census_api.statistics.comparability.identity import Term, ratio, subtract_part


@dataclass(frozen=True, slots=True)
class Share:
    """Numerator and denominator of a unit in one year."""

    numerator: float
    denominator: float

    @property
    def is_edit_failure(self) -> bool:
        """Something above 0 of nothing: the unit is out of the rate and is queried."""
        return self.denominator == 0 and self.numerator > 0


def make_share(numerator: float | None, denominator: float | None) -> Share | None:
    """A unit's answer; None unless it gave both items."""
    return None if numerator is None or denominator is None else Share(numerator, denominator)


@dataclass(frozen=True, slots=True)
class RateUnit:
    """A comparison unit in both years; None where it did not give both items.

    `term` says how a joiner or leaver took part (methods.md 1.2), so that its effect can be booked under it.
    """

    unit: str
    before: Share | None
    after: Share | None
    term: Term | None = None


@dataclass(frozen=True, slots=True)
class RateChange:
    """Rates of all respondents in the two years, and the parts of the change; effects are differences of rates.

    Where no unit continues, or the continuing have a denominator of 0 in either year, the parts are None and `reason`
    is no_continuing_units. within + mix = matched_change; matched_change + joiners + leavers = change.
    """

    before: float | None
    after: float | None
    n_matched: int
    matched_shares: tuple[float, float]
    within: float | None = None
    mix: float | None = None
    joiners: float | None = None
    leavers: float | None = None
    matched_change: float | None = None
    leave_one_out: tuple[float, float] | None = None
    """Lowest and highest matched change when any one continuing unit is left out."""
    joiners_by: dict[Term, float] = field(default_factory=dict)
    leavers_by: dict[Term, float] = field(default_factory=dict)
    edit_failures: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def change(self) -> float | None:
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def participation_effect(self) -> float | None:
        """All-respondent change less matched change: what is due to who answered."""
        if self.change is None or self.joiners is None or self.leavers is None:
            return None
        return self.joiners + self.leavers


_Pair = tuple[Share, Share]


def rate_change(units: Sequence[RateUnit]) -> RateChange:
    """Take a change in a rate apart (methods.md 1.7). Exact: the parts add up to the change."""
    failures = tuple(unit.unit for unit in units if _fails(unit))
    good = [unit for unit in units if not _fails(unit)]
    pairs = [(unit.before, unit.after) for unit in good if unit.before and unit.after]
    whole = (_sum(unit.before for unit in good), _sum(unit.after for unit in good))
    matched = (_sum(before for before, _ in pairs), _sum(after for _, after in pairs))
    before, after = (ratio(total.numerator, total.denominator) for total in whole)
    rates = [ratio(total.numerator, total.denominator) for total in matched]
    if rates[0] is None or rates[1] is None:
        return RateChange(before, after, 0, (0.0, 0.0), edit_failures=failures, reason="no_continuing_units")
    joiners = [(u.term, _pull(u.after, whole[1], rates[1])) for u in good if u.after and not u.before]
    leavers = [(u.term, -_pull(u.before, whole[0], rates[0])) for u in good if u.before and not u.after]
    within, mix = _within_and_mix(pairs, matched)
    return RateChange(
        before,
        after,
        len(pairs),
        (matched[0].denominator / whole[0].denominator, matched[1].denominator / whole[1].denominator),
        within=within,
        mix=mix,
        joiners=math.fsum(effect for _, effect in joiners),
        leavers=math.fsum(effect for _, effect in leavers),
        matched_change=rates[1] - rates[0],
        leave_one_out=_leave_one_out(pairs, matched),
        joiners_by=_by_term(joiners),
        leavers_by=_by_term(leavers),
        edit_failures=failures,
    )


def _fails(unit: RateUnit) -> bool:
    return any(answer is not None and answer.is_edit_failure for answer in (unit.before, unit.after))


def _sum(answers: Iterable[Share | None]) -> Share:
    given = [answer for answer in answers if answer]
    return Share(math.fsum(s.numerator for s in given), math.fsum(s.denominator for s in given))


def _pull(answer: Share, whole: Share, reference: float) -> float:
    """How far a unit moves the rate of all from that of the continuing; 0 where its denominator is 0."""
    if not answer.denominator:
        return 0.0
    return answer.denominator / whole.denominator * (answer.numerator / answer.denominator - reference)


def _by_term(effects: list[tuple[Term | None, float]]) -> dict[Term, float]:
    terms = sorted({term for term, _ in effects if term})
    return {term: math.fsum(effect for of, effect in effects if of is term) for term in terms}


def _within_and_mix(pairs: Sequence[_Pair], matched: _Pair) -> tuple[float, float]:
    """Kitagawa without an interaction term. A unit with nothing in one year has the other year's rate: all is mix."""
    within, mix = [], []
    for before, after in pairs:
        rates = (ratio(before.numerator, before.denominator), ratio(after.numerator, after.denominator))
        r0 = rates[0] if rates[0] is not None else rates[1]
        r1 = rates[1] if rates[1] is not None else rates[0]
        if r0 is None or r1 is None:
            continue
        w0, w1 = before.denominator / matched[0].denominator, after.denominator / matched[1].denominator
        within.append((w0 + w1) / 2 * (r1 - r0))
        mix.append((r0 + r1) / 2 * (w1 - w0))
    return math.fsum(within), math.fsum(mix)


def _leave_one_out(pairs: Sequence[_Pair], matched: _Pair) -> tuple[float, float] | None:
    changes = []
    for pair in pairs:
        rates = [
            ratio(total.numerator - left.numerator, subtract_part(total.denominator, left.denominator))
            for left, total in zip(pair, matched, strict=True)
        ]
        if rates[0] is not None and rates[1] is not None:
            changes.append(rates[1] - rates[0])
    return (min(changes), max(changes)) if changes else None
