"""Rules about status, overlap, grade and age."""

from __future__ import annotations

import polars as pl
from polars import col

from senrkit.calpads.overlap import next_start, with_overlaps
from senrkit.calpads.records import age_on, filled
from senrkit.calpads.rule import rule
from senrkit.frames import days
from senrkit.frames.intervals import SHORT_TERM_DAYS

# Rows that add or update. What an R takes away is not public since 2022, so it cannot be told what it overlaps.
_SENT = ~col.deletes & ~col.replaces
_OWN = col.reporting_lea == col.submitting_lea
_AGE = age_on(col.start)
# SENR0622: on 1 September of the academic year submitted.
_SEPTEMBER = pl.date(col.academic_year.str.extract(r"^([0-9]{4})-[0-9]{4}$").cast(pl.Int32), 9, 1)
_CENSUS_MONTH = pl.date(col.started, 10, 1)
# Fall Census Day: the first Wednesday in October.
_CENSUS_DAY = _CENSUS_MONTH.dt.offset_by(pl.format("{}d", (10 - _CENSUS_MONTH.dt.weekday()) % 7))
_SAME_DAY = (col.primary_same_day | col.school_same_day) & ~col.primary_overlaps & ~col.school_overlaps
_TOUCHED = pl.when("primary_same_day")


def _beside(group: str) -> dict[str, pl.Expr]:
    return {name: col(f"{group}_{name}") for name in ("other_school_code", "other_start_date")}


def _touching() -> dict[str, pl.Expr]:
    return {
        name: pl.when("primary_same_day").then(f"primary_{name}").otherwise(f"school_{name}")
        for name in ("other_school_code", "other_start_date")
    }


RULES = [
    rule("SENR0027", col.primary_overlaps, **_beside("primary")),
    # Against the state before this file: CALPADS does not count what the same file ends or deletes.
    rule("SENR0027", col.primary_overlaps, scope="state", **_beside("primary")),
    # Two rows of one student at one school in one file; where both are primary SENR0027 has said it.
    rule("SENR0178", col.school_overlaps & ~(col.primary & col.school_other_primary), **_beside("school")),
    rule("SENR0178", col.school_overlaps, scope="state", **_beside("school")),
    rule("local-same-day", _SAME_DAY, **_touching()),
    rule("local-same-day", _SAME_DAY, scope="state", **_touching()),
    rule("local-exit-and-entry-one-file", col.entry.is_not_null(), other_start_date=days.key(col.entry)),
    rule(
        "SENR0187",
        (col.status == "30") & (col.lasts > SHORT_TERM_DAYS) & ~col.canceled,
        days=col.lasts.cast(pl.String),
        limit=pl.lit(str(SHORT_TERM_DAYS)),
    ),
    # Completed years at the start date (9/2017).
    rule("SENR0262", (col.grade == "KN") & ~_AGE.is_between(4, 7), age=_AGE.cast(pl.String)),
    rule("SENR0622", (col.grade == "TK") & (age_on(_SEPTEMBER) < 4), age=age_on(_SEPTEMBER).cast(pl.String)),
    # Measured at the start date; the page names the exit date in one place and the start date in another (1/2017).
    rule(
        "IVR0012",
        filled("grade")
        & pl.when(col.grade == "AD").then(~_AGE.is_between(16, 79)).otherwise(~_AGE.is_between(1, 22) & ~col.charter),
        age=_AGE.cast(pl.String),
    ),
    rule(
        "SENR0719E3",
        ~_AGE.is_between(0, 22) & (col.grade != "AD") & ~col.charter,
        age=_AGE.cast(pl.String),
    ),
    # Starts between 1 July and Census Day.
    rule(
        "SENR0731F1",
        (col.grade == "PS") & (col.status == "50") & (_AGE < 3) & (col.start <= _CENSUS_DAY),
    ),
]


def with_overlaps_in_file(records: pl.DataFrame) -> pl.DataFrame:
    """The records with what they overlap in their own file (`overlap.with_overlaps`; `primary_`: both primary;
    `school_`: at one school), and `entry`: for a row that ends an enrollment, the first start of another row of the
    student on its exit day or later.

    CALPADS tests the entry against what it holds before the file, where the enrollment is still open. Only primary
    enrollments, and those at one school, stand in each other's way.
    """
    primary, began = _SENT & col.primary, _SENT & filled("ssid") & ~col.canceled & col.start.is_not_null()
    ended = began & col.exit.is_not_null()
    anywhere = next_start(records, ["student"], ended & col.primary, began & col.primary)
    at_school = next_start(records, ["student", "school"], ended, began)
    beside = with_overlaps(records, records, "primary", ["student"], primary, primary)
    beside = with_overlaps(beside, records, "school", ["student", "school"], _SENT, _SENT)
    return beside.with_columns(entry=pl.coalesce(anywhere, at_school))


def with_overlaps_in_state(records: pl.DataFrame, state: pl.DataFrame) -> pl.DataFrame:
    """The records with what they overlap in the state, in the LEA's own rows."""
    beside = with_overlaps(records, state, "primary", ["student"], _SENT & col.primary, _OWN & col.primary)
    return with_overlaps(beside, state, "school", ["student", "school"], _SENT, _OWN)
