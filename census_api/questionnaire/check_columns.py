"""The few operations that checks are written in, each in two readings: lists for small tables, polars for long ones.

A check computes with columns of a view and answers with a column of true, false and null, so one body serves both
readings. What is not known stays so: an operation with a null gives null, except `|` with a true and `&` with a false.
A division by 0 gives null as well. Regular expressions are those of polars.
"""

from __future__ import annotations

import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

import polars as pl

Scalar = int | float | str
Operation = Callable[[Any, Any], Any]


class CheckColumn(ABC):
    """A column of a view, or what a check has made of it."""

    @abstractmethod
    def combine(self, operation: Operation, other: CheckColumn | Scalar) -> CheckColumn:
        """The operation on every row; null where one side is."""

    def __lt__(self, other: CheckColumn | Scalar) -> CheckColumn:
        return self.combine(operator.lt, other)

    def __le__(self, other: CheckColumn | Scalar) -> CheckColumn:
        return self.combine(operator.le, other)

    def __gt__(self, other: CheckColumn | Scalar) -> CheckColumn:
        return self.combine(operator.gt, other)

    def __ge__(self, other: CheckColumn | Scalar) -> CheckColumn:
        return self.combine(operator.ge, other)

    def equals(self, other: CheckColumn | Scalar) -> CheckColumn:
        return self.combine(operator.eq, other)

    def differs_from(self, other: CheckColumn | Scalar) -> CheckColumn:
        return self.combine(operator.ne, other)

    def __add__(self, other: CheckColumn | Scalar) -> CheckColumn:
        """The sum of numbers; texts are joined."""
        return self.combine(operator.add, other)

    def __sub__(self, other: CheckColumn | Scalar) -> CheckColumn:
        return self.combine(operator.sub, other)

    def __rsub__(self, other: Scalar) -> CheckColumn:
        return self.combine(lambda right, left: left - right, other)

    def __mul__(self, other: CheckColumn | Scalar) -> CheckColumn:
        return self.combine(operator.mul, other)

    def __pow__(self, exponent: float) -> CheckColumn:
        return self.combine(operator.pow, exponent)

    @abstractmethod
    def __truediv__(self, other: CheckColumn) -> CheckColumn:
        """The quotient, null where the divisor is 0."""

    @abstractmethod
    def __or__(self, other: CheckColumn) -> CheckColumn:
        """True where one side is, even beside a null."""

    @abstractmethod
    def __and__(self, other: CheckColumn) -> CheckColumn:
        """False where one side is, even beside a null."""

    @abstractmethod
    def __invert__(self) -> CheckColumn: ...

    @abstractmethod
    def __abs__(self) -> CheckColumn: ...

    @abstractmethod
    def is_known(self) -> CheckColumn:
        """Whether a row holds anything; never null."""

    @abstractmethod
    def is_in(self, values: Collection[Scalar]) -> CheckColumn: ...

    @abstractmethod
    def contains(self, pattern: str) -> CheckColumn:
        """Whether the regular expression matches anywhere in the text."""

    @abstractmethod
    def count_characters(self) -> CheckColumn: ...

    @abstractmethod
    def is_first(self, *others: CheckColumn) -> CheckColumn:
        """Whether no earlier row has the same values in this column and the others; null where one of them is."""

    @abstractmethod
    def keep_where(self, condition: CheckColumn) -> CheckColumn:
        """The value where the condition is true, null elsewhere."""

    @abstractmethod
    def choose(self, then: CheckColumn, otherwise: CheckColumn) -> CheckColumn:
        """`then` where this is true, `otherwise` elsewhere."""

    @abstractmethod
    def take_larger(self, other: CheckColumn) -> CheckColumn:
        """The larger of two numbers, null where one of them is."""

    @abstractmethod
    def count_known(self) -> CheckColumn:
        """In every row, how many rows hold something."""

    @abstractmethod
    def find_median(self) -> CheckColumn:
        """In every row, the median of what is known."""

    @abstractmethod
    def find_quantile(self, share: float) -> CheckColumn:
        """In every row, the quantile of what is known, interpolated."""


ReadColumnOf = Callable[[str], CheckColumn]
"""Gives the column of that name of a view."""


@dataclass(frozen=True, slots=True)
class PolarsColumn(CheckColumn):
    """A column as a polars expression: the reading of long tables, and of the pandera declaration."""

    expression: pl.Expr

    def combine(self, operation: Operation, other: CheckColumn | Scalar) -> PolarsColumn:
        return PolarsColumn(operation(self.expression, _expression_of(other)))

    def __truediv__(self, other: CheckColumn) -> PolarsColumn:
        divisor = _expression_of(other)
        return PolarsColumn(self.expression / pl.when(divisor != 0).then(divisor))

    def __or__(self, other: CheckColumn) -> PolarsColumn:
        return PolarsColumn(self.expression | _expression_of(other))

    def __and__(self, other: CheckColumn) -> PolarsColumn:
        return PolarsColumn(self.expression & _expression_of(other))

    def __invert__(self) -> PolarsColumn:
        return PolarsColumn(~self.expression)

    def __abs__(self) -> PolarsColumn:
        return PolarsColumn(self.expression.abs())

    def is_known(self) -> PolarsColumn:
        return PolarsColumn(self.expression.is_not_null())

    def is_in(self, values: Collection[Scalar]) -> PolarsColumn:
        return PolarsColumn(self.expression.is_in(sorted(values)))

    def contains(self, pattern: str) -> PolarsColumn:
        return PolarsColumn(self.expression.str.contains(pattern))

    def count_characters(self) -> PolarsColumn:
        return PolarsColumn(self.expression.str.len_chars())

    def is_first(self, *others: CheckColumn) -> PolarsColumn:
        columns = [self.expression, *map(_expression_of, others)]
        known = pl.all_horizontal([column.is_not_null() for column in columns])
        return PolarsColumn(pl.when(known).then(pl.struct(columns).is_first_distinct()))

    def keep_where(self, condition: CheckColumn) -> PolarsColumn:
        return PolarsColumn(pl.when(_expression_of(condition)).then(self.expression))

    def choose(self, then: CheckColumn, otherwise: CheckColumn) -> PolarsColumn:
        return PolarsColumn(pl.when(self.expression).then(_expression_of(then)).otherwise(_expression_of(otherwise)))

    def take_larger(self, other: CheckColumn) -> PolarsColumn:
        right = _expression_of(other)
        known = self.expression.is_not_null() & right.is_not_null()
        return PolarsColumn(pl.when(known).then(pl.max_horizontal(self.expression, right)))

    def count_known(self) -> PolarsColumn:
        return PolarsColumn(self.expression.count())

    def find_median(self) -> PolarsColumn:
        return PolarsColumn(self.expression.median())

    def find_quantile(self, share: float) -> PolarsColumn:
        return PolarsColumn(self.expression.quantile(share, "linear"))


def _expression_of(other: CheckColumn | Scalar) -> Any:
    return cast("PolarsColumn", other).expression if isinstance(other, CheckColumn) else other


@dataclass(frozen=True, slots=True)
class ValuesColumn(CheckColumn):
    """A column as a list: the reading of small tables, where a call of polars costs more than the work."""

    values: Sequence[Any]

    def combine(self, operation: Operation, other: CheckColumn | Scalar) -> ValuesColumn:
        if not isinstance(other, CheckColumn):
            return ValuesColumn([None if value is None else operation(value, other) for value in self.values])
        pairs = zip(self.values, _values_of(other), strict=True)
        return ValuesColumn(
            [None if left is None or right is None else operation(left, right) for left, right in pairs]
        )

    def __truediv__(self, other: CheckColumn) -> ValuesColumn:
        pairs = zip(self.values, _values_of(other), strict=True)
        return ValuesColumn([None if left is None or not right else left / right for left, right in pairs])

    def __or__(self, other: CheckColumn) -> ValuesColumn:
        pairs = zip(self.values, _values_of(other), strict=True)
        return ValuesColumn([
            True if left or right else None if left is None or right is None else False for left, right in pairs
        ])  # fmt: skip

    def __and__(self, other: CheckColumn) -> ValuesColumn:
        pairs = zip(self.values, _values_of(other), strict=True)
        return ValuesColumn([
            False if left is False or right is False else None if left is None or right is None else True
            for left, right in pairs
        ])  # fmt: skip

    def __invert__(self) -> ValuesColumn:
        return ValuesColumn([None if value is None else not value for value in self.values])

    def __abs__(self) -> ValuesColumn:
        return ValuesColumn([None if value is None else abs(value) for value in self.values])

    def is_known(self) -> ValuesColumn:
        return ValuesColumn([value is not None for value in self.values])

    def is_in(self, values: Collection[Scalar]) -> ValuesColumn:
        return ValuesColumn([None if value is None else value in values for value in self.values])

    def contains(self, pattern: str) -> ValuesColumn:
        if all(text.isascii() and text.isprintable() for text in self._known()):
            search = re.compile(pattern).search  # of printable ASCII both dialects say the same
            return ValuesColumn([None if text is None else search(text) is not None for text in self.values])
        return ValuesColumn(pl.Series(self.values, dtype=pl.String()).str.contains(pattern).to_list())

    def count_characters(self) -> ValuesColumn:
        return ValuesColumn([None if text is None else len(text) for text in self.values])

    def is_first(self, *others: CheckColumn) -> ValuesColumn:
        seen: set[tuple[Any, ...]] = set()
        answers: list[bool | None] = []
        for row in zip(self.values, *map(_values_of, others), strict=True):
            answers.append(None if None in row else row not in seen)
            seen.add(row)
        return ValuesColumn(answers)

    def keep_where(self, condition: CheckColumn) -> ValuesColumn:
        pairs = zip(self.values, _values_of(condition), strict=True)
        return ValuesColumn([value if holds else None for value, holds in pairs])

    def choose(self, then: CheckColumn, otherwise: CheckColumn) -> ValuesColumn:
        rows = zip(self.values, _values_of(then), _values_of(otherwise), strict=True)
        return ValuesColumn([left if holds else right for holds, left, right in rows])

    def take_larger(self, other: CheckColumn) -> ValuesColumn:
        return self.combine(max, other)

    def count_known(self) -> ValuesColumn:
        return self._in_every_row(len(self._known()))

    def find_median(self) -> ValuesColumn:
        return self.find_quantile(0.5)

    def find_quantile(self, share: float) -> ValuesColumn:
        known = sorted(self._known())
        if not known:
            return self._in_every_row(None)
        position = (len(known) - 1) * share
        below = int(position)
        above = min(below + 1, len(known) - 1)
        return self._in_every_row(known[below] + (known[above] - known[below]) * (position - below))

    def _known(self) -> list[Any]:
        return [value for value in self.values if value is not None]

    def _in_every_row(self, value: float | None) -> ValuesColumn:
        return ValuesColumn([value] * len(self.values))


def _values_of(other: CheckColumn) -> Sequence[Any]:
    return cast("ValuesColumn", other).values


def refer_to(name: str) -> PolarsColumn:
    """A column of a view by its name, whatever the view will hold."""
    return PolarsColumn(pl.col(name))


class ListFrame:
    """The columns of a small view as lists, each made when a check first reads it."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame
        self._columns: dict[str, ValuesColumn] = {}

    def column(self, name: str) -> ValuesColumn:
        """Raises ColumnNotFoundError for a column that the view does not have."""
        if name not in self._columns:
            self._columns[name] = ValuesColumn(self._frame.get_column(name).to_list())
        return self._columns[name]
