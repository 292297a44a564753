"""Is it the same child on both sides? (reconciliation.md 4.1)

Nothing is ever matched by likeness alone: what looks like one child under two SSIDs, or two under one, is held and
shown to a person.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from senrkit import text
from senrkit.people import taken
from senrkit.scope import Scope
from senrkit.spells import SpellSet

CONFLICT = "identity-conflict"


def identity_conflicts(scope: Scope, spell_set: SpellSet) -> pd.DataFrame:
    """SSIDs to hold: one row an SSID with `ssid`, `hold_reason` (`identity-conflict`) and `detail` (text).

    Four cases: birth date and legal last name both differ; the SSID is unknown to Aeries but the child is not; two
    live Aeries students under one SSID; one live Aeries student under two.
    """
    people = spell_set.people
    found = pd.concat(
        [
            *_two_for_one(people),
            _another_child(scope, people, spell_set.spells),
            _known_under_another(scope.state, people, spell_set.enrolled),
        ],
        ignore_index=True,
    )
    return found.drop_duplicates("ssid", ignore_index=True).assign(hold_reason=CONFLICT).astype({"hold_reason": "str"})


def _two_for_one(people: pd.DataFrame) -> list[pd.DataFrame]:
    """Two students under one SSID; and one student under two, for each row of `STU` has an SSID of its own."""
    persons = people.loc[(people["ssid"] != "").to_numpy(), ["ssid", "student"]].drop_duplicates()
    said = {
        "ssid": "Two live students in Aeries carry this SSID.",
        "student": "Aeries has this student under two SSIDs, at different schools.",
    }
    return [
        _listed(persons.loc[persons[name].duplicated(keep=False), "ssid"].drop_duplicates(), detail)
        for name, detail in said.items()
    ]


def _another_child(scope: Scope, people: pd.DataFrame, spells: pd.DataFrame) -> pd.DataFrame:
    """State rows in scope; for a student without any, the newest older state row."""
    rows = scope.state[["ssid", "birth_date", "last_name"]]
    only_in_aeries = spells["ssid"][~text.is_in(spells["ssid"], rows["ssid"])]
    if len(only_in_aeries):
        older = np.flatnonzero(scope.of_lea & scope.rows.is_in("ssid", only_in_aeries))
        older = older[np.argsort(scope.start[older], kind="stable")[::-1]]
        newest = scope.rows.at(older, ["ssid", "birth_date", "last_name"]).drop_duplicates("ssid")
        rows = pd.concat([rows, newest], ignore_index=True)
    at = text.positions(rows["ssid"], people["ssid"])
    rows, at = rows[at >= 0].reset_index(drop=True), at[at >= 0]
    sis_birth, sis_name = taken(people["birth_date"], at), taken(people["last_name"], at)
    births_differ = _both_filled(rows["birth_date"], sis_birth) & (rows["birth_date"] != sis_birth).to_numpy()
    rows, sis_name = rows[births_differ].reset_index(drop=True), sis_name[births_differ].reset_index(drop=True)
    names_differ = (text.folded(rows["last_name"]) != text.folded(sis_name)).to_numpy() & _both_filled(
        rows["last_name"], sis_name
    )
    return _listed(
        rows.loc[names_differ, "ssid"].drop_duplicates(),
        "Birth date and legal last name both differ between CALPADS and Aeries.",
    )


def _known_under_another(state: pd.DataFrame, people: pd.DataFrame, enrolled: pd.Series) -> pd.DataFrame:
    strangers = state[~text.is_in(state["ssid"], people["ssid"])]
    # A student's rows may carry different local ids and names: each of them counts.
    strangers = strangers[["ssid", "local_id", "first_name", "last_name", "birth_date"]].drop_duplicates()
    if not len(strangers):
        return _listed(strangers["ssid"], "")
    # An export of STU may lack students who left; their ENR rows still say that Aeries knows them.
    by_number = _by_local_id(strangers, pd.concat([people["student"], enrolled], ignore_index=True))
    by_name = _by_name(strangers, people)
    matches = pd.concat([by_number, by_name], ignore_index=True).drop_duplicates()
    said = (
        "Aeries does not know this SSID, but one student there has the same local id, or the same name and birth date."
    )
    under = matches.merge(people[["student", "ssid"]].drop_duplicates(), on="student", suffixes=("", "_aeries"))
    other_side = under.loc[(under["ssid_aeries"] != "").to_numpy(), "ssid_aeries"]
    return pd.concat(
        [
            _listed(matches["ssid"].drop_duplicates(), said),
            _listed(other_side.drop_duplicates(), "CALPADS seems to hold this student under another SSID."),
        ],
        ignore_index=True,
    )


def _by_local_id(strangers: pd.DataFrame, students: pd.Series) -> pd.DataFrame:
    number = strangers["local_id"].str.lstrip("0")
    at = text.positions(number, students.str.lstrip("0"))
    at[text.equals(number, "")] = -1
    found = {"ssid": strangers["ssid"].to_numpy()[at >= 0], "student": students.to_numpy()[at[at >= 0]]}
    return pd.DataFrame(found).astype("str")


def _by_name(strangers: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Exactly one live student with the same first name, last name and birth date; legal or everyday name."""
    wanted = _name_key(strangers, "first_name", "last_name")
    known = pd.concat(
        [
            pd.DataFrame({"name": _name_key(people, "first_name", "last_name"), "student": people["student"]}),
            pd.DataFrame({"name": _name_key(people, "stu_first_name", "stu_last_name"), "student": people["student"]}),
        ],
        ignore_index=True,
    ).drop_duplicates()
    known = known[text.is_in(known["name"], wanted)]
    only = known[~known["name"].duplicated(keep=False)]
    usable = ~wanted.str.endswith("^").to_numpy() & ~wanted.str.startswith("^").to_numpy()
    asked = pd.DataFrame({"ssid": strangers["ssid"], "name": wanted})[usable]
    return asked.merge(only, on="name")[["ssid", "student"]]


def _name_key(rows: pd.DataFrame, first: str, last: str) -> pd.Series:
    return text.joined([text.folded(rows[first]), text.folded(rows[last]), rows["birth_date"]])


def _both_filled(left: pd.Series, right: pd.Series) -> np.ndarray:
    return ~text.equals(left, "") & ~text.equals(right, "") & right.notna().to_numpy()


def _listed(ssids: pd.Series, detail: str) -> pd.DataFrame:
    return pd.DataFrame({"ssid": ssids.to_numpy(), "detail": detail}).astype("str")
