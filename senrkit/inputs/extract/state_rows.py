"""The state's rows: what is asked of all of them at hand, everything else of the rows that are asked for.

A run compares one year, a tenth of the rows or less. The older ones are asked whose they are, since when and until
when, and are looked at in full only for the students whom something is proposed for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from senrkit.frames import days
from senrkit.frames.pandas_door import to_polars
from senrkit.inputs.extract.delimited import Lines
from senrkit.reference import ODS_FIELDS

if TYPE_CHECKING:
    import pandas as pd

# Few different texts in many rows.
_CODES = (
    "reporting_lea",
    "school_code",
    "nps_code",
    "academic_year",
    "status",
    "grade",
    "exit_reason",
    "first_name",
    "last_updated",
)
# Asked of all rows by the preconditions, the scope, the census and the look ahead to certification.
AT_HAND: Mapping[str, pl.Expr] = {
    "ssid": pl.col("ssid"),
    "start": days.of_key(pl.col("start_date")),
    "exit": days.of_key(pl.col("exit_date")),
    "birth_date": days.of_key(pl.col("birth_date")),
    **{name: pl.col(name).cast(pl.Categorical) for name in _CODES},
}


class StateRows:
    """State rows, without holding all of them in full.

    `narrow` is what is at hand of every row, in their order: `ssid` (text), `start`, `exit` and `birth_date` (days),
    and as categories `reporting_lea school_code nps_code academic_year status grade exit_reason first_name
    last_updated`. `where` and `at` give the rows of some in full, all text, blank where the layout lacks a column.
    Never changed.
    """

    def __init__(self, narrow: pl.DataFrame, parts: Sequence[Lines | pl.DataFrame | _Some | _Held]) -> None:
        self.narrow, self._parts = narrow, tuple(parts)

    @classmethod
    def of_frame(cls, frame: pl.DataFrame | pd.DataFrame) -> StateRows:
        """The rows of a frame that has the 37 columns."""
        rows = to_polars(frame)
        return cls(rows.select(**AT_HAND), [rows.select(ODS_FIELDS)])

    def replaced(self, kept: pl.Expr, rows: pl.DataFrame) -> StateRows:
        """The rows for which an expression over `narrow` holds, and after them these."""
        here = self.narrow.select(pl.arg_where(kept)).to_series()
        narrow = pl.concat([self.narrow[here], rows.select(**AT_HAND)])
        return StateRows(narrow, [_Some(self, here), rows.select(ODS_FIELDS)])

    def held(self, wanted: pl.Expr) -> StateRows:
        """The same rows; those for which an expression over `narrow` holds are read in full now, and not again."""
        here = self.narrow.select(pl.arg_where(wanted)).to_series()
        # In one piece: rows are picked from it several times as fast as from the dozen in which they were read.
        return StateRows(self.narrow, [_Held(self, here, self.at(here).rechunk())])

    def __len__(self) -> int:
        return self.narrow.height

    def where(self, wanted: pl.Expr, columns: Sequence[str] = ODS_FIELDS) -> pl.DataFrame:
        """The rows for which an expression over `narrow` holds, in their order."""
        if set(columns) <= {"ssid", *_CODES}:
            return self.narrow.filter(wanted).select(pl.col(columns).cast(pl.String))
        return self.at(self.narrow.select(pl.arg_where(wanted)).to_series(), columns)

    def at(self, positions: pl.Series, columns: Sequence[str] = ODS_FIELDS) -> pl.DataFrame:
        """The rows at these positions, which are ascending.

        Raises
        ------
        InputError
            when somebody wrote to the extract since it was read.
        """
        found, begin = [], 0
        for part in self._parts:
            end = begin + len(part)
            found.append(
                _rows(part, positions.filter(positions.is_between(begin, end, closed="left")) - begin, columns)
            )
            begin = end
        return pl.concat(found)

    def read(self, columns: Sequence[str] = ODS_FIELDS, wanted: pl.Expr | None = None) -> pl.DataFrame:
        """All rows, or those for which an expression over their text holds. Raises as `at`."""
        rows = self.scan() if wanted is None else self.scan().filter(wanted)
        try:
            return rows.select(columns).collect(engine="streaming")
        finally:
            self.refuse_changed()

    def scan(self) -> pl.LazyFrame:
        """All rows, all text; whoever collects them asks `refuse_changed` afterwards."""
        scans = [part.lazy() if isinstance(part, pl.DataFrame) else _whole(part.scan(), part) for part in self._parts]
        return pl.concat([scan.select(ODS_FIELDS) for scan in scans])

    def refuse_changed(self) -> None:
        """Raise `InputError` when somebody wrote to the extract since it was read."""
        for part in self._parts:
            if not isinstance(part, pl.DataFrame):
                part.refuse_changed()


class _Some:
    """Some rows of others: those at the positions `kept`, which are ascending."""

    columns = ODS_FIELDS

    def __init__(self, rows: StateRows, kept: pl.Series) -> None:
        self._rows, self._kept = rows, kept

    def __len__(self) -> int:
        return len(self._kept)

    def at(self, positions: pl.Series, columns: Sequence[str]) -> pl.DataFrame:
        return self._rows.at(self._kept[positions], columns)

    def scan(self) -> pl.LazyFrame:
        kept = pl.col("at").is_in(self._kept.implode())
        return self._rows.scan().with_row_index("at").filter(kept).drop("at")

    def refuse_changed(self) -> None:
        self._rows.refuse_changed()


class _Held:
    """All rows of others; those at the positions `here`, which are ascending, are at hand in full."""

    columns = ODS_FIELDS

    def __init__(self, rows: StateRows, here: pl.Series, full: pl.DataFrame) -> None:
        self._rows, self._here, self._full = rows, here, full

    def __len__(self) -> int:
        return len(self._rows)

    def at(self, positions: pl.Series, columns: Sequence[str]) -> pl.DataFrame:
        rows = self._full.select(columns)
        if positions.equals(self._here):
            return rows
        is_here = positions.is_in(self._here.implode())
        here, others = positions.filter(is_here), positions.filter(~is_here)
        every = pl.concat([rows[self._here.search_sorted(here)], self._rows.at(others, columns)])
        return every[pl.concat([here, others]).arg_sort()] if len(others) else every

    def scan(self) -> pl.LazyFrame:
        return self._rows.scan()

    def refuse_changed(self) -> None:
        self._rows.refuse_changed()


def _rows(part: Lines | _Some | _Held | pl.DataFrame, positions: pl.Series, columns: Sequence[str]) -> pl.DataFrame:
    if isinstance(part, pl.DataFrame):
        return part[positions].select(columns)
    there = [name for name in columns if name in part.columns]
    return _whole(part.at(positions, there).lazy(), part).select(columns).collect()


def _whole(rows: pl.LazyFrame, lines: Lines | _Some | _Held) -> pl.LazyFrame:
    return rows.with_columns(pl.lit("").alias(name) for name in ODS_FIELDS if name not in lines.columns)
