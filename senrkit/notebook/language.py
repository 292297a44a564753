"""Language status in a notebook: what `senrkit language` would find, shown part by part. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from senrkit.frames import dates, text
from senrkit.language import tables
from senrkit.language.classes import CLASSES, PROPOSED, REFUSED
from senrkit.notebook import markup
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
    found: pd.DataFrame | None
    show_students: bool

    def status(self) -> HTML:
        """First of all: is there something to bring into Aeries?"""
        if self.found is None:
            cure = "Set sela_extract under [calpads] to see language status here."
            return markup.box("held", "The settings name no SELA extract.", [cure])
        new, refused = (int(self.found["class"].isin(of).sum()) for of in (PROPOSED, [REFUSED]))
        said = f"{new:,} students are newly EL or IFEP and can be brought into Aeries; {refused:,} are refused."
        how = "`senrkit language` writes the import files; `senrkit language --apply` writes to Aeries' database."
        return markup.box("held" if new or refused else "done", said, [how] if new else [])

    def classes(self) -> HTML:
        """Every class and reason with its count, what it means and what to do."""
        rows = []
        for name in CLASSES:
            of_class = self._rows["class"] == name
            counts = self._rows.loc[of_class, "reason"].value_counts()
            rows.append(_line("language-class", name, "", int(of_class.sum())))
            rows += [_line("language-reason", id, name, int(count)) for id, count in counts.items() if id]
        headings = ["class", "why", "how many", "what it means", "what to do"]
        return markup.joined(markup.table(headings, rows, numbers=(2,)))

    def conflicts_by_school(self) -> HTML:
        """How many students of each school are in the conflict report."""
        names = {"status": "Different status", "date": "Different day", "total": "Together"}
        return self._shown("conflicts_by_school", tables.by_school(self._conflicts), _WHO | names)

    def conflicts(self) -> HTML:
        """The conflict report: whose status or day differs, school by school."""
        return self._shown("conflicts", self._conflicts, _WHO | _SIDES | _WHY | _WARNINGS)

    def new(self) -> HTML:
        """Who is newly EL or IFEP."""
        names = {"proposed_lf": "STU.LF becomes", "proposed_column": "Day goes into LAC"}
        return self._shown("new", tables.proposals(self._rows), _WHO | _SIDES | names | _WARNINGS)

    def refused(self) -> HTML:
        """For whom nothing is proposed, and what to do."""
        rows = self._rows[(self._rows["class"] == REFUSED).to_numpy()]
        rows = text.sorted_rows(rows, ["reason", "school_code", "ssid"])
        return self._shown("refused", rows, _WHO | _SIDES | _WHY | _WARNINGS)

    def waiting(self) -> HTML:
        """Whose status has been to be determined for long, the longest first; who is exempt is marked."""
        rows = tables.to_be_determined(self._rows, self.settings.as_of)
        names = {"grade": "Grade", "since": "Since", "days": "Days", "age": "How long"}
        return self._shown("to_be_determined", rows.assign(age=tables.worded_ages(rows["age"])), _WHO | names)

    @cached_property
    def _rows(self) -> pd.DataFrame:
        """Nobody without an extract: the status has said why."""
        return _nobody() if self.found is None else self.found

    @cached_property
    def _conflicts(self) -> pd.DataFrame:
        return tables.conflict_report(self._rows)

    def _shown(self, sheet: str, rows: pd.DataFrame, headings: Mapping[str, str]) -> HTML:
        """The rows under plain headings, masked like everything else."""
        known = {name: rows[name] for name in rows}
        for side in ("calpads", "aeries"):
            if f"{side}_day" in known:
                known[f"{side}_date"] = dates.to_iso(rows[f"{side}_day"])
        if "reason" in known:
            known["why"] = text.mapped(rows["reason"], lambda id: wording.phrase("language-reason", id).title)
            known["fix"] = text.mapped(rows["reason"], lambda id: wording.phrase("language-reason", id).cure)
        chosen = pd.DataFrame({name: known[name] for name in headings if name in known}, index=rows.index)
        shown = masking.masked(chosen, self.show_students).rename(columns=headings)
        return markup.searchable(shown, wording.phrase("language-sheet", sheet).cure, worded=True)


def compare_language(settings: Settings, show_students: bool) -> LanguagePage:
    """Read Aeries and the SELA extract of the settings and compare them.

    Raises
    ------
    UsageError, InputError, Stopped
        as `senrkit.language.run_language`.
    """
    if settings.calpads.sela_extract is None:
        return LanguagePage(settings, None, show_students)
    from senrkit.language.work import read_and_compare
    from senrkit.notebook.progress import NotebookProgress

    with NotebookProgress() as progress:
        _, found = read_and_compare(settings, progress=progress)
    return LanguagePage(settings, found, show_students)


def _nobody() -> pd.DataFrame:
    days = dict.fromkeys(("calpads_day", "aeries_day", "proposed_day"), "datetime64[s]")
    texts = (
        "ssid local_id school_code school_name class reason calpads_status aeries_status proposed_lf proposed_column"
        " warnings grade"
    )
    columns = dict.fromkeys(texts.split(), "str") | days | {"in_aeries": "bool", "left": "bool"}
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in columns.items()})


def _line(kind: str, id: str, of: str, count: int) -> tuple[str, str, str, str, str]:
    phrase = wording.phrase(kind, id)
    title, why = (wording.phrase("language-class", of).title, phrase.title) if of else (phrase.title, "")
    return title, why, f"{count:,}", phrase.sentence, phrase.cure
