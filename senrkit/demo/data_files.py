"""The demo's own tables: invented names, fictional schools, local codes. All text; blank is blank."""

from __future__ import annotations

from functools import cache
from importlib import resources

import pandas as pd


@cache
def read(name: str) -> pd.DataFrame:
    """One of the CSV files in `demo/data`. The frame is shared: do not change it."""
    source = resources.files("senrkit.demo").joinpath("data", f"{name}.csv")
    with source.open(encoding="utf-8") as file:
        # "NA" and "Null" are names here.
        return pd.read_csv(file, dtype="str", keep_default_na=False)


def names(kind: str) -> list[str]:
    """All invented names of one kind: `first`, `middle`, `last`, `city`."""
    table = read("names")
    return table.loc[table["kind"] == kind, "name"].tolist()


@cache
def local_codes(table: str, column: str) -> dict[str, str]:
    """State code to the local code that stands for it (the first where several do)."""
    codes = read("codes")
    chosen = codes[(codes["table"] == table) & (codes["column"] == column)].drop_duplicates("state")
    return dict(zip(chosen["state"], chosen["local"], strict=True))
