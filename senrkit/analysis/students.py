"""One student of a run, found by SSID or local id."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from senrkit.analysis.typed import typed
from senrkit.errors import UsageError
from senrkit.results.folder import ENROLLMENTS, FINDINGS, INFORMATION, LEFT_OUT, PROPOSAL
from senrkit.results.tables import unpacked
from senrkit.student import explain, identified, numbers, of_number, own
from senrkit.texts.card import Carded

if TYPE_CHECKING:
    import pandas as pd

    from senrkit.analysis.run import Run
    from senrkit.figures import Chart


@dataclass(frozen=True, repr=False)
class Student(Carded):
    """Both sides of one student, with the decision and why. It prints without the student's numbers.

    Attributes
    ----------
    ssids : tuple of str
        Two when the sides disagree.
    local_ids : tuple of str
        The student's numbers in Aeries.
    """

    run: Run
    ssids: tuple[str, ...]
    local_ids: tuple[str, ...]

    def card(self) -> dict[str, str]:
        """How many rows there are of what; no student."""
        return {
            "SSIDs": f"{len(self.ssids)}",
            "proposed": f"{len(self.proposal):,} rows",
            "findings": f"{len(self.findings):,} rows",
            "left out": f"{len(self.left_out):,} rows",
            "run": self.run.manifest["run_id"],
        }

    @cached_property
    def enrollments(self) -> pd.DataFrame:
        """Both sides, one above the other, as `Run.enrollments`; of a student without anything to do, read again."""
        kept = self._own(ENROLLMENTS)
        if kept.height:
            return typed(kept, "enrollments")
        import pandas as pd

        sides = pd.concat({"calpads": self.state, "aeries": self.spells}, names=["side"]).reset_index("side")
        names = self.run.enrollments.columns
        return sides.assign(school_name=sides["school_name"].fillna("")).reset_index(drop=True)[names]

    @cached_property
    def state(self) -> pd.DataFrame:
        """The rows that CALPADS holds of the student in any year, whole, as `Run.state`: read again."""
        return self._of(self.run.state)

    @cached_property
    def spells(self) -> pd.DataFrame:
        """The enrollments of the year by Aeries, as `Run.spells`: read again."""
        return self._of(self.run.spells)

    @cached_property
    def proposal(self) -> pd.DataFrame:
        """What is proposed, as `Run.proposal`."""
        return typed(self._own(PROPOSAL), "proposal")

    @cached_property
    def changes(self) -> pd.DataFrame:
        """What updates change, as `Run.changes`."""
        return typed(unpacked(self._own(PROPOSAL)), "changes")

    @cached_property
    def findings(self) -> pd.DataFrame:
        """What CALPADS is expected to say, as `Run.findings`."""
        return typed(self._own(FINDINGS), "findings")

    @cached_property
    def left_out(self) -> pd.DataFrame:
        """Aeries rows that make no enrollment, as `Run.left_out`."""
        return typed(self._own(LEFT_OUT), "left_out")

    @cached_property
    def information(self) -> pd.DataFrame:
        """What else to know, as `Run.information`."""
        return typed(self._own(INFORMATION), "information")

    def figure(self) -> Chart:
        """Both sides on one line of time."""
        from senrkit.figures import student_timeline

        return student_timeline(self.run.reader, self.ssids)

    def text(self) -> str:
        """Everything in words, the numbers in full: what `senrkit student --run` prints."""
        return explain(self.run.reader.folder, (*self.ssids, *self.local_ids)[0]).text()

    def _own(self, name: str) -> pl.DataFrame:
        return own(self.run.reader.table(name), self.ssids, self.local_ids)

    def _of(self, frame: pd.DataFrame) -> pd.DataFrame:
        theirs = frame["ssid"].isin(self.ssids) | (frame["local_id"].isin(self.local_ids) & (frame["ssid"] == ""))
        return frame[theirs].reset_index(drop=True)


def find_student(run: Run, identifier: str) -> Student:
    """By SSID or local id: from the run folder, or else from both sides, read again.

    Raises
    ------
    UsageError
        when nobody has that number.
    InputError
        when both sides have to be read and are no longer those of the run.
    """
    identifier = identifier.strip()
    ssids, local_ids = identified(run.reader, identifier)
    if not ssids and not local_ids and run.folder is not None:
        columns = ["ssid", "local_id"]
        known = numbers(pl.from_pandas(side[columns]) for side in (run.state, run.spells))
        ssids, local_ids = of_number(known, identifier)
    if not ssids and not local_ids:
        raise UsageError(
            "Neither CALPADS nor Aeries knows this SSID or local id.", "Check the number; leading zeros count."
        )
    return Student(run, ssids, local_ids)
