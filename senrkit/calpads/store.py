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
from senrkit.inputs.extract.state_rows import AT_HAND, StateRows
from senrkit.reference import ODS_FIELDS

_RECORD_TYPE = "SENR-R"
_NO_ROWS = pl.DataFrame(schema=dict.fromkeys(ODS_FIELDS, pl.String))
_NO_PLACES = pl.DataFrame(schema={"place": pl.UInt32, "ssid": pl.String})


class Store:
    """What CALPADS holds. Never changed: `posted` gives the next one.

    Only the students whom a file touches are set apart: the rest stays in the extract, so that twenty thousand records
    against two million rows cost what twenty thousand cost. `students` are those set apart so far, `every` all rows
    that have ever stood under their SSIDs, each at its place for good, and `standing` the places (`place`, `ssid`) of
    those that stand now: a file adds its records and copies nothing else.
    """

    def __init__(
        self,
        rows: StateRows | pl.DataFrame,
        students: pl.DataFrame | None = None,
        every: pl.DataFrame = _NO_ROWS,
        standing: pl.DataFrame = _NO_PLACES,
    ) -> None:
        self._extract = rows if isinstance(rows, StateRows) else StateRows.of_frame(rows)
        self._students = pl.DataFrame(schema={"ssid": pl.String}) if students is None else students
        self._every, self._standing = every, standing

    @property
    def rows(self) -> pl.DataFrame:
        """Every row, the 37 ODS columns as text. Rows of students a file has touched come last."""
        return self.where(col.ssid.is_not_null())

    def rows_of(self, students: pl.DataFrame) -> pl.DataFrame:
        """The rows of these students (column `ssid`) alone."""
        opened = self.opened(students)
        return opened.at(opened.places_of(students)).collect()

    def places_of(self, students: pl.DataFrame) -> pl.DataFrame:
        """Where the rows of these students stand (`place`, `ssid`), who are set apart."""
        return self._standing.join(students, on="ssid", how="semi", maintain_order="left")

    def at(self, places: pl.DataFrame) -> pl.LazyFrame:
        """The rows at these places; only the columns that are asked for are copied."""
        return self._every.lazy().select(pl.all().gather(places["place"]))

    def where(self, wanted: pl.Expr, columns: Sequence[str] = ODS_FIELDS) -> pl.DataFrame:
        """The rows for which an expression over `StateRows.narrow` holds, as text, without copying the others."""
        rows = self._extract.where(wanted & self._untouched, columns)
        apart = self.at(self._standing.filter(self._at_hand.select(wanted.alias("wanted")).to_series()))
        return pl.concat([rows, apart.select(columns).collect()])

    def narrow(self, wanted: pl.Expr) -> pl.LazyFrame:
        """What is at hand of these rows (`StateRows.narrow`), codes as text."""
        rows = [self._extract.narrow.lazy().filter(wanted & self._untouched), self._at_hand.lazy().filter(wanted)]
        return pl.concat(side.with_columns(cs.categorical().cast(pl.String)) for side in rows)

    @cached_property
    def _at_hand(self) -> pl.DataFrame:
        return self.at(self._standing).select(**AT_HAND).collect()

    @cached_property
    def _untouched(self) -> pl.Expr:
        """Of each row of the extract, whether its student is none of those set apart."""
        ours = col.ssid.is_in(self._students["ssid"].implode())
        return pl.lit(self._extract.narrow.select(~ours).to_series())

    def opened(self, students: pl.DataFrame) -> Store:
        """The same state, with these students (column `ssid`) set apart for change. Opening all students of several
        files at once saves searching the whole extract once per file."""
        new = students.select("ssid").join(self._students, on="ssid", how="anti").unique()
        if new.is_empty():
            return self
        return self._with(new, self._extract.where(col.ssid.is_in(new["ssid"].implode())), self._standing)

    def posted(self, records: pl.DataFrame, context: CheckContext) -> Store:
        """The state after the file, without asking whether CALPADS would take it. An updated row keeps the day it was
        first uploaded; rows without SSID are new each time, for CALPADS gives each a new one."""
        sent = to_polars(records).with_columns(key=KEY, school=SCHOOL)
        store = self.opened(sent)
        places = store.places_of(sent)
        held = store.at(places).select("ssid", "academic_year", "upload_date", key=KEY, school=SCHOOL).collect()
        gone = places.filter(held.select(_goes(sent)).to_series())
        stamp = pl.lit(f"{context.as_of:%Y%m%d}")
        known = held.select("key", uploaded="upload_date").unique("key", keep="first", maintain_order=True)
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
        stays = store._standing.join(gone, on="place", how="anti", maintain_order="left")
        return store._with(_NO_PLACES.select("ssid"), new.select(ODS_FIELDS), stays)

    def restored(self, students: pl.DataFrame, places: pl.DataFrame) -> Store:
        """The state in which of these students (column `ssid`) there stands what stood at these places."""
        others = self._standing.join(students, on="ssid", how="anti", maintain_order="left")
        return Store(self._extract, self._students, self._every, pl.concat([others, places.select("place", "ssid")]))

    def _with(self, students: pl.DataFrame, rows: pl.DataFrame, standing: pl.DataFrame) -> Store:
        """The state with more students set apart, and more rows beside those `standing`."""
        first = self._every.height
        added = rows.select(place=pl.int_range(first, first + pl.len(), dtype=pl.UInt32), ssid="ssid")
        return Store(
            self._extract,
            pl.concat([self._students, students]),
            pl.concat([self._every, rows]),
            pl.concat([standing, added]),
        )


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
