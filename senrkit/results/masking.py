"""Who a row is about, hidden: SSIDs and local ids keep their last digits, enough to tell two students apart.

The one rule for everything that is shown: tables, sentences and notebooks and the dashboard ask here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

IDENTIFIERS = ("ssid", "local_id")
# An SSID has ten digits; typed with one too few or one too many it still says who it is.
_SSID = r"\b[0-9]{6,8}([0-9]{3})\b"
_MASK, _SHORT_MASK = "•••••••", "•••"
_NAMES = re.compile(r"^(?:(?:alias_)?(?:first|middle|last)_name|suffix|birth_.*)$")


def masked(frame: pd.DataFrame, show_students: bool) -> pd.DataFrame:
    """The frame as it may be shown: with `show_students` as it is.

    Without, `ssid` and `local_id` are as `masked_identifier` gives them, other texts as `masked_text`, and no column
    with a name or birth data is left. Text columns stay text, on the same index.
    """
    if show_students:
        return frame
    kept = frame[[name for name in frame if not _NAMES.match(str(name))]]
    texts = [name for name in kept if kept[name].dtype == "str"]
    return kept.assign(**{name: _hidden(kept[name]) for name in texts})


def masked_identifier(identifier: str) -> str:
    """An SSID with its last three digits, a shorter number with its last two; of four or fewer nothing is shown."""
    if len(identifier) <= 4:
        return _SHORT_MASK if identifier else ""
    return _MASK + identifier[-3:] if len(identifier) >= 9 else _SHORT_MASK + identifier[-2:]


def masked_text(said: str, show_students: bool) -> str:
    """A text with every SSID in it hidden; with `show_students` as it is."""
    return said if show_students else re.sub(_SSID, rf"{_MASK}\1", said)


def _hidden(column: pd.Series) -> pd.Series:
    if column.name in IDENTIFIERS:
        return column.map(masked_identifier, na_action="ignore").astype("str")
    return column.str.replace(_SSID, rf"{_MASK}\1", regex=True)
