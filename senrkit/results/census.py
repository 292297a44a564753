"""How many enrollments are open on census day, and how many students are enrolled twice: CALPADS now, Aeries, and
CALPADS after the files of a run.

Fall Census Day is the first Wednesday in October (CALPADS data guide 11).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import polars as pl
from polars import col

from senrkit.calpads.store import Store
from senrkit.frames.intervals import is_canceled, is_primary, overlaps
from senrkit.reconciliation.scope import Scope
from senrkit.settings.settings import Settings
from senrkit.spells.build import SpellSet

SIDES = ("now", "aeries", "after")


@dataclass(frozen=True)
class WhatIf:
    """What the files of a run would make of the counts.

    Attributes
    ----------
    day
        Census day of the run year.
    census
        Enrollments open on that day, of any status, no-shows apart, at the LEA's selected schools: `school_code`,
        `school_name`, `grade` (text), `now`, `aeries`, `after`; sorted by school and grade.
    concurrent
        Students with two primary enrollments on the same days of the run year, as far as the extract shows them:
        `now`, `aeries`, `after`. Enrollments in another LEA, which make most anomalies, are not in the extract.
    """

    day: dt.date
    census: pl.DataFrame
    concurrent: dict[str, int]

    def document(self) -> dict[str, Any]:
        """For the manifest: counts by school, then grade."""
        schools: dict[str, Any] = {}
        for row in self.census.rows(named=True):
            school = schools.setdefault(row["school_code"], {"school_name": row["school_name"], "grades": {}})
            school["grades"][row["grade"]] = {side: row[side] for side in SIDES}
        return {"census_day": self.day.isoformat(), "schools": schools, "concurrent": self.concurrent}


def what_if(scope: Scope, spell_set: SpellSet, after: Store, settings: Settings) -> WhatIf:
    """The counts for one run; `after` is the model of CALPADS after the last file."""
    year, day = settings.school_year, settings.school_year.census_day
    in_year = (col.start <= year.end) & (col.exit.is_null() | (col.exit >= year.start))
    own = _selected(spell_set.schools)
    sides = {
        "now": _asked(scope.rows.narrow.lazy().filter(in_year)),
        "aeries": _asked(spell_set.spells.lazy()),
        "after": _asked(after.narrow(in_year)),
    }
    census = own.clear().select("school_code", grade="school_code")
    for side, rows in sides.items():
        counted = _open_by_school_and_grade(rows.filter(col.reporting_lea == settings.lea), day, side)
        counted = counted.join(own, on="school_code", how="semi")
        census = census.join(counted, on=["school_code", "grade"], how="full", coalesce=True)
    census = census.join(own, on="school_code", how="left").sort("school_code", "grade")
    counts = census.select("school_code", "school_name", "grade", col(SIDES).cast(pl.Int64).fill_null(0))
    return WhatIf(day, counts, {side: _enrolled_twice(rows, settings.as_of) for side, rows in sides.items()})


def _selected(schools: pl.DataFrame) -> pl.DataFrame:
    chosen = schools.filter(col.selected & (col.school_code != "")).unique(
        "school_code", keep="first", maintain_order=True
    )
    return chosen.select("school_code", school_name="name")


def _asked(rows: pl.LazyFrame) -> pl.DataFrame:
    texts = col("reporting_lea", "school_code", "ssid", "exit_reason", "status", "grade").cast(pl.String)
    canceled = is_canceled(col.start, col.exit, col.exit_reason)
    return rows.select(texts, "start", "exit").with_columns(canceled=canceled).collect()


def _open_by_school_and_grade(rows: pl.DataFrame, day: dt.date, side: str) -> pl.DataFrame:
    there = rows.filter(col.start <= day, col.exit.is_null() | (col.exit >= day), ~col.canceled)
    return there.group_by("school_code", col.grade.fill_null("")).agg(pl.len().alias(side))


def _enrolled_twice(rows: pl.DataFrame, as_of: dt.date) -> int:
    lasts = (col.exit.fill_null(as_of) - col.start).dt.total_days() + 1
    counted = rows.filter(~col.canceled, is_primary(col.status, lasts), col.ssid != "", col.start.is_not_null())
    # Nearly everybody has one, and need not be looked at.
    several = counted.filter(col.ssid.is_duplicated())
    return several.filter(overlaps("ssid", col.start, col.exit))["ssid"].n_unique()
