"""The numbers, dates and short code lists of `values.toml`, read once."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def value(block: str, name: str) -> Any:
    """One entry of `values.toml`.

    Raises
    ------
    KeyError
        when the block or the entry is not there: a slip of ours, never of the data.
    """
    return _table()[block][name]


@cache
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("senrkit.calpads").joinpath("values.toml").read_text(encoding="utf-8"))
