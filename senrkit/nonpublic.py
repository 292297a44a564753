"""Which nonpublic school, when Aeries does not say: a key needs one (end of reconciliation.md 2)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from senrkit import text
from senrkit.people import taken
from senrkit.schools import NPS_SCHOOL


def with_known_nps(spells: pd.DataFrame, state: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Spells whose NPS code is unknown take the state's: of the student's row with the same start, else of any row.

    Returns
    -------
    tuple
        The spells, none of them with an unknown `nps_code` at a nonpublic school (blank where the state has none
        either); and the SSIDs for whom the state names several schools. Which of the rows is right nobody can tell, so
        these students are to be held: taking the first would delete the others.
    """
    unknown = spells["nps_code"].isna().to_numpy() & text.equals(spells["school_code"], NPS_SCHOOL)
    if not unknown.any():
        return spells, spells["ssid"].iloc[:0]
    at_nps = state.loc[text.equals(state["school_code"], NPS_SCHOOL), ["ssid", "start_date", "nps_code"]]
    at_nps = text.sorted_rows(at_nps.drop_duplicates(), ["ssid", "start_date", "nps_code"])
    starts, wanted = (text.joined([side["ssid"], side["start_date"]]) for side in (at_nps, spells))
    codes = at_nps[["ssid", "nps_code"]].drop_duplicates()
    same_start, any_start = text.positions(wanted, starts), text.positions(spells["ssid"], at_nps["ssid"])
    found = taken(at_nps["nps_code"], np.where(same_start >= 0, same_start, any_start)).fillna("")
    several = np.where(
        same_start >= 0,
        text.is_in(wanted, starts[starts.duplicated()]),
        text.is_in(spells["ssid"], codes.loc[codes["ssid"].duplicated(), "ssid"]),
    )
    known = spells.assign(nps_code=text.choose(unknown, found, spells["nps_code"]))
    return known, spells.loc[unknown & several, "ssid"]
