"""Two runs against each other, for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from senrkit.figures import markup
from senrkit.frames.pandas_door import to_pandas
from senrkit.results import changes, masking
from senrkit.results.changes import STATES, change_counts
from senrkit.results.folder import RunFolder

if TYPE_CHECKING:
    from IPython.display import HTML

_MEANING = {
    "new": "not in the earlier run",
    "back": "not in the earlier run, but in one before it",
    "open": "in both runs",
    "solved": "in the earlier run only",
}


@dataclass(frozen=True)
class Comparison:
    """`earlier` is `None` when there is no run to compare with; `rows` as `results.changes.compared` gives them."""

    earlier: RunFolder | None
    rows: pd.DataFrame
    show_students: bool

    def counts(self) -> HTML:
        """How many are new, have come back, are still open, are solved."""
        if self.earlier is None:
            return markup.joined(
                markup.paragraph(
                    "There is no earlier run to compare with: run `01_load` again after you have sent the files."
                )
            )
        counted = change_counts(self.rows)
        rows = [(state, f"{counted[state]:,}", _MEANING[state]) for state in STATES]
        about = f"Compared with run {self.earlier.manifest['run_number']}, as of {self.earlier.manifest['as_of']}."
        return markup.joined(
            markup.paragraph(about), markup.table(["", "how many", "what it means"], rows, numbers=(1,))
        )

    def table(self) -> HTML:
        """Every discrepancy of either run."""
        shown = markup.for_people(masking.masked(self.rows, self.show_students))
        if len(shown):
            shown["Days"] = self.rows["age"]
        return markup.searchable(shown, "No discrepancy in either run.", worded=True)


def compared(run: RunFolder, history: Sequence[RunFolder], earlier: str, show_students: bool) -> Comparison:
    """A run against the folder `earlier`; empty: the newest of `history` before it that was not stopped.

    Raises
    ------
    InputError
        when `earlier` is not the folder of a run.
    """
    older = [one for one in history if one.folder.resolve() != run.folder.resolve() and not one.stopped]
    if earlier:
        with_it = RunFolder.open(Path(earlier))
        older = [one for one in older if one.manifest["made"] < with_it.manifest["made"]]
    elif older:
        *older, with_it = older
    else:
        return Comparison(None, to_pandas(changes.compared(run, run).clear()), show_students)
    return Comparison(with_it, to_pandas(changes.compared(run, with_it, older)), show_students)
