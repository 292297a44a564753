"""The tables of a language run: `language.csv`, import files, conflict report, who waits for a test; their workbook."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
from polars import col

from senrkit.frames import days
from senrkit.frames.pandas_door import to_polars
from senrkit.language.classes import CONFLICT_DATE, CONFLICT_STATUS, ONLY_AERIES, PROPOSED, REFUSED
from senrkit.language.vendor import AGREES, JUDGEMENTS
from senrkit.reference.elas import facts, from_testing, lac_dates
from senrkit.results.workbook import Row, Sheet, write_book
from senrkit.texts import wording

COLUMNS = (
    "ssid", "local_id", "school_code", "class", "calpads_status", "calpads_date", "aeries_status", "aeries_date",
    "proposed_lf", "proposed_column", "proposed_date", "reason", "warnings", "vendor_status", "vendor_date", "vendor",
    "proposed_from",
)  # fmt: skip
# A workbook shows all of them: no spreadsheet program takes many more.
_MOST_ROWS = 1_000_000
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


def write_workbook(path: Path, document: Mapping[str, Any], found: pl.DataFrame, as_of: dt.date) -> None:
    """`language.xlsx`: the conflict report by school, what is new, what is refused, who waits for a test.

    No names: SSID and local id lead to the student. Headings and widths are in `texts/workbook.csv`, words in
    `texts/reasons.csv`.

    Raises
    ------
    OSError
        when the disk is full or cannot be written.
    """
    sheets = [_sheet(name, table) for name, table in _sheets(found, as_of).items()]
    summary = wording.phrase("language-sheet", "summary").title, list(_summary(document))
    made = dt.datetime.fromisoformat(document["made"])
    write_book(path, f"senrkit language {document['as_of']}", made, summary, sheets)


def _sheet(name: str, table: pl.DataFrame) -> Sheet:
    words = wording.phrase("language-sheet", name)
    return Sheet(words.title, wording.sheet_columns(f"language_{name}"), table, words.cure, _MOST_ROWS)


def _sheets(found: pl.DataFrame, as_of: dt.date) -> dict[str, pl.DataFrame]:
    conflicts = conflict_report(found)
    refused = found.filter(col("class") == REFUSED).sort("reason", "school_code", "ssid", maintain_order=True)
    new = proposals(found).sort("school_code", "ssid", maintain_order=True)
    vendor = {"vendor": worded(vendor_report(found))} if (found["vendor"] != "").any() else {}
    return {
        "conflicts": worded(conflicts),
        "conflicts_by_school": by_school(conflicts),
        "new": worded(new),
        "refused": worded(refused),
        "to_be_determined": to_be_determined(found, as_of).with_columns(age=worded_ages()),
        **vendor,
    }


def _summary(document: Mapping[str, Any]) -> Iterator[Row]:
    yield "title", (f"Language status, {document['lea']}, {document['school_year']}",)
    yield "text", (f"As of {document['as_of']}, senrkit {document['senrkit_version']}.",)
    yield "text", ()
    for name, count in document["counts"]["class"].items():
        words = wording.phrase("language-class", name)
        yield "text", (words.title, count, words.sentence)
    yield "text", ()
    for note in document["notes"]:
        yield "text", ("", "", note)
