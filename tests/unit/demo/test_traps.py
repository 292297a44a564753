"""The tables of the demo's traps: what a day and a row say."""

from __future__ import annotations

import datetime as dt

import pytest

from senrkit.demo.days import Calendar
from senrkit.demo.traps import Aeries, State, _day, _row, all_traps

# The first school day is Monday, 17 August 2026.
CALENDAR = Calendar.of(dt.date(2026, 11, 23))
IN_JULY = Calendar.of(dt.date(2026, 8, 3))


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("first", "2026-08-17"),
        ("first+3", "2026-08-20"),
        ("first-330", "2025-09-21"),
        ("today-12", "2026-11-11"),
        ("0%", "2026-08-17"),
        ("100%", "2026-11-23"),
        ("50%+1", "2026-10-06"),
        ("friday-50%", "2026-10-09"),
        ("friday-50%+3", "2026-10-12"),
        ("year-07-20", "2026-07-20"),
        ("last-06-05", "2025-06-05"),
        ("summer", "2026-07-20"),
    ],
)
def test_a_day_of_the_calendar(said, day):
    assert _day(CALENDAR, said) == dt.date.fromisoformat(day)


def test_summer_begins_in_july_even_when_school_does():
    assert _day(IN_JULY, "summer") == dt.date(2026, 7, 1)


@pytest.mark.parametrize("said", ["", "First", "first +3", "40", "friday", "2026-08-17", "year-7-1"])
def test_what_is_no_day_is_refused(said):
    with pytest.raises(ValueError, match="is no day of the demo's calendar"):
        _day(CALENDAR, said)


def test_a_row_says_days_reason_columns_and_what_comes_of_it():
    row = _row(CALENDAR, State, "first..first+4 T160 school=there grade_shift=-1 -> delete:not-in-aeries")
    assert row == State(
        dt.date(2026, 8, 17), dt.date(2026, 8, 21), "T160", "delete:not-in-aeries", school="there", grade_shift=-1
    )
    assert _row(CALENDAR, Aeries, "today+10 deleted=yes role=1 as_start=first") == Aeries(
        dt.date(2026, 12, 3), deleted=True, role=1, as_start=dt.date(2026, 8, 17)
    )


def test_a_column_that_no_row_has_is_refused():
    with pytest.raises(KeyError, match="colour"):
        _row(CALENDAR, State, "first colour=red")


def test_every_trap_has_a_name_of_its_own_and_says_what_it_is():
    traps = all_traps(CALENDAR)
    assert len({trap.name for trap in traps}) == len(traps)
    assert all(trap.sentence.endswith(".") for trap in traps)
    assert all(trap.state or trap.aeries or trap.information for trap in traps)
