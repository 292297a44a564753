"""Where each file and each record stands: what follows from the events of the ledger (closed_loop.md 3).

A record follows its file until an answer or an extract says more of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from senrkit.errors import UsageError
from senrkit.ledger.journal import Event, Journal
from senrkit.texts.card import Carded

PREPARED, SENT, POSTED, REJECTED, WITHDRAWN, EXPIRED = "prepared sent posted rejected withdrawn expired".split()
REFUSED, DRAGGED_DOWN, WARNED = "refused", "dragged down", "warned"
ARRIVED, MISSING, OVERTAKEN, MOVED = "arrived missing overtaken moved".split()
TOO_EARLY = "posted, too early to tell"
# How long CALPADS shows a submission and its errors (View Submissions, documentation.calpads.org).
DAYS_SHOWN = 60
FATAL, WARNING = "fatal", "warning"


@dataclass(frozen=True)
class Line:
    """What CALPADS said of one record: `severity` is `fatal` or `warning`."""

    sequence: int
    rule: str
    severity: str
    field: str = ""


@dataclass(frozen=True, repr=False)
class File(Carded):
    """One numbered file of a run, as it stands.

    Attributes
    ----------
    first, last
        Sequence of its first and last record.
    state, on, job
        One of the states above, since which day, and CALPADS' job number where a person gave it.
    sent_on, posted_on
        The days of the latest sending and posting; `None` while there is none.
    lines
        What CALPADS said of its records.
    seen
        Sequence → what a later extract shows of the record.
    """

    run: str
    number: int
    step: str
    name: str
    sha256: str
    first: int
    last: int
    state: str = PREPARED
    on: dt.date | None = None
    job: str = ""
    sent_on: dt.date | None = None
    posted_on: dt.date | None = None
    lines: tuple[Line, ...] = ()
    seen: Mapping[int, str] = field(default_factory=dict)

    @property
    def sequences(self) -> range:
        return range(self.first, self.last + 1)

    def records(self) -> dict[int, str]:
        """Sequence → the record's state."""
        fatal = {line.sequence for line in self.lines if line.severity == FATAL}
        warned = {line.sequence for line in self.lines if line.severity == WARNING}
        return {sequence: self._state_of(sequence, fatal, warned) for sequence in self.sequences}

    def _state_of(self, sequence: int, fatal: set[int], warned: set[int]) -> str:
        if self.state == REJECTED:
            return REFUSED if sequence in fatal else DRAGGED_DOWN
        if self.state == POSTED:
            return self.seen.get(sequence) or (WARNED if sequence in warned else POSTED)
        return WARNED if sequence in warned and self.state == SENT else self.state


@dataclass(frozen=True, repr=False)
class Run(Carded):
    """A run of which the ledger knows. `event` is what was written of it: day, LEA, year, extract, made."""

    id: str
    event: Event
    files: Mapping[int, File]

    @property
    def number(self) -> str:
        """The beginning of its Local Record IDs."""
        return self.event["number"]

    @property
    def as_of(self) -> dt.date:
        return dt.date.fromisoformat(self.event["as_of"])

    @property
    def made(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.event["made"])

    def file(self, number: int) -> File:
        """Raises `UsageError` when the run has no such file."""
        if number not in self.files:
            known = ", ".join(str(one) for one in self.files) or "none"
            raise UsageError(f"Run {self.id} has no file {number}.", f"Its files are: {known}.")
        return self.files[number]

    def before(self, number: int) -> list[File]:
        """The files that have to be posted before this one is sent."""
        return [file for at, file in self.files.items() if at < number and file.state != POSTED]


@dataclass(frozen=True, repr=False)
class States(Carded):
    """Every run of the ledger, oldest first, and how it stands on a day."""

    runs: Mapping[str, Run]
    answers: tuple[Event, ...]
    replaced: Mapping[str, str]

    @property
    def files(self) -> list[File]:
        return [file for run in self.runs.values() for file in run.files.values()]

    def run(self, run: str) -> Run:
        """Raises `UsageError` when the ledger knows no such run."""
        if run not in self.runs:
            raise UsageError(
                "The ledger knows no such run.", "Name a run id or a run folder; `senrkit loop` lists them."
            )
        return self.runs[run]

    def posted(self) -> list[File]:
        """The posted files, in the order in which they were posted."""
        posted = [file for file in self.files if file.state == POSTED]
        place = {run: at for at, run in enumerate(self.runs)}
        return sorted(posted, key=lambda file: (file.posted_on, place[file.run], file.number))


def states(journal: Journal, today: dt.date) -> States:
    """How everything stands on a day: a sent file without an answer has expired after 60 days."""
    runs: dict[str, Run] = {}
    answers: list[Event] = []
    replaced: dict[str, str] = {}
    for event in journal.events:
        kind = event["event"]
        if kind == "run":
            if event["run"] in runs:
                continue
            told = Run(event["run"], event, _files(event))
            for other in runs.values():
                # One that the ledger is told of later may all the same be the older one.
                told = _withdrawn(told, other.event) if other.made > told.made else told
            runs = {one.id: one if one.made > told.made else _withdrawn(one, event) for one in runs.values()}
            runs[told.id] = told
        elif kind == "answer":
            answers.append(event)
            if event.get("file"):
                runs = _changed(runs, event, [event["file"]], _answered)
        elif kind == "replaced":
            replaced |= event["ssids"]
        elif kind == "seen":
            for run, by_file in event["runs"].items():
                for number, seen in by_file.items():
                    runs = _changed(runs, {**event, "run": run, "seen": seen}, [int(number)], _seen)
        elif kind in _STEPS:
            runs = _changed(runs, event, event["files"], _STEPS[kind])
    in_order = sorted(runs.values(), key=lambda run: run.made)
    return States({run.id: _expired(run, today) for run in in_order}, tuple(answers), replaced)


def check_sendable(run: Run, numbers: Sequence[int], out_of_order: str) -> None:
    """Files that are named together may follow each other; any other file waits until the one before has posted.

    Raises
    ------
    UsageError
        for a file that is posted, was withdrawn, or is out of order and no reason is given.
    """
    for number in numbers:
        file = run.file(number)
        if file.state == POSTED:
            raise UsageError(
                f"File {number} of run {run.id} has posted already.",
                "Nothing has to be sent; `senrkit loop` says what waits.",
            )
        if out_of_order:
            continue
        if file.state == WITHDRAWN:
            raise UsageError(
                f"File {number} of run {run.id} was withdrawn: a newer run replaces it.",
                'Send the files of the newer run, or say why not: --out-of-order "REASON".',
            )
        missing = [before.number for before in run.before(number) if before.number not in numbers]
        if missing:
            raise UsageError(
                f"File {number} of run {run.id} is out of order: file {missing[0]} has not posted.",
                f"Wait until CALPADS shows file {missing[0]} as Posted and say `senrkit posted`, or give a reason: "
                '--out-of-order "REASON".',
            )


def check_postable(run: Run, numbers: Sequence[int], out_of_order: str) -> None:
    """Raises `UsageError` for a file that was refused and not sent again, or is out of order without a reason."""
    for number in numbers:
        file = run.file(number)
        if file.state == REJECTED:
            raise UsageError(
                f"File {number} of run {run.id} was refused on {file.on}.",
                "If it was uploaded again, say so first with `senrkit sent`.",
            )
        missing = [before.number for before in run.before(number) if before.number not in numbers]
        if missing and not out_of_order:
            raise UsageError(
                f"File {number} of run {run.id} is out of order: file {missing[0]} has not posted.",
                f'Say first what became of file {missing[0]}, or give a reason: --out-of-order "REASON".',
            )


def check_refusable(run: Run, numbers: Iterable[int]) -> None:
    """Raises `UsageError` for a file that has posted, which CALPADS cannot refuse any more."""
    for number in numbers:
        if run.file(number).state == POSTED:
            raise UsageError(
                f"File {number} of run {run.id} has posted, by what was said before.",
                'If that was wrong, take it back: `senrkit posted --undo --because "…"`.',
            )


def check_day(run: Run, on: dt.date) -> None:
    """Raises `UsageError` for a day before the run was made."""
    if on < run.as_of:
        raise UsageError(f"{on} is before the day of run {run.id}.", "Give the day with --on, as 2026-11-24.")


def _files(event: Event) -> dict[int, File]:
    files, first = {}, 1
    for entry in event["files"]:
        files[entry["number"]] = File(
            event["run"],
            entry["number"],
            entry["step"],
            entry["name"],
            entry["sha256"],
            first,
            first + entry["rows"] - 1,
            on=dt.date.fromisoformat(event["as_of"]),
        )
        first += entry["rows"]
    return files


def _changed(runs: dict[str, Run], event: Event, numbers: Iterable[int], step: Any) -> dict[str, Run]:
    run = runs.get(event["run"])
    if run is None:
        return runs
    files = {at: step(file, event) if at in set(numbers) else file for at, file in run.files.items()}
    return runs | {run.id: replace(run, files=files)}


def _day(event: Event) -> dt.date:
    return dt.date.fromisoformat(event["on"])


def _sent(file: File, event: Event) -> File:
    day = _day(event)
    return replace(file, state=SENT, on=day, sent_on=day, job=event.get("job") or file.job, lines=(), seen={})


def _posted(file: File, event: Event) -> File:
    day = _day(event)
    return replace(
        file, state=POSTED, on=day, posted_on=day, sent_on=file.sent_on or day, job=event.get("job") or file.job
    )


def _posted_undone(file: File, event: Event) -> File:
    if file.state != POSTED:
        return file
    return replace(file, state=SENT, on=file.sent_on, posted_on=None, seen={})


def _rejected(file: File, event: Event) -> File:
    day = _day(event)
    return replace(file, state=REJECTED, on=day, sent_on=file.sent_on or day, job=event.get("job") or file.job)


def _answered(file: File, event: Event) -> File:
    said = (Line(one["sequence"], one["rule"], one["severity"], one.get("field", "")) for one in event["lines"])
    lines = tuple(dict.fromkeys((*file.lines, *said)))
    fatal = any(line.severity == FATAL for line in lines)
    file = replace(file, lines=lines)
    if fatal and file.state != POSTED:
        return _rejected(file, event)
    return replace(file, state=SENT, on=_day(event), sent_on=_day(event)) if file.state == PREPARED else file


def _seen(file: File, event: Event) -> File:
    seen = dict(file.seen)
    for state, sequences in event["seen"].items():
        seen |= dict.fromkeys(sequences, state)
    file = replace(file, seen=seen)
    if file.state in (SENT, EXPIRED) and all(seen.get(one) == ARRIVED for one in file.sequences):
        day = _day(event)
        return replace(file, state=POSTED, on=day, posted_on=day)
    return file


_STEPS = {"sent": _sent, "posted": _posted, "posted-undone": _posted_undone, "rejected": _rejected}


def _withdrawn(run: Run, event: Event) -> Run:
    """A newer run takes the place of what was not sent; not while CALPADS still works on a file of the older one."""
    if any(file.state == SENT for file in run.files.values()):
        return run
    day = dt.date.fromisoformat(event["as_of"])
    files = {
        at: replace(file, state=WITHDRAWN, on=day) if file.state == PREPARED else file for at, file in run.files.items()
    }
    return replace(run, files=files)


def _expired(run: Run, today: dt.date) -> Run:
    files = {
        at: replace(file, state=EXPIRED, on=file.on + dt.timedelta(days=DAYS_SHOWN))
        if file.state == SENT and (today - file.on).days > DAYS_SHOWN
        else file
        for at, file in run.files.items()
    }
    return replace(run, files=files)
