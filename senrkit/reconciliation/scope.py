"""Which state rows the run is about (reconciliation.md 1), and what the older ones are still needed for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from senrkit.frames import dates, text
from senrkit.frames.intervals import cancelled
from senrkit.inputs.extract.senr import Extract
from senrkit.inputs.extract.state_rows import StateRows
from senrkit.reference import SENR_FIELDS, SchoolYear
from senrkit.settings.settings import Settings
from senrkit.spells.build import SpellSet
from senrkit.spells.schools import NOT_REPORTED, NOT_SELECTED, NPS_SCHOOL

KEY = ("school_code", "nps_code", "ssid", "start_date")


@dataclass(frozen=True)
class Scope:
    """The extract, sorted into what a run may change and what it only reads.

    Attributes
    ----------
    year
        The run year.
    rows
        The extract's rows, all of them.
    start
        Start dates of all rows, `datetime64[D]`.
    of_lea, run_year, in_scope
        One bool a row of the extract.
    positions
        Positions of the rows in scope, int64.
    state
        The rows in scope, as text, with a fresh index; `start`, `exit` (datetime64[s]), `cancelled` (bool) added.
    lacking
        The SENR fields that the extract's layout does not have: unknown in every row, though they stand there as blank.
    """

    year: SchoolYear
    rows: StateRows
    start: np.ndarray
    of_lea: np.ndarray
    run_year: np.ndarray
    in_scope: np.ndarray
    positions: np.ndarray
    state: pd.DataFrame
    lacking: frozenset[str] = frozenset()

    def counts(self) -> dict[str, int]:
        """The first line of the balance (section 9)."""
        own = self.of_lea
        return {
            "state_rows_read": int(own.sum()),
            "in_scope": int(self.in_scope.sum()),
            "other_school": int((own & self.run_year & ~self.in_scope).sum()),
            "other_year": int((own & ~self.run_year).sum()),
            "other_lea": int((~own).sum()),
        }

    def open_prior_year(self) -> np.ndarray:
        """Positions of the LEA's rows that started before the run year and are still open (P09), at any school."""
        is_prior = self.of_lea & (self.start < np.datetime64(self.year.start))
        return np.flatnonzero(is_prior & self.rows.equals("exit_date", ""))


def scope_of(extract: Extract, spell_set: SpellSet, settings: Settings) -> Scope:
    """Reporting LEA = the LEA, start date inside the run year, school among the selected ones.

    Where an Aeries school that is not selected shares its state code with one that is, as nonpublic schools do, a state
    row belongs to the school where Aeries has the student (`_at_unselected_school`).
    """
    rows = extract.state
    start = rows.answered("start_date", dates.days_of_ccyymmdd)
    of_lea = rows.equals("reporting_lea", settings.lea)
    year = settings.school_year
    run_year = (start >= np.datetime64(year.start)) & (start <= np.datetime64(year.end))
    schools = spell_set.schools
    selected = schools.loc[schools["selected"] & (schools["school_code"] != ""), "school_code"]
    at = np.flatnonzero(of_lea & run_year & rows.is_in("school_code", selected))
    at = at[~_at_unselected_school(rows, at, selected, spell_set)]
    in_scope = np.zeros(len(rows), dtype=bool)
    in_scope[at] = True
    state = rows.at(at)
    state["start"] = pd.Series(start[at]).astype("datetime64[s]")
    state["exit"] = dates.from_ccyymmdd(state["exit_date"])
    ends = (state[name].to_numpy(dtype="datetime64[D]") for name in ("start", "exit"))
    state["cancelled"] = cancelled(*ends, state["exit_reason"])
    lacking = frozenset(SENR_FIELDS) - set(extract.layout.columns)
    return Scope(year, rows, start, of_lea, run_year, in_scope, at, state, lacking)


def _at_unselected_school(rows: StateRows, at: np.ndarray, selected: pd.Series, spell_set: SpellSet) -> np.ndarray:
    """Which rows stand under a shared code for an enrollment at the school of it that is not selected.

    Those of a student whose `ENR` row there was left out, unless a spell has the row's very key.
    """
    schools, left_out = spell_set.schools, spell_set.left_out
    shared = schools.loc[~schools["selected"] & schools["school_code"].isin(selected), "school_code"]
    found = np.zeros(len(at), dtype=bool)
    if not len(shared):
        return found
    unselected = left_out["reason"].isin([NOT_SELECTED, NOT_REPORTED]) & left_out["school_code"].isin(shared)
    suspects = np.flatnonzero(rows.is_in("school_code", shared)[at])
    theirs = rows.at(at[suspects], KEY)
    at_school = [text.joined([side["ssid"], side["school_code"]]) for side in (theirs, left_out[unselected])]
    found[suspects] = text.is_in(*at_school) & ~text.is_in(key_of(theirs), key_of(spell_set.spells))
    return found


def key_of(rows: pd.DataFrame) -> pd.Series:
    """The operational key as one text: school, NPS code when the school is the NPS one, SSID, start date."""
    nps = text.choose(text.equals(rows["school_code"], NPS_SCHOOL), rows["nps_code"], "")
    return text.joined([rows["school_code"], nps, rows["ssid"], rows["start_date"]])
