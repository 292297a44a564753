"""The state's rows: a few columns of all of them at hand, everything else of the rows that are asked for.

A run compares one year, a tenth of the rows or less. The older ones are asked whose they are, since when and until
when, and are looked at in full only for the students whom something is proposed for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from senrkit.frames import text
from senrkit.frames.coded import Coded
from senrkit.inputs.extract.lines import Lines
from senrkit.reference import ODS_FIELDS

# Asked of all rows by the preconditions, the scope, the census and the look ahead to certification.
AT_HAND = (
    "reporting_lea", "school_code", "nps_code", "academic_year", "ssid", "start_date", "status", "grade", "exit_date",
    "exit_reason", "last_updated",
)  # fmt: skip


class Part(Protocol):
    """Rows that came together: one file of an extract, or a frame."""

    def __len__(self) -> int: ...

    def column(self, name: str) -> Coded: ...

    def at(self, positions: np.ndarray, columns: Sequence[str]) -> pa.Table: ...


class StateRows:
    """State rows, all text, as `Extract.rows` describes them, without holding all of them as a frame.

    `equals`, `is_in` and `answered` ask something about one column of all rows; `at` gives the rows at some positions
    and `where` those of a mask, as frames with a fresh index. Never changed.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = tuple(parts)
        self._ends = np.cumsum([len(part) for part in self._parts], dtype="int64")
        self._columns: dict[str, Coded] = {}

    @classmethod
    def of_frame(cls, frame: pd.DataFrame) -> StateRows:
        """The rows of a frame that has the 37 columns."""
        return cls([FramePart(frame)])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def column(self, name: str) -> Coded:
        """One column of all rows."""
        if name not in self._columns:
            of_parts = [part.column(name) for part in self._parts]
            self._columns[name] = of_parts[0] if len(of_parts) == 1 else _joined(of_parts)
        return self._columns[name]

    def equals(self, name: str, value: str) -> np.ndarray:
        """Whether each row holds this text in this column."""
        return self.column(name).equals(value)

    def is_in(self, name: str, among: pd.Series) -> np.ndarray:
        """Whether each row holds one of these texts in this column."""
        return self.column(name).is_in(text.arrow(among))

    def answered(self, name: str, answer: Callable[[pd.Series], np.ndarray]) -> np.ndarray:
        """For each row the answer about its text, given of each different text of the column once."""
        column = self.column(name)
        return column.rows(answer(text.from_arrow(column.values)))

    def at(self, positions: np.ndarray, columns: Sequence[str] = ODS_FIELDS) -> pd.DataFrame:
        """The rows at these positions, in this order."""
        positions = np.asarray(positions, dtype="int64")
        if set(columns) <= set(AT_HAND):
            found = {name: self.column(name).text(positions) for name in columns}
        else:
            found = self._parsed(positions, columns)
        return pd.DataFrame({name: text.from_arrow(column).array for name, column in found.items()})

    def where(self, wanted: np.ndarray, columns: Sequence[str] = ODS_FIELDS) -> pd.DataFrame:
        """The rows for which `wanted` holds, in their order."""
        return self.at(np.flatnonzero(wanted), columns)

    def frame(self) -> pd.DataFrame:
        """All rows in full, 37 columns. Made anew each time."""
        return self.at(np.arange(len(self)))

    def _parsed(self, positions: np.ndarray, columns: Sequence[str]) -> Mapping[str, pa.Array]:
        order = np.argsort(positions, kind="stable")
        bounds = np.searchsorted(positions[order], self._ends)
        tables, first = [], 0
        for part, last, end in zip(self._parts, bounds, self._ends, strict=True):
            tables.append(part.at(positions[order[first:last]] - (end - len(part)), columns))
            first = last
        taken = pa.concat_tables(tables)
        if (np.diff(order) < 0).any():
            back = np.empty_like(order)
            back[order] = np.arange(len(order))
            taken = taken.take(pa.array(back))
        return {name: taken[name].combine_chunks() for name in columns}


@dataclass(frozen=True)
class FilePart:
    """One file: `columns` are those at hand, `lines` has all; what the file's layout does not have is blank."""

    columns: Mapping[str, Coded]
    lines: Lines

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> Coded:
        if name in self.columns:
            return self.columns[name]
        if name not in self.lines.columns:
            return Coded(pa.array([""], pa.large_string()), np.zeros(len(self), dtype="int32"))
        parsed = self.lines.coded([name])
        assert parsed is not None, "Lines that were read once cannot be read again."
        return parsed[name]

    def at(self, positions: np.ndarray, columns: Sequence[str]) -> pa.Table:
        table = self.lines.at(positions, [name for name in columns if name in self.lines.columns])
        blank = pa.repeat(pa.scalar("", pa.large_string()), len(positions))
        return pa.table({name: table[name] if name in table.column_names else blank for name in columns})


@dataclass(frozen=True)
class FramePart:
    """Rows that stand in a frame already."""

    rows: pd.DataFrame

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> Coded:
        return Coded.of(text.arrow(self.rows[name]))

    def at(self, positions: np.ndarray, columns: Sequence[str]) -> pa.Table:
        return pa.table({name: text.arrow(self.rows[name]) for name in columns}).take(pa.array(positions))


def _joined(columns: Sequence[Coded]) -> Coded:
    chunks = [pa.DictionaryArray.from_arrays(pa.array(column.codes), column.values) for column in columns]
    return Coded.of(pa.chunked_array(chunks))
