"""A model of CALPADS' store: post a file, get the next state. What CALPADS says to the file is `predict`'s.

The semantics are those of senr_file.md section 3: A, blank and a space are one thing (add, or replace every value of
the enrollment with the same key); D removes the enrollment with the same key; R takes the place of the student's
enrollment at that school in that school year. The key is School of Attendance (with the nonpublic school's code where
the school is 0000001), SSID and start date.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from senrkit.calpads.records import Records
from senrkit.calpads.rule import CheckContext
from senrkit.frames import text
from senrkit.inputs.extract.state_rows import StateRows
from senrkit.reference import ODS_FIELDS

_RECORD_TYPE = "SENR-R"


class Store:
    """What CALPADS holds. Never changed: `posted` gives the next one.

    Only the students whom a file touches are ever copied: the rest stays in the extract, so that twenty thousand
    records against two million rows cost what twenty thousand cost.
    """

    def __init__(self, rows: StateRows | pd.DataFrame, layers: tuple[_Layer, ...] = ()) -> None:
        self._base = StateRows.of_frame(rows) if isinstance(rows, pd.DataFrame) else rows
        self._layers = layers

    @property
    def rows(self) -> pd.DataFrame:
        """Every row, the 37 ODS columns as text. Rows of students a file has touched come last."""
        return self.where(lambda rows: np.ones(len(rows), dtype=bool))

    @property
    def touched(self) -> pd.Series:
        """SSIDs of the students set apart or changed by a file."""
        return pd.concat([pd.Series(dtype="str"), *(layer.students for layer in self._layers)], ignore_index=True)

    def rows_of(self, ssids: pd.Series) -> pd.DataFrame:
        """The rows of these students alone."""
        left, parts = pd.Series(ssids.unique(), dtype="str"), []
        for layer in self._layers:
            here = text.is_in(left, layer.students)
            if here.any():
                parts.append(text.rows_where(layer.rows, text.is_in(layer.rows["ssid"], left[here])))
                left = left[~here]
        if len(left) or not parts:
            parts.append(self._base.where(self._base.is_in("ssid", left)))
        return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]

    def where(self, wanted: Callable[[StateRows], np.ndarray], columns: Sequence[str] = ODS_FIELDS) -> pd.DataFrame:
        """The rows for which `wanted` says True, without copying the others; it is asked once per part of the store."""
        parts = []
        for rows, counts in self._parts:
            found = rows.where(wanted(rows) & counts, columns)
            if len(found) or not parts:
                parts.append(found)
        return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]

    def opened(self, ssids: pd.Series) -> Store:
        """The same state, with these students set apart for change. Opening all students of several files at once
        saves searching the whole extract once per file."""
        students = pd.Series(ssids.unique(), dtype="str")
        for layer in self._layers:
            students = students[~text.is_in(students, layer.students)]
        return self._with(_Layer(students, self.rows_of(students))) if len(students) else self

    def posted(self, records: pd.DataFrame | Records, context: CheckContext, held: pd.DataFrame | None = None) -> Store:
        """The state after the file, without asking whether CALPADS would take it.

        `held` are the rows that the students of the file, and perhaps others, have now, where they are at hand.
        """
        sent = records if isinstance(records, Records) else Records(records, context.as_of)
        students = pd.Series(sent.frame["ssid"].unique(), dtype="str")
        held = self.rows_of(students) if held is None else held
        return self._with(_Layer(students, _after(held, sent, context)))

    @cached_property
    def _parts(self) -> list[tuple[StateRows, np.ndarray]]:
        """The extract and the layers above it, and which of the rows of each count."""
        layers = [(StateRows.of_frame(layer.rows), layer.counting()) for layer in self._layers]
        return [(self._base, ~self._base.is_in("ssid", self.touched)), *layers]

    def _with(self, layer: _Layer) -> Store:
        below = (older.without(layer.students) for older in self._layers)
        return Store(self._base, (*(older for older in below if len(older.students)), layer))


@dataclass(frozen=True, eq=False)
class _Layer:
    """Students whose rows in the extract no longer count, and their rows now. A student is in one layer at most.

    There may be rows of others, which do not count: to copy the rest each time a few students leave would take longer.
    """

    students: pd.Series
    rows: pd.DataFrame

    def counting(self) -> np.ndarray:
        return text.is_in(self.rows["ssid"], self.students)

    def without(self, students: pd.Series) -> _Layer:
        left = self.students[~text.is_in(self.students, students)].reset_index(drop=True)
        if len(left) == len(self.students):
            return self
        fewer = _Layer(left, self.rows)
        # When most are gone, their rows would only take up room.
        mostly_gone = 2 * fewer.counting().sum() < len(self.rows)
        return _Layer(left, text.rows_where(self.rows, fewer.counting())) if mostly_gone else fewer


def _after(held: pd.DataFrame, sent: Records, context: CheckContext) -> pd.DataFrame:
    """The touched students' rows after the file. An updated row keeps the day it was first uploaded; rows without SSID
    are new each time, for CALPADS gives each a new one."""
    state = Records(held, context.as_of)
    written = sent.take(np.flatnonzero(~sent.deletes)) if sent.deletes.any() else sent
    new_rows = _as_held(written.frame, context)
    at = np.where(written.filled("ssid"), text.positions(written.key, state.key), -1)
    first_uploads = pd.concat([held["upload_date"], pd.Series([""], dtype="str")], ignore_index=True).take(at)
    new_rows["upload_date"] = text.choose(at >= 0, first_uploads.reset_index(drop=True), new_rows["upload_date"])
    gone = text.is_in(state.key, sent.key[sent.deletes]) | _replaced(state, sent)
    gone[at[at >= 0]] = True
    return pd.concat([text.rows_where(held, ~gone), new_rows], ignore_index=True)


def _replaced(state: Records, sent: Records) -> np.ndarray:
    """State rows an R takes the place of, where it can only be one: school, student and school year."""
    if not sent.replaces.any():
        return np.zeros(len(state), dtype=bool)
    year = [text.joined([side.frame["ssid"], side.school, side.frame["academic_year"]]) for side in (state, sent)]
    same = text.is_in(year[0], year[1][sent.replaces])
    return same & ~year[0].duplicated(keep=False).to_numpy() & ~text.is_in(state.key, sent.key)


def _as_held(frame: pd.DataFrame, context: CheckContext) -> pd.DataFrame:
    stamp = context.as_of.strftime("%Y%m%d")
    held = frame.assign(record_type=_RECORD_TYPE, transaction="", upload_date=stamp, last_updated=stamp)
    return held[list(ODS_FIELDS)].astype("str").reset_index(drop=True)
