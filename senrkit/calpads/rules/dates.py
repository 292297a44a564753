"""Rules about start and exit dates, and about what may follow a graduation."""

from __future__ import annotations

import polars as pl
from polars import col

from senrkit.calpads.records import filled
from senrkit.calpads.rule import rule
from senrkit.frames import days

_NO_SHOW = col.exit_reason == "N470"
# Status 20 and no-shows are let pass: the newer SENR0586 exempts them, and it overtakes SENR0024 in part.
_EXEMPT = _NO_SHOW | (col.status == "20")
_YEAR_OF_START = pl.format("{}-{}", col.started, col.started + 1)
# From June of its year on, an enrollment still open, or closed as if the student came back to a lower grade.
_TIME_TO_DECIDE = (col.started < col.this_year) | (col.today.dt.month() == 6)
_ASKED = "ssid student start exit exit_reason completion_status reporting_lea submitting_lea".split()
_MONTH_AND_DAY = col.exit_date.str.slice(4, 4)

RULES = [
    # An exit lies on or after the start; a no-show's on the start or the day before.
    rule(
        "SENR0018",
        pl.when(_NO_SHOW).then(~col.canceled & col.start.is_not_null() & col.exit.is_not_null())
        .otherwise(col.exit < col.start),
    ),
    rule("SENR0742", filled("academic_year") & (col.academic_year != _YEAR_OF_START)),
    rule("SENR0167", col.replaces & (col.started != col.this_year)),
    # Ceilings of an older vendor's validator; whether CALPADS still asks is unknown, so only warnings.
    rule("local-start-ceiling", col.start > col.today.dt.offset_by("6mo")),
    rule("local-exit-ceiling", col.exit > col.today.dt.offset_by("30d")),
    # CALPADS Data Guide 11: year-end exits and no-shows of returning pupils.
    rule(
        "local-year-end-window",
        col.exit_reason.is_in(["E155", "N420"])
        & col.exit.is_not_null()
        & ~_MONTH_AND_DAY.is_between(pl.lit("0515"), pl.lit("0815")),
    ),
    rule(
        "local-grade-12-year-end",
        (col.grade == "12") & col.start.is_not_null() & (col.open | (col.exit_reason == "E155")) & _TIME_TO_DECIDE,
    ),
    rule(
        "SENR0024",
        (col.start > col.finished_here) & ~_EXEMPT,
        scope="state",
        other_exit_date=days.key(col.finished_here),
    ),
    rule("SENR0586", (col.exit > col.graduated) & ~_EXEMPT, scope="state", other_exit_date=days.key(col.graduated)),
    rule(
        "SENR0587",
        col.open & (col.start > col.first_graduation),
        scope="state",
        other_exit_date=days.key(col.first_graduated),
    ),
]  # fmt: skip


def with_graduations(records: pl.DataFrame, state: pl.DataFrame) -> pl.DataFrame:
    """The records with the days on which their student finished school: `finished_here` and `graduated`, the first
    exits with such a completion (the one in this LEA); `first_graduation` and `first_graduated`, start and exit of the
    enrollment that began first. What the file sends replaces what the state holds under the same key."""
    sent = records.filter(~col.deletes)
    kept = state.join(sent, on="key", how="anti", maintain_order="left")
    # One that ends before it starts is SENR0018's; it would be compared with itself.
    ended = pl.concat([kept.select(_ASKED), sent.select(_ASKED)]).filter(
        (col.exit_reason == "E230") & col.exit.is_not_null() & (col.exit >= col.start).fill_null(True) & filled("ssid")
    )
    here = col.completion_status.is_in(["100", "106", "250"]) & (col.reporting_lea == col.submitting_lea)
    diploma = col.completion_status == "100"
    dated = diploma & col.start.is_not_null()
    finished = ended.group_by("student").agg(
        finished_here=col.exit.filter(here).min(),
        graduated=col.exit.filter(diploma).min(),
        first_graduation=col.start.filter(dated).min(),
        first_graduated=col.exit.filter(dated).get(col.start.filter(dated).arg_min(), null_on_oob=True),
    )
    return records.join(finished, on="student", how="left", maintain_order="left")
