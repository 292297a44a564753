"""SENR records made ready for the rules: blanks filled, each date parsed once, the terms of the rules as masks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from senrkit.calpads.values import value
from senrkit.frames import dates, text
from senrkit.frames.intervals import cancelled
from senrkit.reference import SENR_FIELDS, SchoolYear, codes

ONE_DAY = np.timedelta64(1, "D")
# What may be quoted in a message: codes, dates and school numbers. A shifted column can hold a name or an SSID.
_QUOTABLE = r"^([A-Z]?\d{1,9}|[A-Z]{1,2}|\d{4}-\d{4}|[A-Z]{2}-[A-Z]{2,3})$"


class Records:
    """A view of SENR records or state rows; the frame given is never changed.

    `frame` holds the SENR fields with a plain index, unknown as blank. Every other member is a whole column,
    computed when a rule first asks for it. Definitions: reconciliation.md (terms, section 8), calpads_rules.md
    section 1.

    Several files may be looked at together, for most rules ask about each record by itself: `file` then says which
    record is of which, and records of different files are of different students.
    """

    def __init__(self, records: pd.DataFrame, as_of: dt.date, file: pd.Series | None = None) -> None:
        self._hold(_without_unknown(records[list(SENR_FIELDS)]), np.datetime64(as_of, "D"), file)

    def __len__(self) -> int:
        return len(self.frame)

    def is_(self, field: str, *values: str) -> np.ndarray:
        """Whether the field holds one of the values."""
        return pc.is_in(text.arrow(self.frame[field]), value_set=pa.array(values, pa.large_string())).to_numpy()

    def filled(self, field: str) -> np.ndarray:
        """Whether the field holds anything; a lone space is blank, as CALPADS reads it."""
        if field not in self._filled:
            known = pc.not_equal(pc.utf8_trim_whitespace(text.arrow(self.frame[field])), "").to_numpy()
            known.flags.writeable = False
            self._filled[field] = known
        return self._filled[field]

    def fits(self, field: str, pattern: str) -> np.ndarray:
        """Whether the field matches the regular expression."""
        return pc.match_substring_regex(text.arrow(self.frame[field]), pattern).to_numpy()

    def in_force(self, field: str, code_set: str) -> np.ndarray:
        """Whether the field holds a code in force in the school year of the start date."""
        return in_years(school_years(self.start), lambda year: self.is_(field, *codes(code_set, year)))

    @cached_property
    def start(self) -> np.ndarray:
        return self._day("start_date")

    @cached_property
    def exit(self) -> np.ndarray:
        return self._day("exit_date")

    @cached_property
    def birth(self) -> np.ndarray:
        return self._day("birth_date")

    @cached_property
    def deletes(self) -> np.ndarray:
        return self.is_("transaction", "D")

    @cached_property
    def replaces(self) -> np.ndarray:
        return self.is_("transaction", "R")

    @cached_property
    def open(self) -> np.ndarray:
        return ~self.filled("exit_date")

    @cached_property
    def cancelled(self) -> np.ndarray:
        """Never attended: N470 with the exit on the start date or the day before. It overlaps nothing."""
        return cancelled(self.start, self.exit, self.frame["exit_reason"])

    @cached_property
    def days(self) -> np.ndarray:
        """Days from start to exit, both counted; an open record lasts to today. NaT dates give a negative number."""
        end = np.where(self.open, self.as_of, self.exit)
        spans = end - self.start + ONE_DAY
        return np.where(np.isnat(spans), -1, spans.astype("timedelta64[D]").astype("int64"))

    @cached_property
    def primary(self) -> np.ndarray:
        """Status 10, or status 30 lasting more than 30 days, and not cancelled."""
        lasting = self.is_("status", value("short_term", "status")) & (self.days > value("short_term", "most_days"))
        return (self.is_("status", "10") | lasting) & ~self.cancelled

    @cached_property
    def school(self) -> pd.Series:
        """School of attendance; with the code of the nonpublic school where the school is 0000001."""
        nonpublic = self.is_("school_code", value("schools", "nonpublic"))
        school = self.frame["school_code"]
        return text.choose(nonpublic, text.joined([school, self.frame["nps_code"]]), school)

    @cached_property
    def student(self) -> pd.Series:
        """SSID; with its file where several are looked at together."""
        ssid = self.frame["ssid"]
        return ssid if self._file is None else text.joined([ssid, self._file])

    @cached_property
    def key(self) -> pd.Series:
        """The operational key: school, SSID, start date."""
        return text.joined([self.school, self.student, self.frame["start_date"]])

    def age_on(self, day: np.ndarray) -> np.ndarray:
        """Completed years on each day; NaN where either date is missing."""
        birth, on = pd.DatetimeIndex(self.birth.astype("datetime64[s]")), pd.DatetimeIndex(day.astype("datetime64[s]"))
        before_birthday = (on.month * 100 + on.day) < (birth.month * 100 + birth.day)
        return np.asarray(on.year - birth.year, dtype="float64") - np.asarray(before_birthday, dtype="float64")

    def take(self, rows: np.ndarray) -> Records:
        """These rows alone, in this order."""
        taken = Records.__new__(Records)
        taken._hold(self.frame.take(rows), self.as_of, None if self._file is None else self._file.take(rows))
        return taken

    def _hold(self, frame: pd.DataFrame, as_of: np.datetime64, file: pd.Series | None) -> None:
        self.frame = frame.reset_index(drop=True)
        self.as_of = as_of
        self._file = None if file is None else file.reset_index(drop=True)
        self._filled: dict[str, np.ndarray] = {}

    def _day(self, field: str) -> np.ndarray:
        return dates.from_ccyymmdd(self.frame[field]).to_numpy(dtype="datetime64[D]")


def _without_unknown(frame: pd.DataFrame) -> pd.DataFrame:
    unknown = [name for name, column in frame.items() if text.arrow(column).null_count]
    # Filling columns that lack nothing would copy them.
    return frame.fillna(dict.fromkeys(unknown, "")) if unknown else frame


def quotable(column: pd.Series) -> pd.Series:
    """Codes, dates and school numbers as they are, blank as `blank`, anything else as `(not a code)`."""
    held = text.arrow(column)
    blank = pc.equal(pc.utf8_trim_whitespace(held), "")
    shown = pc.if_else(pc.match_substring_regex(held, _QUOTABLE), held, "(not a code)")
    return text.from_arrow(pc.if_else(blank, "blank", shown), column.index)


def day_text(days: np.ndarray) -> pd.Series:
    """Days as `CCYYMMDD`."""
    return dates.to_ccyymmdd(pd.Series(days.astype("datetime64[s]")))


def school_years(days: np.ndarray) -> np.ndarray:
    """First calendar year of the school year (1 July to 30 June) of each day, as float; NaN where there is no day."""
    months = days.astype("datetime64[M]").astype("int64")
    return np.where(np.isnat(days), np.nan, (months - 6) // 12 + 1970)


def in_years(years: np.ndarray, answer: Callable[[SchoolYear], np.ndarray]) -> np.ndarray:
    """A test that differs from year to year, asked once for each year that occurs; False where the year is unknown."""
    result = np.zeros(len(years), dtype=bool)
    for first in np.unique(years[~np.isnan(years)]):
        of_year = years == first
        result[of_year] = answer(SchoolYear(int(first)))[of_year]
    return result


def same_text(left: pd.Series, right: pd.Series) -> np.ndarray:
    """Whether two columns of equal length hold the same text, row by row."""
    joined_left, joined_right = text.arrow(left).combine_chunks(), text.arrow(right).combine_chunks()
    return pc.equal(joined_left, joined_right).to_numpy(zero_copy_only=False)


def pair_is_in(columns: list[pd.Series], pairs: frozenset[tuple[str, str]]) -> np.ndarray:
    """Whether the two columns together hold one of the pairs."""
    known = pa.array(["^".join(pair) for pair in sorted(pairs)], pa.large_string())
    return pc.is_in(text.arrow(text.joined(columns)), value_set=known).to_numpy()
