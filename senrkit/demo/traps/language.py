"""Traps about language status: pupils newly EL or IFEP, conflicts, and those whom nothing may change."""

from __future__ import annotations

import datetime as dt

from senrkit.demo.days import DAY, Calendar
from senrkit.demo.traps.record import Aeries, Language, State, Trap

_YEAR = 365 * DAY


def traps(c: Calendar) -> tuple[Trap, ...]:
    """New EL and IFEP, conflicts, refusals. The enrollments of these students are the same on both sides."""
    return (*_new(c), *_conflicts(c), *_refused(c))


def _trap(c: Calendar, name: str, sentence: str, language: Language, **more: object) -> Trap:
    return Trap(name, sentence, (State(c.first),), (Aeries(c.first),), grade=1, years=1, language=language, **more)


def _tested(c: Calendar, status: str, day: dt.date) -> tuple[tuple[str, dt.date], ...]:
    return (("TBD", c.first), (status, day))


def _new(c: Calendar) -> tuple[Trap, ...]:
    day = c.at(0.6)
    return (
        _trap(
            c,
            "new-el",
            "Tested and found an English learner; to be determined in Aeries.",
            Language(_tested(c, "EL", day), "T", "new-el"),
        ),
        _trap(
            c,
            "new-ifep",
            "Tested and found fluent; to be determined in Aeries.",
            Language(_tested(c, "IFEP", day), "T", "new-ifep", spoken="fil"),
        ),
        _trap(
            c,
            "new-el-blank",
            "Tested and found an English learner; no status at all in Aeries.",
            Language(_tested(c, "EL", day), "", "new-el"),
        ),
        _trap(
            c,
            "still-to-be-determined",
            "To be determined on both sides, for longer than 90 days where the year is old enough.",
            Language((("TBD", c.first),), "T", "same"),
        ),
    )


def _conflicts(c: Calendar) -> tuple[Trap, ...]:
    last_year, this_year = c.first - 330 * DAY, c.at(0.3)
    both = (("EL", last_year), ("RFEP", this_year))
    return (
        _trap(
            c,
            "language-status-conflict",
            "Reclassified in CALPADS, still English learner in Aeries.",
            Language(both, "L", "conflict-status", {"SD": last_year}),
        ),
        _trap(
            c,
            "language-date-conflict",
            "English learner on both sides, since different days.",
            Language((("EL", last_year),), "L", "conflict-date", {"SD": last_year + 3 * DAY}),
        ),
        _trap(
            c,
            "reclassified",
            "Reclassified on both sides, on the same day.",
            Language(both, "R", "same", {"SD": last_year, "RD1": this_year}),
        ),
    )


def _refused(c: Calendar) -> tuple[Trap, ...]:
    day = c.at(0.6)
    return (
        _trap(
            c,
            "language-already-eo",
            "English learner in CALPADS, English only in Aeries: never changed by itself.",
            Language(_tested(c, "EL", day), "E", "refused"),
        ),
        _trap(
            c,
            "language-no-parent",
            "Newly an English learner, but Aeries has no LAC and no IDN row.",
            Language(_tested(c, "EL", day), "T", "refused"),
            in_lac=False,
        ),
        _trap(
            c,
            "language-in-the-future",
            "The status starts after today.",
            Language(_tested(c, "EL", c.as_of + 5 * DAY), "T", "refused"),
        ),
        _trap(
            c,
            "language-before-birth",
            "The status starts before the student was born.",
            Language((("EL", c.first - 12 * _YEAR),), "T", "refused"),
        ),
        _trap(
            c,
            "language-before-school",
            "The status starts before the first school day in the United States.",
            Language((("IFEP", c.first - 3 * _YEAR),), "T", "refused"),
        ),
    )
