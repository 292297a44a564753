"""Dates as they stand in files and tables, to and from `datetime64[s]`, whole columns at a time."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from senrkit.frames.text import arrow, from_arrow

_EIGHT_DIGITS = r"^\d{8}$"
_ISO_DAY = r"^\d{4}-\d{2}-\d{2}$"


def from_ccyymmdd(column: pd.Series) -> pd.Series:
    """`CCYYMMDD` text as `datetime64[s]`; blank and anything that is no real calendar date become `NaT`."""
    return _parse(column, _EIGHT_DIGITS)


def days_of_ccyymmdd(column: pd.Series) -> np.ndarray:
    """As `from_ccyymmdd`, as `datetime64[D]`."""
    return from_ccyymmdd(column).to_numpy(dtype="datetime64[D]")


def from_iso(column: pd.Series) -> pd.Series:
    """`CCYY-MM-DD` text as `datetime64[s]`; blank and anything that is no real calendar date become `NaT`."""
    return _parse(column, _ISO_DAY)


def iso_texts(column: pd.Series) -> pd.Series:
    """`CCYYMMDD` text as `CCYY-MM-DD`; what is neither stays as it stands."""
    dashed = pc.replace_substring_regex(arrow(column), r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3")
    return from_arrow(dashed, column.index)


def key_texts(column: pd.Series) -> pd.Series:
    """`CCYY-MM-DD` text as `CCYYMMDD`; what is neither stays as it stands."""
    plain = pc.replace_substring_regex(arrow(column), r"^(\d{4})-(\d\d)-(\d\d)$", r"\1\2\3")
    return from_arrow(plain, column.index)


def to_ccyymmdd(column: pd.Series) -> pd.Series:
    """`datetime64[s]` as `CCYYMMDD` text; `NaT` becomes `""`."""
    days = column.to_numpy(dtype="datetime64[D]")
    known, where = np.unique(days, return_inverse=True)
    texts = pa.array(["" if np.isnat(day) else str(day).replace("-", "") for day in known], pa.large_string())
    return pd.Series(texts.take(pa.array(where)), index=column.index, dtype="str", name=column.name)


def to_iso(column: pd.Series) -> pd.Series:
    """`datetime64[s]` as `CCYY-MM-DD` text; `NaT` becomes `""`."""
    return to_ccyymmdd(column).str.replace(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", regex=True)


def day(text: str) -> dt.date:
    """One `CCYYMMDD` or ISO day.

    Raises
    ------
    ValueError
        when it is neither.
    """
    return dt.datetime.strptime(text, "%Y%m%d").date() if "-" not in text else dt.date.fromisoformat(text)


def stamp(when: dt.date) -> pd.Timestamp:
    """A calendar day as the frames hold it."""
    return pd.Timestamp(when).as_unit("s")


def _parse(column: pd.Series, shape: str) -> pd.Series:
    # A column of millions of dates holds a few thousand different ones: parse each once.
    encoded = pc.dictionary_encode(arrow(column).combine_chunks())
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    distinct = encoded.dictionary
    shaped = pc.match_substring_regex(distinct, shape).to_pylist()
    parsed = np.array(
        [
            _real_day(text) if fits else np.datetime64("NaT", "s")
            for text, fits in zip(distinct.to_pylist(), shaped, strict=True)
        ],
        dtype="datetime64[s]",
    )
    codes = pc.fill_null(encoded.indices, len(parsed)).to_numpy(zero_copy_only=False)
    parsed = np.append(parsed, np.datetime64("NaT", "s"))
    return pd.Series(parsed[codes], index=column.index, name=column.name)


def _real_day(text: str) -> np.datetime64:
    digits = text.replace("-", "")
    try:
        return np.datetime64(dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:])), "s")
    except ValueError:
        return np.datetime64("NaT", "s")
