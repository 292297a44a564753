"""State rows without a partner and spells without a partner: which of them are two halves of one move (4.3).

Only same-key rows are ever compared field by field. A pair made here explains a delete and the add that replaces it;
where two explanations are equally good, the student is held and a person decides.
"""

from __future__ import annotations

import polars as pl
from polars import col

from senrkit.frames.intervals import LAST_DAY
from senrkit.spells.schools import NPS_SCHOOL

NEAR_DAYS = 14
SAME_SCHOOL, OTHER_SCHOOL = "start-date-moved", "school-moved"
_PLACES = ["start_spell", "place_spell", "start", "place"]


def pair_moves(state: pl.DataFrame, spells: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Pairs among rows that have no partner under the same key.

    Parameters
    ----------
    state, spells
        With `ssid`, `place` (school with NPS code), `start`, `exit` (days) and `canceled`, and the identifiers
        `state_row` and `spell`.

    Returns
    -------
    tuple
        The pairs (`state_row`, `spell`, `reason`: `start-date-moved` or `school-moved`; each state row and each spell
        at most once), and the state rows whose best explanation is a tie.

    Same school first: a spell that overlaps the state row or starts within 14 days of it. Of each student one pair
    after another, the largest overlap first, then the nearest start, each time among those that are left; a tie at any
    turn leaves the rest of the student unpaired. What is left pairs with an overlapping spell at another school.
    """
    candidates = _candidates(state, spells)
    near = (col("overlap") > 0) | (col("distance") <= NEAR_DAYS)
    moved, tied = _one_after_another(candidates.filter("same_place", near))
    left = candidates.join(moved, "state_row", "anti").join(moved, "spell", "anti")
    other_school = left.filter(~col("same_place"), col("overlap") > 0, ~col("state_row").is_in(tied.implode()))
    # Which of two equally good spells at another school explains the delete changes no file: the older one does.
    school_moved, _ = _one_after_another(other_school, settle_ties=True)
    pairs = [moved.with_columns(reason=pl.lit(SAME_SCHOOL)), school_moved.with_columns(reason=pl.lit(OTHER_SCHOOL))]
    return pl.concat(pairs).select("state_row", "spell", "reason"), tied


def _candidates(state: pl.DataFrame, spells: pl.DataFrame) -> pl.DataFrame:
    columns = ["ssid", "place", "start", "exit", "canceled"]
    both = state.select("state_row", *columns).join(spells.select("spell", *columns), "ssid", suffix="_spell")
    start, start_spell = col("start"), col("start_spell")
    end, end_spell = (col(name).fill_null(LAST_DAY) for name in ("exit", "exit_spell"))
    shared = (pl.min_horizontal(end, end_spell) - pl.max_horizontal(start, start_spell)).dt.total_days() + 1
    # One may start on the other's exit day without overlapping it.
    overlaps = (start < end_spell) & (start_spell < end) & ~(col("canceled") | col("canceled_spell"))
    return both.select(
        "ssid",
        "state_row",
        "spell",
        *_PLACES,
        same_place=col("place") == col("place_spell"),
        overlap=pl.when(overlaps).then(shared).otherwise(0),
        # A start that cannot be read is as near as can be: the student is held for it.
        distance=(start - start_spell).dt.total_days().abs().fill_null(-1),
    )


def _one_after_another(candidates: pl.DataFrame, settle_ties: bool = False) -> tuple[pl.DataFrame, pl.Series]:
    """The best pairs of each student, turn by turn, all students at once; and the state rows of a tie.

    A turn takes what is best by overlap and nearness among the student's candidates that are left. When two of those
    share a state row or a spell it is a tie and ends the student's turns, unless ties are to be settled: by start and
    school, for the order of the rows in a file means nothing.
    """
    order = ["overlap", "distance", *(_PLACES if settle_ties else [])]
    left = candidates.sort(order, descending=[True] + [False] * (len(order) - 1), maintain_order=True)
    left = left.with_columns(rank=pl.struct(order).rle_id())
    pairs, tied = [left.clear()], [left["state_row"].clear()]
    while left.height:
        best = left.filter(col("rank") == col("rank").min().over("ssid"))
        shared = best.filter(col("state_row").is_duplicated() | col("spell").is_duplicated())
        tied.append(shared["state_row"])
        pairs.append(best.join(shared, "ssid", "anti", maintain_order="left"))
        left = left.join(shared, "ssid", "anti", maintain_order="left")
        for name in ("state_row", "spell"):
            left = left.join(pairs[-1], name, "anti", maintain_order="left")
    return pl.concat(pairs), pl.concat(tied).unique().sort()


def with_known_nps(spells: pl.DataFrame, state: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Spells whose NPS code is unknown take the state's: of the student's row with the same start, else of any row.

    Returns
    -------
    tuple
        The spells, none of them with an unknown `nps_code` at a nonpublic school (blank where the state has none
        either); and the SSIDs for whom the state names several schools. Which of the rows is right nobody can tell, so
        these students are to be held: taking the first would delete the others.
    """
    unknown = col("nps_code").is_null() & (col("school_code") == NPS_SCHOOL)
    at_nps = state.filter(col("school_code") == NPS_SCHOOL).select("ssid", "start_date", "nps_code").unique()
    at_nps = at_nps.sort("ssid", "start_date", "nps_code")
    same_start, any_start = (
        at_nps.group_by(by, maintain_order=True).agg(
            col("nps_code").first().alias(f"{name} nps"), (col("nps_code").n_unique() > 1).alias(f"{name} several")
        )
        for name, by in (("same", ["ssid", "start_date"]), ("any", ["ssid"]))
    )
    asked = (
        spells.filter(unknown)
        .select("spell", "ssid", "start_date")
        .join(same_start, ["ssid", "start_date"], "left")
        .join(any_start, "ssid", "left")
        .with_columns(found=pl.coalesce("same nps", "any nps", pl.lit("")))
    )
    known = spells.join(asked.select("spell", "found"), "spell", "left", maintain_order="left")
    several = asked.filter(pl.coalesce("same several", "any several"))["ssid"]
    return known.with_columns(nps_code=pl.coalesce("found", "nps_code")).drop("found"), several
