"""The rules of a year as pandera schemas: one for each view, for people and programs that know pandera.

A check of a schema runs the body of the census check that its rule names. The platform itself judges by plan.py, which
runs the same bodies and is many times quicker; tests hold that both come to the same findings. Importing pandera costs
seconds, so only what needs a schema imports this module.
"""

from __future__ import annotations

from typing import cast

import pandera.polars as pa
import polars as pl

from census_api.questionnaire.check_columns import PolarsColumn, refer_to
from census_api.questionnaire.check_place import CheckPlace
from census_api.questionnaire.checks import CHECKS, judge_rule
from census_api.questionnaire.model import Spec
from census_api.questionnaire.plan import list_places
from census_api.questionnaire.rulebook import VIEWS, column_types


def declare_rules(spec: Spec) -> dict[str, pa.DataFrameSchema]:
    """The schema of every view of a year."""
    return {view: declare_view(spec, view) for view in VIEWS}


def declare_view(spec: Spec, view: str) -> pa.DataFrameSchema:
    """The columns of one view, and every rule on it as a check named `<rule code>:<column>`."""
    places = [place for rule in spec.rules if rule.on == view for place in list_places(spec, rule, refer_to)]
    columns = {name: pa.Column(dtype, nullable=True) for name, dtype in column_types(spec, VIEWS[view]).items()}
    return pa.DataFrameSchema(columns, checks=list(map(_declare_check, places)), name=f"{view} {spec.year}")


def _declare_check(place: CheckPlace) -> pa.Check:
    def passes(data: pa.PolarsData) -> pl.LazyFrame:
        """Unknown is never a failure."""
        return data.lazyframe.select(cast("PolarsColumn", judge_rule(place)).expression.fill_null(value=True))

    return pa.Check(
        passes,
        name=f"{place.rule.code}:{place.column}",
        title=place.rule.title,
        description=CHECKS[place.rule.check].passes.__doc__,
    )
