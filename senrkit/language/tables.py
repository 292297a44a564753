"""The tables of a language run: `language.csv`, the two import files, the conflict report, who waits for a test."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from senrkit.frames import dates, text
from senrkit.language.classes import CONFLICT_DATE, CONFLICT_STATUS, ONLY_AERIES, PROPOSED, REFUSED
from senrkit.reference.elas import facts, from_testing, lac_dates
from senrkit.texts import wording

COLUMNS = (
    "ssid", "local_id", "school_code", "class", "calpads_status", "calpads_date", "aeries_status", "aeries_date",
    "proposed_lf", "proposed_column", "proposed_date", "reason", "warnings",
)  # fmt: skip
OVER, LONG_OVER, EXEMPT = "over", "long-over", "exempt"


def language_table(found: pd.DataFrame) -> pd.DataFrame:
    """`language.csv`, all text, by school, SSID and local id; days ISO. `found` is what `classify` gives."""
    days = {f"{side}_date": dates.to_iso(found[f"{side}_day"]) for side in ("calpads", "aeries", "proposed")}
    return text.sorted_rows(found.assign(**days), ["school_code", "ssid", "local_id"])[list(COLUMNS)]


def proposals(found: pd.DataFrame) -> pd.DataFrame:
    """The rows of `found` that are proposed for Aeries, by local id."""
    return text.sorted_rows(found[found["class"].isin(PROPOSED)], ["local_id"])


def lac_import(proposed: pd.DataFrame) -> pd.DataFrame:
    """`aeries_import_LAC.csv`: `ID` and the day of each new status in the column of that status.

    The other column is blank, and was blank in Aeries: who has a day there already is refused.
    """
    day = dates.to_iso(proposed["proposed_day"])
    none = text.constant("", proposed.index)
    columns = [lac_dates()[status] for status in from_testing()]
    filled = {code: text.choose((proposed["proposed_column"] == code).to_numpy(), day, none) for code in columns}
    return pd.DataFrame({"ID": proposed["local_id"], **filled})


def stu_import(proposed: pd.DataFrame, stu: pd.DataFrame) -> pd.DataFrame:
    """`aeries_import_STU.csv`: `SC`, `SN` (the key), `ID` and `LF` of every live STU row of the students."""
    rows = stu.loc[text.is_in(stu["ID"], proposed["local_id"]), ["SC", "SN", "ID"]]
    at = text.positions(rows["ID"], proposed["local_id"])
    lf = proposed["proposed_lf"].iloc[at].to_numpy()
    return text.sorted_rows(rows.assign(LF=pd.Series(lf, index=rows.index, dtype="str")), ["ID", "SC", "SN"])


def conflict_report(found: pd.DataFrame) -> pd.DataFrame:
    """Students with a status on both sides that differs, or differs in its day; by school, then SSID.

    What is refused because Aeries has a settled status already belongs here too.
    """
    settled = (found["class"] == REFUSED) & found["reason"].str.startswith("already-")
    chosen = found["class"].isin([CONFLICT_STATUS, CONFLICT_DATE]) | settled
    return text.sorted_rows(found[chosen], ["school_code", "ssid"])


def by_school(conflicts: pd.DataFrame) -> pd.DataFrame:
    """`school_code, school_name` (text), `status, date, total` (int64), most conflicts first."""
    is_day = conflicts["class"] == CONFLICT_DATE
    counted = conflicts.assign(status=(~is_day).astype("int64"), date=is_day.astype("int64"), total=1)
    sums = counted.groupby(["school_code", "school_name"], as_index=False)[["status", "date", "total"]].sum()
    return sums.sort_values(["total", "school_code"], ascending=[False, True], ignore_index=True)


def to_be_determined(found: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """Students of Aeries whose newest status is TBD for long, the longest first; not who left, nor who is not tested in
    their grade.

    As `found`, with `since` (ISO text), `days` (int64) and `age`: `over` (more than 30 days), `long-over` (90 or more;
    rule SENR0714E3) or `exempt` (transitional kindergarten, AB 2268).
    """
    limits = facts()["to_be_determined"]
    waiting = found[((found["calpads_status"] == limits["status"]) & found["in_aeries"] & ~found["left"]).to_numpy()]
    tested = (waiting["class"] != ONLY_AERIES) & ~waiting["grade"].isin(limits["not_tested"])
    waiting = waiting[tested.to_numpy()]
    days = (dates.stamp(as_of) - waiting["calpads_day"]).dt.days.astype("int64")
    exempt = text.equals(waiting["grade"], limits["exempt"]) & (as_of >= limits["exempt_since"])
    long_over = (days >= limits["at_least_days"]).to_numpy()
    age = text.selected([exempt, long_over], [EXEMPT, LONG_OVER], OVER, waiting.index)
    listed = waiting.assign(since=dates.to_iso(waiting["calpads_day"]), days=days, age=age)
    listed = listed[(days > limits["more_than_days"]).to_numpy()]
    return listed.sort_values(["days", "school_code", "ssid"], ascending=[False, True, True], ignore_index=True)


def worded_ages(age: pd.Series) -> pd.Series:
    """`age` of `to_be_determined` for people."""
    return text.mapped(age, lambda id: wording.phrase("language-wait", id).title.format(**facts()["to_be_determined"]))
