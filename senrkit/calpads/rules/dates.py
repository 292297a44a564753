"""Rules about start and exit dates, and about what may follow a graduation."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from senrkit.calpads.records import ONE_DAY, Records, day_text, in_years, school_years
from senrkit.calpads.rule import CheckContext, Hits, hits, rule
from senrkit.calpads.values import value
from senrkit.frames import text
from senrkit.reference import SchoolYear


@rule("SENR0018")
def exit_before_start(records: Records, context: CheckContext) -> Hits:
    """An exit lies on or after the start; a no-show's on the start or the day before."""
    no_show = records.is_("exit_reason", value("exits", "no_show"))
    both = ~np.isnat(records.start) & ~np.isnat(records.exit)
    wrong = np.where(no_show, ~records.cancelled, records.exit < records.start)
    return hits(both & wrong)


@rule("SENR0742")
def year_does_not_match_start(records: Records, context: CheckContext) -> Hits:
    years = school_years(records.start)
    matches = in_years(years, lambda year: records.is_("academic_year", year.text))
    return hits(~np.isnan(years) & ~matches & records.filled("academic_year"))


@rule("SENR0167")
def replace_outside_year(records: Records, context: CheckContext) -> Hits:
    current = school_years(np.array([records.as_of]))
    started = school_years(records.start)
    return hits(records.replaces & ~np.isnan(started) & (started != current))


@rule("local-start-ceiling")
def start_far_ahead(records: Records, context: CheckContext) -> Hits:
    last = pd.Timestamp(context.as_of) + pd.DateOffset(months=value("ceilings", "start_months"))
    return hits(records.start > np.datetime64(last.date(), "D"))


@rule("local-exit-ceiling")
def exit_far_ahead(records: Records, context: CheckContext) -> Hits:
    return hits(records.exit > records.as_of + value("ceilings", "exit_days") * ONE_DAY)


@rule("local-year-end-window")
def year_end_exit_out_of_season(records: Records, context: CheckContext) -> Hits:
    month_day = records.frame["exit_date"].str.slice(4, 8)
    first, last = value("year_end", "first_day"), value("year_end", "last_day")
    outside = ((month_day < first) | (month_day > last)).to_numpy(dtype=bool)
    return hits(records.is_("exit_reason", *value("year_end", "exits")) & ~np.isnat(records.exit) & outside)


@rule("local-grade-12-year-end")
def grade_12_undecided(records: Records, context: CheckContext) -> Hits:
    """From June of its year on: an enrollment still open, or closed as if the student came back to a lower grade."""
    year = SchoolYear.of(context.as_of)
    is_june = context.as_of >= dt.date(year.first + 1, value("grade_12", "from_month"), value("grade_12", "from_day"))
    is_time = (school_years(records.start) < year.first) | is_june
    undecided = records.open | records.is_("exit_reason", value("grade_12", "wrong_exit"))
    return hits(records.is_("grade", value("grade_12", "grade")) & undecided & is_time & ~np.isnat(records.start))


@rule("SENR0024", scope="state")
def start_after_finishing(records: Records, state: Records, context: CheckContext) -> Hits:
    """Status 20 and no-shows are let pass: the newer SENR0586 exempts them, and it overtakes this rule in part."""
    finished = _finishers(records, state, value("graduate", "same_district_finishers"), own_lea=context.lea)
    end = _first_exit(records, finished)
    return hits((records.start > end) & ~_exempt(records), other_exit_date=day_text(end))


@rule("SENR0586", scope="state")
def exit_after_graduation(records: Records, state: Records, context: CheckContext) -> Hits:
    end = _first_exit(records, _finishers(records, state, [value("graduate", "diploma")]))
    return hits((records.exit > end) & ~_exempt(records), other_exit_date=day_text(end))


@rule("SENR0587", scope="state")
def open_after_graduation(records: Records, state: Records, context: CheckContext) -> Hits:
    graduated = _finishers(records, state, [value("graduate", "diploma")])
    graduated = graduated[graduated["start"].notna()].sort_values("start", kind="stable")
    earlier = _of_first(records, graduated, "start") < records.start
    end = _of_first(records, graduated, "exit")
    return hits(records.open & earlier, other_exit_date=day_text(end))


def _finishers(records: Records, state: Records, completion: list[str], own_lea: str = "") -> pd.DataFrame:
    """Enrollments that ended the student's schooling: `ssid`, `start`, `exit`. What the file sends replaces what the
    state holds under the same key."""
    sent = text.is_in(state.key, records.key[~records.deletes])
    parts = []
    for side, counted in ((state, ~sent), (records, ~records.deletes)):
        counted = counted & side.is_("completion_status", *completion)
        counted &= side.is_("exit_reason", value("graduate", "completer_exit")) & ~np.isnat(side.exit)
        # One that ends before it starts is SENR0018's; it would be compared with itself.
        counted &= ~(side.exit < side.start)
        if own_lea:
            counted &= side.is_("reporting_lea", own_lea)
        rows = np.flatnonzero(counted)
        days = {"start": side.start[rows].astype("datetime64[s]"), "exit": side.exit[rows].astype("datetime64[s]")}
        parts.append(pd.DataFrame({"ssid": side.frame["ssid"].take(rows).array, **days}))
    return pd.concat(parts, ignore_index=True)


def _first_exit(records: Records, finished: pd.DataFrame) -> np.ndarray:
    return _of_first(records, finished.sort_values("exit", kind="stable"), "exit")


def _of_first(records: Records, finished: pd.DataFrame, column: str) -> np.ndarray:
    """The column of each student's first finishing enrollment; NaT for a student who has none."""
    if finished.empty:
        return np.full(len(records), np.datetime64("NaT", "D"))
    at = text.positions(records.frame["ssid"], finished["ssid"])
    days = np.append(finished[column].to_numpy(dtype="datetime64[D]"), np.datetime64("NaT"))
    known = records.filled("ssid") & ~records.deletes & (at >= 0)
    return days[np.where(known, at, len(finished))]


def _exempt(records: Records) -> np.ndarray:
    no_show = records.is_("exit_reason", value("exits", "no_show"))
    return no_show | records.is_("status", value("graduate", "exempt_status"))
