"""What CALPADS holds of a student, as an ordered history: which status came after which, and by which correction.

A newest status alone may look right and not be: an English learner who had been reclassified is none to be brought in.
"""

from __future__ import annotations

import pandas as pd

from senrkit.frames import dates, text
from senrkit.reference import SchoolYear
from senrkit.reference.elas import may_follow

_WHO = ["ssid", "school_code", "reporting_lea", "local_id", "first_name", "last_name", "birth_date"]


def histories(rows: pd.DataFrame) -> pd.DataFrame:
    """The SELA extract as steps: one row per SSID, day and status, by SSID, the oldest first.

    Columns: `ssid, school_code, reporting_lea, local_id, first_name, last_name, birth_date, status, correction` (text;
    the correction reason code, blank for none), `day` (datetime64[s]; a step without a readable day comes first),
    `before` (text: the status that this one came after, blank for the first), `lawful` (bool: it may come after that
    one, by the tables of the school year in which it starts; whoever only stays what they are takes no step).
    """
    day = dates.from_ccyymmdd(rows["elas_date"])
    found = rows[[*_WHO, "line"]].assign(
        status=rows["elas"].str.strip(), correction=rows["correction_reason"].str.strip(), day=day
    )
    # Of a row that stands twice, the one with a correction reason says more.
    found = found.assign(said=found["correction"] != "").sort_values(["ssid", "day", "said", "line"], kind="stable")
    found = found.drop_duplicates(["ssid", "day", "status"], keep="last")
    found = found.sort_values(["ssid", "day", "line"], kind="stable", na_position="first", ignore_index=True)
    before = found.groupby("ssid")["status"].shift().fillna("").astype("str")
    steps = found.assign(before=before).drop(columns=["line", "said"])
    return steps.assign(lawful=_lawful(steps))


def newest_statuses(steps: pd.DataFrame) -> pd.DataFrame:
    """One row per SSID of `histories`: its newest status.

    Columns: `ssid, school_code, reporting_lea, local_id, first_name, last_name, birth_date, calpads_status, before,
    correction` (text), `calpads_day` (datetime64[s]), `two_newest` (bool): two different statuses start on the newest
    day; `lawful` (bool): so is every step.
    """
    by_student = steps.groupby("ssid")
    on_newest_day = steps["day"] == by_student["day"].transform("max")
    several = on_newest_day.groupby(steps["ssid"]).transform("sum") > 1
    found = steps.assign(two_newest=several, lawful=by_student["lawful"].transform("all"))
    newest = found.drop_duplicates("ssid", keep="last", ignore_index=True)
    return newest.rename(columns={"status": "calpads_status", "day": "calpads_day"})


def older_statuses(steps: pd.DataFrame) -> pd.DataFrame:
    """The rows of `histories` that a newer one has followed."""
    return steps[steps["ssid"].duplicated(keep="last").to_numpy()]


def _lawful(steps: pd.DataFrame) -> pd.Series:
    year = dates.to_ccyymmdd(steps["day"]).str.slice(0, 6)
    step = text.joined([steps["before"], steps["status"], steps["correction"], year])
    return text.equals(text.mapped(step, _judged), "yes")


def _judged(step: str) -> str:
    before, status, correction, month = step.split("^")
    if not month:
        return "no"  # Where it stands in the order, nobody knows.
    year = SchoolYear.of(dates.day(month + "01"))
    return "yes" if before == status or may_follow(before, status, correction, year) else "no"
