"""What a person says of files, and what CALPADS gave back: each is a word in the ledger."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from senrkit.errors import InputError, UsageError
from senrkit.ledger import journal as ledger
from senrkit.ledger import states
from senrkit.ledger.answers import ErrorFile, Replacements, read_answer, read_bytes
from senrkit.ledger.journal import Event, Journal
from senrkit.ledger.matching import Unmatched, match
from senrkit.ledger.states import Run
from senrkit.loop.overview import Loop, bytes_of, run_id_of
from senrkit.results.files import decode
from senrkit.settings.settings import Settings


@dataclass(frozen=True)
class Answered:
    """What came of reading a file that CALPADS gave back.

    `files`: number of a file of ours → how many lines were fatal and how many warnings; `again` when it had been read
    before; `replaced` is how many SSIDs it says were replaced.
    """

    name: str
    run: str
    files: Mapping[int, Mapping[str, int]]
    unmatched: tuple[Unmatched, ...] = ()
    again: bool = False
    replaced: int = 0


def sent(
    settings: Settings,
    run: str | Path | None,
    numbers: Sequence[int],
    *,
    job: str = "",
    on: dt.date | None = None,
    out_of_order: str = "",
) -> Loop:
    """Files were uploaded. Files that are named together were uploaded in that order.

    Raises
    ------
    UsageError
        out of order without a reason, or a file or run that is not there.
    InputError
        when the run folder or the ledger cannot be read or written; nothing is kept then.
    """

    def said(run: Run) -> list[Event]:
        states.check_sendable(run, numbers, out_of_order)
        return [_step("sent", run, numbers, day, job=job, out_of_order=out_of_order)]

    day = on or settings.as_of
    return _told(settings, run, numbers, day, said)


def posted(
    settings: Settings,
    run: str | Path | None,
    numbers: Sequence[int],
    *,
    on: dt.date | None = None,
    job: str = "",
    out_of_order: str = "",
) -> Loop:
    """CALPADS shows files as Posted. Raises as `sent`."""

    def said(run: Run) -> list[Event]:
        states.check_postable(run, numbers, out_of_order)
        return [_step("posted", run, numbers, day, job=job, out_of_order=out_of_order)]

    day = on or settings.as_of
    return _told(settings, run, numbers, day, said)


def undo_posted(settings: Settings, run: str | Path | None, numbers: Sequence[int], because: str) -> Loop:
    """Take the word back that files have posted; they count as sent again.

    Raises
    ------
    UsageError
        when no reason is given, or a file has not posted.
    """
    if not because.strip():
        raise UsageError("A word is taken back with a reason.", 'Add --because "the reason".')

    def said(run: Run) -> list[Event]:
        for number in numbers:
            if run.file(number).state != states.POSTED:
                raise UsageError(f"File {number} of run {run.id} has not posted.", "There is nothing to take back.")
        return [_step("posted-undone", run, numbers, settings.as_of, because=because.strip())]

    return _told(settings, run, numbers, None, said)


def rejected(
    settings: Settings,
    run: str | Path | None,
    number: int,
    *,
    on: dt.date | None = None,
    errors: Sequence[Path] = (),
) -> tuple[Loop, list[Answered]]:
    """CALPADS refused a file; with its error files, what it said of each record. All is kept or nothing.

    Raises
    ------
    UsageError
        for a file that has posted, or a file or run that is not there.
    InputError
        when an error file cannot be read, or is about something else.
    """
    day = on or settings.as_of
    answers: list[Answered] = []

    def said(run: Run) -> list[Event]:
        states.check_refusable(run, [number])
        events = [_step("rejected", run, [number], day)]
        for path in errors:
            data = read_bytes(path)
            found = read_answer(path.name, data, settings.calpads.errors)
            if isinstance(found, Replacements):
                raise InputError(
                    f"{path.name} is about replaced SSIDs, not an error file.", "Give it to `senrkit answers`."
                )
            made, one = _answer(settings, run, found, data, day, [number])
            events += made
            answers.append(one)
        return events

    return _told(settings, run, [number], day, said), answers


def answers(settings: Settings, run: str | Path | None, files: Sequence[Path]) -> tuple[Loop, list[Answered]]:
    """Read what CALPADS gave back and say which file of ours each is about. All files are kept or none.

    Raises
    ------
    InputError
        when a file cannot be read, or is of another LEA, year, record type or run.
    """
    answered: list[Answered] = []

    def said(run: Run) -> list[Event]:
        events: list[Event] = []
        for path in files:
            data = read_bytes(path)
            found = read_answer(path.name, data, settings.calpads.errors)
            if isinstance(found, Replacements):
                if found.leas != {settings.lea}:
                    raise InputError(
                        f"{path.name} is about another LEA, not {settings.lea}.", "Nothing of it was kept."
                    )
                events.append({"event": "replaced", "ssids": dict(found.ssids), "on": settings.as_of.isoformat()})
                answered.append(Answered(path.name, run.id, {}, replaced=len(found.ssids)))
                continue
            made, one = _answer(settings, run, found, data, settings.as_of, sorted(run.files))
            events += made
            answered.append(one)
        return events

    loop = _told(settings, run, None, None, said)
    return loop, answered


def _step(kind: str, run: Run, numbers: Sequence[int], on: dt.date, **more: str) -> Event:
    said = {name: value for name, value in more.items() if value}
    return {"event": kind, "run": run.id, "files": list(numbers), "on": on.isoformat(), **said}


def _told(
    settings: Settings, run: str | Path | None, numbers: Sequence[int] | None, day: dt.date | None, said: Any
) -> Loop:
    """Add what a person said of a run, with copies of the files it is about."""
    run_id = run_id_of(settings, run)
    runs = settings.output.runs
    before = Loop.open(settings)
    known = before.states.run(run_id)
    files = [known.file(number) for number in (known.files if numbers is None else numbers)]
    copies = {
        (run_id, file.name): data for file in files if (data := bytes_of(before.journal, known, file, run)) is not None
    }
    lost = [file.number for file in files if (run_id, file.name) not in copies]
    if numbers is not None and lost:
        raise InputError(
            f"File {lost[0]} of run {run_id} is not there any more, or was changed since the run made it.",
            "Name the run folder where it lies, or run again.",
        )

    def decide(journal: Journal) -> list[Event]:
        now = states.states(journal.of(settings.lea), settings.as_of).run(run_id)
        if day is not None:
            states.check_day(now, day)
        return said(now)

    return Loop.of(ledger.append(runs, decide, copies), settings.lea, settings.as_of)


def _answer(
    settings: Settings, run: Run, found: ErrorFile, data: bytes, on: dt.date, numbers: Sequence[int]
) -> tuple[list[Event], Answered]:
    journal = Journal.open(settings.output.runs)
    sha256 = hashlib.sha256(data).hexdigest()
    files = [run.file(number) for number in numbers]
    records: dict[int, tuple[str, str, str]] = {}
    for file in files:
        sent_as = bytes_of(journal, run, file, None)
        if sent_as is not None:
            rows = decode(sent_as).select("ssid", "school_code", "start_date").rows()
            records |= dict(zip(file.sequences, rows, strict=True))
    matched = match(found, run, files, records)
    of_files = {
        number: {
            severity: sum(1 for line in lines if line.severity == severity)
            for severity in (states.FATAL, states.WARNING)
        }
        for number, lines in sorted(matched.lines.items())
    }
    again = any(event["event"] == "answer" and event["sha256"] == sha256 for event in journal.events)
    said = Answered(found.name, run.id, of_files, matched.unmatched, again)
    if again:
        return [], said
    events = [
        {
            "event": "answer", "run": run.id, "file": number, "name": found.name, "sha256": sha256,
            "on": on.isoformat(), "lines": [asdict(line) for line in lines],
        }
        for number, lines in sorted(matched.lines.items())
    ]  # fmt: skip
    if matched.unmatched:
        events[-1]["unmatched"] = [asdict(one) for one in matched.unmatched]
    for number in of_files:
        if of_files[number][states.FATAL]:
            states.check_refusable(run, [number])
    return events, said
