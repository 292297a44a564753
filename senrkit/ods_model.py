"""A model of CALPADS' store: apply a file whole or not at all, get the next state.

The semantics are those of senr_file.md section 3: A, blank and a space are one thing (add, or replace every value of
the enrollment with the same key); D removes the enrollment with the same key; R takes the place of the student's
enrollment at that school in that school year. The key is School of Attendance (with the nonpublic school's code where
the school is 0000001), SSID and start date.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from senrkit import text
from senrkit.checks import CheckContext, file_findings, state_findings
from senrkit.checks.findings import FATAL, joined_findings
from senrkit.checks.records import Records
from senrkit.reference import ODS_FIELDS

_RECORD_TYPE = "SENR-R"


@dataclass(frozen=True)
class Answer:
    """What CALPADS says to a file: `posted` is False, and `store` the old one, when one finding is fatal."""

    findings: pd.DataFrame
    posted: bool
    store: Store


class Store:
    """What CALPADS holds. Never changed: `apply` gives the next one.

    Only the students whom a file touches are ever copied: the rest stays in the extract's own frame, so that twenty
    thousand records against two million rows cost what twenty thousand cost.
    """

    def __init__(self, rows: pd.DataFrame) -> None:
        base = rows[list(ODS_FIELDS)]
        self._layers = _Layers(base, pd.Series(dtype="str"), base.iloc[:0])

    @property
    def rows(self) -> pd.DataFrame:
        """Every row, the 37 ODS columns as text. Rows of students a file has touched come last."""
        return self._layers.all_rows

    def rows_of(self, ssids: pd.Series) -> pd.DataFrame:
        """The rows of these students alone."""
        opened = self._layers.opened(ssids).touched
        return text.rows_where(opened, text.is_in(opened["ssid"], ssids))

    def where(self, wanted: Callable[[pd.DataFrame], np.ndarray], columns: Sequence[str] = ODS_FIELDS) -> pd.DataFrame:
        """The rows for which `wanted` says True, without copying the others; it is asked once per part of the store."""
        parts = [
            text.rows_where(frame[list(columns)], wanted(frame) & counts)
            for frame, counts in ((self._layers.base, self._layers.counts), (self._layers.touched, True))
        ]
        return pd.concat(parts, ignore_index=True)

    def opened(self, ssids: pd.Series) -> Store:
        """The same state, with these students set apart for change. Opening all students of several files at once
        saves searching the whole extract once per file."""
        return self._next(self._layers.opened(ssids))

    def apply(self, records: pd.DataFrame, context: CheckContext) -> Answer:
        """The file checked, and posted whole when nothing fatal was found, otherwise not at all.

        Parameters
        ----------
        records
            SENR fields as text, one submission file.
        """
        sent = Records(records, context.as_of)
        opened = self.opened(sent.frame["ssid"])
        state = Records(opened.rows_of(sent.frame["ssid"]), context.as_of)
        findings = joined_findings([file_findings(sent, context), state_findings(sent, state, context)])
        if (findings["severity"] == FATAL).any():
            return Answer(findings, False, self)
        return Answer(findings, True, opened.posted(sent, context))

    def posted(self, records: pd.DataFrame | Records, context: CheckContext) -> Store:
        """The state after the file, without asking whether CALPADS would take it."""
        sent = records if isinstance(records, Records) else Records(records, context.as_of)
        layers = self._layers.opened(sent.frame["ssid"])
        return self._next(replace(layers, touched=_after(layers.touched, sent, context)))

    def _next(self, layers: _Layers) -> Store:
        store = object.__new__(Store)
        store._layers = layers
        return store


@dataclass(frozen=True)
class _Layers:
    """`base`: the extract as it was read. `students`: whose rows there no longer count. `touched`: theirs now."""

    base: pd.DataFrame
    students: pd.Series
    touched: pd.DataFrame

    @cached_property
    def counts(self) -> np.ndarray:
        """Whether each row of the base still counts."""
        return ~text.is_in(self.base["ssid"], self.students)

    @cached_property
    def all_rows(self) -> pd.DataFrame:
        return pd.concat([text.rows_where(self.base, self.counts), self.touched], ignore_index=True)

    def opened(self, ssids: pd.Series) -> _Layers:
        wanted = pd.Series(ssids.unique(), dtype="str")
        new = wanted[~text.is_in(wanted, self.students)]
        if not len(new):
            return self
        found = text.rows_where(self.base, text.is_in(self.base["ssid"], new))
        touched = pd.concat([self.touched, found], ignore_index=True)
        return _Layers(self.base, pd.concat([self.students, new], ignore_index=True), touched)


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
