"""Which run: one made now, one that was made, or all of them as a table."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from senrkit import engine
from senrkit.addresses.address import Address
from senrkit.analysis.run import Run
from senrkit.errors import InputError
from senrkit.frames.pandas_door import to_pandas
from senrkit.ledger import states
from senrkit.ledger.journal import Journal
from senrkit.loop.overview import Loop
from senrkit.results.folder import MANIFEST, RunFolder, run_folders
from senrkit.settings.settings import Settings, load_settings

if TYPE_CHECKING:
    import pandas as pd

    from senrkit.progress import Progress

RUN_COLUMNS = (
    "run", "as_of", "made", "exit_code", "stopped_by", "add", "update", "delete", "held", "same", "files", "sent",
    "posted", "rejected", "folder",
)  # fmt: skip
SettingsOrFile = Settings | Path | Address | str
_APART = {"as_of": pl.Date, "made": pl.Datetime("ms"), **dict.fromkeys(("run", "stopped_by", "folder"), pl.String)}
_RUNS = {name: _APART.get(name, pl.Int64) for name in RUN_COLUMNS}


def run(
    settings: SettingsOrFile,
    *,
    as_of: dt.date | None = None,
    out: Path | str | None = None,
    accept: Mapping[str, str] | None = None,
    accept_deletes: int | None = None,
    decisions: Path | str | None = None,
    list_same: bool = False,
    overlay: bool = True,
    progress: Progress | None = None,
) -> Run:
    """Compare, decide, predict and write the files of one LEA into a run folder, as `senrkit run` does.

    Parameters
    ----------
    settings
        The settings file, or what `load_settings` gave.
    as_of
        The day the run speaks for. Default: that of the settings, or today.
    out
        The run folder itself; made if missing. Default: a new one in the `runs` folder.
    accept, accept_deletes
        Soft stops accepted by name with their reason, and the exact number of deletes (P12).
    decisions
        People's decisions; default `decisions.csv` in the `runs` folder.
    list_same
        List in `proposal` also what agrees on both sides.
    overlay
        Whether what has posted since the extract was made is laid over it.
    progress
        Is told of each step (`senrkit.progress`); default: nobody is.

    Returns
    -------
    Run
        Also when a precondition stopped it: `exit_code` is 4 then, `stops` says why, and its frames are empty.

    Raises
    ------
    UsageError
        for wrong settings, an acceptance that cannot be one, or a run folder that holds files.
    InputError
        when an input cannot be read or the folder cannot be written; nothing is left behind.
    """
    known = _settings(settings, as_of)
    done = engine.run(
        known,
        out=None if out is None else Path(out),
        accept=accept,
        accept_deletes=accept_deletes,
        decisions=None if decisions is None else Path(decisions),
        list_same=list_same,
        overlay=overlay,
        progress=progress,
    )
    assert done.folder is not None
    return Run(RunFolder.open(done.folder), known)


def check(settings: SettingsOrFile, *, as_of: dt.date | None = None, progress: Progress | None = None) -> Run:
    """The preconditions only: `preconditions`, `state` and `spells` of the run can be asked. Writes nothing.

    Raises
    ------
    UsageError, InputError
        as `run` does.
    """
    known = _settings(settings, as_of)
    manifest = engine.check(known, progress=progress).manifest
    return Run(RunFolder(known.output.runs, manifest), known, written=False)


def open_run(place: SettingsOrFile, settings: SettingsOrFile | None = None) -> Run:
    """A run that was made: its folder, or a settings file, whose newest run it is then.

    Parameters
    ----------
    settings
        What the run's inputs are read again by, when `state` or `spells` is asked for. Default: the settings file that
        the run was made with.

    Raises
    ------
    InputError
        when this is not the folder of a run, or the settings have no run yet.
    UsageError
        for wrong settings.
    """
    if not isinstance(place, Settings | Address) and Path(place).is_dir():
        reader = RunFolder.open(place)
        day = dt.date.fromisoformat(reader.manifest["as_of"])
        return Run(reader, None if settings is None else _settings(settings, day))
    return Run(newest(_settings(place)))


def newest(settings: Settings) -> RunFolder:
    """The newest run of the settings. Raises `InputError` when there is none."""
    folders = run_folders(settings.output.runs)
    if not folders:
        raise InputError(f"There is no run in {settings.output.runs} yet.", "Make one: senrkit.run(settings).")
    return RunFolder.open(folders[-1])


def runs(place: SettingsOrFile) -> pd.DataFrame:
    """Every run of a settings file, or of a `runs` folder, oldest first.

    Returns
    -------
    DataFrame
        `run` (str), `as_of` (day), `made` (datetime64[ms], this computer's clock), `exit_code` (int64), `stopped_by`
        (str), `add, update, delete, held, same, files` (int64), `sent, posted, rejected` (int64: files, by the ledger),
        `folder` (str).

    Raises
    ------
    UsageError
        for wrong settings.
    InputError
        when the ledger cannot be read.
    """
    is_folder = not isinstance(place, Settings | Address) and Path(place).is_dir() and not _is_run(Path(place))
    folder = Path(place) if is_folder else _settings(place).output.runs
    opened = [RunFolder.open(each) for each in run_folders(folder)]
    day = max((dt.date.fromisoformat(each.manifest["as_of"]) for each in opened), default=dt.date.min)
    journal = Journal.open(folder)
    ledgers = {lea: Loop.of(journal, lea, day).states.runs for lea in {each.manifest["lea"] for each in opened}}
    rows = [_row(each, ledgers[each.manifest["lea"]].get(each.manifest["run_id"])) for each in opened]
    return to_pandas(pl.DataFrame(rows, _RUNS, orient="row"))


def _row(run: RunFolder, known: states.Run | None) -> Sequence[object]:
    manifest, counts = run.manifest, run.counts
    stands = [file.state for file in known.files.values()] if known else []
    made = dt.datetime.fromisoformat(manifest["made"]).replace(tzinfo=None)
    of_each = (counts[name] for name in ("add", "update", "delete", "hold", "same"))
    return (
        manifest["run_id"], dt.date.fromisoformat(manifest["as_of"]), made, run.exit_code,
        " ".join(one["id"] for one in run.stops), *of_each,
        len(manifest["files"]), *(stands.count(state) for state in (states.SENT, states.POSTED, states.REJECTED)),
        str(run.folder),
    )  # fmt: skip


def _is_run(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()


def _settings(given: SettingsOrFile, as_of: dt.date | None = None) -> Settings:
    if isinstance(given, Settings):
        return given if as_of is None else dataclasses.replace(given, as_of=as_of)
    return load_settings(given, as_of=as_of)
