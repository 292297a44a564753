"""The ledger on the disk: one line of JSON an event, only ever added to, and beside it what the events are about.

`ledger/ledger.jsonl` stands in the `runs` folder, private as everything there. `ledger/<run id>/` keeps what a lost run
folder must not take along: what was proposed (`items.csv`), what was foretold (`foretold.csv`), and every file that was
sent, byte for byte.

A line that a crash cut off is passed over and said; it is never mended, and the next event stands on a line of its own.
"""

from __future__ import annotations

import datetime as dt
import getpass
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from senrkit.disk import append_whole, is_full, locked_to_append, write_whole
from senrkit.errors import InputError
from senrkit.system.files import why
from senrkit.texts.card import Carded

FOLDER, FILE = "ledger", "ledger.jsonl"
VERSION = 1

Event = Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Journal(Carded):
    """The events in the order in which they were written, and where what they are about is kept.

    Attributes
    ----------
    folder
        The ledger's own folder; need not exist.
    events
        Each with `event`, `at` (ISO time) and `by` (a person of this computer).
    damaged
        Numbers of the lines that are no event; 1-based.
    """

    folder: Path
    events: tuple[Event, ...]
    damaged: tuple[int, ...] = ()

    @classmethod
    def open(cls, runs: Path) -> Journal:
        """The ledger of a `runs` folder; without one, an empty one.

        Raises
        ------
        InputError
            when it cannot be read, or a newer senrkit wrote it.
        """
        folder = runs / FOLDER
        try:
            data = (folder / FILE).read_bytes()
        except FileNotFoundError:
            data = b""
        except OSError as error:
            raise InputError(
                f"The ledger {folder / FILE} cannot be read ({why(error)}).", "Close it, or see that it is yours."
            ) from None
        events, damaged = _parsed(data, folder / FILE)
        return cls(folder, events, damaged)

    def of(self, lea: str) -> Journal:
        """What concerns one LEA: settings files side by side share a `runs` folder, and so a ledger."""
        return replace(self, events=tuple(event for event in self.events if event.get("lea", lea) == lea))

    def kept(self, run: str, name: str) -> bytes | None:
        """What is kept of a run under this name; `None` when nothing is."""
        try:
            return (self.folder / run / name).read_bytes()
        except OSError:
            return None


def append(
    runs: Path,
    decide: Callable[[Journal], Sequence[Event]],
    kept: Mapping[tuple[str, str], bytes] | None = None,
    by: str | None = None,
) -> Journal:
    """Add what `decide` makes of the ledger as it is, and keep the files; gives the ledger as it is then.

    One writer at a time: what `decide` saw is what the events are added to. The files are on the disk before the events
    that speak of them. When `decide` raises, nothing is written.

    Parameters
    ----------
    kept
        Run id and name → bytes.

    Raises
    ------
    InputError
        as `Journal.open`, or when the ledger cannot be written.
    """
    folder = runs / FOLDER
    try:
        with locked_to_append(folder / FILE) as handle:
            before = Journal.open(runs)
            events = decide(before)
            if events:
                _keep(folder, kept or {})
                _add(handle, events, by or this_person())
        return Journal.open(runs)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _keep(folder: Path, kept: Mapping[tuple[str, str], bytes]) -> None:
    for (run, name), data in kept.items():
        place = folder / run / name
        place.parent.mkdir(mode=0o700, exist_ok=True)
        if not place.is_file() or place.read_bytes() != data:
            write_whole(place, data)


def _add(handle: int, events: Sequence[Event], by: str) -> None:
    size = os.lseek(handle, 0, os.SEEK_END)
    at = dt.datetime.now(dt.UTC).astimezone().isoformat(timespec="seconds")
    made = ({"v": VERSION, "at": at, "by": by, **event} for event in events)
    data = "".join(json.dumps(one, ensure_ascii=True) + "\n" for one in made).encode()
    if _cut_off(handle, size):
        data = b"\n" + data
    append_whole(handle, data)


def _cut_off(handle: int, size: int) -> bool:
    """Whether the last line lacks its end. Where one writes stays the end all the same: the file is open to append."""
    if not size:
        return False
    os.lseek(handle, size - 1, os.SEEK_SET)
    return os.read(handle, 1) != b"\n"


def _parsed(data: bytes, place: Path) -> tuple[tuple[Event, ...], tuple[int, ...]]:
    events, damaged = [], []
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict) or "event" not in event:
            damaged.append(number)
        elif event.get("v") != VERSION:
            raise InputError(f"The ledger {place} was written by a newer senrkit.", "Use that version, or a newer one.")
        else:
            events.append(event)
    return tuple(events), tuple(damaged)


def _unwritable(folder: Path, error: OSError) -> InputError:
    why = "there is no room left on the disk" if is_full(error) else "the place is read-only or not yours"
    return InputError(f"The ledger {folder} cannot be written: {why}; nothing was kept.", "Mend that and try again.")


def this_person() -> str:
    """Who works here: the user of this computer."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
