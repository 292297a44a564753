"""Traps about language status: pupils newly EL or IFEP, conflicts, and those whom nothing may change."""

from __future__ import annotations

import datetime as dt

from senrkit.demo.days import DAY, Calendar
from senrkit.demo.schools import NEIGHBOR
from senrkit.demo.traps.record import Aeries, Language, State, Trap

_YEAR = 365 * DAY


def traps(c: Calendar) -> tuple[Trap, ...]:
    """New EL and IFEP, conflicts, refusals. The enrollments of these students are the same on both sides."""
    return (*_new(c), *_conflicts(c), *_refused(c), *_histories(c), *_first_school_day(c), *_warned(c), *_waiting(c))


def _trap(c: Calendar, name: str, sentence: str, language: Language, **more: object) -> Trap:
    usual = {"state": (State(c.first),), "aeries": (Aeries(c.first),), "grade": 1, "years": 1}
    return Trap(name, sentence, language=language, **usual | more)


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


def _histories(c: Calendar) -> tuple[Trap, ...]:
    """What CALPADS held before, and by which correction it holds the newest."""
    day, before, long_before = c.at(0.6), c.first - _YEAR, c.first - 3 * _YEAR
    reclassified = (("EL", long_before), ("RFEP", before))
    reviewed = (("IFEP", before), ("EL", day))
    # In school here since before the oldest status.
    older = {"grade": 5, "years": 5}
    return (
        _trap(
            c,
            "language-after-reclassification",
            "English learner again after having been reclassified: CALPADS' own history contradicts it.",
            Language((*reclassified, ("EL", day)), "T", "refused"),
            **older,
        ),
        _trap(
            c,
            "language-fluent-before",
            "English learner after initially fluent, without a correction reason.",
            Language(reviewed, "T", "refused"),
            **older,
        ),
        _trap(
            c,
            "language-corrected",
            "English learner after initially fluent, by a correction with reason 5.",
            Language(reviewed, "T", "new-el", correction="5"),
            **older,
        ),
        _trap(
            c,
            "language-corrected-in-calpads",
            "Corrected in CALPADS with reason 5; Aeries has the status from before.",
            Language(reviewed, "I", "refused", {"IFD": before}, correction="5"),
            **older,
        ),
        _trap(
            c,
            "language-copy-older",
            "Aeries' own copy of CALPADS is an older row of the extract.",
            Language(reviewed, "T", "new-el", {"EAC": "IFEP", "EAD": before}, correction="5"),
            **older,
        ),
        _trap(
            c,
            "language-copy-contradicts",
            "Aeries' own copy of CALPADS stands nowhere in the extract.",
            Language(_tested(c, "EL", day), "T", "refused", {"EAC": "EO", "EAD": c.first}),
        ),
        _trap(
            c,
            "language-behind-by-two",
            "Reclassified in a former district; to be determined in Aeries.",
            Language(reclassified, "T", "conflict-status", {"USS": c.first - 4 * _YEAR}, lea=NEIGHBOR),
            years=0,
            grade=5,
        ),
        _trap(
            c,
            "language-no-way",
            "Reclassified in CALPADS, initially fluent in Aeries.",
            Language(reclassified, "I", "conflict-status", {"IFD": long_before}),
            **older,
        ),
    )


def _first_school_day(c: Calendar) -> tuple[Trap, ...]:
    july = dt.date(c.year, 7, 1)
    return (
        _trap(
            c,
            "language-tested-in-summer",
            "Tested in the summer before the first school day.",
            Language((("EL", max(july, c.first - 28 * DAY)),), "T", "new-el"),
            years=0,
        ),
        _trap(
            c,
            "language-before-the-summer",
            "Tested on the last day of the school year before the first school day.",
            Language((("EL", july - DAY),), "T", "refused"),
            years=0,
        ),
        _trap(
            c,
            "language-from-elsewhere",
            "Another LEA tested before the first school day that Aeries has: that day is suspect.",
            Language((("EL", c.first - 2 * _YEAR),), "T", "refused", lea=NEIGHBOR),
            years=0,
            grade=4,
        ),
    )


def _warned(c: Calendar) -> tuple[Trap, ...]:
    """New all the same; the near miss is `new-el`."""
    new = _tested(c, "EL", c.at(0.6))
    return (
        _trap(
            c,
            "language-english-at-home",
            "Newly an English learner, whose home language is English in Aeries.",
            Language(new, "T", "new-el", spoken="eng"),
        ),
        _trap(
            c,
            "language-first-school-blank",
            "Newly an English learner without a first school day in the United States.",
            Language(new, "T", "new-el", {"USS": None}),
        ),
        _trap(
            c,
            "language-other-result",
            "Newly an English learner, whose imported test result says fluent.",
            Language(new, "T", "new-el", {"ITF": "IFEP"}),
        ),
    )


def _waiting(c: Calendar) -> tuple[Trap, ...]:
    """To be determined on both sides, and not overdue; the near miss is `still-to-be-determined`."""
    left = c.at(0.5)
    waits = Language((("TBD", c.first),), "T", "same")
    return (
        _trap(c, "waits-in-tk", "To be determined in transitional kindergarten: exempt.", waits, grade=-1, years=0),
        _trap(c, "waits-in-preschool", "To be determined in preschool: not tested.", waits, grade=-2, years=0),
        _trap(
            c,
            "waited-and-left",
            "To be determined, and no longer here.",
            waits,
            state=(State(c.first, left, "T160"),),
            aeries=(Aeries(c.first, left, "160"),),
        ),
    )
