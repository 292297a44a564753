"""Rules that need the state's school directory. A code the directory does not know is SENR0002's business alone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from senrkit.calpads.records import Records, day_text, school_years
from senrkit.calpads.rule import CheckContext, Hits, hits, rule
from senrkit.calpads.values import value


@rule("SENR0002", scope="directory")
def school_unknown(records: Records, context: CheckContext) -> Hits:
    """Nonpublic schools and the private school group are not in the directory and are let pass."""
    leas, schools = records.frame["reporting_lea"], records.frame["school_code"]
    tied = context.directory.reports_for(leas, schools).to_numpy()
    special = records.is_("school_code", value("schools", "nonpublic"), value("schools", "private_group"))
    own_code = (schools == leas).to_numpy(dtype=bool)
    return hits(records.filled("school_code") & ~tied & ~special & ~own_code)


@rule("SENR0182", scope="directory")
def before_school_opened(records: Records, context: CheckContext) -> Hits:
    opened = _days(_schools(records, context)["open_date"])
    return hits(records.start < opened, opened=day_text(opened))


@rule("SENR0184", scope="directory")
def after_school_closed(records: Records, context: CheckContext) -> Hits:
    closed = _days(_schools(records, context)["closed_date"])
    return hits(records.start > closed, closed=day_text(closed))


@rule("SENR0189", scope="directory")
def short_term_at_regular_school(records: Records, context: CheckContext) -> Hits:
    school = _schools(records, context)
    option = _is_one_of(school["soc"], "education_option_soc") | _is_one_of(school["ed_ops"], "education_option_ed_ops")
    return hits(records.is_("status", value("short_term", "status")) & school["known"].to_numpy() & ~option)


@rule("SENR0192", scope="directory")
def residence_is_no_open_district(records: Records, context: CheckContext) -> Hits:
    """A district that has closed is accepted when the exit date is blank or before its last day, in a year it saw.
    For some closed districts the directory has no last day: then it cannot be told."""
    district = context.directory.district(records.frame["residence_district"])
    closed = _days(district["closed_date"])
    is_district = district["known"].to_numpy() & _is_one_of(district["doc"], "district_doc")
    shut_before_year = school_years(closed) < school_years(records.start)
    outlived = ~np.isnat(closed) & ~records.open & (records.exit >= closed)
    undated = is_district & np.isnat(closed) & district["status"].isin(value("schools", "shut")).to_numpy(dtype=bool)
    found = hits(records.filled("residence_district") & (~is_district | shut_before_year | outlived | undated))
    return Hits(found.rows, doubtful=undated[found.rows])


@rule("SENR0269", scope="directory")
def grade_not_offered(records: Records, context: CheckContext) -> Hits:
    """Students with a special-education record are exempt; SENR does not say who has one. Status 50 is mostly theirs
    (infants on a family service plan, private-school pupils on a service plan), so there it cannot be told."""
    found = _outside_span(records, context)
    non_ada = records.is_("status", value("exits", "non_ada_status"))
    return Hits(found.rows, found.holes, doubtful=non_ada[found.rows])


@rule("SENR0269F1", scope="directory")
def grade_not_offered_at_fall_1(records: Records, context: CheckContext) -> Hits:
    return _outside_span(records, context)


@rule("SENR0319", scope="directory")
def adult_grade_and_school(records: Records, context: CheckContext) -> Hits:
    school = _schools(records, context)
    adult_school = (school["soc"] == value("schools", "adult_soc")).to_numpy(dtype=bool)
    differs = records.is_("grade", value("adult", "grade")) != adult_school
    return hits(differs & school["known"].to_numpy() & records.filled("grade"))


@rule("local-coe-residence", scope="directory")
def residence_blank_at_county_office(records: Records, context: CheckContext) -> Hits:
    """A county office's own schools, and charters of the kinds that count as such (Flash 318)."""
    school = _schools(records, context)
    county, charter = school["is_county_office"].to_numpy(), school["charter"].to_numpy()
    counts = (county & ~charter) | (charter & _is_one_of(school["ed_ops"], "residence_charter_ed_ops"))
    asked = records.is_("status", *value("transfer", "residence_statuses")) & records.filled("transfer_code")
    asked &= ~records.is_("transfer_code", value("transfer", "disciplinary"))
    return hits(counts & asked & ~records.filled("residence_district"))


def _schools(records: Records, context: CheckContext) -> pd.DataFrame:
    return context.directory.school(records.frame["school_code"])


def _outside_span(records: Records, context: CheckContext) -> Hits:
    schools = records.frame["school_code"]
    outside = context.directory.refuses_grade(schools, records.frame["grade"]).to_numpy()
    return hits(outside, grades=_schools(records, context)["grades_offered"])


def _is_one_of(column: pd.Series, name: str) -> np.ndarray:
    return column.isin(value("schools", name)).to_numpy(dtype=bool)


def _days(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype="datetime64[D]")
