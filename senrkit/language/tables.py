"""The tables of a language run: `language.csv`, the two import files, the conflict report, who waits for a test."""

from __future__ import annotations

import datetime as dt

import polars as pl
from polars import col

from senrkit.frames import days
from senrkit.frames.pandas_door import to_polars
from senrkit.language.classes import CONFLICT_DATE, CONFLICT_STATUS, ONLY_AERIES, PROPOSED, REFUSED
from senrkit.language.vendor import AGREES, JUDGEMENTS
from senrkit.reference.elas import facts, from_testing, lac_dates
from senrkit.texts import wording

COLUMNS = (
    "ssid", "local_id", "school_code", "class", "calpads_status", "calpads_date", "aeries_status", "aeries_date",
    "proposed_lf", "proposed_column", "proposed_date", "reason", "warnings", "vendor_status", "vendor_date", "vendor",
    "proposed_from",
)  # fmt: skip
OVER, LONG_OVER, EXEMPT = "over", "long-over", "exempt"


def language_table(found: pl.DataFrame) -> pl.DataFrame:
    """`language.csv`, all text, by school, SSID and local id; days ISO. `found` is what `classify` gives."""
    dated = {f"{side}_date": days.iso(col(f"{side}_day")) for side in ("calpads", "aeries", "proposed", "vendor")}
    return found.sort("school_code", "ssid", "local_id", maintain_order=True).with_columns(**dated).select(COLUMNS)


def proposals(found: pl.DataFrame) -> pl.DataFrame:
    """The rows of `found` that are proposed for Aeries, by local id."""
    return found.filter(col("class").is_in(PROPOSED)).sort("local_id", maintain_order=True)


def lac_import(proposed: pl.DataFrame) -> pl.DataFrame:
    """`aeries_import_LAC.csv`: `ID` and the day of each new status in the column of that status.

    The other column is blank, and was blank in Aeries: who has a day there already is refused.
    """
    columns = [lac_dates()[status] for status in from_testing()]
    day = {code: pl.when(col.proposed_column == code).then(days.iso(col.proposed_day)) for code in columns}
    return proposed.select(ID="local_id", **{code: said.otherwise(pl.lit("")) for code, said in day.items()})


def stu_import(proposed: pl.DataFrame, stu: pl.DataFrame) -> pl.DataFrame:
    """`aeries_import_STU.csv`: `SC`, `SN` (the key), `ID` and `LF` of every live STU row of the students."""
    new = proposed.unique("local_id", keep="first").select(ID="local_id", LF="proposed_lf")
    rows = to_polars(stu).select("SC", "SN", "ID").join(new, on="ID", maintain_order="left")
    return rows.sort("ID", "SC", "SN", maintain_order=True)


def conflict_report(found: pl.DataFrame) -> pl.DataFrame:
    """Students with a status on both sides that differs, or differs in its day; by school, then SSID.

    What is refused because Aeries has a settled status already belongs here too.
    """
    settled = (col("class") == REFUSED) & col.reason.str.starts_with("already-")
    chosen = found.filter(col("class").is_in([CONFLICT_STATUS, CONFLICT_DATE]) | settled)
    return chosen.sort("school_code", "ssid", maintain_order=True)


def by_school(conflicts: pl.DataFrame) -> pl.DataFrame:
    """`school_code, school_name` (text), `status, date, total` (counts), most conflicts first."""
    is_day = col("class") == CONFLICT_DATE
    counted = conflicts.group_by("school_code", "school_name").agg(
        status=(~is_day).sum(), date=is_day.sum(), total=pl.len()
    )
    return counted.cast({pl.UInt32: pl.Int64}).sort(
        "total", "school_code", "school_name", descending=[True, False, False]
    )


def vendor_report(found: pl.DataFrame) -> pl.DataFrame:
    """Students whose test vendor's result and CALPADS or Aeries are not of one mind; not yet in CALPADS first."""
    order = {name: at for at, name in enumerate(JUDGEMENTS)}
    chosen = found.filter(~col.vendor.is_in(["", AGREES]))
    place = col.vendor.replace_strict(order, default=len(order), return_dtype=pl.Int64)
    return chosen.sort(place, "school_code", "ssid", maintain_order=True)


def to_be_determined(found: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    """Students of Aeries whose newest status is TBD for long, the longest first; not who left, nor who is not tested in
    their grade.

    As `found`, with `since` (ISO text), `days` (a number) and `age`: `over` (more than 30 days), `long-over` (90 or
    more; rule SENR0714E3) or `exempt` (transitional kindergarten, AB 2268).
    """
    limits = facts()["to_be_determined"]
    waits = (col.calpads_status == limits["status"]) & col.in_aeries & ~col.left
    tested = (col("class") != ONLY_AERIES) & ~col.grade.is_in(limits["not_tested"])
    exempt = (col.grade == limits["exempt"]) & (as_of >= limits["exempt_since"])
    long_over = pl.when(col.days >= limits["at_least_days"]).then(pl.lit(LONG_OVER)).otherwise(pl.lit(OVER))
    return (
        found.filter(waits & tested)
        .with_columns(since=days.iso(col.calpads_day), days=(pl.lit(as_of) - col.calpads_day).dt.total_days())
        .filter(col.days > limits["more_than_days"])
        .with_columns(age=pl.when(exempt).then(pl.lit(EXEMPT)).otherwise(long_over))
        .sort("days", "school_code", "ssid", descending=[True, False, False], maintain_order=True)
    )


def worded_ages() -> pl.Expr:
    """`age` of `to_be_determined` for people."""
    limits = facts()["to_be_determined"]
    return col.age.replace(
        {age: wording.phrase("language-wait", age).title.format(**limits) for age in (OVER, LONG_OVER, EXEMPT)}
    )


def worded(rows: pl.DataFrame) -> pl.DataFrame:
    """Ids as words, days as ISO text."""
    words, said = wording.phrases("language-reason"), wording.phrases("language-vendor")
    cures = {id: phrase.cure for id, phrase in words.items()}
    return rows.with_columns(
        cure=col.reason.replace_strict(cures, default="", return_dtype=pl.String),
        reason=col.reason.replace({id: phrase.title for id, phrase in words.items()}),
        vendor_cure=col.vendor.replace_strict(
            {id: phrase.cure for id, phrase in said.items()}, default="", return_dtype=pl.String
        ),
        vendor=col.vendor.replace({id: phrase.title for id, phrase in said.items()}),
        proposed_from=col.proposed_from.replace(
            {"calpads": "CALPADS", "vendor": "the test vendor, not yet in CALPADS"}
        ),
        **{f"{side}_date": days.iso(col(f"{side}_day")) for side in ("calpads", "aeries", "proposed", "vendor")},
    )
