"""State rows without a partner and spells without a partner: which of them are two halves of one move (4.3).

Only same-key rows are ever compared field by field. A pair made here explains a delete and the add that replaces it;
where two explanations are equally good, the student is held and a person decides.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from senrkit.frames import text
from senrkit.frames.intervals import OPEN_END
from senrkit.frames.text import taken
from senrkit.spells.schools import NPS_SCHOOL

NEAR_DAYS = 14
SAME_SCHOOL, OTHER_SCHOOL = "start-date-moved", "school-moved"
_COLUMNS = ["state_row", "spell", "reason"]
_PLACES = ["start_spell", "place_spell", "start", "place"]


def pair_moves(state: pd.DataFrame, spells: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Pairs among rows that have no partner under the same key.

    Parameters
    ----------
    state, spells
        With `ssid`, `place` (school with NPS code), `start`, `exit` (datetime64[s]) and `cancelled`, and the
        identifiers `state_row` and `spell` (int64).

    Returns
    -------
    tuple
        The pairs (`state_row`, `spell`: int64, `reason`: `start-date-moved` or `school-moved`; each state row and each
        spell at most once), and the state rows whose best explanation is a tie.

    Same school first: a spell that overlaps the state row or starts within 14 days of it. Of each student one pair
    after another, the largest overlap first, then the nearest start, each time among those that are left; a tie at any
    turn leaves the rest of the student unpaired. What is left pairs with an overlapping spell at another school.
    """
    candidates = _candidates(state, spells)
    same_school = candidates["same_place"] & ((candidates["overlap"] > 0) | (candidates["distance"] <= NEAR_DAYS))
    moved, tied = _one_after_another(candidates[same_school])
    left = candidates[~candidates["state_row"].isin(moved["state_row"]) & ~candidates["spell"].isin(moved["spell"])]
    other_school = left[~left["same_place"] & (left["overlap"] > 0) & ~left["state_row"].isin(tied)]
    # Which of two equally good spells at another school explains the delete changes no file: the older one does.
    school_moved, _ = _one_after_another(other_school, settle_ties=True)
    pairs = pd.concat([moved.assign(reason=SAME_SCHOOL), school_moved.assign(reason=OTHER_SCHOOL)], ignore_index=True)
    return pairs[_COLUMNS].astype({"state_row": "int64", "spell": "int64", "reason": "str"}), tied


def _candidates(state: pd.DataFrame, spells: pd.DataFrame) -> pd.DataFrame:
    columns = ["ssid", "place", "start", "exit", "cancelled"]
    both = state[["state_row", *columns]].merge(spells[["spell", *columns]], on="ssid", suffixes=("", "_spell"))
    start, start_spell = (both[name].to_numpy(dtype="datetime64[D]") for name in ("start", "start_spell"))
    end, end_spell = (_end(both[name]) for name in ("exit", "exit_spell"))
    days = (np.minimum(end, end_spell) - np.maximum(start, start_spell)).astype("int64") + 1
    # One may start on the other's exit day without overlapping it.
    overlaps = (start < end_spell) & (start_spell < end) & ~(both["cancelled"] | both["cancelled_spell"]).to_numpy()
    return both[["ssid", "state_row", "spell", *_PLACES]].assign(
        same_place=(both["place"] == both["place_spell"]).to_numpy(),
        overlap=np.where(overlaps, days, 0),
        distance=np.abs((start - start_spell).astype("int64")),
    )


def _end(column: pd.Series) -> np.ndarray:
    days = column.to_numpy(dtype="datetime64[D]")
    return np.where(np.isnat(days), OPEN_END, days)


def _one_after_another(candidates: pd.DataFrame, settle_ties: bool = False) -> tuple[pd.DataFrame, np.ndarray]:
    """The best pairs of each student, turn by turn, all students at once; and the state rows of a tie.

    A turn takes what is best by overlap and nearness among the student's candidates that are left. When two of those
    share a state row or a spell it is a tie and ends the student's turns, unless ties are to be settled: by start and
    school, for the order of the rows in a file means nothing.
    """
    order = ["overlap", "distance"] + (_PLACES if settle_ties else [])
    left = candidates.sort_values(order, ascending=[False] + [True] * (len(order) - 1)).reset_index(drop=True)
    left["rank"] = left.groupby(order, sort=False).ngroup() if len(left) else np.zeros(0, dtype="int64")
    pairs, tied = [left.iloc[:0]], [np.zeros(0, dtype="int64")]
    while len(left):
        best = left[left["rank"] == left.groupby("ssid")["rank"].transform("min")]
        shared = best["state_row"].duplicated(keep=False) | best["spell"].duplicated(keep=False)
        tied.append(best.loc[shared, "state_row"].to_numpy())
        ended = best.loc[shared, "ssid"]
        pairs.append(best[~best["ssid"].isin(ended)])
        left = left[~left["ssid"].isin(ended)]
        left = left[~left["state_row"].isin(pairs[-1]["state_row"]) & ~left["spell"].isin(pairs[-1]["spell"])]
    return pd.concat(pairs, ignore_index=True), np.unique(np.concatenate(tied))


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
