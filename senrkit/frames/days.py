"""Days as they stand in files and tables, as expressions: text there, `Date` here, null for none."""

from __future__ import annotations

import polars as pl

# Polars itself would read a date out of seven digits, and one in the year 0.
_KEY, _ISO = r"^[0-9]{8}$", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_LOOSE_ISO, _AMERICAN = r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$", r"^[0-9]{1,2}/[0-9]{1,2}/[1-9][0-9]{3}$"


def of_key(text: pl.Expr) -> pl.Expr:
    """`CCYYMMDD` as a day; null for blank and anything that is no real calendar date."""
    return _parsed(text, _KEY, "%Y%m%d")


def of_iso(text: pl.Expr) -> pl.Expr:
    """`CCYY-MM-DD` as a day; null for blank and anything that is no real calendar date."""
    return _parsed(text, _ISO, "%Y-%m-%d")


def of_update(text: pl.Expr) -> pl.Expr:
    """The day on which CALPADS changed a row, without the time that may follow it; null as `of_key`.

    The documentation does not say how it is written, so `CCYYMMDD`, `CCYY-MM-DD` and `MM/DD/CCYY` are all read.
    """
    day = text.str.head(10)
    return pl.coalesce(
        of_key(text.str.head(8)), _parsed(day, _LOOSE_ISO, "%Y-%m-%d"), _parsed(day, _AMERICAN, "%m/%d/%Y")
    )


def key(day: pl.Expr) -> pl.Expr:
    """A day as `CCYYMMDD`; `""` for none."""
    return day.dt.to_string("%Y%m%d").fill_null("")


def iso(day: pl.Expr) -> pl.Expr:
    """A day as `CCYY-MM-DD`; `""` for none."""
    return day.dt.to_string("%Y-%m-%d").fill_null("")


def key_to_iso(text: pl.Expr) -> pl.Expr:
    """`CCYYMMDD` as `CCYY-MM-DD`; what is no such text stays as it stands."""
    return text.str.replace(r"^([0-9]{4})([0-9]{2})([0-9]{2})$", "$1-$2-$3")


def iso_to_key(text: pl.Expr) -> pl.Expr:
    """`CCYY-MM-DD` as `CCYYMMDD`; what is no such text stays as it stands."""
    return text.str.replace(r"^([0-9]{4})-([0-9]{2})-([0-9]{2})$", "$1$2$3")


def _parsed(text: pl.Expr, shape: str, form: str) -> pl.Expr:
    fits = text.str.contains(shape) & ~text.str.starts_with("0000")
    return pl.when(fits).then(text).str.to_date(form, strict=False)
