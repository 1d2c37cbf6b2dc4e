"""Categories too thin to weight to are joined with a named parent, on both sides (methods, section 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from census_api.statistics.exact import Number, make_exact, measure_exact
from census_api.statistics.margins.totals import DEFAULT_MARGIN_POLICY, MarginPolicy


@dataclass(frozen=True, slots=True)
class Collapsed:
    """What is left: population target and sample size by category, and which category went into which, in order.

    `unresolved` are categories that are too thin and have no parent to go to.
    """

    target: dict[str, Fraction]
    sample: dict[str, Fraction]
    merged: tuple[tuple[str, str], ...]
    unresolved: tuple[str, ...]


@dataclass(slots=True)
class _Categories:
    target: dict[str, Fraction]
    sample: dict[str, Fraction]
    parent: Mapping[str, str]
    policy: MarginPolicy
    merged: dict[str, str] = field(default_factory=dict)

    def thin(self, name: str) -> bool:
        """Whether weighting to this category would rest on too few answers or too extreme a weight."""
        target, sample = self.target[name], self.sample[name]
        population, answers = sum(self.target.values()), sum(self.sample.values())
        if sample < self.policy.min_sample or sample == 0:
            return True
        share = target / population if population else Fraction(0)
        ratio, limit = share * answers / sample, make_exact(self.policy.max_ratio)
        return share < make_exact(self.policy.min_share) or not 1 / limit <= ratio <= limit

    def destination(self, name: str) -> str | None:
        """The parent, or whatever that has gone into; None when the way leads nowhere or back."""
        found = self.parent.get(name)
        while found is not None and found in self.merged:
            found = self.merged[found]
        return None if found == name else found

    def next_to_merge(self) -> str | None:
        """The first thin category that no other thin category is about to go into."""
        thin = {name for name in self.target if self.thin(name) and self.destination(name) is not None}
        waiting = {self.destination(name) for name in thin}
        # where every one waits for another the parents form a ring, and any of them may start
        return next(
            (name for name in self.target if name in thin and name not in waiting), next(iter(sorted(thin)), None)
        )

    def merge(self, name: str) -> None:
        into = self.destination(name)
        if into is None:
            return
        for side in (self.target, self.sample):
            side[into] = side.get(into, Fraction(0)) + side.pop(name)
        self.merged[name] = into


def collapse_categories(
    target: Mapping[str, Number],
    sample: Mapping[str, Number],
    parent: Mapping[str, str],
    policy: MarginPolicy = DEFAULT_MARGIN_POLICY,
) -> Collapsed:
    """Joins categories until none is too thin or none has anywhere to go.

    `target` holds population shares or totals, `sample` numbers of answers; a category of one side only is zero on
    the other. A category whose own children are thin waits for them, because they may fill it.
    """
    names = list(dict.fromkeys((*target, *sample)))
    state = _Categories(
        target={name: measure_exact(target.get(name, 0)) for name in names},
        sample={name: measure_exact(sample.get(name, 0)) for name in names},
        parent=parent,
        policy=policy,
    )
    while (name := state.next_to_merge()) is not None:
        state.merge(name)
    unresolved = tuple(name for name in state.target if state.thin(name))
    return Collapsed(state.target, state.sample, tuple(state.merged.items()), unresolved)
