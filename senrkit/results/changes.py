"""What changed between two runs: which discrepancies are new, solved, still open, or have come back."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from senrkit.frames import text
from senrkit.results.folder import RunFolder
from senrkit.results.tables import TO_DO

STATES = ("new", "came-back", "still-open", "solved")
_COLUMNS = ["school_code", "school_name", "ssid", "local_id", "grade", "start_date", "action", "reason"]


def run_changes(later: RunFolder, earlier: RunFolder, before: Sequence[RunFolder] = ()) -> pd.DataFrame:
    """Every discrepancy of either run, once.

    One enrollment (school, SSID, start date) is one discrepancy, whatever is proposed for it.

    Parameters
    ----------
    before
        Runs older than `earlier`: a discrepancy of `later` that is not in `earlier`, but in one of these, came back.

    Returns
    -------
    DataFrame
        `state` (`new`, `came-back`, `still-open`, `solved`), then the columns of the proposal that say who, where and
        what, as the later run has them (a solved one: as the earlier had it). All text.
    """
    now, then = _open(later), _open(earlier)
    older = pd.concat([_key(_open(run)) for run in before], ignore_index=True) if before else pd.Series(dtype="str")
    was_open, was_older = text.is_in(_key(now), _key(then)), text.is_in(_key(now), older)
    state = text.choose(was_open, "still-open", text.choose(was_older, text.constant("came-back", now.index), "new"))
    gone = then[~text.is_in(_key(then), _key(now))]
    every = pd.concat(
        [now.assign(state=state), gone.assign(state=text.constant("solved", gone.index))], ignore_index=True
    )
    rank = every["state"].map(STATES.index)
    ordered = every.assign(rank=rank).sort_values(["rank", "school_code", "ssid", "start_date"], kind="stable")
    return ordered[["state", *_COLUMNS]].reset_index(drop=True)


def change_counts(changes: pd.DataFrame) -> dict[str, int]:
    """How many of each state, all four."""
    counted = changes["state"].value_counts()
    return {state: int(counted.get(state, 0)) for state in STATES}


def _open(run: RunFolder) -> pd.DataFrame:
    rows = run.proposal[run.proposal["action"].isin(TO_DO)]
    return rows.drop_duplicates(["school_code", "ssid", "start_date"])[_COLUMNS].reset_index(drop=True)


def _key(rows: pd.DataFrame) -> pd.Series:
    return text.joined([rows["school_code"], rows["ssid"], rows["start_date"]])
