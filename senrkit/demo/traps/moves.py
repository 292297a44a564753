"""Traps about where and since when: starts moved, schools moved, no-shows, pupils only one side knows."""

from __future__ import annotations

from senrkit.demo.days import DAY, Calendar
from senrkit.demo.traps.record import Aeries, State, Trap

MOVED, OTHER_SCHOOL = "start-date-moved", "school-moved"
GONE, NOT_THERE = "delete:no-current-year-enrollment", "delete:not-in-aeries"
MISSING = "add:missing-in-calpads"


def traps(c: Calendar) -> tuple[Trap, ...]:
    """Starts, schools, no-shows."""
    return (*_starts(c), *_schools(c), *_no_shows(c))


def _starts(c: Calendar) -> tuple[Trap, ...]:
    first, week_later = c.first, c.first + 7 * DAY
    return (
        Trap(
            "start-earlier",
            "Aeries has an earlier start date than CALPADS.",
            (State(week_later, gives=f"delete:{MOVED}"),),
            (Aeries(first, gives=f"add:{MOVED}"),),
        ),
        Trap(
            "start-later",
            "Aeries has a later start date than CALPADS.",
            (State(first, gives=f"delete:{MOVED}"),),
            (Aeries(week_later, gives=f"add:{MOVED}"),),
        ),
        Trap(
            "start-moved-only-record",
            "The start date moved, and it is the only record that CALPADS has of the student.",
            (State(first, gives=f"delete:{MOVED}"),),
            (Aeries(week_later, gives=f"add:{MOVED}"),),
            grade=0,
            years=0,
            at_risk=True,
        ),
        Trap(
            "start-moved-apart",
            "A few days in CALPADS, and in Aeries a stay at the same school that starts after them.",
            (State(first, first + 2 * DAY, "T160", f"delete:{MOVED}"),),
            (Aeries(first + 10 * DAY, gives=f"add:{MOVED}"),),
        ),
        Trap(
            "ambiguous-pair",
            "Two stays in Aeries are equally near to the one in CALPADS: a person has to say which it is.",
            (State(first + 10 * DAY, first + 11 * DAY, "T160", "hold:ambiguous-pair"),),
            (
                Aeries(first + 2 * DAY, first + 6 * DAY, "160", "hold:ambiguous-pair"),
                Aeries(first + 18 * DAY, gives="hold:ambiguous-pair"),
            ),
        ),
        Trap(
            "two-stays",
            "The student left the school and came back: the exit and the second stay are missing in CALPADS.",
            (State(first, gives="update:exit"),),
            (Aeries(first, c.at(0.3), "160"), Aeries(c.at(0.7), gives=MISSING)),
        ),
        Trap(
            "missing-in-calpads",
            "The student is enrolled in Aeries; CALPADS does not know of it.",
            (),
            (Aeries(first, gives=MISSING),),
        ),
    )


def _schools(c: Calendar) -> tuple[Trap, ...]:
    first, middle = c.first, c.at(0.5)
    return (
        Trap(
            "wrong-school",
            "CALPADS has the enrollment at the wrong school of the district.",
            (State(first, gives=f"delete:{OTHER_SCHOOL}"),),
            (Aeries(first, school="there", gives=f"add:{OTHER_SCHOOL}"),),
        ),
        Trap(
            "moved-inside",
            "The student moved to another school of the district; CALPADS has only the first.",
            (State(first, gives="update:exit"),),
            (Aeries(first, middle, "160"), Aeries(middle + DAY, school="there", gives=MISSING)),
        ),
        Trap(
            "moved-twice",
            "Two moves inside the district in one term; CALPADS has only the first school.",
            (State(first, gives="update:exit"),),
            (
                Aeries(first, c.at(0.3), "160"),
                Aeries(c.at(0.3) + DAY, c.at(0.7), "160", MISSING, school="there"),
                Aeries(c.at(0.7) + DAY, school="third", gives=MISSING),
            ),
            grade=3,
        ),
        Trap(
            "moved-same-day",
            "The student left one school and started at another on the same day; both systems say so.",
            (State(first, middle, "T160"), State(middle, school="there")),
            (Aeries(first, middle, "160"), Aeries(middle, school="there")),
        ),
        Trap(
            "never-there",
            "CALPADS has some days at a school of the district of which Aeries knows nothing.",
            (State(first, first + 4 * DAY, "T160", NOT_THERE, school="there"), State(first + 6 * DAY)),
            (Aeries(first + 6 * DAY),),
        ),
    )


def _no_shows(c: Calendar) -> tuple[Trap, ...]:
    first, eve = c.first, c.first - DAY
    tagged = {"TG": "N", "SWR": "160", "SLD": eve}
    return (
        Trap(
            "no-show-with-history",
            "Promoted to middle school and enrolled there in CALPADS, but never came.",
            (State(first, gives=GONE),),
            grade=6,
            stu=tagged,
        ),
        Trap(
            "no-show-only-record",
            "A new pupil who never came; the pre-enrollment is all that CALPADS has.",
            (State(first, gives=GONE),),
            grade=0,
            years=0,
            stu=tagged,
            at_risk=True,
        ),
        Trap(
            "unknown-to-aeries",
            "CALPADS has an enrollment of a student whom Aeries does not know at all.",
            (State(first, gives=GONE),),
            grade=9,
            known=False,
        ),
        Trap(
            "enrollment-deleted-in-aeries",
            "The only enrollment of the year was deleted in Aeries (DEL = 1).",
            (State(first, gives=GONE),),
            (Aeries(first, deleted=True),),
            grade=6,
        ),
        Trap(
            "no-show-settled",
            "The no-show is settled in CALPADS (N470) and Aeries has nothing: nothing to do.",
            (State(first, eve, "N470", "settled-no-show"),),
            grade=6,
        ),
        Trap(
            "no-show-settled-came-later",
            "A settled no-show who enrolled later, on both sides.",
            (State(first, eve, "N470", "settled-no-show"), State(c.at(0.4))),
            (Aeries(c.at(0.4)),),
        ),
        Trap(
            "no-show-came-after-all",
            "CALPADS cancelled the enrollment; the student came on the first day.",
            (State(first, first, "N470", "update:reopened"),),
            (Aeries(first),),
        ),
        Trap(
            "no-show-coded-470",
            "Aeries cancels the enrollment with 470; in CALPADS it is open.",
            (State(first, gives="update:exit"),),
            (Aeries(first, eve, "470"),),
        ),
        Trap(
            "never-came-back",
            "Left with E155 last year, expected back, and is in neither system this year.",
            grade=4,
            stu={"TG": "N", "SWR": "180", "SLD": eve},
            information="year-end-exit-never-came",
        ),
        Trap(
            "summer-withdrawal-left-over",
            "The summer withdrawal fields are still filled though the student is enrolled.",
            (State(first),),
            (Aeries(first),),
            stu={"SWR": "470", "SLD": eve},
            information="summer-withdrawal-left-over",
        ),
    )
