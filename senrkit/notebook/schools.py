"""One school of a run: what is to be done there, for whom and why."""

from __future__ import annotations

import difflib
import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from senrkit.errors import UsageError
from senrkit.notebook import markup
from senrkit.results.folder import RunFolder
from senrkit.results.tables import TO_DO
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
    if code_or_name and not schools.empty:
        wanted = code_or_name.casefold()
        by_name = schools["school_name"].str.casefold().str.contains(wanted, regex=False)
        found = schools[(schools["school_code"] == code_or_name) | by_name]
        if len(found) != 1:
            raise _refused(schools if found.empty else found, code_or_name, several=len(found) > 1)
        schools = found
    if schools.empty:
        return School("", "", run.proposal.iloc[:0])
    code, name = schools.iloc[0][["school_code", "school_name"]]
    rows = run.proposal[(run.proposal["school_code"] == code) & run.proposal["action"].isin(TO_DO)]
    return School(code, name, rows.sort_values(["action", "reason", "grade"], kind="stable", ignore_index=True))


def _refused(schools: pd.DataFrame, wanted: str, *, several: bool) -> UsageError:
    names = schools["school_name"].tolist()
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.3) or names[:3]
    problem = "several schools" if several else "no school"
    return UsageError(f"This run has {problem} of that code or name.", f"For example: {', '.join(near)}.")
