"""The look-ahead: what certification would say of the state when everything has posted, as far as enrollment tells."""

from __future__ import annotations

import polars as pl
from polars import col

from senrkit.calpads.records import filled
from senrkit.calpads.rule import CheckContext, rule
from senrkit.frames import days

_OWN = col.reporting_lea == col.submitting_lea
_MID_YEAR = col.exit_reason == "E150"
# Canceled enrollments never took place.
_TOOK_PLACE = ~col.canceled & col.start.is_not_null() & filled("ssid")
_AFTER_15_AUGUST = col.today > pl.date(col.this_year, 8, 15)
# Preschool, adult, regional occupation and other programmes whose pupils are enrolled elsewhere or not in SENR.
_WITHOUT_ENROLLMENT = ["08", "15", "70", "98"]

RULES = [
    rule("CERT112", col.open & (col.started < col.this_year) & _OWN & _AFTER_15_AUGUST, scope="after"),
    # The student's newest enrollment, at whatever school, ends with E150.
    rule("CERT114", col.newest & _MID_YEAR & _OWN, scope="after"),
    # The student's next enrollment at the same school; where there is none, CERT114 has its say.
    rule(
        "SENR0286E3",
        (col.start_after > col.exit.dt.offset_by("1d")) & _TOOK_PLACE & _MID_YEAR & _OWN,
        scope="after",
        other_start_date=days.key(col.start_after),
    ),
    rule("CERT001", ~col.enrolled, scope="schools"),
]


def with_successors(state: pl.DataFrame) -> pl.DataFrame:
    """State rows in the order of students and start dates, with `newest` (the student's last that took place) and
    `start_after` (of the next one at the same school)."""
    place = pl.when(_TOOK_PLACE).then("row").max().over("student")
    following = pl.when(_TOOK_PLACE).then("start").shift(-1).backward_fill().over("student", "school")
    return state.with_columns(newest=(col.row == place).fill_null(False), start_after=following)


def expected_schools(context: CheckContext) -> pl.DataFrame:
    """Code of each school that should have enrollments: active, of this LEA, of a kind with enrolled pupils.

    A charter that is funded directly reports for itself, so it counts for no district.
    """
    rows = context.directory.rows
    if context.charter:
        ours = col.school_code == context.lea
    else:
        ours = (col.district_code == context.lea) & ~col.is_district & ~(
            col.charter & (col.funding == "Directly funded")
        )  # fmt: skip
    return rows.filter(ours, col.status == "Active", ~col.soc.is_in(_WITHOUT_ENROLLMENT)).select("school_code")
