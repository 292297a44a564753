"""How many enrollments are open on census day, and how many students are enrolled twice: CALPADS now, Aeries, and
CALPADS after the files of a run.

Fall Census Day is the first Wednesday in October (CALPADS data guide 11).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow.compute as pc
from polars import col

from senrkit.calpads.store import Store
from senrkit.frames import dates, text
from senrkit.frames.intervals import cancelled, overlapping, primary
from senrkit.frames.pandas_door import to_pandas
from senrkit.inputs.extract.state_rows import StateRows
from senrkit.reconciliation.scope import Scope
from senrkit.reference import SchoolYear
from senrkit.settings.settings import Settings
from senrkit.spells.build import SpellSet

SIDES = ("now", "aeries", "after")
_COLUMNS = ["reporting_lea", "school_code", "ssid", "start_date", "exit_date", "exit_reason", "status", "grade"]


@dataclass(frozen=True)
class WhatIf:
    """What the files of a run would make of the counts.

    Attributes
    ----------
    day
        Census day of the run year.
    census
        Enrollments open on that day, of any status, no-shows apart, at the LEA's selected schools: `school_code`,
        `school_name`, `grade` (text), `now`, `aeries`, `after` (int64); sorted by school and grade.
    concurrent
        Students with two primary enrollments on the same days of the run year, as far as the extract shows them:
        `now`, `aeries`, `after`. Enrollments in another LEA, which make most anomalies, are not in the extract.
    """

    day: dt.date
    census: pd.DataFrame
    concurrent: dict[str, int]

    def document(self) -> dict[str, Any]:
        """For the manifest: counts by school, then grade."""
        schools: dict[str, Any] = {}
        for row in self.census.to_dict("records"):
            school = schools.setdefault(row["school_code"], {"school_name": row["school_name"], "grades": {}})
            school["grades"][row["grade"]] = {side: row[side] for side in SIDES}
        return {"census_day": self.day.isoformat(), "schools": schools, "concurrent": self.concurrent}


def what_if(scope: Scope, spell_set: SpellSet, after: Store, settings: Settings) -> WhatIf:
    """The counts for one run; `after` is the model of CALPADS after the last file."""
    year = settings.school_year
    own = _selected(spell_set.schools)
    sides = {
        "now": scope.rows.where(_touches_year(scope.rows, year), _COLUMNS),
        "aeries": spell_set.spells[_COLUMNS],
        "after": to_pandas(after.where(_in_year(year), _COLUMNS)),  # seam
    }
    day = year.census_day
    counted = {side: _open_by_school_and_grade(_of_schools(rows, own, settings), day) for side, rows in sides.items()}
    census = pd.DataFrame(counted).fillna(0).astype("int64").rename_axis(["school_code", "grade"]).reset_index()
    census.insert(1, "school_name", text.mapped(census["school_code"], own.get).fillna(""))
    census = census.sort_values(["school_code", "grade"], ignore_index=True)
    return WhatIf(day, census, {side: _enrolled_twice(rows, settings.as_of) for side, rows in sides.items()})


def _selected(schools: pd.DataFrame) -> dict[str, str]:
    chosen = schools[schools["selected"] & (schools["school_code"] != "")].drop_duplicates("school_code")
    return dict(zip(chosen["school_code"], chosen["name"], strict=True))


def _of_schools(rows: pd.DataFrame, own: dict[str, str], settings: Settings) -> pd.DataFrame:
    wanted = text.is_in(rows["school_code"], pd.Series(list(own), dtype="str"))
    return rows[wanted & text.equals(rows["reporting_lea"], settings.lea)]


def _touches_year(rows: StateRows, year: SchoolYear) -> np.ndarray:
    begun = rows.answered("start_date", lambda starts: _begun(starts, year.end))
    return begun & rows.answered("exit_date", lambda ends: _going_on(ends, year.start))


def _in_year(year: SchoolYear) -> pl.Expr:
    begun = (col.start_date <= f"{year.end:%Y%m%d}") & (col.start_date != "")
    return begun & ((col.exit_date == "") | (col.exit_date >= f"{year.start:%Y%m%d}"))


def _open_on(rows: pd.DataFrame, day: dt.date) -> np.ndarray:
    return _begun(rows["start_date"], day) & _going_on(rows["exit_date"], day)


# CCYYMMDD sorts as text.
def _begun(starts: pd.Series, by: dt.date) -> np.ndarray:
    there = text.arrow(starts)
    begun = pc.and_(pc.less_equal(there, f"{by:%Y%m%d}"), pc.not_equal(there, ""))
    return pc.fill_null(begun, False).to_numpy(zero_copy_only=False)


def _going_on(ends: pd.Series, since: dt.date) -> np.ndarray:
    there = text.arrow(ends)
    going_on = pc.or_(pc.equal(there, ""), pc.greater_equal(there, f"{since:%Y%m%d}"))
    return pc.fill_null(going_on, False).to_numpy(zero_copy_only=False)


def _open_by_school_and_grade(rows: pd.DataFrame, day: dt.date) -> pd.Series:
    there = rows[_open_on(rows, day)]
    there = there[~cancelled(*_ends(there), there["exit_reason"])]
    return there.fillna("").groupby(["school_code", "grade"]).size()


def _enrolled_twice(rows: pd.DataFrame, as_of: dt.date) -> int:
    start, end = _ends(rows)
    counts = ~cancelled(start, end, rows["exit_reason"]) & primary(rows["status"], start, end, np.datetime64(as_of))
    return int(
        rows.loc[overlapping(rows["ssid"], start, end, counts & (rows["ssid"] != "").to_numpy()), "ssid"].nunique()
    )


def _ends(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    start, end = (
        dates.from_ccyymmdd(rows[name]).to_numpy(dtype="datetime64[D]") for name in ("start_date", "exit_date")
    )
    return start, end
