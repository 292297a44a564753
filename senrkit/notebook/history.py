"""From run to run, for people: the ledger week by week, by school and by reason, what waits for whom; and two runs
against each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import polars as pl

from senrkit.figures import markup
from senrkit.frames import days
from senrkit.frames.pandas_door import to_pandas
from senrkit.ledger.weeks import BACK, ITEM_STATES, NEW, ON_ITS_WAY, OPEN, SOLVED, counted, items, of_run
from senrkit.loop.overview import Loop
from senrkit.results import changes, masking
from senrkit.results.changes import STATES, change_counts
from senrkit.results.folder import RunFolder, run_folders
from senrkit.results.tables import TO_DO
from senrkit.settings.settings import Settings
from senrkit.texts import wording
from senrkit.texts.card import Carded

if TYPE_CHECKING:
    from IPython.display import HTML

    from senrkit.figures import Chart


@dataclass(frozen=True, repr=False)
class History(Carded):
    """What the ledger holds. `items` as `ledger.weeks.items` gives them; `schools` is the name by code."""

    loop: Loop
    items: pl.DataFrame
    schools: Mapping[str, str]
    show_students: bool

    @classmethod
    def of(cls, settings: Settings, show_students: bool) -> History:
        """Raises `InputError` as `Journal.open`."""
        loop = Loop.open(settings)
        folders = run_folders(settings.output.runs)
        newest = RunFolder.open(folders[-1]).manifest["counts"] if folders else None
        return cls(loop, items(loop.journal, loop.states), (newest or {}).get("school_name", {}), show_students)

    def chart(self) -> Chart:
        """New, open, on its way, back and solved, run by run."""
        from senrkit.figures import weeks

        return weeks(counted(self.items))

    def by(self, column: str) -> HTML:
        """The newest run's items by `school_code`, `reason` or `action`: how many of each state, and the oldest."""
        newest = self.items.filter(pl.col("place") == pl.col("place").max())
        oldest = newest.filter(pl.col("state") != SOLVED).group_by(column).agg(oldest_days=pl.col("age").max())
        table = counted(newest, column).drop("run", "as_of").join(oldest, on=column, how="left", maintain_order="left")
        table = table.with_columns(pl.col("oldest_days").fill_null(0))
        ordered = table.sort("open", "new", descending=True, maintain_order=True)
        rows = [(self._named(column, first), *map(str, counts)) for first, *counts in ordered.rows()]
        headings = [column.removesuffix("_code"), *ITEM_STATES, "oldest, days"]
        return markup.joined(markup.table(headings, rows, numbers=range(1, len(headings))))

    def waiting(self) -> HTML:
        """What waits for whom, file by file."""
        return markup.joined(*(markup.paragraph(line.strip()) for line in self.loop.lines()))

    def files(self, run: RunFolder) -> HTML:
        """Where each file of a run stands, and what waits; a run that the ledger does not know has told nothing."""
        known = self.loop.states.runs.get(run.manifest["run_id"])
        rows = [
            (
                str(file.number), file.name, file.state, str(file.on or ""), file.job,
                ", ".join(f"{count:,} {state}" for state, count in Counter(file.records().values()).items()),
            )
            for file in (known.files.values() if known else ())
        ]  # fmt: skip
        headings = ["no.", "file", "it is", "since", "job", "its records"]
        stand = markup.table(headings, rows) if rows else markup.paragraph("No file of this run is in the ledger.")
        return markup.joined(stand, *(markup.paragraph(line.strip()) for line in self.loop.lines()))

    def since(self, run: RunFolder) -> HTML:
        """What a run has of new, open and come back items, in one line; nothing for the first run of a ledger."""
        count = of_run(self.items, run.manifest["run_id"])
        if count is None or run.manifest["run_id"] == next(iter(self.loop.states.runs)):
            return markup.joined()
        return markup.joined(
            markup.paragraph(
                f"Since the run before: {count[NEW]:,} new, {count[OPEN]:,} still open, {count[BACK]:,} back again, "
                f"{count[ON_ITS_WAY]:,} on the way, {count[SOLVED]:,} solved. "
                f"The oldest is open for {count['oldest']:,} day{'' if count['oldest'] == 1 else 's'}."
            )
        )

    def table(self) -> HTML:
        """Every item of the newest run, the oldest first."""
        newest = self.items.filter(pl.col("place") == pl.col("place").max()).sort("age", descending=True)
        named = pl.col("school_code").replace(dict(self.schools)).alias("school_name")
        told = newest.select(
            "state", named, "ssid", "local_id", "action", "reason", start_date=days.key_to_iso(pl.col("start_key"))
        )
        shown = markup.for_people(masking.masked(to_pandas(told), self.show_students))
        shown["First seen"], shown["Days"] = newest["first_seen"].cast(pl.String).to_list(), newest["age"].to_list()
        return markup.searchable(shown, "The ledger knows of no run yet.", worded=True)

    def _named(self, column: str, id: str) -> str:
        """A school by its name, a reason or an action in words."""
        if column == "school_code":
            return self.schools.get(id) or id
        kinds = ("action",) if column == "action" else TO_DO
        return next((wording.phrase(kind, id).title for kind in kinds if id in wording.phrases(kind)), id)


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
