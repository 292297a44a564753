"""Rules that need the state's school directory. A code the directory does not know is SENR0002's business alone."""

from __future__ import annotations

import polars as pl
from polars import col

from senrkit.calpads.records import NONPUBLIC, filled, school_year
from senrkit.calpads.rule import rule
from senrkit.frames import days
from senrkit.inputs.directory import SchoolDirectory

_PRIVATE_GROUP = "0000002"
# SENR0189: county community, juvenile court, youth authority, opportunity, continuation, community day.
_EDUCATION_OPTION = col.school_soc.is_in(["10", "11", "13", "14", "68", "69"]) | col.school_ed_ops.is_in(
    ["HOMHOS", "JUV", "COMM", "COMMDAY", "CON", "OPP", "YTH", "SPECON"]
)
# SENR0192: elementary, unified, high school districts.
_IS_DISTRICT = col.home_known & col.home_doc.is_in(["52", "54", "56"])
_CLOSED = col.home_closed_date
_SHUT_BEFORE_YEAR = school_year(_CLOSED) < col.started
_OUTLIVED = ~col.open & (col.exit >= _CLOSED)
_UNDATED = _IS_DISTRICT & _CLOSED.is_null() & col.home_status.is_in(["Closed", "Merged"])
_GRADES = {"grades": col.school_grades_offered}
# Local-coe-residence (Flash 318): a county office's own schools, and charters of the kinds that count as such.
_COUNTS_AS_COUNTY = pl.when("school_charter").then(
    col.school_ed_ops.is_in(["OPP", "COMM", "COMMDAY", "SPEC"])
).otherwise("school_is_county_office")  # fmt: skip
_DISCIPLINARY = "5"

RULES = [
    # Nonpublic schools and the private school group are not in the directory and are let pass.
    rule(
        "SENR0002",
        filled("school_code")
        & ~col.tied
        & ~col.school_code.is_in([NONPUBLIC, _PRIVATE_GROUP])
        & (col.school_code != col.reporting_lea),
        scope="directory",
    ),
    rule(
        "SENR0182",
        col.start < col.school_open_date,
        scope="directory",
        opened=days.key(col.school_open_date),
    ),
    rule(
        "SENR0184",
        col.start > col.school_closed_date,
        scope="directory",
        closed=days.key(col.school_closed_date),
    ),
    rule("SENR0189", (col.status == "30") & col.school_known & ~_EDUCATION_OPTION, scope="directory"),
    # A district that has closed is accepted when the exit date is blank or before its last day, in a year it saw. For
    # some closed districts the directory has no last day: then it cannot be told.
    rule(
        "SENR0192",
        filled("residence_district")
        & (~_IS_DISTRICT | _SHUT_BEFORE_YEAR.fill_null(False) | _OUTLIVED.fill_null(False) | _UNDATED),
        scope="directory",
        doubtful=_UNDATED,
    ),
    # Students with a special-education record are exempt; SENR does not say who has one. Status 50 is mostly theirs
    # (infants on a family service plan, private-school pupils on a service plan), so there it cannot be told.
    rule("SENR0269", col.refused_grade, scope="directory", doubtful=col.status == "50", **_GRADES),
    rule("SENR0269F1", col.refused_grade, scope="directory", **_GRADES),
    rule(
        "SENR0319",
        filled("grade") & col.school_known & ((col.grade == "AD") != (col.school_soc == "70")),
        scope="directory",
    ),
    rule(
        "local-coe-residence",
        _COUNTS_AS_COUNTY
        & col.status.is_in(["10", "30"])
        & filled("transfer_code")
        & (col.transfer_code != _DISCIPLINARY)
        & ~filled("residence_district"),
        scope="directory",
    ),
]


def with_schools(records: pl.DataFrame, directory: SchoolDirectory) -> pl.DataFrame:
    """The records with what the directory says of their school (`school_…`), of the residence district (`home_…`),
    whether it ties the school to the LEA (`tied`) and whether the grade is none that the school offers."""
    schools, leas = records["school_code"], records["reporting_lea"]
    return pl.concat(
        [
            records,
            directory.school(schools).select(pl.all().name.prefix("school_")),
            directory.district(records["residence_district"]).select(pl.all().name.prefix("home_")),
        ],
        how="horizontal",
    ).with_columns(
        directory.reports_for(leas, schools).alias("tied"),
        directory.refuses_grade(schools, records["grade"]).alias("refused_grade"),
    )
