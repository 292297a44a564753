"""The schools of `LOC`: under which code each reports, and which are selected (reconciliation.md 1 and 2.1)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from senrkit.frames import text
from senrkit.settings.settings import Settings

NPS_SCHOOL = "0000001"
DISTRICT_RECORD = "0"
NOT_SELECTED, NOT_REPORTED = "school-not-selected", "school-not-reported"

_NO = {"", "0", "N", "n", "No", "no", "False", "false", "F"}
# Session types are local text; what is known is 1 and words that begin with S ("S", "Summer").
_SUMMER = {"1", "S", "s"}


def school_table(loc: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """One row per Aeries school, the district record (code 0) apart.

    Columns: `aeries_school`, `name`, `school_code` (School of Attendance, as `LOC.SC` says, may be blank),
    `lea` (Reporting LEA), `top_grade` (float64: `LOC.HI`, NaN when unknown), `selected` (bool), `why_not` (a left-out
    reason, `""` when selected).
    """
    loc = loc.drop_duplicates("CD", ignore_index=True)
    schools = pd.DataFrame(
        {
            "aeries_school": loc["CD"],
            "name": loc["NM"],
            "school_code": loc["SC"],
            "lea": _reporting_lea(loc, settings),
            "top_grade": pd.to_numeric(_optional(loc, "HI"), errors="coerce").astype("float64"),
        }
    )
    schools["why_not"] = _why_not(loc, schools, settings)
    schools["selected"] = schools["why_not"] == ""
    return schools[schools["aeries_school"] != DISTRICT_RECORD].reset_index(drop=True)


def district_lea(loc: pd.DataFrame) -> str:
    """The seven-digit code on the district record, or `""` when Aeries does not hold one."""
    record = loc.loc[loc["CD"] == DISTRICT_RECORD, ["CC", "DC"]]
    code = "".join(record.iloc[0]) if len(record) else ""
    return code if len(code) == 7 and code.isdigit() else ""


def receiver(next_school: pd.Series, school_table: pd.DataFrame) -> pd.Series:
    """Next school as a state code: an Aeries code through `LOC`, a seven-digit code as it is; anything else unknown."""
    known = dict(zip(school_table["aeries_school"], school_table["school_code"], strict=True))

    def answer(code: str) -> str | None:
        if code == "":
            return ""
        return known.get(code) or (code if len(code) == 7 and code.isdigit() else None)

    return text.mapped(next_school, answer)


def _reporting_lea(loc: pd.DataFrame, settings: Settings) -> pd.Series:
    if settings.charter:
        return loc["SC"]
    if settings.lea_from == "school":
        return text.concatenated(loc["CC"], loc["DC"])
    return text.constant(district_lea(loc) or settings.lea, loc.index)


def _why_not(loc: pd.DataFrame, schools: pd.DataFrame, settings: Settings) -> pd.Series:
    chosen = settings.aeries.schools
    # A charter's virtual school has no code of its own and reports under the charter's.
    of_lea = (schools["lea"] == settings.lea) | (settings.charter & (loc["SC"] == ""))
    other_lea = ~of_lea.to_numpy()
    if isinstance(chosen, tuple):
        unwanted = ~loc["CD"].isin(chosen).to_numpy()
        return pd.Series(np.where(unwanted | other_lea, NOT_SELECTED, ""), index=loc.index, dtype="str")
    if chosen == "all":
        return pd.Series(np.where(other_lea, NOT_SELECTED, ""), index=loc.index, dtype="str")
    inactive = (_optional(loc, "TG").str.strip() != "").to_numpy()
    unreported = ~_optional(loc, "DNR").isin(_NO).to_numpy() | _summer(_optional(loc, "U"))
    return pd.Series(
        np.select([other_lea | inactive, unreported], [NOT_SELECTED, NOT_REPORTED], ""), index=loc.index, dtype="str"
    )


def _summer(session: pd.Series) -> np.ndarray:
    return (session.isin(_SUMMER) | session.str.lower().str.startswith("summer")).to_numpy()


def _optional(loc: pd.DataFrame, column: str) -> pd.Series:
    return loc[column] if column in loc else text.constant("", loc.index)
