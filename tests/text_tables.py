"""The one dialect of this suite's text tables: the first line names the columns, `-` is blank, students are numbers.

`tests.rulebook` makes Aeries rows and state rows of them, `tests.tables` the records of submission files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

LEA = "1999990"


def ssid(student: str) -> str:
    """Student 1 is 9000000001; ten digits, or something that is no number, stay as they are."""
    return f"90000000{int(student):02d}" if student.isdigit() and len(student) < 3 else student


def cells(table: str) -> list[tuple[str, ...]]:
    """A table without a heading."""
    return [tuple("" if cell == "-" else cell for cell in line.split()) for line in table.splitlines() if line.strip()]


def rows_of(table: str) -> list[dict[str, str]]:
    """The rows as dicts."""
    head, *rows = cells(table) or [()]
    return [dict(zip(head, row, strict=True)) for row in rows]


def frame(rows: Iterable[Mapping[str, object]], columns: Iterable[str]) -> pd.DataFrame:
    """The rows with these columns, all text but `line`."""
    columns = list(columns)
    return pd.DataFrame(list(rows), columns=columns).astype(dict.fromkeys(set(columns) - {"line"}, "str"))
