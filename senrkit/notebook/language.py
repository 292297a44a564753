"""Language status in a notebook: what `senrkit language` would find, shown part by part. Nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl
from polars import col

from senrkit.figures import markup
from senrkit.frames.pandas_door import to_pandas
from senrkit.language import tables
from senrkit.language.classes import CLASSES, PROPOSED, REFUSED
from senrkit.results import masking
from senrkit.settings.settings import Settings
from senrkit.texts import wording

if TYPE_CHECKING:
    from IPython.display import HTML

_WHO = {"school_name": "School", "school_code": "School code", "ssid": "SSID", "local_id": "Local ID"}
_SIDES = {
    "calpads_status": "In CALPADS",
    "calpads_date": "CALPADS since",
    "aeries_status": "In Aeries",
    "aeries_date": "Aeries since",
}
_WHY = {"why": "Why", "fix": "What to do"}
_WARNINGS = {"warnings": "What else to know"}


@dataclass(frozen=True, eq=False)
class LanguagePage:
    """`found`: every student with class and reason (`language.classes.classify`); None without a SELA extract."""

    settings: Settings
    found: pl.DataFrame | None
    show_students: bool

    def status(self) -> HTML:
        """First of all: is there something to bring into Aeries?"""
        if self.found is None:
            cure = "Set sela_extract under [calpads] to see language status here."
            return markup.box("held", "The settings name no SELA extract.", [cure])
        new, refused = (self.found["class"].is_in(of).sum() for of in (PROPOSED, [REFUSED]))
        said = f"{new:,} students are newly EL or IFEP and can be brought into Aeries; {refused:,} are refused."
        how = "`senrkit language` writes the import files; `senrkit language --apply` writes to Aeries' database."
        return markup.box("held" if new or refused else "done", said, [how] if new else [])

    def classes(self) -> HTML:
        """Every class and reason with its count, what it means and what to do."""
        rows = []
        for name in CLASSES:
            reasons = Counter(self._rows.filter(col("class") == name)["reason"])
            whole = wording.phrase("language-class", name)
            rows.append((whole.title, f"{reasons.total():,}", "", "", whole.sentence, whole.cure))
            for id, count in reasons.most_common():
                part = wording.phrase("language-reason", id)
                rows += [("", "", f"{count:,}", part.title, part.sentence, part.cure)] if id else []
        headings = ["class", "in all", "of these", "why", "what it means", "what to do"]
        return markup.joined(markup.table(headings, rows, numbers=(1, 2)))

    def conflicts_by_school(self) -> HTML:
        """How many students of each school are in the conflict report."""
        names = {"status": "Different status", "date": "Different day", "total": "Together"}
        return self._shown("conflicts_by_school", tables.by_school(self._conflicts), _WHO | names)

    def conflicts(self) -> HTML:
        """The conflict report: whose status or day differs, school by school."""
        return self._shown("conflicts", self._conflicts, _WHO | _SIDES | _WHY | _WARNINGS)

    def new(self) -> HTML:
        """Who is newly EL or IFEP."""
        names = {
            "proposed_status": "New status",
            "proposed_date": "New since",
            "proposed_from": "Comes from",
            "proposed_lf": "STU.LF becomes",
            "proposed_column": "Day goes into LAC",
        }
        return self._shown("new", tables.proposals(self._rows), _WHO | _SIDES | names | _WARNINGS)

    def refused(self) -> HTML:
        """For whom nothing is proposed, and what to do."""
        rows = self._rows.filter(col("class") == REFUSED).sort("reason", "school_code", "ssid", maintain_order=True)
        return self._shown("refused", rows, _WHO | _SIDES | _WHY | _WARNINGS)

    def vendor(self) -> HTML:
        """What the test vendor's file says that CALPADS or Aeries does not hold, or holds differently."""
        if self.settings.calpads.elpac_file is None:
            cure = "Set elpac_file under [calpads] to see who was tested and is not in CALPADS yet."
            return markup.box("done", "The settings name no file of the test vendor.", [cure])
        names = {
            "vendor_status": "Test vendor",
            "vendor_date": "Tested on",
            **_SIDES,
            "vendor": "Why",
            "vendor_cure": "What to do",
        }
        return self._shown("vendor", tables.vendor_report(self._rows), _WHO | names)

    def waiting(self) -> HTML:
        """Whose status has been to be determined for long, the longest first; who is exempt is marked."""
        rows = tables.to_be_determined(self._rows, self.settings.as_of)
        names = {"grade": "Grade", "since": "Since", "days": "Days", "age": "How long"}
        return self._shown("to_be_determined", rows.with_columns(age=tables.worded_ages()), _WHO | names)

    @cached_property
    def _rows(self) -> pl.DataFrame:
        """Nobody without an extract: the status has said why."""
        return _nobody() if self.found is None else self.found

    @cached_property
    def _conflicts(self) -> pl.DataFrame:
        return tables.conflict_report(self._rows)

    def _shown(self, sheet: str, rows: pl.DataFrame, headings: Mapping[str, str]) -> HTML:
        """The rows under plain headings, masked like everything else."""
        if "reason" in rows.columns:
            rows = tables.worded(rows).rename({"reason": "why", "cure": "fix"})
        chosen = to_pandas(rows.select(name for name in headings if name in rows.columns))
        shown = masking.masked(chosen, self.show_students).rename(columns=headings)
        return markup.searchable(shown, wording.phrase("language-sheet", sheet).cure, worded=True)


def compare_language(settings: Settings, show_students: bool) -> LanguagePage:
    """Read Aeries and the SELA extract of the settings and compare them.

    Raises
    ------
    UsageError, InputError, Stopped
        as `language.work.run_language`.
    """
    if settings.calpads.sela_extract is None:
        return LanguagePage(settings, None, show_students)
    from senrkit.language.work import read_and_compare
    from senrkit.notebook.cell import NotebookProgress

    with NotebookProgress() as progress:
        _, found = read_and_compare(settings, progress=progress)
    return LanguagePage(settings, found, show_students)


def _nobody() -> pl.DataFrame:
    days = dict.fromkeys(("calpads_day", "aeries_day", "proposed_day", "vendor_day"), pl.Date)
    texts = (
        "ssid local_id school_code school_name class reason calpads_status aeries_status proposed_lf proposed_column"
        " proposed_status proposed_from warnings grade vendor_status vendor"
    )
    flags = dict.fromkeys(("in_aeries", "left"), pl.Boolean)
    return pl.DataFrame(schema=dict.fromkeys(texts.split(), pl.String) | days | flags)
