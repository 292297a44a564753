"""What changed between two runs: which discrepancies are new, solved, still open, or have come back."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from polars import col

from senrkit.frames import days
from senrkit.ledger.weeks import BACK, NEW, OPEN, SOLVED
from senrkit.results.folder import COMPARED_COLUMNS, PROPOSAL, RunFolder
from senrkit.results.tables import TO_DO

STATES = (NEW, BACK, OPEN, SOLVED)


def compared(later: RunFolder, earlier: RunFolder, before: Sequence[RunFolder] = ()) -> pl.DataFrame:
    """Every discrepancy of either run, once.

    One enrollment (school, SSID, start date) is one discrepancy, whatever is proposed for it.

    Parameters
    ----------
    before
        Runs older than `earlier`: a discrepancy of `later` that is not in `earlier`, but in one of these, came back.

    Returns
    -------
    DataFrame
        `state` (one of `STATES`), then the columns of the proposal that say who, where and what, as the
        later run has them (a solved one: as the earlier had it), all text; and `age` (Int64): days from `first_seen` to
        the day of the later run, null where a run does not say since when.
    """
    key = ["school_code", "ssid", "start_date"]
    now, then = _open(later, key), _open(earlier, key)
    older = pl.concat([now.clear(), *(_open(run, key) for run in before)])
    known = now.join(then.select(*key, was_open=True), on=key, how="left").join(
        older.select(*key, was_older=True).unique(), on=key, how="left"
    )
    state = pl.when("was_open").then(pl.lit(OPEN)).when("was_older").then(pl.lit(BACK)).otherwise(pl.lit(NEW))
    gone = then.join(now, on=key, how="anti").with_columns(state=pl.lit(SOLVED))
    every = pl.concat(
        [known.with_columns(state=state).select("state", *COMPARED_COLUMNS), gone.select("state", *COMPARED_COLUMNS)]
    )
    as_of = pl.lit(later.manifest["as_of"]).str.to_date()
    aged = every.with_columns(age=(as_of - days.of_iso(col.first_seen)).dt.total_days())
    return aged.sort(col.state.cast(pl.Enum(STATES)), "school_code", "ssid", "start_date")


def change_counts(changes: pl.DataFrame) -> dict[str, int]:
    """How many of each state, all four."""
    return {state: int((changes["state"] == state).sum()) for state in STATES}


def _open(run: RunFolder, key: list[str]) -> pl.DataFrame:
    rows = run.table(PROPOSAL).filter(col.action.is_in(TO_DO))
    return rows.unique(key, keep="first", maintain_order=True).select(COMPARED_COLUMNS)
