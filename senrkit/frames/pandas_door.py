"""From Polars, in which the core computes, to pandas, which people get; and back. Nothing else imports pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from polars import selectors as cs

if TYPE_CHECKING:
    import pandas as pd


def to_pandas(frame: pl.DataFrame | pd.DataFrame) -> pd.DataFrame:
    """A frame of either kind with pandas' own dtypes: text `str` (unknown is `NaN`), days `datetime64[s]` (none is
    `NaT`), whole numbers `int64` (none is -1, as positions have it)."""
    if not isinstance(frame, pl.DataFrame):
        return frame
    plain = frame.with_columns(cs.date().cast(pl.Datetime("ms")), cs.integer().cast(pl.Int64).fill_null(-1))
    made = plain.to_pandas()
    # From Polars' milliseconds: pandas would keep the unit.
    days = dict.fromkeys(frame.select(cs.date()).columns, "datetime64[s]")
    texts = dict.fromkeys(frame.select(cs.string()).columns, "str")
    return made.astype(texts | days)


def to_polars(frame: pl.DataFrame | pd.DataFrame) -> pl.DataFrame:
    """A frame of either kind as the core holds it: text `String` (`NaN` is null), days `Date`. A pandas index is
    left behind, and pandas' frame is never changed."""
    if isinstance(frame, pl.DataFrame):
        return frame
    made = pl.from_pandas(frame)
    return made.with_columns(cs.datetime().cast(pl.Date), cs.by_dtype(pl.Null).cast(pl.String))
