"""Which state rows the run is about (reconciliation.md 1), and what the older ones are still needed for."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from polars import col

from senrkit.frames import days
from senrkit.frames.intervals import is_canceled
from senrkit.inputs.extract.senr import Extract
from senrkit.inputs.extract.state_rows import StateRows
from senrkit.reference import SENR_FIELDS, SchoolYear
from senrkit.settings.settings import Settings
from senrkit.spells.build import SpellSet
from senrkit.spells.schools import NOT_REPORTED, NOT_SELECTED, NPS_SCHOOL
from senrkit.texts.card import Carded

_NPS_CODE = pl.when(col("school_code") == NPS_SCHOOL).then(col("nps_code").fill_null("")).otherwise(pl.lit(""))
# The operational key as one text: school, NPS code when the school is the NPS one, SSID, start date.
KEY = pl.concat_str("school_code", _NPS_CODE, "ssid", "start_date", separator="^").alias("key")


@dataclass(frozen=True, repr=False)
class Scope(Carded):
    """The extract, sorted into what a run may change and what it only reads.

    Attributes
    ----------
    year
        The run year.
    lea
        The LEA whose rows a run may change.
    rows
        The extract's rows, all of them.
    state
        The rows in scope, as text; `ods_row` (position in the extract), `state_row` (position here), `start`, `exit`
        (days), `canceled` (bool) and `key` added.
    in_scope
        How many these are.
    lacking
        The SENR fields that the extract's layout does not have: unknown in every row, though they stand there as blank.
    """

    year: SchoolYear
    lea: str
    rows: StateRows
    state: pl.DataFrame
    in_scope: int
    lacking: frozenset[str] = frozenset()

    @property
    def of_lea(self) -> pl.Expr:
        """Of each row of the extract, whether it is the LEA's own."""
        return col("reporting_lea") == self.lea

    def counts(self) -> dict[str, int]:
        """The first line of the balance (section 9)."""
        in_year = col("start").is_between(self.year.start, self.year.end).fill_null(False)
        read, own, of_year = self.rows.narrow.select(
            pl.len(), own=self.of_lea.sum(), of_year=(self.of_lea & in_year).sum()
        ).row(0)
        return {
            "state_rows_read": own,
            "in_scope": self.in_scope,
            "other_school": of_year - self.in_scope,
            "other_year": own - of_year,
            "other_lea": read - own,
        }

    def open_prior_year(self) -> pl.DataFrame:
        """The LEA's rows that started before the run year and are still open (P09), at any school: `ssid` and
        `school_code`."""
        is_open = self.of_lea & (col("start") < self.year.start) & col("exit").is_null()
        return self.rows.where(is_open, ["ssid", "school_code"])


def scope_of(extract: Extract, spell_set: SpellSet, settings: Settings) -> Scope:
    """Reporting LEA = the LEA, start date inside the run year, school among the selected ones.

    Where an Aeries school that is not selected shares its state code with one that is, as nonpublic schools do, a state
    row belongs to the school where Aeries has the student (`_at_unselected_school`).
    """
    year = settings.school_year
    selected = spell_set.schools.filter("selected", col("school_code") != "")["school_code"]
    wanted = (
        (col("reporting_lea") == settings.lea)
        & col("start").is_between(year.start, year.end)
        & col("school_code").is_in(selected.unique().implode())
    )
    at = extract.state.narrow.select(pl.arg_where(wanted).alias("ods_row"))
    state = extract.state.at(at["ods_row"]).with_columns(at["ods_row"], KEY)
    elsewhere = _at_unselected_school(state, selected, spell_set)
    # Hardly ever is there one, and to leave none out is to copy all.
    if len(elsewhere):
        state = state.join(elsewhere, "ods_row", "anti", maintain_order="left")
    state = state.with_columns(start=days.of_key(col("start_date")), exit=days.of_key(col("exit_date")))
    state = state.with_columns(canceled=is_canceled(col("start"), col("exit"), col("exit_reason")))
    lacking = frozenset(SENR_FIELDS) - set(extract.layout.columns)
    return Scope(year, settings.lea, extract.state, state.with_row_index("state_row"), state.height, lacking)


def _at_unselected_school(state: pl.DataFrame, selected: pl.Series, spell_set: SpellSet) -> pl.DataFrame:
    """Rows that stand under a shared code for an enrollment at the school of it that is not selected.

    Those of a student whose `ENR` row there was left out, unless a spell has the row's very key.
    """
    shared = spell_set.schools.filter(~col("selected"), col("school_code").is_in(selected.implode()))
    unselected = spell_set.left_out.filter(col("reason").is_in([NOT_SELECTED, NOT_REPORTED]))
    there = state.select("ods_row", "ssid", "school_code", "key")
    suspects = there.join(shared, "school_code", "semi").join(unselected, ["ssid", "school_code"], "semi")
    theirs = spell_set.spells.join(suspects, "ssid", "semi")
    return suspects.join(theirs.select(KEY), "key", "anti")
