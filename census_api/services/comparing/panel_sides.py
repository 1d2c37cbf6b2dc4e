"""One year of a comparison, read from its snapshot: lines, or organisations where a breakdown is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from census_api.domain.comparing import ComparisonQuestion
from census_api.domain.kit.measures import LINE_DIMENSIONS, Item
from census_api.domain.register.lineage import LineKey
from census_api.domain.snapshots.revisions import Snapshot
from census_api.services.comparing.panels import NOWHERE, Side
from census_api.store.comparing import queries as stored
from census_api.store.kit.session import Session

Renamed = Mapping[str, Mapping[str, str]]
"""By dimension, what an earlier value is called in the later year."""

_UNIT = ("unit", "key", "organisation", "parent", "kind", "in_frame", "reported", "size")


def line_keys(lines: pl.DataFrame) -> list[LineKey]:
    """The keys of the lines of a snapshot."""
    return [LineKey(*row) for row in lines.select("organisation", "local_authority", "service_type").iter_rows()]


def staff_side(
    session: Session, snapshot: Snapshot, lines: pl.DataFrame, asked: ComparisonQuestion, renamed: Renamed | None = None
) -> Side:
    """The year by line. A line gives a measure where one of its rows does, or its return says there is nothing."""
    names = renamed or {}
    query = stored.FactQuery(asked.measure, asked.inner)
    facts = _as_facts(stored.facts_of(session, snapshot, query), "line_no", asked.inner, names)
    given = facts.group_by("unit").agg((pl.col("known").sum() > 0).alias("given"))
    key = pl.concat_str("organisation", "local_authority", "service_type", separator="|")
    units = (
        lines.rename({"line_no": "unit"})
        .with_columns(key.alias("key"), pl.col("sector").alias("kind"))
        .join(given, on="unit", how="left")
        .with_columns((pl.col("reported") & (pl.col("nil") | pl.col("given").fill_null(False))).alias("reported"))
    )
    units = _named(units, asked.outer, names).sort("unit").select(*_UNIT, *asked.outer)
    reported = units.filter("reported").select("unit")
    doubtful = stored.doubtful_of(session, snapshot, asked.measure).rename({"line_no": "unit", "role": "atom"})

    def rows(wanted: pl.DataFrame) -> pl.DataFrame:
        found = stored.rows_of(session, snapshot, query, wanted["unit"].to_list(), wanted["atom"].to_list())
        return _as_facts(found, "line_no", asked.inner, names)

    return Side(
        units, facts.join(reported, on="unit", how="semi"), doubtful.join(reported, on="unit", how="semi"), rows,
        asked.outer, asked.inner,
    )  # fmt: skip


def breakdown_side(
    session: Session, snapshot: Snapshot, lines: pl.DataFrame, asked: ComparisonQuestion, renamed: Renamed | None = None
) -> Side:
    """The year by organisation. Where its lines lie in several places it lies nowhere, and its cell says so."""
    if asked.breakdown is None:
        raise ValueError("only a question about a breakdown is about organisations")
    names, sheet = renamed or {}, asked.breakdown.key
    facts = stored.breakdown_of(session, snapshot, sheet, asked.inner)
    given = facts.group_by("organisation").agg((pl.col("known").sum() > 0).alias("given"))
    units = (
        _organisations(_named(lines, LINE_DIMENSIONS, names))
        .join(given, on="organisation", how="left")
        .with_columns((pl.col("answered") & (pl.col("nil") | pl.col("given").fill_null(False))).alias("reported"))
        .select(*_UNIT, *asked.outer)
    )
    numbers = units.select("organisation", "unit")
    codes = dict(zip(units["unit"], units["organisation"], strict=True))
    reported = units.filter("reported").select("unit")

    def numbered(frame: pl.DataFrame) -> pl.DataFrame:
        return _as_facts(frame.join(numbers, on="organisation").drop("organisation"), "unit", asked.inner, names)

    def rows(wanted: pl.DataFrame) -> pl.DataFrame:
        some = [codes[unit] for unit in wanted["unit"].unique().sort()]
        known = numbered(stored.breakdown_rows_of(session, snapshot, sheet, asked.inner, some))
        return known.join(wanted, on=["unit", "atom"], how="semi")

    doubtful = stored.breakdown_doubtful(session, snapshot, sheet).join(numbers, on="organisation")
    return Side(
        units,
        numbered(facts).join(reported, on="unit", how="semi"),
        doubtful.rename({"role": "atom"}).select("unit", "atom").join(reported, on="unit", how="semi"),
        rows,
        asked.outer,
        asked.inner,
    )


def with_sizes(lines: pl.DataFrame, people: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Sizes for the lines of a first collection, before which nothing is known: what they answered next, or then.

    `people` are sums of paid headcount by organisation, local authority and service type, the next year's first: the
    size that a line is weighed by must not be the very answer that is weighed.
    """
    key = ["organisation", "local_authority", "service_type"]
    found = lines
    for place, known in enumerate(people):
        found = found.join(known.rename({"people": f"people{place}"}), on=key, how="left")
    columns = [f"people{place}" for place in range(len(people))]
    return found.with_columns(pl.coalesce("size", *columns).alias("size")).drop(columns).sort("line_no")


def people_of(session: Session, snapshot: Snapshot, lines: pl.DataFrame) -> pl.DataFrame:
    """Paid headcount of the lines that gave any: organisation, local_authority, service_type, people."""
    sums = stored.items_of(session, snapshot, "paid_headcount").filter(pl.col("known") > 0)
    joined = lines.filter("reported").join(sums, on="line_no", how="inner")
    return joined.select("organisation", "local_authority", "service_type", pl.col("stock").alias("people"))


def stocks_of(
    session: Session, snapshot: Snapshot, item: Item, inner: Sequence[str], renamed: Renamed | None = None
) -> pl.DataFrame:
    """What flows are measured against: unit, the inner dimensions, stock, known."""
    frame = stored.items_of(session, snapshot, item, inner).rename({"line_no": "unit"})
    return _named(frame, inner, renamed or {})


def _organisations(lines: pl.DataFrame) -> pl.DataFrame:
    """Organisations numbered in order of their code, with what their lines have in common."""

    def one_place(name: str) -> pl.Expr:
        # lines that answered say where it works; of one that did not answer, all
        places = pl.col(name).filter(pl.col("reported") | ~pl.col("reported").any())
        return pl.when(places.n_unique() == 1).then(places.first()).otherwise(pl.lit(NOWHERE)).alias(name)

    return (
        lines.group_by("organisation")
        .agg(
            pl.col("parent").first(),
            pl.col("sector").first().alias("kind"),
            pl.col("in_frame").any(),
            pl.col("reported").any().alias("answered"),
            pl.col("nil").any(),
            pl.when(pl.col("size").is_not_null().any()).then(pl.col("size").sum()).alias("size"),
            *(one_place(name) for name in LINE_DIMENSIONS),
        )
        .sort("organisation")
        .with_row_index("unit", offset=1)
        .with_columns(pl.col("unit").cast(pl.Int64), pl.col("organisation").alias("key"))
    )


def _as_facts(frame: pl.DataFrame, key: str, inner: Sequence[str], renamed: Renamed) -> pl.DataFrame:
    return _named(frame.rename({key: "unit"}) if key != "unit" else frame, inner, renamed)


def _named(frame: pl.DataFrame, names: Sequence[str], renamed: Renamed) -> pl.DataFrame:
    """Dimensions under the later year's names, and nowhere instead of None."""
    return frame.with_columns(
        pl.col(name).replace(dict(renamed.get(name, {}))).fill_null(NOWHERE) if renamed.get(name)
        else pl.col(name).fill_null(NOWHERE)
        for name in names
    )  # fmt: skip
