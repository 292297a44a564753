"""SENR records with the terms of the rules beside their fields: each term is a column, a rule an expression of them.

Definitions: reconciliation.md (terms, section 8), calpads_rules.md section 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from polars import col

from senrkit.frames import days
from senrkit.frames.intervals import is_canceled, is_primary
from senrkit.frames.pandas_door import to_polars
from senrkit.reference import SENR_FIELDS

if TYPE_CHECKING:
    from senrkit.calpads.rule import CheckContext

NONPUBLIC = "0000001"
# With the nonpublic school's own code where the school is 0000001.
SCHOOL = (
    pl.when(col.school_code == NONPUBLIC)
    .then(pl.concat_str("school_code", "nps_code", separator="^"))
    .otherwise("school_code")
)
# The operational key.
KEY = pl.concat_str(SCHOOL, "ssid", "start_date", separator="^")
# What may be quoted in a message: codes, dates and school numbers. A shifted column can hold a name or an SSID.
_QUOTABLE = r"^([A-Z]?[0-9]{1,9}|[A-Z]{1,2}|[0-9]{4}-[0-9]{4}|[A-Z]{2}-[A-Z]{2,3})$"


def with_terms(records: pl.DataFrame, context: CheckContext) -> pl.DataFrame:
    """The SENR fields, unknown as blank, and beside them the terms:

    `file`, `row`
        Which file, and the position in it; of a frame that does not say so, `""` and the position in the frame.
        Records of different files are of different students.
    `start`, `exit`, `birth`, `today`
        Days.
    `submitting_lea`, `charter`
        Whose file it is.
    `started`, `this_year`
        First calendar year of the school year of the start date (null without one), and of today's.
    `open`, `deletes`, `replaces`, `canceled`, `primary`
        Flags. A canceled record never took place: it overlaps nothing.
    `lasts`
        Days from start to exit, both counted, of an open record to today; -1 where a date is missing.
    `school`, `student`, `key`
        School of attendance; SSID and file; and the operational key (school, SSID, start date) and file.
    """
    return terms(to_polars(records).lazy(), context).collect()


def terms(records: pl.LazyFrame, context: CheckContext) -> pl.LazyFrame:
    """`with_terms`, for those who need but few of them."""
    if "file" not in records.collect_schema():
        records = records.with_row_index("row").with_columns(file=pl.lit(""))
    return (
        records.select("file", "row", col(SENR_FIELDS).fill_null(""))
        .with_columns(
            start=days.of_key(col.start_date),
            exit=days.of_key(col.exit_date),
            birth=days.of_key(col.birth_date),
            today=pl.lit(context.as_of),
            submitting_lea=pl.lit(context.lea),
            charter=pl.lit(context.charter),
            open=~filled("exit_date"),
            deletes=col.transaction == "D",
            replaces=col.transaction == "R",
            school=SCHOOL,
            student=pl.concat_str("ssid", "file", separator="^"),
            key=pl.concat_str(KEY, "file", separator="^"),
        )
        .with_columns(
            started=school_year(col.start),
            this_year=school_year(col.today),
            canceled=is_canceled(col.start, col.exit, col.exit_reason),
            lasts=_days(col.start, pl.when(col.open).then(col.today).otherwise(col.exit)).fill_null(-1),
        )
        .with_columns(primary=is_primary(col.status, col.lasts) & ~col.canceled)
    )


def filled(field: str) -> pl.Expr:
    """Whether the field holds anything; a lone space is blank, as CALPADS reads it."""
    return col(field).str.strip_chars() != ""


def quotable(text: pl.Expr) -> pl.Expr:
    """Codes, dates and school numbers as they are, blank as `blank`, anything else as `(not a code)`."""
    shown = pl.when(text.str.contains(_QUOTABLE)).then(text).otherwise(pl.lit("(not a code)"))
    return pl.when(text.str.strip_chars() == "").then(pl.lit("blank")).otherwise(shown)


def school_year(day: pl.Expr) -> pl.Expr:
    """First calendar year of the school year (1 July to 30 June) of each day."""
    return day.dt.year() - (day.dt.month() < 7).cast(pl.Int32)


def age_on(day: pl.Expr) -> pl.Expr:
    """Completed years; null where either date is missing."""
    before_birthday = day.dt.to_string("%m%d") < col.birth.dt.to_string("%m%d")
    return day.dt.year() - col.birth.dt.year() - before_birthday.cast(pl.Int32)


def _days(first: pl.Expr, last: pl.Expr) -> pl.Expr:
    return (last - first).dt.total_days() + 1
