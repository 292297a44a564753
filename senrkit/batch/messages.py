"""A batch in plain words, for terminals, logs and mail: while it runs, and at its end. No student in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TextIO

from senrkit.batch.document import FINISHED_STATES, Entry, day_of, since_before
from senrkit.results.tables import SENT

_MEANING = {
    "done": "finished",
    "held": "finished, some students are held (in no file)",
    "stopped": "stopped by a precondition",
    "failed": "could not be run",
    "fault": "a fault of senrkit itself",
    "twice": "in two settings files, so not run",
    "waiting": "not run yet",
}
_SINCE = {
    "less": "with less to do",
    "more": "with more to do",
    "as-much": "as before",
    "no-longer": "finished then and not now",
}
_SUMMARY = "summary.xlsx"


class Progress(Protocol):
    """Hears of each LEA that has its outcome. A context manager."""

    def __enter__(self) -> Progress: ...

    def __exit__(self, *_: object) -> None: ...

    def begin(self, finished: int, total: int) -> None:
        """How many of the LEAs have their outcome already."""

    def ended(self, entry: Entry | None) -> None:
        """This one has it now; None: no news, but time has passed."""


class NoProgress:
    """Says nothing."""

    def __enter__(self) -> NoProgress:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def begin(self, finished: int, total: int) -> None:
        return

    def ended(self, entry: Entry | None) -> None:
        return


class ProgressLines(NoProgress):
    """For logs: a line an LEA."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._finished = self._total = 0

    def begin(self, finished: int, total: int) -> None:
        self._finished, self._total = finished, total
        if finished:
            print(f"{finished}/{total} are done already", file=self._stream, flush=True)

    def ended(self, entry: Entry | None) -> None:
        if entry:
            self._finished += 1
            print(f"{self._finished}/{self._total} {line(entry)}", file=self._stream, flush=True)


class ProgressBar:
    """For people: a bar of LEAs, gone when the work is over."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: Any = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def begin(self, finished: int, total: int) -> None:
        from tqdm import tqdm

        layout = "LEAs {n}/{total} |{bar}| {elapsed}"
        self._bar = tqdm(initial=finished, total=total, bar_format=layout, leave=False, file=self._stream)

    def ended(self, entry: Entry | None) -> None:
        self._bar.update(1 if entry else 0)


def batch_progress(stream: TextIO, *, quiet: bool = False) -> Progress:
    """What suits where the words go: a bar on a terminal, lines in a log, nothing when quiet."""
    if quiet:
        return NoProgress()
    return ProgressBar(stream) if stream.isatty() else ProgressLines(stream)


def line(entry: Entry) -> str:
    """`1999990: done, 31 actions, 2 held`; of what failed, why."""
    who = _who(entry) or Path(entry["settings"]).name
    if entry["state"] not in FINISHED_STATES:
        return f"{who}: {entry['state']}, {entry['message']}"
    action = entry["counts"]["action"]
    held = f", {action['hold']:,} held" if action.get("hold") else ""
    return f"{who}: {entry['state']}, {sum(action.get(one, 0) for one in SENT):,} actions{held}"


def summary_lines(document: Mapping[str, Any], home: object) -> list[str]:
    """How many in each state, and what needs a person."""
    count = len(document["leas"])
    lines = [f"senrkit batch · {count:,} {'LEA' if count == 1 else 'LEAs'} · as of {day_of(document)}", ""]
    width = max(len(f"{number:,}") for number in document["states"].values())
    lines += [f"  {number:>{width},} {_MEANING[state]}" for state, number in document["states"].items() if number]
    if document.get("before"):
        told = ", ".join(f"{count:,} {_SINCE[name]}" for name, count, _ in since_before(document))
        lines += ["", f"Since the batch of {document['before']['as_of']}: {told or 'nothing to compare'}"]
    if people := for_people(document):
        lines += ["", "Needs a person", *(f"  {who}: {said}" for who, said in people)]
    return [*lines, "", f"Everything is in {home}; {_SUMMARY} puts the LEAs together."]


def for_people(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What somebody should look at: which LEA, or which settings file, and what there is to say of it."""
    said = ((entry, " ".join(filter(None, map(entry.get, ("message", "cure", "note"))))) for entry in document["leas"])
    return [
        (" ".join(filter(None, (entry["lea"], entry.get("name")))) or entry["settings"], words)
        for entry, words in said
        if words
    ]


def _who(entry: Entry) -> str:
    return " ".join(filter(None, (entry["lea"], entry.get("name"))))
