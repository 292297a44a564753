"""What each column of a table is, from `texts/columns.csv`: the types of the frames and the data dictionary are one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import polars as pl
from polars import col

from senrkit.frames import days
from senrkit.frames.pandas_door import to_pandas
from senrkit.texts import wording

if TYPE_CHECKING:
    import pandas as pd

_EVERYWHERE = "*"
_TEXT = {"type": "text", "meaning": "", "values": ""}
_READ = {
    "day": days.of_iso,
    "number": lambda text: text.cast(pl.Int64, strict=False),
    "yes/no": lambda text: text == "true",
}


@cache
def column(table: str, name: str) -> Mapping[str, str]:
    """`type, meaning, values` of a column: what is said of it in this table, or else in all of them."""
    said = {(row["table"], row["column"]): row for row in wording.rows("columns.csv")}
    return said.get((table, name)) or said.get((_EVERYWHERE, name)) or _TEXT


def typed(rows: pl.DataFrame, table: str) -> pd.DataFrame:
    """Text as a file has it, in the types of its columns: text `str`, days `datetime64[s]` (none is `NaT`), numbers
    `int64` (none is -1), yes/no `bool`. What has its type already keeps it."""
    kinds = {name: column(table, name)["type"] for name, type in rows.schema.items() if type == pl.String}
    read = {name: _READ[kind](col(name)) for name, kind in kinds.items() if kind in _READ}
    return to_pandas(rows.with_columns(**read))
