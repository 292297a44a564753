"""Traps about values that change during the year, and about E150: needed, needless, right, late."""

from __future__ import annotations

from senrkit.demo.days import DAY, Calendar
from senrkit.demo.schools import NEIGHBOR
from senrkit.demo.traps.record import Aeries, State, Trap

VALUES = "update:values-changed"
CHANGE, NEXT = "update:mid-year-change", "add:mid-year-change"
_RESIDENCE = f"{NEIGHBOR}0000000"


def traps(c: Calendar) -> tuple[Trap, ...]:
    """Values, mid-year changes, rows that are no change."""
    return (*_values(c), *_needed(c), *_present(c), *_folded(c))


def _values(c: Calendar) -> tuple[Trap, ...]:
    first = c.first
    return (
        Trap(
            "grade-wrong",
            "CALPADS has the grade of last year.",
            (State(first, gives=VALUES, grade_shift=-1),),
            (Aeries(first),),
            grade=5,
        ),
        Trap(
            "kindergarten-is-tk",
            "A child in transitional kindergarten stands in CALPADS as a kindergartner.",
            (State(first, gives=VALUES, grade_shift=1),),
            (Aeries(first),),
            grade=-1,
            years=0,
        ),
        Trap(
            "transfer-code-missing",
            "An interdistrict agreement since the first day; CALPADS lacks code and residence.",
            (State(first, gives=VALUES),),
            (Aeries(first, transfer="A", residence=_RESIDENCE),),
        ),
        Trap(
            "residence-wrong",
            "CALPADS has no district of residence beside the transfer code.",
            (State(first, gives=VALUES, transfer="1"),),
            (Aeries(first, transfer="A", residence=_RESIDENCE),),
        ),
        Trap(
            "district-of-choice",
            "District of choice with residence, equal on both sides.",
            (State(first, transfer="4", residence=NEIGHBOR),),
            (Aeries(first, transfer="D", residence=_RESIDENCE),),
        ),
    )


def _needed(c: Calendar) -> tuple[Trap, ...]:
    first, day, friday = c.first, c.at(0.4), c.friday(0.4)
    agreement = {"transfer": "A", "residence": _RESIDENCE}
    return (
        Trap(
            "grade-changed-mid-year",
            "Moved up a grade in the middle of the year: E150 and a new enrollment.",
            (State(first, gives=CHANGE, grade_shift=-1),),
            (Aeries(first, day, "440", grade_shift=-1), Aeries(day + DAY, gives=NEXT)),
            grade=4,
        ),
        Trap(
            "transfer-changed-mid-year",
            "An interdistrict agreement began in the middle of the year.",
            (State(first, gives=CHANGE),),
            (Aeries(first, day, "440"), Aeries(day + DAY, gives=NEXT, **agreement)),
        ),
        Trap(
            "status-changed-mid-year",
            "From primary to non-ADA (10 to 50) in the middle of the year.",
            (State(first, gives=CHANGE),),
            (Aeries(first, day, "440"), Aeries(day + DAY, gives=NEXT, program="N")),
        ),
        Trap(
            "change-over-a-weekend",
            "Aeries ends on Friday and goes on on Monday: CALPADS wants the Saturday.",
            (State(first, gives=CHANGE),),
            (Aeries(first, friday, "440"), Aeries(friday + 3 * DAY, gives=NEXT, as_start=friday + DAY, **agreement)),
        ),
        Trap(
            "change-without-reason",
            "The first row has no exit reason, the second follows the next day with other values.",
            (State(first, gives=CHANGE),),
            (Aeries(first, day), Aeries(day + DAY, gives=NEXT, **agreement)),
        ),
        Trap(
            "two-changes",
            "Two mid-year changes, one after the other.",
            (State(first, gives=CHANGE, grade_shift=-1),),
            (
                Aeries(first, day, "440", grade_shift=-1),
                Aeries(day + DAY, c.at(0.7), "440", NEXT),
                Aeries(c.at(0.7) + DAY, gives=NEXT, **agreement),
            ),
            grade=4,
        ),
        Trap(
            "change-too-late",
            "The next row starts too long after the 440 to continue it: a stay of its own.",
            (State(first, gives=CHANGE),),
            (Aeries(first, day, "440"), Aeries(day + 12 * DAY, gives="add:missing-in-calpads")),
        ),
    )


def _present(c: Calendar) -> tuple[Trap, ...]:
    first, day, friday = c.first, c.at(0.4), c.friday(0.4)
    agreement = {"transfer": "A", "residence": _RESIDENCE}
    in_calpads = {"transfer": "1", "residence": NEIGHBOR}
    return (
        Trap(
            "e150-right",
            "A mid-year change that CALPADS already has.",
            (State(first, day, "E150"), State(day + DAY, **in_calpads)),
            (Aeries(first, day, "440"), Aeries(day + DAY, **agreement)),
        ),
        Trap(
            "e150-right-over-a-weekend",
            "CALPADS has the Saturday, Aeries the Monday: equal.",
            (State(first, friday, "E150"), State(friday + DAY, **in_calpads)),
            (Aeries(first, friday, "440"), Aeries(friday + 3 * DAY, **agreement)),
        ),
        Trap(
            "e150-next-school-day",
            "CALPADS has the Monday after an E150 on Friday; it must be the Saturday.",
            (State(first, friday, "E150"), State(friday + 3 * DAY, gives="delete:start-date-moved", **in_calpads)),
            (
                Aeries(first, friday, "440"),
                Aeries(friday + 3 * DAY, gives="add:start-date-moved", as_start=friday + DAY, **agreement),
            ),
        ),
        Trap(
            "e150-needless",
            "CALPADS has an E150 and a second record; in Aeries nothing changed.",
            (State(first, day, "E150", "update:reopened"), State(day + DAY, gives="delete:not-in-aeries")),
            (Aeries(first),),
        ),
    )


def _folded(c: Calendar) -> tuple[Trap, ...]:
    first, day = c.first, c.at(0.4)
    return (
        Trap(
            "track-change",
            "Two rows in Aeries, ended with 440, that differ only in the track: one enrollment.",
            (State(first),),
            (Aeries(first, day, "440", track="A"), Aeries(day + DAY, track="B")),
        ),
        Trap(
            "program-change-not-asked-for",
            "A program change that is no change to CALPADS (independent study).",
            (State(first),),
            (Aeries(first, day, "440"), Aeries(day + DAY, program="I")),
        ),
        Trap(
            "split-without-reason",
            "Two rows in Aeries that follow each other without a reason, with equal values.",
            (State(first),),
            (Aeries(first, day), Aeries(day + DAY)),
        ),
        Trap(
            "split-then-left",
            "Two rows in Aeries are one enrollment, and it has ended; CALPADS does not know.",
            (State(first, gives="update:exit"),),
            (Aeries(first, day, "440"), Aeries(day + DAY, c.at(0.8), "160")),
        ),
        Trap(
            "duplicate-row",
            "The same row twice in Aeries counts once.",
            (State(first),),
            (Aeries(first), Aeries(first)),
        ),
        Trap(
            "deleted-row",
            "A deleted row (DEL = 1) beside the live one does not count.",
            (State(first),),
            (Aeries(first), Aeries(first + 3 * DAY, c.at(0.5), "160", deleted=True)),
        ),
    )
