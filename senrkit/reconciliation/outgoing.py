"""The records as they go out: whole records (reconciliation.md 5).

Add and update: what Aeries says, and the state's own value for anything Aeries does not know. Delete: the state row.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from senrkit.frames import dates, text
from senrkit.frames.intervals import NO_SHOW
from senrkit.frames.text import taken
from senrkit.reference import SENR_FIELDS

_FROM_STATE = ("record_type", "transaction", "local_record_id")


def outgoing(actions: pd.DataFrame, state: pd.DataFrame, spells: pd.DataFrame) -> pd.DataFrame:
    """The 35 SENR fields for every action with a transaction, on the index of those actions.

    `actions` needs `transaction`, `state_row` (position in `state`: the row itself, or the other half of a move; -1
    none), `spell` (-1 none) and `no_show` (bool: a last record cancelled instead of deleted).
    """
    goes_out = actions[actions["transaction"] != ""]
    from_state = state.loc[:, list(SENR_FIELDS)]
    known = {name: taken(from_state[name], goes_out["state_row"].to_numpy()).fillna("") for name in SENR_FIELDS}
    spell = goes_out["spell"].to_numpy()
    for name in SENR_FIELDS:
        if name in spells and name not in _FROM_STATE:
            known[name] = text.choose(spell >= 0, _filled(taken(spells[name], spell), known[name]), known[name])
    known["record_type"] = text.constant("SENR", known["ssid"].index)
    known["transaction"] = goes_out["transaction"].reset_index(drop=True)
    records = pd.DataFrame(known)[list(SENR_FIELDS)]
    return _cancelled_no_shows(records, goes_out["no_show"].to_numpy()).set_index(goes_out.index)


def _filled(values: pd.Series, otherwise: pd.Series) -> pd.Series:
    return text.choose(values.notna().to_numpy(), values, otherwise)


def _cancelled_no_shows(records: pd.DataFrame, no_show: np.ndarray) -> pd.DataFrame:
    """A last record that may not be deleted: `N470`, exit the day before the start."""
    if not no_show.any():
        return records
    day_before = dates.to_ccyymmdd(dates.from_ccyymmdd(records["start_date"]) - pd.Timedelta(days=1))
    changed = {"exit_date": day_before, "exit_reason": NO_SHOW}
    changed |= dict.fromkeys(
        (
            "completion_status",
            "receiver_school",
            "uc_csu",
            "golden_state_seal",
            "biliteracy_seal",
            "graduation_exemption",
        ),
        "",
    )
    return records.assign(**{name: text.choose(no_show, value, records[name]) for name, value in changed.items()})
