"""Rules about status, overlap, grade and age."""

from __future__ import annotations

import numpy as np
import pandas as pd

from senrkit.calpads.overlap import Overlap, overlap
from senrkit.calpads.records import Records, day_text, in_years, school_years
from senrkit.calpads.rule import CheckContext, Hits, hits, rule
from senrkit.calpads.values import value
from senrkit.frames import text


@rule("SENR0027")
def primaries_overlap_in_file(records: Records, context: CheckContext) -> Hits:
    found = overlap(records, records, "ssid", _sent(records) & records.primary, _sent(records) & records.primary)
    return _beside(found.overlaps, found, records)


@rule("SENR0027", scope="state")
def primaries_overlap(records: Records, state: Records, context: CheckContext) -> Hits:
    """Against the state before this file: CALPADS does not count what the same file ends or deletes."""
    found = overlap(records, state, "ssid", _sent(records) & records.primary, _own(state, context) & state.primary)
    return _beside(found.overlaps, found, state)


@rule("SENR0178")
def school_overlaps_in_file(records: Records, context: CheckContext) -> Hits:
    """Two rows of one student at one school in one file; where both are primary SENR0027 has said it."""
    found = overlap(records, records, "school", _sent(records), _sent(records))
    return _beside(found.overlaps & ~(records.primary & _of_partner(found, records.primary)), found, records)


@rule("SENR0178", scope="state")
def school_overlaps(records: Records, state: Records, context: CheckContext) -> Hits:
    found = overlap(records, state, "school", _sent(records), _own(state, context))
    return _beside(found.overlaps, found, state)


@rule("local-same-day")
def same_day_in_file(records: Records, context: CheckContext) -> Hits:
    return _same_day(records, records, _sent(records))


@rule("local-same-day", scope="state")
def same_day(records: Records, state: Records, context: CheckContext) -> Hits:
    return _same_day(records, state, _own(state, context))


@rule("local-exit-and-entry-one-file")
def exit_and_entry(records: Records, context: CheckContext) -> Hits:
    """The row that ends an enrollment, when another row of the student starts on its exit day or later.

    CALPADS tests the entry against what it holds before the file, where the enrollment is still open. Only primary
    enrollments, and those at one school, stand in each other's way.
    """
    sent = _sent(records) & records.filled("ssid") & ~records.cancelled & ~np.isnat(records.start)
    ends = sent & ~np.isnat(records.exit)
    at_school = _next_start(records, text.joined([records.student, records.school]), ends, sent)
    anywhere = _next_start(records, records.student, ends & records.primary, sent & records.primary)
    entry = np.where(np.isnat(anywhere), at_school, anywhere)
    return hits(~np.isnat(entry), other_start_date=day_text(entry))


@rule("SENR0187")
def short_term_too_long(records: Records, context: CheckContext) -> Hits:
    most = value("short_term", "most_days")
    too_long = records.is_("status", value("short_term", "status")) & (records.days > most) & ~records.cancelled
    return hits(too_long, days=records.days, limit=str(most))


@rule("SENR0262")
def kindergarten_age(records: Records, context: CheckContext) -> Hits:
    age = records.age_on(records.start)
    outside = (age < value("kindergarten", "least_age")) | (age > value("kindergarten", "most_age"))
    return hits(records.is_("grade", value("kindergarten", "grade")) & outside, age=_years(age))


@rule("SENR0622")
def transitional_kindergarten_age(records: Records, context: CheckContext) -> Hits:
    """On 1 September of the academic year submitted."""
    first = records.frame["academic_year"].str.extract(r"^(\d{4})-\d{4}$", expand=False)
    september = pd.to_datetime(first + "-09-01", errors="coerce").to_numpy(dtype="datetime64[D]")
    age = records.age_on(september)
    too_young = age < value("transitional_kindergarten", "least_age")
    return hits(records.is_("grade", value("transitional_kindergarten", "grade")) & too_young, age=_years(age))


@rule("IVR0012")
def unusual_age(records: Records, context: CheckContext) -> Hits:
    """Measured at the start date; the page names the exit date in one place and the start date in another."""
    age, adult = records.age_on(records.start), records.is_("grade", value("adult", "grade"))
    adult_outside = (age < value("adult", "least_age")) | (age > value("adult", "most_age"))
    pupil_outside = ((age <= 0) | (age > value("pupil", "most_age"))) & (not context.charter)
    outside = np.where(adult, adult_outside, pupil_outside)
    return hits(outside & records.filled("grade") & ~np.isnan(age), age=_years(age))


@rule("SENR0719E3")
def age_outside_school(records: Records, context: CheckContext) -> Hits:
    age, adult = records.age_on(records.start), records.is_("grade", value("adult", "grade"))
    outside = (age < 0) | (age > value("pupil", "most_age"))
    return hits(outside & ~adult & (not context.charter), age=_years(age))


@rule("SENR0731F1")
def infant_as_preschool(records: Records, context: CheckContext) -> Hits:
    """Starts between 1 July and Census Day, the first Wednesday in October."""
    young = records.age_on(records.start) < value("preschool", "under_age")
    grade, status = value("preschool", "grade"), value("preschool", "not_status")
    before_census = in_years(school_years(records.start), lambda year: records.start <= np.datetime64(year.census_day))
    return hits(records.is_("grade", grade) & records.is_("status", status) & young & before_census)


def _sent(records: Records) -> np.ndarray:
    """Rows that add or update. What an R takes away is not public since 2022, so it cannot be told what it overlaps."""
    return ~records.deletes & ~records.replaces


def _own(state: Records, context: CheckContext) -> np.ndarray:
    return state.is_("reporting_lea", context.lea)


def _of_partner(found: Overlap, mask: np.ndarray) -> np.ndarray:
    return np.where(found.partner >= 0, mask[found.partner], False)


def _beside(mask: np.ndarray, found: Overlap, others: Records) -> Hits:
    rows = np.flatnonzero(mask)
    partner = others.frame.take(found.partner[rows]).reset_index(drop=True)
    return Hits(rows, {f"other_{name}": partner[name] for name in ("school_code", "start_date")})


def _same_day(records: Records, others: Records, counted: np.ndarray) -> Hits:
    primary = overlap(records, others, "ssid", _sent(records) & records.primary, counted & others.primary)
    at_school = overlap(records, others, "school", _sent(records), counted)
    shares = (primary.same_day | at_school.same_day) & ~primary.overlaps & ~at_school.overlaps
    partner = np.where(primary.same_day, primary.partner, at_school.partner)
    return _beside(shares, Overlap(primary.overlaps, shares, partner), others)


def _next_start(records: Records, group: pd.Series, ends: np.ndarray, sent: np.ndarray) -> np.ndarray:
    """For each row that ends: the first start of another row of the group on its exit day or later, or NaT."""
    codes = pd.factorize(group)[0].astype("int64")
    # A group's stretch of days keeps the groups apart in one sorted column.
    stretch = codes << 24
    rows = np.flatnonzero(sent)
    begins = stretch[rows] + records.start[rows].astype("int64")
    order = np.argsort(begins, kind="stable")
    begins = np.append(begins[order], np.iinfo("int64").max)
    asked = np.flatnonzero(ends)
    # A one-day enrollment's own start is its exit day: look for starts after it.
    at_exit = stretch[asked] + records.exit[asked].astype("int64")
    one_day = records.start[asked] == records.exit[asked]
    at = np.where(one_day, np.searchsorted(begins, at_exit, "right"), np.searchsorted(begins, at_exit, "left"))
    # One that ends before it starts would otherwise meet its own start.
    at += np.append(rows[order], -1)[at] == asked
    found = begins[at] - stretch[asked]
    result = np.full(len(records), np.datetime64("NaT", "D"))
    result[asked] = np.where(found < (1 << 23), found.astype("datetime64[D]"), np.datetime64("NaT", "D"))
    return result


def _years(age: np.ndarray) -> pd.Series:
    return pd.Series(np.nan_to_num(age, nan=-1).astype("int64")).astype("str")
