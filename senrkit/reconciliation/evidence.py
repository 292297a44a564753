"""Why each action is proposed, in one sentence a row: the sentences are data (`texts/evidence.csv`)."""

from __future__ import annotations

import functools
import re

import numpy as np
import pandas as pd

from senrkit.frames import dates, text
from senrkit.frames.text import taken
from senrkit.texts import wording

_HOLE = re.compile(r"\{(\w+)\}")


@functools.cache
def _sentences() -> dict[str, str]:
    return {row["id"]: row["sentence"] for row in wording.rows("evidence.csv")}


def sentence(name: str) -> str:
    """The sentence of one action and reason, with its holes."""
    return _sentences()[name]


def evidence(actions: pd.DataFrame, state: pd.DataFrame, spells: pd.DataFrame) -> pd.Series:
    """One sentence for each action that is not `same`; no name, no SSID."""
    rows, said = [np.zeros(0, dtype="int64")], [text.constant("", pd.RangeIndex(0))]
    kinds = text.concatenated(actions["intended"], "/", actions["reason"])
    for name in kinds.unique():
        at = np.flatnonzero(text.equals(kinds, name) & (actions["intended"] != "same").to_numpy())
        if len(at):
            rows.append(at)
            said.append(_filled(sentence(name), actions.iloc[at].reset_index(drop=True), state, spells))
    return text.placed(pd.concat(said, ignore_index=True), np.concatenate(rows), actions.index)


def _filled(template: str, actions: pd.DataFrame, state: pd.DataFrame, spells: pd.DataFrame) -> pd.Series:
    parts: list[pd.Series | str] = []
    for place, piece in enumerate(_HOLE.split(template)):
        if place % 2:
            parts.append(_value(piece, actions, state, spells))
        elif piece:
            parts.append(piece)
    return text.concatenated(*parts, text.constant("", actions.index))


def _value(hole: str, actions: pd.DataFrame, state: pd.DataFrame, spells: pd.DataFrame) -> pd.Series:
    if hole == "changed":
        return actions["changed"].str.replace("|", ", ", regex=False).str.replace("_", " ", regex=False)
    side, _, what = hole.partition("_")
    column = {"start": "start_date", "exit": "exit_date", "reason": "exit_reason", "school": "school_code"}[what]
    values = {
        "ods": lambda: taken(state[column], actions["own_state_row"].to_numpy()),
        "sis": lambda: taken(spells[column], actions["spell"].to_numpy()),
        "pair": lambda: text.first_filled(
            taken(spells[column], actions["pair_spell"].to_numpy()),
            taken(state[column], actions["pair_state_row"].to_numpy()),
        ),
    }[side]().fillna("")
    if what == "reason":
        # An exit that a person began to enter: a date alone. The student is held for it.
        return text.choose(text.equals(values, ""), "no exit reason", values)
    return _day(values) if column.endswith("date") else values


def _day(column: pd.Series) -> pd.Series:
    """`CCYYMMDD` as people read it; blank is open."""
    return text.choose(text.equals(column, ""), "today, open", dates.iso_texts(column))
