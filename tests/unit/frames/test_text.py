"""Text columns: the quick ways say what the plain ones say."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from senrkit.frames import text

_SSIDS = [str(9000000000 + number) for number in range(3000)]
_ODD = ["", "x", "123456789", " 123456789", "12345678901", "é" * 5, "９" * 10, None]


@st.composite
def columns(draw: st.DrawFn) -> pd.Series:
    """SSIDs, with other texts and unknowns among them or without; few, or so many that they are numbered."""
    few = draw(st.lists(st.sampled_from(_SSIDS + _ODD if draw(st.booleans()) else _SSIDS), max_size=8))
    more = draw(st.sampled_from([0, 1500]))
    return pd.Series(few + _SSIDS[draw(st.integers(0, 50)) :][:more], dtype="str")


@given(columns(), columns())
def test_is_in_and_positions(column, among):
    first = {}
    for position, value in enumerate(among.tolist()):
        first.setdefault("unknown" if value != value else value, position)
    wanted = ["unknown" if value != value else value for value in column.tolist()]
    assert text.is_in(column, among).tolist() == [value in first for value in wanted]
    first["unknown"] = -1
    assert text.positions(column, among).tolist() == [first.get(value, -1) for value in wanted]


@given(columns())
def test_ranks_are_in_the_order_of_the_texts(column):
    values = [value if isinstance(value, str) else "" for value in column.tolist()]
    unknown = column.isna().tolist()
    ranks = text.ranks(column)
    wanted = sorted(range(len(values)), key=lambda at: (not unknown[at], values[at].encode()))
    assert sorted(range(len(values)), key=lambda at: ranks[at]) == wanted


@given(st.lists(st.sampled_from(["", "a", "b", None]), max_size=6))
def test_same_as_before(values):
    pairs = zip(values, values[1:], strict=False)
    assert text.same_as_before(pd.Series(values, dtype="str")).tolist() == [one == other for one, other in pairs]
