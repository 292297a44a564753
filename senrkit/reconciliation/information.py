"""What a person should know, never an action (reconciliation.md 2.8 and 5)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from senrkit.frames import text
from senrkit.frames.text import taken
from senrkit.reconciliation.compare import NOT_COMPARED, demographic_differences
from senrkit.reconciliation.scope import Scope
from senrkit.spells.build import SpellSet

COLUMNS = ("kind", "school_code", "ssid", "local_id", "detail")


def information(
    scope: Scope, spell_set: SpellSet, spells: pd.DataFrame, partner: np.ndarray, unclear: pd.DataFrame
) -> pd.DataFrame:
    """One row a fact: `kind, school_code, ssid, local_id, detail` (text).

    Of a kind of `COUNTED_BY_SCHOOL` the students of a school come after a line with their number, whose `ssid` and
    `local_id` are blank. `unclear` are completions in the summer that the state does not confirm.

    Kinds: `summer-withdrawal-left-over`, `year-end-exit-never-came`, `open-at-year-end`, `completion-without-date`,
    `completion-after-year-end`, `summer-completion-unclear`, `uc-csu-differ`, `top-grade-not-completed`,
    `receiver-missing`, `demographics-differ`.
    """
    parts = [
        _summer_left_over(spell_set),
        _never_came(scope, spell_set),
        _with_counts(spell_set.warnings.rename(columns={"student": "local_id"})),
        _unclear(unclear),
        _demographics(scope, spells, partner),
    ]
    return pd.concat([part.reindex(columns=COLUMNS) for part in parts], ignore_index=True).astype("str")


COUNTED_BY_SCHOOL = ("completion-without-date", "top-grade-not-completed")


def _with_counts(warnings: pd.DataFrame) -> pd.DataFrame:
    """One line a school with the count, before the students it counts."""
    counted = warnings[warnings["kind"].isin(COUNTED_BY_SCHOOL)]
    lines = counted.groupby(["kind", "school_code"], sort=True).size().rename("students").reset_index()
    students = text.choose(lines["students"].to_numpy() == 1, " student: ", text.constant(" students: ", lines.index))
    said = lines["kind"].map(counted.drop_duplicates("kind").set_index("kind")["detail"]).astype("str")
    lines = lines.assign(
        detail=text.concatenated(lines["students"].astype("str"), students, said), ssid="", local_id=""
    )
    every = pd.concat([lines.drop(columns="students"), warnings], ignore_index=True)
    return every.sort_values(["kind", "school_code"], kind="stable")


def _unclear(spells: pd.DataFrame) -> pd.DataFrame:
    return spells[["school_code", "ssid", "local_id"]].assign(
        kind="summer-completion-unclear",
        detail="Completed in the summer, but the newest enrollment in CALPADS before it does not end with E156, so "
        "nothing is added. When that exit is wrong, correct it first.",
    )


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
        detail=text.concatenated(
            text.constant(
                "Last year ended with E155 (coming back), but the student has no enrollment this year. Find out where "
                "the student went: E140, a transfer code on last year's row, or nothing when not pre-enrolled.",
                gone.index,
            ),
            _summer_withdrawal(gone["ssid"], spell_set),
        ),
    )


def _summer_withdrawal(ssids: pd.Series, spell_set: SpellSet) -> pd.Series:
    """The code and the day that Aeries holds in `STU.SWR` and `STU.SLD`, as the end of a sentence; blank without."""
    people = spell_set.people
    at = text.positions(ssids, people["ssid"])
    local, day = (taken(people[name], at).fillna("") for name in ("swr", "sld"))
    known = spell_set.known.codes("ATT.RS", local, np.zeros(len(local), dtype=bool))
    code = text.choose(known.isna().to_numpy(), local, known.fillna(""))
    on = text.choose(text.equals(day, ""), "", text.concatenated(" on ", day))
    said = text.concatenated(" Aeries' summer withdrawal says ", code, on, ".")
    return text.choose(text.equals(code, "") & text.equals(day, ""), "", said)


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
