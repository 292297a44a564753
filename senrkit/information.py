"""What a person should know, never an action (reconciliation.md 2.8 and 5)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from senrkit import text
from senrkit.compare import NOT_COMPARED, demographic_differences
from senrkit.scope import Scope
from senrkit.spells import SpellSet

COLUMNS = ("kind", "school_code", "ssid", "local_id", "detail")


def information(scope: Scope, spell_set: SpellSet, spells: pd.DataFrame, partner: np.ndarray) -> pd.DataFrame:
    """One row a fact: `kind, school_code, ssid, local_id, detail` (text).

    Kinds: `summer-withdrawal-left-over`, `year-end-exit-never-came`, `open-at-year-end`, `demographics-differ`.
    """
    parts = [
        _summer_left_over(spell_set),
        _never_came(scope, spell_set),
        spell_set.warnings.rename(columns={"student": "local_id"}),
        _demographics(scope, spells, partner),
    ]
    return pd.concat([part.reindex(columns=COLUMNS) for part in parts], ignore_index=True).astype("str")


def _summer_left_over(spell_set: SpellSet) -> pd.DataFrame:
    """`STU.SWR` or `STU.SLD` filled while the student has a live `ENR` row: the usual cause of no-show codes."""
    people = spell_set.people
    filled = np.zeros(len(people), dtype=bool)
    for name in ("swr", "sld"):
        filled |= (people[name].notna() & ~people[name].isin(["", "0"])).to_numpy()
    left = people[filled].drop_duplicates("student")
    left = left[text.is_in(left["student"], spell_set.enrolled)]
    codes = spell_set.schools.set_index("aeries_school")["school_code"]
    return pd.DataFrame(
        {
            "kind": "summer-withdrawal-left-over",
            "school_code": left["aeries_school"].map(codes).fillna(""),
            "ssid": left["ssid"],
            "local_id": left["student"],
            "detail": "Summer withdrawal fields (SWR, SLD) are filled although the student is enrolled this year.",
        }
    )


def _never_came(scope: Scope, spell_set: SpellSet) -> pd.DataFrame:
    """A prior-year `E155` whose student has no enrollment this year (`domain/aeries_process.md` 2.8)."""
    last_year = (scope.start >= np.datetime64(scope.year.previous.start)) & (
        scope.start <= np.datetime64(scope.year.previous.end)
    )
    came_back = scope.of_lea & last_year & scope.rows.equals("exit_reason", "E155")
    gone_for_good = came_back & ~scope.rows.is_in("ssid", spell_set.enrolled_ssids)
    gone = scope.rows.where(gone_for_good, ["school_code", "ssid", "local_id"]).drop_duplicates("ssid")
    return gone.assign(
        kind="year-end-exit-never-came",
        detail="Last year ended with E155 (coming back), but the student has no enrollment this year. Find out where "
        "the student went: E140, a transfer code on last year's row, or nothing when not pre-enrolled.",
    )


def _demographics(scope: Scope, spells: pd.DataFrame, partner: np.ndarray) -> pd.DataFrame:
    spell = np.flatnonzero(partner >= 0)
    keys = ["school_code", "ssid", "local_id"]
    there = scope.state[list(NOT_COMPARED)].iloc[partner[spell]].reset_index(drop=True)
    here = spells[[*NOT_COMPARED, *keys]].iloc[spell].reset_index(drop=True)
    differing = demographic_differences(there, here)
    rows = here.loc[(differing != "").to_numpy(), keys]
    named = (
        differing[(differing != "").to_numpy()].str.replace("|", ", ", regex=False).str.replace("_", " ", regex=False)
    )
    return rows.assign(
        kind="demographics-differ",
        detail=text.concatenated("SENR does not change these; send SINF or correct Aeries: ", named, "."),
    )
