"""State rows without a partner and spells without a partner: which of them are two halves of one move (4.3).

Only same-key rows are ever compared field by field. A pair made here explains a delete and the add that replaces it;
where two explanations are equally good, the student is held and a person decides.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from senrkit.intervals import OPEN_END

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

    Same school first: a spell that overlaps the state row or starts within 14 days of it; the largest overlap,
    then the nearest start, pairs first. What is left pairs with an overlapping spell at another school.
    """
    candidates = _candidates(state, spells)
    same_school = candidates["same_place"] & ((candidates["overlap"] > 0) | (candidates["distance"] <= NEAR_DAYS))
    moved, tied = _best_first(candidates[same_school])
    left = candidates[~candidates["state_row"].isin(moved["state_row"]) & ~candidates["spell"].isin(moved["spell"])]
    other_school = left[~left["same_place"] & (left["overlap"] > 0) & ~left["state_row"].isin(tied)]
    # Which of two equally good spells at another school explains the delete changes no file: the older one does.
    school_moved, _ = _best_first(other_school, settle_ties=True)
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
    return both[["state_row", "spell", *_PLACES]].assign(
        same_place=(both["place"] == both["place_spell"]).to_numpy(),
        overlap=np.where(overlaps, days, 0),
        distance=np.abs((start - start_spell).astype("int64")),
    )


def _end(column: pd.Series) -> np.ndarray:
    days = column.to_numpy(dtype="datetime64[D]")
    return np.where(np.isnat(days), OPEN_END, days)


def _best_first(candidates: pd.DataFrame, settle_ties: bool = False) -> tuple[pd.DataFrame, np.ndarray]:
    """Pairs in order of overlap and nearness, all students at once: each round takes every pair that is the best of
    its state row and of its spell. A best that two share is a tie, unless ties are to be settled: by start and school,
    for the order of the rows in a file means nothing.
    """
    order = ["overlap", "distance"] + (_PLACES if settle_ties else [])
    left = candidates.sort_values(order, ascending=[False] + [True] * (len(order) - 1)).reset_index(drop=True)
    left["rank"] = left.groupby(order, sort=False).ngroup() if len(left) else np.zeros(0, dtype="int64")
    taken, tied = [left.iloc[:0]], [np.zeros(0, dtype="int64")]
    while len(left):
        best_of_row = left["rank"] == left.groupby("state_row")["rank"].transform("min")
        best_of_spell = left["rank"] == left.groupby("spell")["rank"].transform("min")
        best = left[best_of_row & best_of_spell]
        shared = best["state_row"].duplicated(keep=False) | best["spell"].duplicated(keep=False)
        taken.append(best[~shared])
        tied.append(best.loc[shared, "state_row"].to_numpy())
        done = left["state_row"].isin(best["state_row"]) | left["spell"].isin(best["spell"])
        left = left[~done]
    return pd.concat(taken, ignore_index=True), np.unique(np.concatenate(tied))
