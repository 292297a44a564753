"""Which enrollments overlap which, in n log n: one abused SSID with 100,000 rows must not make 10,000,000,000 pairs."""

from __future__ import annotations

import polars as pl
from polars import col

from senrkit.calpads.records import filled
from senrkit.frames.intervals import LAST_DAY

_USABLE = ~col.canceled & col.start.is_not_null() & (col.open | (col.exit >= col.start)) & filled("ssid")
# Days count from 1970, and there are fewer in either direction.
_APART = 1 << 23
# Of the other enrollment: what rules ask, and what their sentences quote.
_TOLD = ("school_code", "start_date", "primary")


def with_overlaps(
    records: pl.DataFrame, others: pl.DataFrame, prefix: str, group: list[str], asked: pl.Expr, counted: pl.Expr
) -> pl.DataFrame:
    """The records asked about compared with the counted others of the same group, leaving out the other with the
    record's own key.

    Intervals include both ends, an open one has no end, and one may start on the other's exit day (reconciliation.md
    section 8): that is `same_day`, unless another one really overlaps. Cancelled rows, blank SSIDs and impossible
    dates overlap nothing.

    Returns
    -------
    DataFrame
        The records with the columns, named with the prefix, `overlaps`, `same_day` (never null), `other` (the row of
        the others with which, null for none), `other_school_code`, `other_start_date`, `other_primary`.
    """
    span = {"begin": col.start, "end": pl.when("open").then(LAST_DAY).otherwise("exit")}
    mine = records.with_row_index("at").filter(asked & _USABLE).select("at", *group, "key", **span)
    there = others.with_row_index("other").filter(counted & _USABLE).select("other", *group, "key", **span)
    # Most of what is held had ended before anything of it that is asked about begins, and is met by nothing.
    since = mine.group_by(group).agg(since=col.begin.min())
    there = there.join(since, on=group, maintain_order="left").filter(col.end >= col.since).drop("since")
    # Nor does who stands alone under the very key that is asked about: so do most.
    several = pl.len().over(group) > 1
    there = there.filter(several | ~col.key.is_in(mine.filter(~several)["key"].implode()))
    # Of several that begin on one day, those come first whose key is asked about.
    turns = pl.concat([mine.select("key"), there.select("key")]).unique(maintain_order=True).with_row_index("turn")
    days = _by_first_day(there.join(turns, on="key").sort(*group, "begin", "turn", "other"), group)
    before = days.select(*group, "reach", "reach_other", day_before="begin")
    after = days.select(*group, next_begin="begin", next_other="first", day_after="begin")
    met = (
        mine.with_columns(day_before=col.begin.dt.offset_by("-1d"), day_after=col.begin.dt.offset_by("1d"))
        .sort("begin")
        .join_asof(before, on="day_before", by=group, strategy="backward", check_sortedness=False)
        .join_asof(after, on="day_after", by=group, strategy="forward", check_sortedness=False)
        .join(days.drop("reach", "reach_other"), on=[*group, "begin"], how="left")
    )
    # Others that start on the same day under another key overlap unless one of the two lasts only that day.
    lasting = pl.when(col.lasting_key != col.key).then(col.lasting).otherwise(col.lasting_else)
    beside = pl.when(col.first_key != col.key).then(col.first).otherwise(col.last_else)
    overlapping = [
        pl.when(col.reach > col.begin).then(col.reach_other),
        pl.when(col.next_begin < col.end).then(col.next_other),
        pl.when(col.end > col.begin).then(lasting),
    ]
    touching = [
        pl.when(col.reach == col.begin).then(col.reach_other),
        pl.when(col.next_begin == col.end).then(col.next_other),
        beside,
    ]
    found = met.select("at", overlapped=pl.coalesce(overlapping), touched=pl.coalesce(touching)).select(
        "at",
        overlaps=col.overlapped.is_not_null(),
        same_day=col.overlapped.is_null() & col.touched.is_not_null(),
        other=pl.coalesce("overlapped", "touched"),
    )
    told = found.join(
        others.with_row_index("other").select("other", col(_TOLD).name.prefix("other_")), on="other", how="left"
    )
    named = told.select("at", pl.exclude("at").name.prefix(f"{prefix}_"))
    flags = pl.col(f"{prefix}_overlaps", f"{prefix}_same_day").fill_null(False)
    return (
        records.with_row_index("at")
        .join(named, on="at", how="left", maintain_order="left")
        .with_columns(flags)
        .drop("at")
    )


def _by_first_day(others: pl.DataFrame, group: list[str]) -> pl.DataFrame:
    """One row for each day on which others of a group begin: who begins, and how far the earlier ones reach. The others
    come sorted by group and day."""
    lasts = col.end > col.begin
    first_key, lasting_key = col.key.first(), col.key.filter(lasts).first()
    told = others.group_by(*group, "begin", maintain_order=True).agg(
        first=col.other.first(),
        first_key=first_key,
        longest=col.end.max(),
        longest_other=col.other.get(col.end.arg_max()),
        lasting=col.other.filter(lasts).first(),
        lasting_key=lasting_key,
        # Under another key than the first: the last who begins, and the first who lasts.
        last_else=col.other.filter(col.key != first_key).last(),
        lasting_else=col.other.filter(lasts & (col.key != lasting_key)).first(),
    )
    # Groups so far apart that a running maximum cannot cross them.
    apart = _count_of_changes(group).cast(pl.Int64) * _APART
    lifted = apart + col.longest.to_physical()
    is_further = (lifted > lifted.cum_max().shift(1)).fill_null(True)
    return told.with_columns(
        reach=(lifted.cum_max() - apart).cast(pl.Int32).cast(pl.Date),
        reach_other=pl.when(is_further).then("longest_other").forward_fill(),
    ).drop("longest", "longest_other")


def _count_of_changes(columns: list[str]) -> pl.Expr:
    """A number that grows by one where a sorted column changes."""
    return pl.any_horizontal(col(name) != col(name).shift() for name in columns).fill_null(True).cum_sum()


def next_start(records: pl.DataFrame, group: list[str], ends: pl.Expr, starts: pl.Expr) -> pl.Series:
    """For each record that ends: the first start of another one of its group on its exit day or later, or null."""
    begun = (
        records.with_row_index("at")
        .filter(starts)
        .sort("start", "at")
        .select(*group, found="at", day="start", entry="start", next_entry=col.start.shift(-1).over(group))
    )
    # A one-day enrollment's own start is its exit day: look for starts after it.
    since = pl.when(col.exit == col.start).then(col.exit.dt.offset_by("1d")).otherwise(col.exit)
    ended = records.with_row_index("at").filter(ends).select("at", *group, day=since).sort("day")
    met = ended.join_asof(begun, on="day", by=group, strategy="forward", check_sortedness=False)
    # One that ends before it starts would otherwise meet its own start.
    other = met.select("at", entry=pl.when(col.found == col.at).then("next_entry").otherwise("entry"))
    return records.with_row_index("at").select("at").join(other, on="at", how="left", maintain_order="left")["entry"]
