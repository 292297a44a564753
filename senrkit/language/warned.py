"""The column `warnings`: what a person should know of a student beside class and reason, in sentences.

A new English learner whose home language is English, or who has no first school day, is brought in; but the student's
other files would be refused, so it is said before. The words are in `texts/reasons.csv`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from senrkit.frames import dates, text
from senrkit.reference.elas import correction_names, facts
from senrkit.texts import wording

_SAME = "same"
_Values = dict[str, pd.Series]


def warnings(both: pd.DataFrame, *, proposed: np.ndarray, lea: str) -> pd.Series:
    """The sentences that hold for each student, one after the other; `""` for none. No name, no SSID.

    `both` is what `classify` has joined, with the class. What the source has no column for is not warned of.
    """
    said = text.constant("", both.index)
    for mask, id, values in _found(both, proposed, lea):
        sentence = _filled(wording.phrase("language-warning", id).sentence, values, both.index)
        said = text.choose(mask, text.concatenated(said, " ", sentence), said)
    return said.str.strip()


def _found(both: pd.DataFrame, proposed: np.ndarray, lea: str) -> Iterator[tuple[np.ndarray, str, _Values]]:
    """Who is told what: a mask, the id of the sentence and what fills its holes."""
    language, spoken = facts()["home_language"], both["home_language"]
    new_el = proposed & text.equals(both["calpads_status"], "EL")
    unknown = (both["HL"].notna() & spoken.isna()).to_numpy() | spoken.isin(language["unknown"]).to_numpy()
    yield new_el & text.equals(both["HL"], ""), "home-language-blank", {}
    yield new_el & unknown, "home-language-unknown", {}
    yield new_el & spoken.isin(language["english"]).to_numpy(), "home-language-english", {}
    yield new_el & spoken.isin(language["sign"]).to_numpy(), "home-language-sign", {}
    yield new_el & text.equals(both["USS"], ""), "first-school-blank", {}
    result = both["initial_result"].fillna("")
    otherwise = proposed & ((result != "") & (result != both["calpads_status"])).to_numpy()
    yield otherwise, "initial-result", {"result": result, "status": both["calpads_status"]}
    elsewhere = (both["reporting_lea"] != lea) & (both["calpads_day"] < both["first_day"]) & both["in_aeries"]
    yield (elsewhere & (both["class"] != _SAME)).to_numpy(), "first-school-suspect", {}
    correction = both["correction"].fillna("")
    told = (correction != "") & both["in_aeries"] & (both["class"] != _SAME)
    names = text.mapped(correction, lambda code: f" ({name})" if (name := correction_names().get(code)) else "")
    values = {"correction": correction, "name": names, "status": both["calpads_status"], "before": _before(both)}
    yield told.to_numpy(), "correction", values | {"day": dates.to_iso(both["calpads_day"])}


def _before(both: pd.DataFrame) -> pd.Series:
    return text.choose((both["before"].fillna("") != "").to_numpy(), both["before"], "no status")


def _filled(sentence: str, values: _Values, index: pd.Index) -> pd.Series:
    """The sentence with its holes filled, row by row."""
    said = text.constant("", index)
    for position, part in enumerate(sentence.replace("}", "{").split("{")):
        said = text.concatenated(said, values[part] if position % 2 else part)
    return said
