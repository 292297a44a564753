"""One school of a run, found by code or name."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl
from polars import col

from senrkit.analysis.typed import typed
from senrkit.errors import UsageError
from senrkit.results.folder import PROPOSAL, RunFolder
from senrkit.results.tables import TO_DO
from senrkit.texts.card import Carded

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class School(Carded):
    """A school and its work.

    Attributes
    ----------
    code, name : str
        As the state writes it, and as Aeries calls it.
    """

    code: str
    name: str
    reader: RunFolder

    def card(self) -> dict[str, str]:
        """The school and how much there is to do; no student."""
        return {"school": f"{self.name} ({self.code})", "to do": f"{self.rows.height:,}"}

    @cached_property
    def to_do(self) -> pd.DataFrame:
        """A work list: the school's part of `Run.proposal` with something to do, by action, reason and grade."""
        return typed(self.rows, "proposal")

    @cached_property
    def rows(self) -> pl.DataFrame:
        """`to_do` as the run folder has it, all text."""
        proposed = self.reader.table(PROPOSAL)
        theirs = proposed.filter(col.school_code == self.code, col.action.is_in(TO_DO))
        return theirs.sort("action", "reason", "grade", maintain_order=True)


def find_school(run: RunFolder, code_or_name: str) -> School:
    """A school by state code or part of its name.

    Raises
    ------
    UsageError
        when the run has no such school, or several.
    """
    schools = run.schools
    wanted = code_or_name.strip().casefold()
    by_name = schools["school_name"].str.casefold().str.contains(wanted, regex=False)
    found = schools[(schools["school_code"] == code_or_name.strip()) | by_name]
    if len(found) != 1:
        raise _refused(schools if found.empty else found, code_or_name, several=len(found) > 1)
    code, name = found.iloc[0][["school_code", "school_name"]]
    return School(code, name, run)


def _refused(schools: pd.DataFrame, wanted: str, *, several: bool) -> UsageError:
    names = schools["school_name"].tolist()
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.3) or names[:3]
    problem = "several schools" if several else "no school"
    return UsageError(f"This run has {problem} of that code or name.", f"For example: {', '.join(near)}.")
