"""The run that is meant, and the bytes of its files: from the ledger, or from the run folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from senrkit.errors import UsageError
from senrkit.ledger.journal import Journal
from senrkit.ledger.states import File, Run
from senrkit.loop.overview import Loop
from senrkit.results.folder import run_folders
from senrkit.results.kept import keep
from senrkit.settings.settings import Settings


def run_id_of(settings: Settings, run: str | Path | None) -> str:
    """The run that is meant, known to the ledger from now on: a folder, a run id, or none for the newest."""
    runs = settings.output.runs
    if run is None:
        for folder in reversed(run_folders(runs)):
            try:
                return keep(folder, runs)
            except UsageError:
                continue  # a stopped run
        known = list(Loop.open(settings).states.runs)
        if not known:
            raise UsageError("There is no run yet.", "Run `senrkit run` first, or name a run folder.")
        return known[-1]
    for folder in (Path(run), runs / str(run)):
        if (folder / "manifest.json").is_file():
            return keep(folder, runs)
    return Loop.open(settings).states.run(str(run)).id


def bytes_of(journal: Journal, run: Run, file: File, named: str | Path | None) -> bytes | None:
    """The file as the run made it: the ledger's copy, or the run folder's."""
    kept = journal.kept(run.id, file.name)
    folders = [run.event["folder"], *([named] if named else ())]
    places = [Path(folder) / "submission" / file.name for folder in folders]
    for data in (kept, *(place.read_bytes() for place in places if place.is_file())):
        if data is not None and hashlib.sha256(data).hexdigest() == file.sha256:
            return data
    return None
