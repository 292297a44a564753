"""Traps about what is not compared at all: tags, programs, schools, days to come."""

from __future__ import annotations

from senrkit.demo.days import DAY, Calendar
from senrkit.demo.traps.record import Aeries, State, Trap

SKIPPED_PROGRAM = "Z"
NOT_REPORTED = "left-out:school-not-reported"


def traps(c: Calendar) -> tuple[Trap, ...]:
    """Left out, out of scope, in the future."""
    first, soon = c.first, c.as_of + 10 * DAY
    return (
        Trap(
            "pre-enrolled",
            "The status tag * (pre-enrolled for next year) is skipped.",
            (),
            (Aeries(first, gives="left-out:tag-skipped"),),
            years=0,
            stu={"TG": "*"},
        ),
        Trap(
            "program-skipped",
            "The settings leave the exchange program out.",
            (),
            (Aeries(first, gives="left-out:program-skipped", program=SKIPPED_PROGRAM),),
            grade=11,
            years=0,
        ),
        Trap(
            "do-not-report-school",
            "A school marked do-not-report in Aeries.",
            (),
            (Aeries(first, gives=NOT_REPORTED, school="unreported"),),
            years=0,
        ),
        Trap(
            "summer-school",
            "A summer session beside the regular enrollment.",
            (State(first),),
            (Aeries(first), Aeries(first, first + 3 * DAY, "160", NOT_REPORTED, school="summer")),
        ),
        Trap(
            "inactive-school",
            "A row at a school that is no longer in use.",
            (),
            (Aeries(first, gives="left-out:school-not-selected", school="inactive"),),
            grade=2,
            years=0,
        ),
        Trap(
            "calpads-row-at-unselected-school",
            "CALPADS has a row at a school that is not selected: never touched.",
            (State(first, first + 3 * DAY, "T160", "out-of-scope", school="inactive"), State(first + 5 * DAY)),
            (Aeries(first + 5 * DAY),),
            grade=2,
        ),
        Trap(
            "start-in-the-future",
            "Starts after today in Aeries; CALPADS does not have it yet.",
            (),
            (Aeries(soon, gives="left-out:future-dated"),),
            years=0,
        ),
        Trap(
            "start-in-the-future-on-both-sides",
            "Starts after today, and CALPADS has it already.",
            (State(soon, gives="future-dated"),),
            (Aeries(soon, gives="left-out:future-dated"),),
            years=0,
        ),
    )
