"""What CALPADS holds of a student, as an ordered history: which status came after which, and by which correction.

A newest status alone may look right and not be: an English learner who had been reclassified is none to be brought in.
"""

from __future__ import annotations

import polars as pl
from polars import col

from senrkit.frames import days
from senrkit.frames.pandas_door import to_polars
from senrkit.reference import SchoolYear
from senrkit.reference.elas import may_follow

_WHO = ["ssid", "school_code", "reporting_lea", "local_id", "first_name", "last_name", "birth_date"]
_STEP = ["before", "status", "correction", "day"]


def histories(rows: pl.DataFrame) -> pl.DataFrame:
    """The SELA extract as steps: one row per SSID, day and status, by SSID, the oldest first.

    Columns: `ssid, school_code, reporting_lea, local_id, first_name, last_name, birth_date, status, correction` (text;
    the correction reason code, blank for none), `day` (a step without a readable day comes first),
    `before` (text: the status that this one came after, blank for the first), `lawful` (flag: it may come after that
    one, by the tables of the school year in which it starts; whoever only stays what they are takes no step).
    """
    found = to_polars(rows).select(
        *_WHO,
        "line",
        status=col.elas.str.strip_chars(),
        correction=col.correction_reason.str.strip_chars(),
        day=days.of_key(col.elas_date),
    )
    # Of a row that stands twice, the one with a correction reason says more.
    found = found.sort("ssid", "day", col.correction != "", "line", maintain_order=True)
    found = found.unique(["ssid", "day", "status"], keep="last", maintain_order=True)
    steps = found.sort("ssid", "day", "line", maintain_order=True).select(
        *_WHO, "status", "correction", "day", before=col.status.shift().over("ssid").fill_null("")
    )
    return steps.join(_lawful(steps), on=_STEP, how="left", maintain_order="left", nulls_equal=True)


def newest_statuses(steps: pl.DataFrame) -> pl.DataFrame:
    """One row per SSID of `histories`: its newest status.

    Columns: `ssid, school_code, reporting_lea, local_id, first_name, last_name, birth_date, calpads_status, before,
    correction` (text), `calpads_day`, `two_newest` (flag): two different statuses start on the newest
    day; `lawful` (flag): so is every step.
    """
    on_newest_day = (col.day == col.day.max()).fill_null(False)
    return (
        steps.with_columns(
            two_newest=(on_newest_day.sum() > 1).over("ssid"),
            lawful=col.lawful.all().over("ssid"),
        )
        .unique("ssid", keep="last", maintain_order=True)
        .rename({"status": "calpads_status", "day": "calpads_day"})
    )


def older_statuses(steps: pl.DataFrame) -> pl.DataFrame:
    """The rows of `histories` that a newer one has followed."""
    return steps.filter(~col.ssid.is_last_distinct())


def _lawful(steps: pl.DataFrame) -> pl.DataFrame:
    """Each different step, and whether it may be taken. Where one without a day stands in the order, nobody knows."""
    each = steps.select(_STEP).unique()
    lawful = [
        day is not None and (before == status or may_follow(before, status, correction, SchoolYear.of(day)))
        for before, status, correction, day in each.rows()
    ]
    return each.with_columns(pl.Series("lawful", lawful, pl.Boolean))
