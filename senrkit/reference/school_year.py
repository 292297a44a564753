"""The academic year of CALPADS: 1 July to 30 June."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

_WEDNESDAY = 2


@dataclass(frozen=True, order=True)
class SchoolYear:
    """One academic year, named by its first calendar year: 2026 is 2026-2027."""

    first: int

    @classmethod
    def parse(cls, text: str) -> SchoolYear:
        """`"2026-2027"` as a school year.

        Raises
        ------
        ValueError
            when it is not two consecutive years, with a sentence that can be shown.
        """
        years = re.fullmatch(r"(\d{4})-(\d{4})", text)
        if not years or int(years[2]) != int(years[1]) + 1:
            raise ValueError("A school year is written as two consecutive years, such as 2026-2027.")
        return cls(int(years[1]))

    @classmethod
    def of(cls, day: dt.date) -> SchoolYear:
        """The school year in which a day falls."""
        return cls(day.year if day.month >= 7 else day.year - 1)

    @property
    def text(self) -> str:
        """As CALPADS writes it: `2026-2027`."""
        return f"{self.first}-{self.first + 1}"

    @property
    def short(self) -> str:
        """As people write it: `2026-27`."""
        return f"{self.first}-{(self.first + 1) % 100:02d}"

    @property
    def start(self) -> dt.date:
        """1 July."""
        return dt.date(self.first, 7, 1)

    @property
    def end(self) -> dt.date:
        """30 June."""
        return dt.date(self.first + 1, 6, 30)

    @property
    def census_day(self) -> dt.date:
        """Fall Census Day, the first Wednesday in October (CALPADS data guide 11)."""
        first = dt.date(self.first, 10, 1)
        return first + dt.timedelta(days=(_WEDNESDAY - first.weekday()) % 7)

    @property
    def previous(self) -> SchoolYear:
        """The year before."""
        return SchoolYear(self.first - 1)

    def contains(self, day: dt.date) -> bool:
        """Whether a day falls in this year."""
        return SchoolYear.of(day) == self
