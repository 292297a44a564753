"""What has posted and no extract shows yet: laid over the extract, so that it is not proposed again (closed_loop.md 6).

Applied in file order by the same model of CALPADS' store that foretells its answers. What was only sent is never laid
over; nor is what the extract is newer than: there the extract is the truth.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from senrkit.calpads.rule import CheckContext
from senrkit.calpads.store import Store
from senrkit.inputs.extract.senr import Extract
from senrkit.inputs.extract.state_rows import StateRows
from senrkit.ledger import arrivals
from senrkit.ledger.arrivals import DELETE, KEY, copy_of
from senrkit.ledger.journal import Journal
from senrkit.ledger.states import MISSING, File, States, states
from senrkit.ledger.weeks import first_seen, refused
from senrkit.settings.settings import Settings
from senrkit.texts.card import Carded


@dataclass(frozen=True, repr=False)
class Overlay(Carded):
    """The extract with what has posted since.

    Attributes
    ----------
    rows
        All rows as they should stand in CALPADS now.
    files
        The posted files, in order.
    laid
        Of each row that only the overlay has or has otherwise, its key and `said`: when it posted, with which job.
    taken_off
        How many rows of the extract a posted delete has taken away.
    """

    rows: StateRows
    files: tuple[File, ...]
    laid: pl.DataFrame
    taken_off: int

    def document(self) -> dict[str, object]:
        """For the manifest."""
        files = [
            {"run": file.run, "number": file.number, "posted": str(file.posted_on), "job": file.job or None}
            for file in self.files
        ]
        return {"rows": len(self.laid), "files": files}

    def digests(self) -> list[str]:
        """Of the files, in order: the overlay is an input of the run."""
        return [file.sha256 for file in self.files]


@dataclass(frozen=True, repr=False)
class Postings(Carded):
    """What the ledger says of files that have posted.

    Attributes
    ----------
    newest
        The day of the newest posting; `None` when none is known.
    overlay
        What is laid over the extract; `None` when it shows everything, or nobody wants that.
    absent
        SSIDs of those who were posted twice and never arrived.
    first_seen
        As `weeks.first_seen`.
    refused
        As `weeks.refused`.
    """

    newest: dt.date | None
    overlay: Overlay | None
    absent: pl.Series
    first_seen: pl.DataFrame
    refused: pl.DataFrame

    @classmethod
    def of(cls, settings: Settings, extract: Extract, overlay: bool = True) -> Postings:
        """Read the ledger, and judge what was sent by this extract; nothing is written.

        Raises
        ------
        InputError
            when the ledger cannot be read.
        """
        journal = arrivals.judged_by(Journal.open(settings.output.runs).of(settings.lea), settings, extract)
        now = states(journal, settings.as_of)
        posted = now.posted()
        files = newer(extract, posted) if overlay else []
        return cls(
            max((file.posted_on for file in posted), default=None),
            laid_over(extract, journal, files, settings),
            absent_twice(journal, now),
            first_seen(journal),
            refused(journal, now),
        )

    @property
    def laid(self) -> int:
        """How many rows are laid over the extract."""
        return 0 if self.overlay is None else len(self.overlay.laid)

    @property
    def taken_off(self) -> int:
        """How many rows of the extract are taken away."""
        return 0 if self.overlay is None else self.overlay.taken_off

    def over(self, extract: Extract) -> Extract:
        """The extract with what has posted since."""
        return extract if self.overlay is None else replace(extract, state=self.overlay.rows)

    def document(self, actions: pl.DataFrame) -> dict[str, object] | None:
        """For the manifest: rows laid over, those of them that are the same on both sides now, and the files."""
        if self.overlay is None:
            return None
        same = actions.filter(pl.col("action") == "same").join(self.overlay.laid, on=list(KEY), how="semi")
        return {"same": len(same), **self.overlay.document()}


def newer(extract: Extract, posted: Sequence[File]) -> list[File]:
    """The posted files that the extract cannot show in full: posted on its newest day or later."""
    newest = extract.newest_update if posted else None
    return [file for file in posted if newest is None or file.posted_on >= newest]


def laid_over(extract: Extract, journal: Journal, files: Sequence[File], settings: Settings) -> Overlay | None:
    """The overlay of these files; `None` when there is none."""
    records = [(file, rows) for file in files if (rows := copy_of(journal, file)) is not None]
    if not records:
        return None
    students = pl.concat([rows.select("ssid") for _, rows in records]).unique()
    store = Store(extract.state).opened(students)
    before = store.rows_of(students)
    for file, rows in records:
        store = store.posted(rows, _on(file.posted_on, settings))
    after = store.rows_of(students)
    said = pl.concat([rows.select(*KEY, said=pl.lit(_said(file))) for file, rows in records if len(rows)])
    changed = after.join(before, on=[name for name in before.columns if name not in _OF_THE_UPLOAD], how="anti")
    laid = changed.select(KEY).join(said.unique(KEY, keep="last"), on=list(KEY), how="inner")
    others = ~pl.col("ssid").is_in(students["ssid"].implode())
    taken_off = len(before.join(after, on=list(KEY), how="anti"))
    return Overlay(extract.state.replaced(others, after), tuple(file for file, _ in records), laid, taken_off)


def absent_twice(journal: Journal, now: States) -> pl.Series:
    """SSIDs of students one of whose records was posted in two files, and a later extract shows it after neither."""
    parts = []
    for file in now.files:
        missing = [sequence for sequence, state in file.records().items() if state == MISSING]
        if missing and (rows := copy_of(journal, file)) is not None:
            at = pl.Series(missing, dtype=pl.Int64) - file.first
            parts.append(rows[at].select(*KEY, "transaction"))
    if not parts:
        return pl.Series("ssid", [], dtype=pl.String)
    kind = (pl.col("transaction") == DELETE).alias("is_delete")
    counted = pl.concat(parts).group_by(*KEY, kind).len()
    return counted.filter(pl.col("len") > 1)["ssid"].unique().sort()


# Days of the record itself, which differ by the overlay's own doing.
_OF_THE_UPLOAD = ("upload_date", "last_updated")


def _on(day: dt.date | None, settings: Settings) -> CheckContext:
    assert day is not None, "A posted file has its day."
    return CheckContext(settings.school_year, day, settings.lea, settings.charter)


def _said(file: File) -> str:
    job = f" (job {file.job})" if file.job else ""
    return f"Posted on {file.posted_on}{job}, not yet in the extract."
