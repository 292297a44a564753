"""One school of a run: what is to be done there, for whom and why."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from senrkit.analysis import schools as analysis
from senrkit.figures import markup
from senrkit.frames.pandas_door import to_pandas
from senrkit.results.folder import RunFolder
from senrkit.texts import wording

if TYPE_CHECKING:
    from IPython.display import HTML


@dataclass(frozen=True)
class School:
    """`rows`: the school's part of the proposal, with something to do, by action and reason."""

    code: str
    name: str
    rows: pd.DataFrame

    def title(self) -> HTML:
        """The school and how much there is to do."""
        if not self.code:
            return markup.joined(markup.paragraph("This run has no school to show."))
        return markup.joined(f"<h2>{html.escape(self.name)} ({self.code}): {len(self.rows):,} to do</h2>")

    def reasons(self) -> HTML:
        """Every action and reason, the most frequent first, with what it means."""
        counts = self.rows.groupby(["action", "reason"]).size().sort_values(ascending=False, kind="stable")
        rows = [
            (
                wording.phrase("action", action).title,
                wording.phrase(action, reason).title,
                f"{count:,}",
                wording.phrase(action, reason).sentence,
            )
            for (action, reason), count in counts.items()
        ]
        if not rows:
            return markup.joined(markup.paragraph("Nothing to do at this school."))
        return markup.joined(markup.table(["action", "why", "how many", "what it means"], rows, numbers=(2,)))


def find_school(run: RunFolder, code_or_name: str) -> School:
    """A school by state code or part of its name; empty: the one with the most to do, and in a run without any, none.

    Raises
    ------
    UsageError
        when the run has no such school, or several.
    """
    schools = run.schools
    if schools.empty:
        return School("", "", run.proposal.iloc[:0])
    found = analysis.find_school(run, code_or_name or schools["school_code"].iloc[0])
    return School(found.code, found.name, to_pandas(found.rows))
