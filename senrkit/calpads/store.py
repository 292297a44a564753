"""A model of CALPADS' store: post a file, get the next state. What CALPADS says to the file is `predict`'s.

The semantics are those of senr_file.md section 3: A, blank and a space are one thing (add, or replace every value of
the enrollment with the same key); D removes the enrollment with the same key; R takes the place of the student's
enrollment at that school in that school year. The key is School of Attendance (with the nonpublic school's code where
the school is 0000001), SSID and start date.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import polars as pl
from polars import col
from polars import selectors as cs

from senrkit.calpads.records import KEY, SCHOOL, filled
from senrkit.calpads.rule import CheckContext
from senrkit.frames.pandas_door import to_polars
from senrkit.inputs.extract.state_rows import StateRows
from senrkit.reference import ODS_FIELDS

_RECORD_TYPE = "SENR-R"


class Store:
    """What CALPADS holds. Never changed: `posted` gives the next one.

    Only the students whom a file touches are ever copied: the rest stays in the extract, so that twenty thousand
    records against two million rows cost what twenty thousand cost. `students` are those set apart so far, and
    `apart` their rows now.
    """

    def __init__(
        self,
        rows: StateRows | pl.DataFrame,
        students: pl.DataFrame | None = None,
        apart: pl.DataFrame | None = None,
    ) -> None:
        self._extract = rows if isinstance(rows, StateRows) else StateRows.of_frame(rows)
        self._students = pl.DataFrame(schema={"ssid": pl.String}) if students is None else students
        self._apart = pl.DataFrame(schema=dict.fromkeys(ODS_FIELDS, pl.String)) if apart is None else apart

    @property
    def rows(self) -> pl.DataFrame:
        """Every row, the 37 ODS columns as text. Rows of students a file has touched come last."""
        return self.where(col.ssid.is_not_null())

    def rows_of(self, students: pl.DataFrame) -> pl.DataFrame:
        """The rows of these students (column `ssid`) alone."""
        asked = students.select("ssid").unique()
        new = asked.join(self._students, on="ssid", how="anti")["ssid"]
        here = self._apart.join(asked, on="ssid", how="semi", maintain_order="left")
        return pl.concat([here, self._extract.where(col.ssid.is_in(new.implode()))]) if len(new) else here

    def where(self, wanted: pl.Expr, columns: Sequence[str] = ODS_FIELDS) -> pl.DataFrame:
        """The rows for which an expression over `StateRows.narrow` holds, as text, without copying the others."""
        rows = self._extract.where(wanted & self._untouched, columns)
        return pl.concat([rows, self._touched.where(wanted, columns)])

    def narrow(self, wanted: pl.Expr) -> pl.DataFrame:
        """What is at hand of these rows (`StateRows.narrow`), codes as text."""
        rows = [self._extract.narrow.filter(wanted & self._untouched), self._touched.narrow.filter(wanted)]
        return pl.concat(side.with_columns(cs.categorical().cast(pl.String)) for side in rows)

    @cached_property
    def _touched(self) -> StateRows:
        return StateRows.of_frame(self._apart)

    @cached_property
    def _untouched(self) -> pl.Expr:
        """Of each row of the extract, whether its student is none of those set apart."""
        ours = col.ssid.is_in(self._students["ssid"].implode())
        return pl.lit(self._extract.narrow.select(~ours).to_series())

    def opened(self, students: pl.DataFrame) -> Store:
        """The same state, with these students set apart for change. Opening all students of several files at once
        saves searching the whole extract once per file."""
        return self.put(students, self.rows_of(students))

    def posted(self, records: pl.DataFrame, context: CheckContext) -> Store:
        """The state after the file, without asking whether CALPADS would take it."""
        records = to_polars(records)
        return self.put(records, after(self.rows_of(records), records, context))

    def put(self, students: pl.DataFrame, rows: pl.DataFrame) -> Store:
        """The state in which these students (column `ssid`) have these rows."""
        others = self._apart.join(students, on="ssid", how="anti", maintain_order="left")
        every = pl.concat([self._students, students.select("ssid")]).unique(maintain_order=True)
        return Store(self._extract, every, pl.concat([others, rows]))


def after(held: pl.DataFrame, records: pl.DataFrame, context: CheckContext) -> pl.DataFrame:
    """The rows of a file's students after it; `held` are those before. An updated row keeps the day it was first
    uploaded; rows without SSID are new each time, for CALPADS gives each a new one."""
    sent, state = (side.with_columns(key=KEY, school=SCHOOL) for side in (records, held))
    stamp = pl.lit(f"{context.as_of:%Y%m%d}")
    known = state.select("key", uploaded="upload_date").unique("key", keep="first")
    new = (
        sent.filter(col.transaction != "D")
        .join(known, on="key", how="left", maintain_order="left")
        .with_columns(
            record_type=pl.lit(_RECORD_TYPE),
            transaction=pl.lit(""),
            upload_date=pl.coalesce(pl.when(filled("ssid")).then("uploaded"), stamp),
            last_updated=stamp,
        )
    )
    return pl.concat([state.filter(~_goes(sent)).select(ODS_FIELDS), new.select(ODS_FIELDS)])


def _goes(sent: pl.DataFrame) -> pl.Expr:
    """State rows that the file deletes, updates (of two with one key the first), or whose place an R takes, where it
    can only be one: school, student and school year."""
    deleted = sent.filter(col.transaction == "D")["key"].implode()
    written = sent.filter(col.transaction != "D", filled("ssid"))["key"].implode()
    gone = col.key.is_in(deleted) | (col.key.is_first_distinct() & col.key.is_in(written))
    replacing = sent.filter(col.transaction == "R")
    if replacing.is_empty():
        return gone
    year = pl.concat_str("ssid", "school", "academic_year", separator="^")
    same = year.is_in(replacing.select(year).to_series().implode()) & year.is_unique()
    return gone | (same & ~col.key.is_in(sent["key"].implode()))
