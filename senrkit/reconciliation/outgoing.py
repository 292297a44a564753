"""The records as they go out: whole records (reconciliation.md 5).

Add and update: what Aeries says, and the state's own value for anything Aeries does not know. Delete: the state row.
"""

from __future__ import annotations

import polars as pl
from polars import col

from senrkit.frames import days
from senrkit.frames.intervals import NO_SHOW
from senrkit.reference import SENR_FIELDS

_FROM_STATE = ("record_type", "transaction", "local_record_id")
_OF_AN_EXIT = (
    "completion_status", "receiver_school", "uc_csu", "golden_state_seal", "biliteracy_seal", "graduation_exemption",
)  # fmt: skip


def outgoing(actions: pl.DataFrame, state: pl.DataFrame, spells: pl.DataFrame) -> pl.DataFrame:
    """The 35 SENR fields for every action with a transaction, and its `row`.

    `actions` needs `row`, `transaction`, `state_row` (position in `state`: the row itself, or the other half of a move;
    null for none), `spell` (null for none) and `no_show` (bool: a last record canceled instead of deleted).
    """
    said = [name for name in SENR_FIELDS if name in spells.columns and name not in _FROM_STATE]
    known = {name: pl.coalesce(f"{name}_sis" if name in said else name, name, pl.lit("")) for name in SENR_FIELDS}
    known |= {"record_type": pl.lit("SENR"), "transaction": col("sent")}
    goes_out = actions.filter(col("transaction") != "").select(
        "row", "state_row", "spell", "no_show", sent="transaction"
    )
    records = (
        goes_out.join(state.select("state_row", *SENR_FIELDS), "state_row", "left", maintain_order="left")
        .join(spells.select("spell", pl.col(said).name.suffix("_sis")), "spell", "left", maintain_order="left")
        .select("row", "no_show", **known)
    )
    # A last record that may not be deleted: `N470`, exit the day before the start.
    day_before = days.key(days.of_key(col("start_date")) - pl.duration(days=1))
    canceled = {"exit_date": day_before, "exit_reason": pl.lit(NO_SHOW), **dict.fromkeys(_OF_AN_EXIT, pl.lit(""))}
    changed = {name: pl.when("no_show").then(value).otherwise(name) for name, value in canceled.items()}
    return records.with_columns(**changed).drop("no_show")
