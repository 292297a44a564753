"""Who a row is about, hidden: SSIDs and local ids keep their last digits, enough to tell two students apart."""

from __future__ import annotations

import re

import pandas as pd
import pyarrow.compute as pc

from senrkit.frames import text

IDENTIFIERS = ("ssid", "local_id")
_SSID = r"\b[0-9]{7}([0-9]{3})\b"
_MASK = "•••••••"
_NAMES = re.compile(r"^(?:(?:alias_)?(?:first|middle|last)_name|suffix|birth_.*)$")


def masked(frame: pd.DataFrame, show_students: bool) -> pd.DataFrame:
    """The frame as it may be shown: with `show_students` as it is.

    Without, `ssid` and `local_id` have only their last three and two digits, SSIDs inside other texts likewise, and no
    column with a name or birth data is left.
    """
    if show_students:
        return frame
    kept = frame[[name for name in frame if not _NAMES.match(str(name))]]
    hidden = {
        name: _last_two(kept[name]) if name == "local_id" else _without_ssids(kept[name])
        for name in kept
        if pd.api.types.is_string_dtype(kept[name])
    }
    return kept.assign(**hidden)


def masked_text(said: str, show_students: bool) -> str:
    """A text with every SSID in it hidden."""
    return said if show_students else re.sub(_SSID, rf"{_MASK}\1", said)


def _without_ssids(column: pd.Series) -> pd.Series:
    return text.from_arrow(pc.replace_substring_regex(text.arrow(column), _SSID, rf"{_MASK}\1"), column.index)


def _last_two(column: pd.Series) -> pd.Series:
    return text.from_arrow(pc.replace_substring_regex(text.arrow(column), r"^.*?(.{0,2})$", r"•••\1"), column.index)
