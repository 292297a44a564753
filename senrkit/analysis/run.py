"""A run as an analyst has it: pandas frames, whole and typed, from the run folder and, when asked, from both sides."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from polars import col

from senrkit.analysis import again
from senrkit.analysis.students import Student, find_student
from senrkit.analysis.typed import typed
from senrkit.errors import NotInstalled, UsageError
from senrkit.frames.pandas_door import to_pandas
from senrkit.ledger.journal import Journal
from senrkit.ledger.states import File
from senrkit.loop.overview import Loop
from senrkit.results import changes
from senrkit.results.folder import ENROLLMENTS, FINDINGS, INFORMATION, LEFT_OUT, PROPOSAL, RunFolder, runs_beside
from senrkit.results.tables import TO_DO, unpacked
from senrkit.texts import wording
from senrkit.texts.card import Carded

if TYPE_CHECKING:
    import pandas as pd

    from senrkit.analysis.schools import School
    from senrkit.analysis.shown import Shown
    from senrkit.figures import Chart
    from senrkit.settings.settings import Settings

FIGURES = (
    "by_school", "reasons_by_school", "by_grade", "by_field", "findings_by_school", "enrollment_counts", "trend",
)  # fmt: skip
HELD_COLUMNS = (
    "school_code", "school_name", "ssid", "local_id", "grade", "start_date", "exit_date", "reason", "why",
    "hold_detail", "rule", "first_seen", "age", "evidence", "cure", "start_key", "concerned",
)  # fmt: skip
FILE_COLUMNS = ("number", "step", "name", "records", "bytes", "sha256", "state", "since", "job")
PRECONDITION_COLUMNS = ("id", "title", "kind", "state", "evidence", "cure", "because", "accepted_by")


class Run(Carded):
    """A run that is over, or one that a precondition stopped. Made by `senrkit.run`, `check` and `open_run`.

    Every frame is a plain pandas frame and whole: text is `str` (blank `""`), days `datetime64[s]` (none is `NaT`),
    numbers `int64` (none is -1), flags `bool`. A frame is read or made when it is first asked for. To print one is your
    own act; `show` shows one masked. The data dictionary of the documentation has every column with its values.

    Attributes
    ----------
    folder : Path or None
        The run folder; None after `check`, which writes nothing.
    manifest : dict
        What `manifest.json` says: inputs with digests, settings, counts, balance, files. No student.
    """

    def __init__(self, reader: RunFolder, settings: Settings | None = None, *, written: bool = True) -> None:
        self.reader = reader
        self.folder: Path | None = reader.folder if written else None
        self.manifest: Mapping[str, Any] = reader.manifest
        self._settings = settings

    def card(self) -> dict[str, str]:
        """What the run prints as: LEA, day, what came of it. No student."""
        manifest, counts = self.manifest, self.reader.counts
        about = {
            "LEA": f"{manifest['lea']}, {manifest['school_year']}",
            "as of": manifest["as_of"],
            "run": manifest["run_id"],
            "folder": str(self.folder or "none: a check writes nothing"),
        }
        if self.stops:
            return about | {"stopped by": ", ".join(f"{one['id']} ({one['title']})" for one in self.stops)}
        if not self._is_decided:
            return about | {"preconditions": "passed"}
        said = ", ".join(f"{counts[action]:,} {action}" for action in (*TO_DO, "same"))
        return about | {"proposal": said, "files": f"{len(manifest['files']):,}"}

    @property
    def exit_code(self) -> int:
        """0 done, 4 stopped by a precondition, 5 done but students are held: as the command line ends."""
        if self.stops:
            return 4
        return 5 if self.reader.counts["hold"] else 0

    @property
    def stops(self) -> list[dict[str, Any]]:
        """The preconditions that stopped the run, each with `id, title, evidence, cure`; empty when none did."""
        return self.reader.stops

    # ---- what was decided

    @cached_property
    def proposal(self) -> pd.DataFrame:
        """What becomes of every enrollment that does not simply agree, one row an action.

        `sequence` (int64, place in the upload, -1 for what is not sent), `file, action, transaction, reason,
        school_code, school_name, ssid, local_id, grade` (str), `start_date, exit_date` (days), `changed, before, after`
        (str, packed; `changes` has them a row a field), `evidence, start_key, hold_detail, local_record_id` (str),
        `at_risk` (bool), `first_seen` (day), `age` (int64, days), `rule, concerned` (str).
        """
        return typed(self._decided(PROPOSAL), "proposal")

    @cached_property
    def changes(self) -> pd.DataFrame:
        """What updates change, a row a field.

        `sequence` (int64, -1 when held), `action, reason, school_code, school_name, ssid, local_id` (str),
        `start_date` (day), `field, before, after, start_key` (str).
        """
        return typed(unpacked(self._decided(PROPOSAL)), "changes")

    @cached_property
    def held(self) -> pd.DataFrame:
        """What is held, in no file, oldest first.

        `school_code, school_name, ssid, local_id, grade` (str), `start_date, exit_date` (days), `reason, why` (the
        reason in words), `hold_detail` (sub-reason), `rule` (str), `first_seen` (day), `age` (int64, days), `evidence,
        cure, start_key, concerned` (str).
        """
        rows = self._decided(PROPOSAL).filter(col.action == "hold")
        words = wording.phrases("hold")
        told = rows.with_columns(
            why=col.reason.replace({id: one.title for id, one in words.items()}),
            cure=col.reason.replace_strict({id: one.cure for id, one in words.items()}, default=""),
        ).select(HELD_COLUMNS)
        return typed(told.sort("first_seen", "school_code", "ssid", "start_key", maintain_order=True), "held")

    @cached_property
    def left_out(self) -> pd.DataFrame:
        """Aeries rows of the year that make no enrollment.

        `reason, school_code, school_name, aeries_school, ssid, local_id` (str), `start_date, exit_date` (days).
        """
        return typed(self._decided(LEFT_OUT), "left_out")

    @cached_property
    def findings(self) -> pd.DataFrame:
        """What CALPADS is expected to say.

        `file, rule, severity, school_code, ssid` (str), `start_date` (day), `fields, message, fix, start_key` (str).
        """
        return typed(self._decided(FINDINGS), "findings")

    @cached_property
    def information(self) -> pd.DataFrame:
        """What a person should know, though nothing is done about it: `kind, school_code, ssid, local_id, detail`."""
        return typed(self._decided(INFORMATION), "information")

    @cached_property
    def enrollments(self) -> pd.DataFrame:
        """Both sides of every student with something to do: CALPADS in all years, Aeries in the year of the run.

        `side` (`calpads`, `aeries`), `ssid, local_id, school_code, school_name, nps_code` (str), `start_date,
        exit_date` (days), `exit_reason, completion_status, status, grade, academic_year` (str). `state` and `spells`
        have all students.
        """
        return typed(self._decided(ENROLLMENTS), "enrollments")

    # ---- counts

    @cached_property
    def schools(self) -> pd.DataFrame:
        """One row a school, most to do first.

        `school_code, school_name` (str), a count for each action (int64), `to_do` (adds, updates, deletes and holds),
        `enrollments` (all that were looked at), `rate` (float64: `to_do` of `enrollments`).
        """
        self._refuse_a_check()
        return self.reader.schools

    @cached_property
    def census(self) -> pd.DataFrame:
        """Open enrollments on census day: `school_code, school_name, grade` (str); `now` (CALPADS), `aeries`, `after`
        (CALPADS after the files) (int64)."""
        self._refuse_a_check()
        return self.reader.census

    @cached_property
    def files(self) -> pd.DataFrame:
        """The submission files in upload order, and where each stands by the ledger.

        `number` (int64), `step, name` (str), `records, bytes` (int64), `sha256, state` (str), `since` (day), `job`
        (str).
        """
        self._refuse_a_check()
        known = self._ledger()
        rows = [
            (
                entry["number"], entry["step"], entry["name"], entry["rows"], entry["bytes"], entry["sha256"],
                *((file.state, file.on, file.job) if (file := known.get(entry["number"])) else ("", None, "")),
            )
            for entry in self.manifest["files"]
        ]  # fmt: skip
        numbers, schema = ("number", "records", "bytes"), dict.fromkeys(FILE_COLUMNS, pl.String)
        schema |= dict.fromkeys(numbers, pl.Int64) | {"since": pl.Date}
        return to_pandas(pl.DataFrame(rows, schema, orient="row"))

    @cached_property
    def preconditions(self) -> pd.DataFrame:
        """Whether the two sides could be compared: `id, title, kind, state, evidence, cure, because, accepted_by`."""
        rows = [[one[name] for name in PRECONDITION_COLUMNS] for one in self.manifest["preconditions"]]
        return to_pandas(pl.DataFrame(rows, dict.fromkeys(PRECONDITION_COLUMNS, pl.String), orient="row"))

    # ---- both sides, whole

    @cached_property
    def state(self) -> pd.DataFrame:
        """Every row of the extract, in its order, of all years and students: read again.

        The 37 columns of the SENR ODS extract as text, but `start_date, exit_date, birth_date, last_updated` as days;
        `line` (int64, in its own file) and `start_key` (the start date as it stands there). It holds names.

        Raises
        ------
        InputError
            when the extract is no longer the one that the run was made from.
        UsageError
            when the settings of the run are not to be had.
        """
        return to_pandas(again.state(self.manifest, self.settings))

    @cached_property
    def spells(self) -> pd.DataFrame:
        """Every enrollment of the year that CALPADS should hold by Aeries: read again.

        `ssid, local_id, school_code, school_name, nps_code, aeries_school, academic_year` (str), `start_date,
        exit_date` (days), `exit_reason, completion_status, status, grade` and the other SENR fields but the person's
        own (str; unknown is `NaN`), `origin, closed_by` (str), `rows` (int64), `canceled` (bool), `odd, odd_text,
        start_key` (str).

        Raises
        ------
        InputError
            when a side or the settings are no longer what the run was made from.
        UsageError
            when the settings of the run are not to be had.
        """
        return to_pandas(again.spells(self.manifest, self.settings))

    @property
    def settings(self) -> Settings:
        """The settings of the run, with its day. Raises `UsageError` when their file is gone."""
        if self._settings is None:
            self._settings = again.settings_of(self.manifest)
        return self._settings

    # ---- one student, one school, another run

    def student(self, identifier: str) -> Student:
        """One student by SSID or local id, with leading zeros: both sides, the decision, the evidence.

        Raises
        ------
        UsageError
            when the run knows nobody of that number.
        InputError
            as `state` and `spells`: both are read when the student is not in the run folder.
        """
        return find_student(self, identifier)

    def school(self, code_or_name: str) -> School:
        """One school by state code or part of its name.

        Raises
        ------
        UsageError
            when the run has no such school, or several.
        """
        from senrkit.analysis.schools import find_school

        self._refuse_a_check()
        return find_school(self.reader, code_or_name)

    def compare(self, other: Run | Path | str | None = None) -> pd.DataFrame:
        """What became of each discrepancy since an earlier run.

        `state` (`new`, `back`: solved once and there again, `open`: in both, `solved`), `school_code, school_name,
        ssid, local_id, grade` (str), `start_date` (day), `action, reason, hold_detail` (str), `first_seen` (day),
        `start_key` (str), `age` (int64, days). One enrollment is one discrepancy, whatever is proposed for it.

        Parameters
        ----------
        other
            The earlier run or its folder. Default: the newest before this one that was not stopped.

        Raises
        ------
        UsageError
            when there is no earlier run.
        InputError
            when `other` is not the folder of a run.
        """
        self._refuse_a_check()
        earlier = [run for run in runs_beside(self.reader)[:-1] if not run.stopped]
        if other is None:
            if not earlier:
                raise UsageError("There is no earlier run to compare with.", "Name one: run.compare(folder).")
            *earlier, with_it = earlier
        else:
            with_it = other.reader if isinstance(other, Run) else RunFolder.open(other)
            earlier = [run for run in earlier if run.manifest["made"] < with_it.manifest["made"]]
        return typed(changes.compared(self.reader, with_it, earlier), "comparison")

    def what_if(self, **process: object) -> pd.DataFrame:
        """What would be decided in another way with other settings of `[process]`, as
        `run.what_if(future_dates="send")`. Nothing is written; both sides are read again.

        `school_code, school_name, ssid, local_id, grade` (str), `start_date` (day), `action, reason` (the run's),
        `action_then, reason_then` (with the settings; `same` where nothing is proposed), `evidence, start_key` (str).

        Raises
        ------
        UsageError
            for settings that cannot be.
        InputError
            when the inputs are no longer those of the run, or the run was stopped.
        Stopped
            when a precondition leaves nothing to decide with these settings.
        """
        from senrkit.analysis.what_if import what_if, with_process

        self._refuse_a_check()
        return typed(what_if(self.reader, with_process(self.settings, process)), "what_if")

    # ---- to look at

    def figure(self, name: str = "by_school") -> Chart:
        """A chart with its sentence and its table: by_school, reasons_by_school, by_grade, by_field,
        findings_by_school, enrollment_counts, or trend (this run and those before it).

        Raises
        ------
        UsageError
            for another name.
        """
        self._refuse_a_check()
        if find_spec("plotly") is None:
            raise NotInstalled("A chart", ["plotly"], "lab")
        from senrkit import figures

        if name not in FIGURES:
            near = difflib.get_close_matches(name, FIGURES, n=1, cutoff=0.3)
            raise UsageError("There is no figure of that name.", f"Did you mean {near[0] if near else FIGURES[0]}?")
        return figures.trend(runs_beside(self.reader)) if name == "trend" else getattr(figures, name)(self.reader)

    def show(self, frame: pd.DataFrame) -> Shown:
        """A frame masked, as something to display: SSIDs and local ids keep their last digits, names and birth dates
        are left away. In a notebook a table to search and sort, elsewhere text."""
        from senrkit.analysis.shown import Shown

        return Shown(frame)

    def summary(self) -> str:
        """The balance, the files and what needs a person, in plain words: what `senrkit run` prints. No student."""
        from senrkit.results.summary import summary_lines

        return "\n".join(summary_lines(self.manifest, self.folder))

    @property
    def _is_decided(self) -> bool:
        return not self.reader.stopped

    def _refuse_a_check(self) -> None:
        if self.folder is None:
            raise UsageError("A check decides nothing.", "`senrkit.run` does.")

    def _decided(self, name: str) -> pl.DataFrame:
        self._refuse_a_check()
        return self.reader.table(name)

    def _ledger(self) -> Mapping[int, File]:
        """What the ledger beside the run knows of its files, by number."""
        day = self._settings.as_of if self._settings else dt.date.fromisoformat(self.manifest["as_of"])
        journal = Journal.open(Path(self.manifest["settings"]["output"]["runs"]))
        known = Loop.of(journal, self.manifest["lea"], day).states.runs.get(self.manifest["run_id"])
        return known.files if known else {}
