"""A run, shown part by part in a notebook: each method gives something to display."""

from __future__ import annotations

import datetime as dt
import html
import json
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from senrkit.errors import Stopped
from senrkit.figures import markup
from senrkit.notebook.found import School, Student, find_school, find_student
from senrkit.notebook.history import Comparison, compared
from senrkit.results import masking
from senrkit.results.folder import RunFolder
from senrkit.results.tables import ACTIONS, SENT
from senrkit.settings.settings import load_settings
from senrkit.texts import wording

if TYPE_CHECKING:
    from IPython.display import HTML

    from senrkit.notebook.charts import ClickableChart
    from senrkit.notebook.language import LanguagePage
    from senrkit.notebook.what_if import WhatIf

RUN_MIME = "application/vnd.senrkit.run+json"
_SIGNS = {"passed": "✔", "stopped": "✖", "accepted": "☞", "warning": "⚠"}
_BIG_FILE = 1024


class RunPage:
    """A run and whether its students may be shown. Opening one tells the runner of the notebook which run it is."""

    def __init__(self, run: RunFolder, show_students: bool, *, is_new: bool = False) -> None:
        self.run = run
        self.show_students = show_students
        _announce(run, is_new)

    def status(self) -> HTML:
        """First of all: what came of the run, and what to do next."""
        manifest, counts = self.run.manifest, self.run.counts
        about = (
            f"LEA {manifest['lea']} · {manifest['school_year']} · as of {manifest['as_of']} · "
            f"run {manifest['run_number']}, made {manifest['made'][:16].replace('T', ' ')}"
        )
        if self.run.stopped:
            why = [
                f"{one['id']}, {one['title'].lower()}: {one['evidence']} What to do: {one['cure']}"
                for one in self.run.stops
            ]
            return markup.box("stopped", "Stopped before anything was decided. No file was written.", [*why, about])
        changes = sum(counts[action] for action in SENT)
        if not changes and not counts["hold"]:
            return markup.box(
                "done", f"Nothing to change: CALPADS and Aeries agree on {counts['same']:,} enrollments.", [about]
            )
        files = len(manifest["files"])
        said = (
            f"{changes:,} changes in {files} file{'' if files == 1 else 's'}; {counts['same']:,} enrollments need none."
        )
        if not counts["hold"]:
            return markup.box("done", said, [about])
        held = f"{counts['hold']:,} items are held: nothing is sent for these students until a person has looked."
        return markup.box("held", said, [held, about])

    def inputs(self) -> HTML:
        """What was read, with rows and hashes; the extract as it was recognized."""
        rows = [
            (
                entry["role"].replace("_", " "),
                entry["name"],
                f"{entry['rows']:,}" if "rows" in entry else "",
                entry["sha256"][:16],
            )
            for entry in self.run.manifest["inputs"]
        ]
        layout = self.run.manifest["layout"]
        said = "The extract is a SENR ODS extract with {columns} columns ({id}), {encoding}."
        known = [said.format(**layout)] if layout else []
        return markup.joined(
            *map(markup.paragraph, [*known, *self.run.manifest["notes"]]),
            markup.table(["what", "name", "rows", "SHA-256 begins"], rows, numbers=(2,)),
        )

    def lights(self) -> HTML:
        """The preconditions with sign, word and evidence; those that need a person first."""
        order = ["stopped", "warning", "accepted", "passed"]
        found = sorted(self.run.manifest["preconditions"], key=lambda one: order.index(one["state"]))
        rows = [
            (
                f"{_SIGNS[one['state']]} {wording.phrase('state', one['state']).title}",
                one["id"],
                one["title"],
                one["evidence"],
                "" if one["state"] == "passed" else one["cure"],
            )
            for one in found
        ]
        return markup.joined(markup.table(["result", "id", "what is checked", "evidence", "what to do"], rows))

    def balance(self) -> HTML:
        """Does it add up? Every row read is accounted for."""
        if self.run.stopped:
            return self._nothing()
        rows = [
            (
                wording.phrase("balance", name).title,
                f"{line['total']:,}",
                " + ".join(f"{count:,} {wording.phrase('part', part).title}" for part, count in line["parts"].items()),
            )
            for name, line in self.run.manifest["balance"].items()
        ]
        return markup.joined(markup.table(["", "rows", "of which"], rows, numbers=(1,)))

    def reasons(self) -> HTML:
        """Every action and reason with its count and what it means."""
        if self.run.stopped:
            return self._nothing()
        whole = sum(self.run.counts.values())
        by_reason = self.run.manifest["counts"]["reason"]
        rows = []
        for name in ACTIONS:
            action, count = wording.phrase("action", name), self.run.counts[name]
            rows.append((action.title, f"{count:,}", f"{count / whole:.1%}" if whole else "", "", "", action.sentence))
            for reason, part in by_reason.get(name, {}).items():
                why = wording.phrase(name, reason)
                rows.append(("", "", "", f"{part:,}", why.title, why.sentence))
        headings = ["action", "in all", "of all", "of these", "why", "what it means"]
        return markup.joined(markup.table(headings, rows, numbers=(1, 2, 3)))

    def proposal(self, action: str = "") -> HTML:
        """The proposal, or one action of it, as a table to search and sort."""
        rows = self.run.proposal
        rows = rows[rows["action"] == action] if action else rows
        return self._searchable(rows, "Nothing is proposed.")

    def findings(self) -> HTML:
        """What CALPADS is expected to say."""
        return self._searchable(self.run.findings, "No finding is predicted.")

    def left_out(self) -> HTML:
        """Aeries rows that were not used, and why."""
        return self._searchable(self.run.left_out, "Every enrollment in Aeries was used.")

    def files(self) -> HTML:
        """The files in upload order, what each does, with link, size and hash; then what is missing and why."""
        if self.run.stopped:
            return self._nothing()
        rows = [
            (
                str(entry["number"]),
                markup.link(self._address("submission", entry["name"]), entry["name"]),
                wording.phrase("step", entry["step"]).sentence,
                f"{entry['rows']:,}",
                _size(entry["bytes"]),
                entry["sha256"][:16],
            )
            for entry in self.run.manifest["files"]
        ]
        others = [
            "submission/READ_ME_FIRST.txt",
            *(f"submission/{path.name}" for path in sorted((self.run.folder / "submission").glob("*.zip"))),
            "report.xlsx",
            "proposal.csv",
        ]
        links = " · ".join(markup.link(self._address(*name.split("/")), Path(name).name) for name in others)
        missing = [
            f"No file {one['step'].replace('_', ' ')}: {one['why']}" for one in self.run.manifest["missing_steps"]
        ]
        table = markup.table(
            ["no.", "file", "what it does", "records", "size", "SHA-256 begins"], rows, numbers=(3, 4), raw=(1,)
        )
        said = table if rows else markup.paragraph(wording.phrase("block", "files").cure)
        return markup.joined(
            said,
            f"<p>Beside them: {links}</p>",
            *map(markup.paragraph, [*missing, f"The run folder: {self.run.folder}"]),
        )

    def covering_sheet(self) -> HTML:
        """`READ_ME_FIRST.txt`, as it goes with the files."""
        if self.run.stopped:
            return self._nothing()
        words = (self.run.folder / "submission" / "READ_ME_FIRST.txt").read_text(encoding="utf-8")
        return markup.joined(f"<pre>{html.escape(words)}</pre>")

    def student(self, identifier: str = "") -> Student:
        """One student, by SSID or local id; empty: the first with a delete, or else the first of the proposal.

        Raises
        ------
        UsageError
            when the run has nothing to say of the identifier.
        """
        return find_student(self.run, identifier.strip(), self.show_students)

    def school(self, code_or_name: str = "") -> School:
        """One school, by state code or part of its name; empty: the one with the most to do.

        Raises
        ------
        UsageError
            when the run has no such school, or several.
        """
        return find_school(self.run, code_or_name.strip())

    def compare(self, earlier: str = "") -> Comparison:
        """This run against an earlier one; empty: the one before it that was not stopped.

        Raises
        ------
        InputError
            when `earlier` is not the folder of a run.
        """
        return compared(self.run, self.history, earlier, self.show_students)

    def language(self) -> LanguagePage:
        """Language status, compared now, with the settings of the run.

        Raises
        ------
        UsageError, InputError, Stopped
            as `language.work.run_language`, or when the settings file is no longer there.
        """
        from senrkit.notebook.language import compare_language

        as_of = dt.date.fromisoformat(self.run.manifest["as_of"])
        settings = load_settings(self.run.manifest["settings"]["file"], as_of=as_of)
        return compare_language(settings, self.show_students)

    def chart(self, name: str) -> ClickableChart:
        """One of `senrkit.figures`, by name; a click on a bar or a cell lists the students behind it below."""
        from senrkit import figures
        from senrkit.notebook.charts import ClickableChart

        return ClickableChart(getattr(figures, name)(self.run), self.show_students)

    def what_if(self, setting: str = "", value: object = "", **process: object) -> WhatIf:
        """What would be proposed with another setting of `[process]`, or with several. Nothing is written.

        Parameters
        ----------
        setting, value
            One of them by its name, what it says as text; others follow by name, as Python has them.

        Raises
        ------
        UsageError
            for settings that cannot be.
        InputError, Stopped
            when the inputs are no longer those of the run, or a precondition stops the comparison.
        """
        from senrkit.notebook.what_if import tried

        return tried(self.run, ({setting: value} if setting else {}) | process, self.show_students)

    def table(self, rows: pd.DataFrame, empty: str = "Nothing to show.") -> HTML:
        """Any rows as a table to search and sort, masked like everything else."""
        return self._searchable(rows, empty)

    @cached_property
    def history(self) -> list[RunFolder]:
        """The runs beside this one that were made before it, oldest first, and this one."""
        from senrkit.results.folder import runs_beside

        return runs_beside(self.run)

    def finish(self) -> None:
        """The end of a scheduled run.

        Raises
        ------
        Stopped
            when a precondition stopped the run, so that the scheduler sees it.
        """
        if self.run.stopped:
            stop = self.run.stops[0]
            raise Stopped(f"Stopped by {stop['id']}, {stop['title'].lower()}: {stop['evidence']}", stop["cure"])

    def _searchable(self, rows: pd.DataFrame, empty: str) -> HTML:
        if self.run.stopped:
            return self._nothing()
        return markup.searchable(masking.masked(rows, self.show_students), empty)

    def _nothing(self) -> HTML:
        ids = " and ".join(one["id"] for one in self.run.stops)
        return markup.joined(markup.paragraph(f"The run was stopped by {ids}: there is nothing to show here."))

    def _address(self, *parts: str) -> str:
        place = self.run.folder.joinpath(*parts)
        try:
            return Path(os.path.relpath(place)).as_posix()
        except ValueError:  # another drive of Windows
            return place.absolute().as_uri()


def _announce(run: RunFolder, is_new: bool) -> None:
    """An output that nobody sees, for whoever runs the notebook: the run folder, its exit code, and whether the
    notebook has made it."""
    from IPython.display import display

    said = {"folder": str(run.folder.absolute()), "exit_code": run.exit_code, "is_new": is_new}
    display({RUN_MIME: json.loads(json.dumps(said))}, raw=True)


def _size(number: int) -> str:
    return f"{number:,} bytes" if number < _BIG_FILE else f"{number / _BIG_FILE:,.0f} KB"
