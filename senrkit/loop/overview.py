"""How everything stands: for machines, and in plain words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import polars as pl

from senrkit.ledger import states
from senrkit.ledger.answers import only_calpads_knows
from senrkit.ledger.foretold import by_rule
from senrkit.ledger.journal import Journal
from senrkit.ledger.records import copy_of
from senrkit.ledger.states import File, Run, States
from senrkit.settings.settings import Settings
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
