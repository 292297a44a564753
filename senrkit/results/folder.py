"""A finished run as frames, from its folder alone: what figures, notebooks and the dashboard read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from polars import col

from senrkit.errors import InputError
from senrkit.frames import days
from senrkit.frames.pandas_door import to_pandas
from senrkit.results.tables import (
    ACTIONS,
    ADDED_COLUMNS,
    FINDINGS_COLUMNS,
    INFORMATION_COLUMNS,
    LEFT_OUT_COLUMNS,
    PROPOSAL_COLUMNS,
    TO_DO,
)
from senrkit.texts.card import Carded

if TYPE_CHECKING:
    import pandas as pd

MANIFEST = "manifest.json"
PROPOSAL, ENROLLMENTS, INFORMATION = "proposal.csv", "enrollments.csv", "information.csv"
LEFT_OUT, FINDINGS = "left_out.csv", "findings.csv"
_CAME_LATER = (ENROLLMENTS, INFORMATION)
SCHOOL_COLUMNS = ("school_code", "school_name", *ACTIONS, "to_do", "enrollments", "rate")
CENSUS_COLUMNS = ("school_code", "school_name", "grade", "now", "aeries", "after")
# Of the proposal, what tells in a comparison of two runs who, where and what.
COMPARED_COLUMNS = (
    "school_code", "school_name", "ssid", "local_id", "grade", "start_date", "action", "reason", "hold_detail",
    "first_seen", "start_key",
)  # fmt: skip
_NO_RUN = "Name a run folder: one that holds manifest.json, as runs/2026-11-23_0123456."
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    PROPOSAL: PROPOSAL_COLUMNS,
    LEFT_OUT: LEFT_OUT_COLUMNS,
    FINDINGS: FINDINGS_COLUMNS,
    INFORMATION: INFORMATION_COLUMNS,
    ENROLLMENTS: (
        "side", "ssid", "local_id", "school_code", "school_name", "start_date", "exit_date", "exit_reason", "status",
        "grade",
    ),
}  # fmt: skip


def checked_manifest(data: bytes, folder: Path) -> dict[str, Any]:
    """The manifest of the run in `folder`, from its bytes. Raises `InputError` when they are none."""
    try:
        manifest = json.loads(data)
    except ValueError:
        raise InputError(f"{folder / MANIFEST} is damaged.", "Run again, or open another run.") from None
    if not isinstance(manifest, dict) or not {"run_id", "preconditions", "counts"} <= manifest.keys():
        raise InputError(f"{folder / MANIFEST} is not the manifest of a run.", _NO_RUN)
    return manifest


@dataclass(frozen=True, repr=False)
class RunFolder(Carded):
    """One run. A stopped run has its manifest, and every frame empty.

    All columns of the frames are text, blank `""`; the columns are those of the files of the same names.
    """

    folder: Path
    manifest: Mapping[str, Any]

    @classmethod
    def open(cls, folder: Path | str) -> RunFolder:
        """Read the manifest; the tables are read when they are first asked for.

        Raises
        ------
        InputError
            when this is not the folder of a run.
        """
        folder = Path(folder)
        try:
            data = (folder / MANIFEST).read_bytes()
        except OSError:
            raise InputError(f"{folder} is not the folder of a run: it holds no {MANIFEST}.", _NO_RUN) from None
        return cls(folder, checked_manifest(data, folder))

    @property
    def stops(self) -> list[dict[str, Any]]:
        """The preconditions that stopped the run; empty when it went through."""
        return [dict(one) for one in self.manifest["preconditions"] if one["state"] == "stopped"]

    @property
    def stopped(self) -> bool:
        return self.manifest["counts"] is None

    @property
    def exit_code(self) -> int:
        """0 done, 4 stopped by a precondition, 5 done but students are held."""
        if self.stopped:
            return 4
        return 5 if self.counts["hold"] else 0

    @cached_property
    def proposal(self) -> pd.DataFrame:
        """One row per action other than `same`."""
        return to_pandas(self.table(PROPOSAL))

    @cached_property
    def left_out(self) -> pd.DataFrame:
        """Aeries rows that were not used."""
        return to_pandas(self.table(LEFT_OUT))

    @cached_property
    def findings(self) -> pd.DataFrame:
        """Predicted findings."""
        return to_pandas(self.table(FINDINGS))

    @cached_property
    def enrollments(self) -> pd.DataFrame:
        """What both sides hold of every student with an action other than `same` (see `both_sides`)."""
        return to_pandas(self.table(ENROLLMENTS))

    @property
    def counts(self) -> dict[str, int]:
        """How many of each action."""
        counted = (self.manifest["counts"] or {}).get("action", {})
        return {action: counted.get(action, 0) for action in ACTIONS}

    @cached_property
    def schools(self) -> pd.DataFrame:
        """Every school of the run: `school_code`, `school_name`, a count for each action, `to_do` and `enrollments`
        (all that were looked at; int64), and `rate`, the one of the other (float64).

        In the one order that all charts share: most to do first, then by code.
        """
        counts = self.manifest["counts"] or {"school": {}, "school_name": {}}
        rows = [
            (code, counts["school_name"].get(code, "") or code, *(by_action.get(action, 0) for action in ACTIONS))
            for code, by_action in counts["school"].items()
        ]
        schema = {"school_code": pl.String, "school_name": pl.String, **dict.fromkeys(ACTIONS, pl.Int64)}
        table = pl.DataFrame(rows, schema, orient="row").with_columns(
            to_do=pl.sum_horizontal(TO_DO), enrollments=pl.sum_horizontal(ACTIONS)
        )
        table = table.with_columns(rate=pl.when(col.enrollments > 0).then(col.to_do / col.enrollments))
        return to_pandas(table.sort("to_do", "school_code", descending=[True, False]))

    @cached_property
    def census(self) -> pd.DataFrame:
        """Open enrollments on census day: `school_code`, `school_name`, `grade`, counts `now`, `aeries`, `after`."""
        forecast = self.manifest.get("what_if") or {"schools": {}}
        rows = [
            (code, school["school_name"] or code, grade, counts["now"], counts["aeries"], counts["after"])
            for code, school in forecast["schools"].items()
            for grade, counts in school["grades"].items()
        ]
        texts, numbers = ("school_code", "school_name", "grade"), ("now", "aeries", "after")
        schema = dict.fromkeys(texts, pl.String) | dict.fromkeys(numbers, pl.Int64)
        return to_pandas(pl.DataFrame(rows, schema, orient="row"))

    def table(self, name: str) -> pl.DataFrame:
        """One of the tables, as the core holds it."""
        columns = list(_COLUMNS[name])
        # A run made before the file existed, or one that was stopped, has none of it.
        if self.stopped or (name in _CAME_LATER and not (self.folder / name).exists()):
            return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
        try:
            table = pl.read_csv(self.folder / name, infer_schema=False, empty_string_is_null=False)
        except (OSError, pl.exceptions.PolarsError):
            # What the library says of a damaged table would quote a pupil's row.
            raise InputError(
                f"{self.folder / name} is missing or damaged.", "Run again, or open another run."
            ) from None
        missing = [column for column in columns if column not in table.columns and column not in ADDED_COLUMNS]
        if missing:
            raise InputError(f"{self.folder / name} has no column {', '.join(missing)}.", "Run again.")
        # The tables guard text that a spreadsheet would run as a formula with an apostrophe.
        plain = table.with_columns(col(pl.String).str.replace(r"^'([=+\-@\t\r\n])", "$1"))
        return _in_todays_writing(plain, columns)


def _in_todays_writing(table: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """A table of whichever senrkit: dates ISO, the start as a key beside them, columns that came later blank."""
    table = table.with_columns(pl.lit("").alias(name) for name in columns if name not in table.columns)
    if "start_key" in columns:
        table = table.with_columns(start_key=days.iso_to_key(col.start_date))
    return table.with_columns(
        days.key_to_iso(col(name)) for name in ("start_date", "exit_date") if name in table.columns
    )


def runs_beside(run: RunFolder) -> list[RunFolder]:
    """Every run in the folder that a run stands in, oldest first, up to that run."""
    folders = [folder.resolve() for folder in run_folders(run.folder.parent)]
    own = run.folder.resolve()
    return [RunFolder.open(folder) for folder in folders[: folders.index(own)]] + [run]


def run_folders(runs: Path | str) -> list[Path]:
    """The run folders in a `runs` folder, oldest first by the time they were made."""
    found = []
    for manifest in Path(runs).glob(f"*/{MANIFEST}"):
        try:
            found.append((json.loads(manifest.read_text(encoding="utf-8"))["made"], manifest.parent))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return [folder for _, folder in sorted(found)]
