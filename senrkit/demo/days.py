"""The days of the made-up school years, all derived from the day the demo speaks for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

DAY = dt.timedelta(days=1)
# Every trap finds room in a month of school; six weeks where the calendar allows.
_USUAL_ROOM = 42 * DAY


@dataclass(frozen=True)
class Calendar:
    """The run year as the demo lives it.

    Attributes
    ----------
    as_of
        The day of the run. Between 21 June and 31 July no school year has room for the traps on both sides of today:
        the demo then speaks for 20 June.
    year
        First calendar year of the run year.
    first
        First school day of the run year: the Monday on or after 12 August, earlier when `as_of` is so early in the year
        that the traps need the room (a district with an early start).
    """

    as_of: dt.date
    year: int
    first: dt.date

    @classmethod
    def of(cls, day: dt.date) -> Calendar:
        """The calendar of the run year that holds `day`."""
        if (day.month, day.day) > (6, 20) and day.month < 8:
            day = dt.date(day.year, 6, 20)
        year = day.year if day.month >= 7 else day.year - 1
        usual = dt.date(year, 8, 12)
        usual += (-usual.weekday() % 7) * DAY
        monday = day - _USUAL_ROOM - (day - _USUAL_ROOM).weekday() * DAY
        first = usual if usual + _USUAL_ROOM <= day else max(dt.date(year, 7, 1), monday)
        return cls(day, year, first)

    @property
    def school_year(self) -> str:
        return f"{self.year}-{self.year + 1}"

    @property
    def ends(self) -> dt.date:
        """30 June, the last day of the run year."""
        return dt.date(self.year + 1, 6, 30)

    def at(self, share: float) -> dt.date:
        """A day between the first school day (0) and `as_of` (1)."""
        return self.first + int((self.as_of - self.first).days * share) * DAY

    def friday(self, share: float) -> dt.date:
        """The first Friday on or after that day."""
        day = self.at(share)
        return day + ((4 - day.weekday()) % 7) * DAY


def first_days(years: np.ndarray) -> np.ndarray:
    """First school day of each past school year: the Monday on or after 12 August."""
    days = _dates(years, 8, 12)
    return days + (-_weekday(days) % 7)


def last_days(years: np.ndarray) -> np.ndarray:
    """Last school day of each past school year: the Thursday on or before 10 June."""
    days = _dates(np.asarray(years) + 1, 6, 10)
    return days - ((_weekday(days) - 3) % 7)


def september_first(years: np.ndarray) -> np.ndarray:
    """1 September of each year, the day from which school age counts."""
    return _dates(years, 9, 1)


def _dates(years: np.ndarray, month: int, day: int) -> np.ndarray:
    january = (np.asarray(years) - 1970).astype("datetime64[Y]").astype("datetime64[M]")
    return (january + (month - 1)).astype("datetime64[D]") + (day - 1)


def _weekday(days: np.ndarray) -> np.ndarray:
    # 1970-01-01 was a Thursday.
    return (days.astype("int64") + 3) % 7
