"""Is it the same child? Reconciliation 4.1, asked of the SELA extract.

Two live Aeries students under one SSID, or one under two; birth date and legal last name both differ; an SSID that
Aeries does not know (retired, for example) whose child it seems to know under another. Never matched by themselves.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from senrkit import text


def identity_conflicts(held: pd.DataFrame, aeries: pd.DataFrame, lea: str) -> frozenset[str]:
    """The SSIDs of both sides for which it is not certain whose status it is.

    `held` as `newest_statuses` gives it, `aeries` as `aeries_statuses`. A local id counts only in rows that the LEA
    itself reported: another LEA's numbers are its own.
    """
    with_ssid = aeries[(aeries["ssid"] != "").to_numpy()]
    twice = with_ssid["ssid"].duplicated(keep=False) | with_ssid["student"].duplicated(keep=False)
    others = [*_another_child(held, with_ssid), *_under_another(held, aeries, lea)]
    return frozenset([*with_ssid.loc[twice, "ssid"], *others])


def _another_child(held: pd.DataFrame, aeries: pd.DataFrame) -> list[str]:
    both = held.merge(aeries, on="ssid", suffixes=("", "_aeries"))
    births = _differ(both["birth_date"], both["birth_date_aeries"])
    names = _differ(text.folded(both["last_name"]), text.folded(both["last_name_aeries"]))
    return both.loc[births & names, "ssid"].to_list()


def _differ(left: pd.Series, right: pd.Series) -> np.ndarray:
    """Both filled, and not the same."""
    return ((left != "") & (right.fillna("") != "") & (left != right)).to_numpy(dtype=bool)


def _under_another(held: pd.DataFrame, aeries: pd.DataFrame, lea: str) -> list[str]:
    strangers = held[~text.is_in(held["ssid"], aeries["ssid"])]
    own = strangers[(strangers["reporting_lea"] == lea).to_numpy()]
    by_number = own.assign(key=own["local_id"].str.lstrip("0"))
    numbers = aeries.assign(key=aeries["student"].str.lstrip("0"))
    by_name = strangers.assign(key=_name_key(strangers, "first_name", "last_name"))
    names = pd.concat(
        [aeries.assign(key=_name_key(aeries, f"{side}first_name", f"{side}last_name")) for side in ("", "stu_")]
    ).drop_duplicates(["key", "student"])
    pairs = pd.concat([_only_match(by_number, numbers), _only_match(by_name, names)])
    return [ssid for ssid in [*pairs["ssid"], *pairs["ssid_aeries"]] if ssid]


def _only_match(strangers: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Strangers with exactly one live student of the same key; a key that is not whole matches nobody."""
    usable = known[(~known["key"].duplicated(keep=False) & _whole(known["key"])).to_numpy()]
    found = strangers[_whole(strangers["key"]).to_numpy()].merge(usable, on="key", suffixes=("", "_aeries"))
    return found[["ssid", "ssid_aeries"]]


def _whole(key: pd.Series) -> pd.Series:
    return (key != "") & ~key.str.startswith("^") & ~key.str.endswith("^") & ~key.str.contains("^^", regex=False)


def _name_key(rows: pd.DataFrame, first: str, last: str) -> pd.Series:
    return text.joined([text.folded(rows[first]), text.folded(rows[last]), rows["birth_date"]])
