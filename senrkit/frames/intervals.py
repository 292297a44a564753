"""Enrollments as intervals of days: which of them overlap (reconciliation.md 8).

Intervals are inclusive, an open one has no end, one may start on the other's exit day, and a canceled no-show
overlaps nothing.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

LAST_DAY = dt.date(9999, 12, 31)
NO_SHOW = "N470"
SHORT_TERM_DAYS = 30


def is_canceled(start: pl.Expr, end: pl.Expr, exit_reason: pl.Expr) -> pl.Expr:
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
