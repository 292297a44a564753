"""The look-ahead: what certification would say of the state when everything has posted, as far as enrollment tells."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

import numpy as np
import pandas as pd

from senrkit.calpads.records import ONE_DAY, Records, day_text
from senrkit.calpads.rule import CheckContext, Hits, hits, rule
from senrkit.calpads.values import value
from senrkit.frames import text
from senrkit.reference import SENR_FIELDS, SchoolYear


@rule("CERT112", scope="after")
def last_year_still_open(state: Records, context: CheckContext) -> Hits:
    """Asked from 16 August on."""
    year = SchoolYear.of(context.as_of)
    month, day = value("prior_year", "open_after_month"), value("prior_year", "open_after_day")
    if context.as_of <= dt.date(year.first, month, day):
        return hits(np.zeros(len(state), dtype=bool))
    return hits(state.open & (state.start < np.datetime64(year.start, "D")) & _own(state, context))


@rule("CERT114", scope="after")
def mid_year_update_without_successor(state: Records, context: CheckContext) -> Hits:
    """The student's newest enrollment, at whatever school, ends with E150. Cancelled enrollments never took place."""
    newest = np.zeros(len(state), dtype=bool)
    ordered = _in_order(state, "ssid")
    newest[ordered.groupby("group", sort=False)["row"].last().to_numpy()] = True
    return hits(newest & _mid_year(state) & _own(state, context))


@rule("SENR0286E3", scope="after")
def gap_after_mid_year_update(state: Records, context: CheckContext) -> Hits:
    """The student's next enrollment at the same school; where there is none, CERT114 has its say."""
    ordered = _in_order(state, "school")
    next_row = ordered.groupby("group", sort=False)["row"].shift(-1).fillna(-1).to_numpy(dtype="int64")
    start_after = np.full(len(state), np.datetime64("NaT", "D"))
    followed = next_row >= 0
    start_after[ordered["row"].to_numpy()[followed]] = state.start[next_row[followed]]
    late = start_after > state.exit + ONE_DAY
    return hits(late & _mid_year(state) & _own(state, context), other_start_date=day_text(start_after))


@rule("CERT001", scope="schools")
def school_without_enrollment(schools: Records, enrolled: pd.Series, context: CheckContext) -> Hits:
    return hits(~text.is_in(schools.frame["school_code"], enrolled))


@lru_cache(maxsize=1)
def expected_schools(context: CheckContext) -> pd.DataFrame:
    """One blank record per school that should have enrollments: active, of this LEA, of a kind with enrolled pupils.

    A charter that is funded directly reports for itself, so it counts for no district.
    """
    rows = context.directory.rows
    if context.charter:
        ours = rows["school_code"] == context.lea
    else:
        own_funding = rows["charter"] & (rows["funding"] == value("schools", "reports_for_itself"))
        ours = (rows["district_code"] == context.lea) & ~rows["is_district"] & ~own_funding
    ours &= (rows["status"] == "Active") & ~rows["soc"].isin(value("schools", "without_enrollment_soc"))
    codes = rows.loc[ours, "school_code"].reset_index(drop=True)
    blank = pd.DataFrame({field: text.constant("", codes.index) for field in SENR_FIELDS})
    return blank.assign(school_code=codes, reporting_lea=context.lea)


def _own(state: Records, context: CheckContext) -> np.ndarray:
    return state.is_("reporting_lea", context.lea)


def _mid_year(state: Records) -> np.ndarray:
    return state.is_("exit_reason", value("exits", "mid_year"))


def _in_order(state: Records, within: str) -> pd.DataFrame:
    """Rows that took place, by student (and school) and start: `group`, `row` (position in the state)."""
    group = state.frame["ssid"] if within == "ssid" else state.frame["ssid"] + "^" + state.school
    rows = np.flatnonzero(~state.cancelled & ~np.isnat(state.start) & state.filled("ssid"))
    ordered = pd.DataFrame({"group": pd.factorize(group.take(rows))[0], "start": state.start[rows], "row": rows})
    return ordered.sort_values(["group", "start"], kind="stable")
