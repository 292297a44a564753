"""How everything stands: for machines, and in plain words; which run is meant, and whether what was sent arrived."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from senrkit.disk import write_all
from senrkit.errors import InputError, UsageError
from senrkit.inputs.extract.senr import read_extract
from senrkit.inputs.local import local_inputs
from senrkit.ledger import arrivals, states
from senrkit.ledger.answers import only_calpads_knows
from senrkit.ledger.arrivals import copy_of
from senrkit.ledger.foretold import by_rule
from senrkit.ledger.journal import Journal
from senrkit.ledger.states import File, Run, States
from senrkit.results.folder import run_folders
from senrkit.results.kept import keep
from senrkit.settings.settings import Settings
from senrkit.system.files import why
from senrkit.texts.card import Carded


@dataclass(frozen=True, repr=False)
class Loop(Carded):
    """The ledger of one LEA as it stands on a day."""

    journal: Journal
    states: States
    lea: str
    today: dt.date

    @classmethod
    def open(cls, settings: Settings) -> Loop:
        """Raises `InputError` as `Journal.open`."""
        return cls.of(Journal.open(settings.output.runs), settings.lea, settings.as_of)

    @classmethod
    def of(cls, journal: Journal, lea: str, today: dt.date) -> Loop:
        """How the ledger of an LEA stands on a day."""
        own = journal.of(lea)
        return cls(own, states.states(own, today), lea, today)

    def document(self, names: bool = False) -> dict[str, Any]:
        """For machines: `files` and `records` with their states; SSIDs only with `names`."""
        files = [
            {
                "run": file.run, "number": file.number, "name": file.name, "state": file.state, "job": file.job or None,
                "on": file.on.isoformat() if file.on else None, "records": len(file.sequences),
            }
            for file in self.states.files
        ]  # fmt: skip
        return {
            "files": files,
            "records": [record for file in self.states.files for record in self._records(file, names)],
        }

    def lines(self) -> list[str]:
        """What waits for whom, in plain words; no student."""
        told = [line for run in self.states.runs.values() for line in self._of_run(run)]
        if not told:
            return ["Nothing waits: no file of any run is under way."]
        notes = [
            f"Line {number:,} of the ledger was cut off and says nothing any more." for number in self.journal.damaged
        ]
        return told + notes

    def foretold(self) -> pl.DataFrame:
        """Rule by rule over all runs what was foretold and what came; no student in it (`ledger.foretold.by_rule`)."""
        return by_rule(self.journal, self.states)

    def _records(self, file: File, names: bool) -> list[dict[str, Any]]:
        number = self.states.runs[file.run].number
        rules: dict[int, list[str]] = {}
        for line in file.lines:
            rules.setdefault(line.sequence, []).append(line.rule)
        who = copy_of(self.journal, file) if names else None
        ssids = dict(zip(file.sequences, who["ssid"], strict=True)) if who is not None else {}
        return [
            {
                "run": file.run, "local_record_id": f"{number}-{sequence}", "file": file.name, "number": file.number,
                "state": state, "rules": sorted(set(rules.get(sequence, ()))),
                "since": file.on.isoformat() if file.on else None,
                **({"ssid": ssids.get(sequence)} if names else {}),
            }
            for sequence, state in file.records().items()
        ]  # fmt: skip

    def _of_run(self, run: Run) -> list[str]:
        under_way = [file for file in run.files.values() if file.state != states.WITHDRAWN]
        if not under_way:
            return []
        said = [f"Run {run.id} (as of {run.as_of})"]
        is_next = True
        for file in under_way:
            job = f", job {file.job}" if file.job else ""
            what = f"  {file.name}: {file.state} since {file.on}{job}"
            said.append(f"{what}; {self._waits(file, is_next)}")
            is_next = is_next and file.state == states.POSTED
        return said

    def _waits(self, file: File, is_next: bool) -> str:
        of_state: dict[str, int] = {}
        for state in file.records().values():
            of_state[state] = of_state.get(state, 0) + 1
        counted = ", ".join(f"{count:,} {state}" for state, count in of_state.items())
        if file.state == states.PREPARED:
            return f"{counted}; {'upload it' if is_next else 'wait until the one before has posted'}"
        if file.state == states.SENT:
            return f"{counted}; wait for CALPADS' answer, then say so: posted, or rejected"
        if file.state == states.EXPIRED:
            return (
                f"{counted}; no answer in {states.DAYS_SHOWN} days, CALPADS shows it no longer: a new extract will tell"
            )
        if file.state == states.REJECTED:
            others = sum(1 for line in file.lines if line.severity == states.FATAL and only_calpads_knows(line.rule))
            also = ", 1 error is about another district" if others == 1 else ""
            also = f", {others:,} errors are about other districts" if others > 1 else also
            return f"{counted}{also}; mend what was refused in Aeries, then run again"
        return counted


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


def look(settings: Settings) -> Loop:
    """Judge what was sent by the extract that the settings name, unless that is the one the run was made from.

    What it shows is kept. An extract that is not there, or none, proves nothing; `senrkit run` says what is wrong.
    """
    loop = Loop.open(settings)
    if not any(file.state in (states.SENT, states.POSTED, states.EXPIRED) for file in loop.states.files):
        return loop
    with local_inputs(settings, without={"source", "sela_extract", "school_directory", "elpac_file"}) as local:
        try:
            extract = read_extract(local.calpads.senr_extract)
        except InputError:
            return loop
        return Loop.of(arrivals.look(settings, extract), settings.lea, settings.as_of)


def write_out(out: Path, contents: Mapping[Path, bytes]) -> None:
    """Files for a person, all of them or none, in a folder that is made if missing.

    Raises
    ------
    InputError
        when it cannot be written.
    """
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_all(contents)
    except OSError as error:
        raise InputError(f"{out} cannot be written ({why(error, out)}).", "Name another place with --out.") from None
