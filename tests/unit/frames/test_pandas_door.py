"""What people get is pandas with pandas' own dtypes; what the core holds is Polars."""

import datetime as dt

import pandas as pd
import polars as pl
import pytest

from senrkit.frames.pandas_door import to_pandas, to_polars

HELD = pl.DataFrame(
    {"name": ["a", None, ""], "day": [dt.date(2026, 10, 9), None, dt.date(1900, 1, 1)], "sent": [True, False, True]}
)


@pytest.mark.parametrize("rows", [0, 3])
def test_dtypes_at_the_door(rows: int) -> None:
    made = to_pandas(HELD.head(rows))
    assert made.dtypes.astype(str).to_dict() == {"name": "str", "day": "datetime64[s]", "sent": "bool"}


@pytest.mark.parametrize("rows", [0, 3])
def test_there_and_back(rows: int) -> None:
    back = to_polars(to_pandas(HELD.head(rows)))
    assert back.schema == HELD.schema
    assert back.equals(HELD.head(rows))


def test_no_position_is_minus_one() -> None:
    made = to_pandas(pl.DataFrame({"row": [3, None]}, schema={"row": pl.UInt32}))
    assert made["row"].to_list() == [3, -1]
    assert made["row"].dtype == "int64"


def test_polars_passes_through() -> None:
    assert to_polars(HELD) is HELD


def test_the_given_frame_stays() -> None:
    given = pd.DataFrame({"name": ["a", "b"]}, index=[7, 3])
    to_polars(given)
    assert list(given.index) == [7, 3]
