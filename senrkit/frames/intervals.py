"""Enrollments as intervals of days: which of them overlap (reconciliation.md 8).

Intervals are inclusive, an open one has no end, one may start on the other's exit day, and a cancelled no-show
overlaps nothing.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl

from senrkit.frames import text

OPEN_END = np.datetime64("9999-12-31", "D")
LAST_DAY = dt.date(9999, 12, 31)
NO_SHOW = "N470"
SHORT_TERM_DAYS = 30


def is_cancelled(start: pl.Expr, end: pl.Expr, exit_reason: pl.Expr) -> pl.Expr:
    """Exit reason `N470` with exit date equal to the start date or the day before."""
    return ((exit_reason == NO_SHOW) & (end - start).dt.total_days().is_in([0, -1])).fill_null(False)


def is_primary(status: pl.Expr, lasts: pl.Expr) -> pl.Expr:
    """Status 10, or status 30 lasting more than 30 days (an open one counts to the day of the run)."""
    return ((status == "10") | ((status == "30") & (lasts > SHORT_TERM_DAYS))).fill_null(False)


def overlaps(group: str, start: pl.Expr, end: pl.Expr) -> pl.Expr:
    """Which rows overlap another row of their group; leave out beforehand what does not count, or has no start.

    Two rows of a group with the same start overlap unless the one ends on that very day.
    """
    last = end.fill_null(LAST_DAY)
    reaches_in = start < last.cum_max().shift(1)
    is_met = start.shift(-1) < last
    return (reaches_in | is_met).fill_null(False).over(group, order_by=[start, last])


def cancelled(start: np.ndarray, end: np.ndarray, exit_reason: pd.Series) -> np.ndarray:
    """Exit reason `N470` with exit date equal to the start date or the day before. Dates as `datetime64[D]`."""
    apart = (end - start).astype("timedelta64[D]").astype("float64")
    return text.equals(exit_reason, NO_SHOW) & np.isin(apart, (0.0, -1.0)) & ~np.isnat(start) & ~np.isnat(end)


def primary(status: pd.Series, start: np.ndarray, end: np.ndarray, as_of: np.datetime64) -> np.ndarray:
    """Status 10, or status 30 lasting more than 30 days (an open one counts to `as_of`)."""
    last = np.where(np.isnat(end), as_of, end)
    days = (last - start).astype("timedelta64[D]").astype("float64") + 1
    return text.equals(status, "10") | (text.equals(status, "30") & (days > SHORT_TERM_DAYS))


def overlapping(group: pd.Series, start: np.ndarray, end: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Which rows overlap another row of their group, looking only at the rows in `among`.

    Two rows of a group with the same start overlap unless the one ends on that very day.
    """
    result = np.zeros(len(group), dtype=bool)
    chosen = np.flatnonzero(among & ~np.isnat(start))
    if not len(chosen):
        return result
    last = np.where(np.isnat(end), OPEN_END, end)[chosen].astype("datetime64[D]").astype("int64")
    first = start[chosen].astype("datetime64[D]").astype("int64")
    code = text.arrow(group.iloc[chosen]).combine_chunks().dictionary_encode().indices.to_numpy().astype("int64")
    order = np.lexsort((last, first, code))
    first, last, code = first[order], last[order], code[order]
    lifted = code * (int(OPEN_END.astype("int64")) * 4)  # groups so far apart that a running maximum cannot cross them
    reach = np.maximum.accumulate(last + lifted)
    late = np.zeros(len(order), dtype=bool)
    late[1:] = (first + lifted)[1:] < reach[:-1]
    late[1:] &= code[1:] == code[:-1]
    # The earlier partner: a row that some later row of the group starts inside of.
    next_first = np.full(len(order), np.iinfo("int64").max)
    next_first[:-1] = np.where(code[1:] == code[:-1], first[1:], np.iinfo("int64").max)
    early = next_first < last
    result[chosen[order[late | early]]] = True
    return result
