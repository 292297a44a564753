"""Same key on both sides: which fields differ (reconciliation.md 5), and what kind of update that is (4)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from senrkit.frames import text
from senrkit.settings.settings import Settings
from senrkit.settings.values import COMPARED
from senrkit.spells.rules import GRADUATED

GRADUATE_FIELDS = ("uc_csu", "golden_state_seal", "biliteracy_seal", "graduation_exemption")
EXIT_FIELDS = ("exit_date", "exit_reason", "completion_status")
NOT_COMPARED = "first_name middle_name last_name birth_date gender birth_city birth_state birth_country".split()


def compared_fields(settings: Settings) -> list[str]:
    """The fields of section 5, narrowed by `compare = [...]`."""
    wanted = settings.process.compare
    return [name for name in COMPARED if wanted is None or name in wanted]


def compare(
    state: pd.DataFrame, spells: pd.DataFrame, settings: Settings, lacking: frozenset[str] = frozenset()
) -> pd.DataFrame:
    """Paired rows, one against the other, both with the same fresh index.

    Returns `differs` (bool), `changed` (`exit_date|grade`), `before`, `after` (`exit_date=|grade=05`), and
    `reason` (of an update, `""` when nothing differs). What Aeries does not know is not compared, nor are the fields
    `lacking` in the extract's layout.
    """
    graduated = text.equals(spells["completion_status"], GRADUATED)
    unequal = {}
    for name in [name for name in compared_fields(settings) if name not in lacking]:
        differs = (spells[name].notna() & (spells[name] != state[name])).to_numpy()
        unequal[name] = differs & graduated if name in GRADUATE_FIELDS else differs
    any_differs = np.logical_or.reduce([*unequal.values(), np.zeros(len(state), dtype=bool)])
    listed = pd.DataFrame({"differs": any_differs})
    listed["changed"] = _listed(unequal, any_differs)
    listed["before"] = _listed(unequal, any_differs, state)
    listed["after"] = _listed(unequal, any_differs, spells)
    listed["reason"] = _reason(state, spells, unequal, any_differs)
    return listed


def demographic_differences(state: pd.DataFrame, spells: pd.DataFrame) -> pd.Series:
    """Names, birth date, gender and birth place that differ, as `last_name|gender`; information only.

    Case, accents and punctuation in names do not count.
    """
    unequal = {}
    for name in NOT_COMPARED:
        differs = (spells[name].notna() & (spells[name] != state[name])).to_numpy(copy=True)
        if name.endswith("name") or name == "birth_city":
            at = np.flatnonzero(differs)
            differs[at] = (text.folded(state[name].iloc[at]) != text.folded(spells[name].iloc[at])).to_numpy()
        unequal[name] = differs
    any_differs = np.logical_or.reduce(list(unequal.values()))
    return _listed(unequal, any_differs)


def _listed(unequal: dict[str, np.ndarray], any_differs: np.ndarray, side: pd.DataFrame | None = None) -> pd.Series:
    """The fields that differ, with one side's values when it is given; only rows with a difference are looked at."""
    rows = np.flatnonzero(any_differs)

    def said(name: str) -> pd.Series:
        if side is None:
            return text.constant(f"|{name}", pd.RangeIndex(len(rows)))
        return text.concatenated(f"|{name}=", side[name].iloc[rows])

    index = pd.RangeIndex(len(any_differs))
    if not len(rows):
        return text.constant("", index)
    parts = [text.choose(unequal[name][rows], said(name), "") for name in unequal]
    return text.placed(text.concatenated(*parts).str.slice(1), rows, index)


def _reason(
    state: pd.DataFrame, spells: pd.DataFrame, unequal: dict[str, np.ndarray], any_differs: np.ndarray
) -> pd.Series:
    no = np.zeros(len(state), dtype=bool)
    exit_differs = np.logical_or.reduce([unequal.get(name, no) for name in EXIT_FIELDS])
    open_there, open_here = text.equals(state["exit_date"], ""), text.equals(spells["exit_date"], "")
    cases = [
        (~any_differs, ""),
        (~exit_differs, "values-changed"),
        (text.equals(spells["exit_reason"], "E150"), "mid-year-change"),
        (text.equals(spells["closed_by"], "year-end"), "year-end"),
        (text.equals(spells["closed_by"], "completion"), "completion"),
        (open_there & ~open_here, "exit"),
        (~open_there & open_here, "reopened"),
    ]
    return text.selected(*map(list, zip(*cases, strict=True)), "exit-changed", state.index)
