"""Old run folders, and what the ledger keeps of a year that is over: listed, asked about, removed."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from senrkit.disk import moved
from senrkit.errors import InputError, UsageError
from senrkit.ledger import states
from senrkit.loop.overview import Loop
from senrkit.results.folder import run_folders
from senrkit.settings.settings import Settings


@dataclass(frozen=True)
class Old:
    """A folder that may go, and how large it is."""

    folder: Path
    made: dt.date
    bytes: int


def old_runs(settings: Settings, keep: int | None, older_than: dt.timedelta | None) -> list[Old]:
    """Run folders that may go, oldest first: all but the newest `keep`, and of these only those older than that.

    Never the newest, and never one with a file that is on its way. The ledger keeps what was sent.

    Raises
    ------
    UsageError
        when neither is given, or nothing would be kept.
    """
    if keep is None and older_than is None:
        raise UsageError("Nothing says which runs are old.", "Give --keep N, --older-than 90d, or both.")
    if keep is not None and keep < 1:
        raise UsageError("The newest run always stays.", "Give --keep 1 or more.")
    on_its_way = {file.run for file in Loop.open(settings).states.files if file.state in (states.SENT, states.EXPIRED)}
    folders = run_folders(settings.output.runs)
    found = []
    for folder in folders[: -(keep or 1)]:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        made = dt.datetime.fromisoformat(manifest["made"]).date()
        is_old = older_than is None or made < settings.as_of - older_than
        if is_old and manifest["run_id"] not in on_its_way:
            found.append(Old(folder, made, _size(folder)))
    return found


def years_over(settings: Settings) -> Mapping[str, list[Path]]:
    """School year → what the ledger keeps of its runs, for the years that are over."""
    loop = Loop.open(settings)
    found: dict[str, list[Path]] = {}
    for run in loop.states.runs.values():
        year, place = run.event["school_year"], loop.journal.folder / run.id
        if year < settings.school_year.text and place.is_dir():
            found.setdefault(year, []).append(place)
    return found


def remove(folders: Sequence[Path]) -> None:
    """Remove them, one after the other.

    Raises
    ------
    InputError
        when one cannot be removed; those before it are gone.
    """
    for folder in folders:
        try:
            # Under another name first, so that nothing takes half a run for one.
            leaving = folder.with_name(f".unfinished-senrkit-leaving-{folder.name}")
            moved(folder, leaving)
            shutil.rmtree(leaving)
        except OSError:
            raise InputError(
                f"{folder} cannot be removed.", "Check that no program has it open, and that it is yours."
            ) from None


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
