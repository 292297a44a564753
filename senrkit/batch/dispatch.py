"""Hands LEAs to an engine's places, the largest first, until each has its outcome; and what an engine is.

One LEA's work travels to a worker and back as plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from senrkit.batch.document import Entry
from senrkit.errors import InputError

_PATIENCE = 1.0
# Rounds without a worker, each of `_PATIENCE` seconds, until the batch gives up.
_ROUNDS_ALONE = 60
_LOST_CURE = "Run fewer LEAs at a time or give each worker more memory, then give the same command again."


@dataclass(frozen=True)
class Job:
    """What a worker needs to know to do one LEA.

    Attributes
    ----------
    lea
        Its code, as its settings had it when the batch began.
    settings, extract
        Absolute path or address of the settings file, and of the extract to take instead of the settings' (or `""`).
    as_of, today
        ISO days: the one that wins over the settings' (or `""`), and the one that counts where they name none.
    batch
        The batch folder: a path or an address.
    in_progress
        The name of a mark in it. When it is gone, nobody waits for the result any more.
    version
        The senrkit that asks.
    """

    lea: str
    settings: str
    extract: str
    as_of: str
    today: str
    batch: str
    in_progress: str
    version: str


@dataclass(frozen=True)
class Outcome:
    """An LEA has come back from its place; `result` is what `worker.run_lea` gave, or None when the worker was lost."""

    lea: str
    place: str
    result: dict[str, Any] | None


class EngineGone(InputError):
    """Whoever hands out the work is gone, and with it the rest of the batch."""


class Engine(Protocol):
    """Takes one LEA at a time to each of its places. A context manager; leaving it stops what is still running.

    Attributes
    ----------
    name
        As in `batch.json`.
    apart
        Whether a disk that is full at one place may have room at another.
    """

    name: str
    apart: bool

    def __enter__(self) -> Engine: ...

    def __exit__(self, *_: object) -> None: ...

    def places(self) -> list[str]:
        """Where LEAs can be run now. Raises `EngineGone`."""

    def start(self, job: Job, place: str) -> None:
        """Begin with the LEA at this place, which has none. Raises `EngineGone`."""

    def ended(self, patience: float) -> list[Outcome]:
        """What has ended since the last call; waits at most `patience` seconds for it. Raises `EngineGone`."""


@dataclass
class Task:
    """One LEA to be run: its job, its entry of `batch.json` (kept up to date), and how its attempts went.

    Attributes
    ----------
    size
        Bytes of its extract: the largest begin first, so that none is left to run alone at the end.
    begun
        Attempts of this command; the entry counts those of earlier ones too.
    avoids
        Places where it found no room.
    """

    job: Job
    entry: Entry
    size: int
    begun: int = 0
    avoids: set[str] = field(default_factory=set)


def dispatch(tasks: Sequence[Task], engine: Engine, retries: int, report: Callable[[Entry | None], None]) -> None:
    """Run every task, each at most `retries` times more than once.

    `report` is called with an entry that has its outcome, and about every second with None.

    Raises
    ------
    EngineGone
        when whoever hands out the work is gone, or no worker is left; entries without an outcome stay `waiting`.
    """
    waiting = sorted(tasks, key=lambda task: task.size, reverse=True)
    at_work: dict[str, Task] = {}
    alone = 0
    while waiting or at_work:
        places = engine.places()
        for place in [place for place in places if place not in at_work]:
            if task := _next_for(place, waiting, places):
                waiting.remove(task)
                at_work[place] = task
                task.begun += 1
                task.entry["attempts"] += 1
                engine.start(task.job, place)
        alone = 0 if at_work else alone + 1
        if alone > _ROUNDS_ALONE:
            raise EngineGone("No worker is left that takes work.", "Start workers, then give the same command again.")
        for outcome in engine.ended(_PATIENCE):
            task = at_work.pop(outcome.place)
            if _is_to_be_tried_again(task, outcome, engine, places, retries):
                waiting.insert(0, task)
            else:
                report(task.entry)
        report(None)


def _next_for(place: str, waiting: Sequence[Task], places: Sequence[str]) -> Task | None:
    return next((one for one in waiting if place not in one.avoids or one.avoids.issuperset(places)), None)


def _is_to_be_tried_again(task: Task, outcome: Outcome, engine: Engine, places: Sequence[str], retries: int) -> bool:
    """Enter what came of it, unless there is a good reason to try once more."""
    left = task.begun <= retries
    result = outcome.result
    if result is None:
        task.entry.update(_lost(task.begun))
        return left
    elsewhere = result.pop("elsewhere")
    task.entry.update(result)
    task.avoids.add(outcome.place)
    return elsewhere and left and engine.apart and not task.avoids.issuperset(places)


def _lost(times: int) -> dict[str, object]:
    often = "once" if times == 1 else f"{times} times"
    return {
        "state": "failed",
        "exit_code": 3,
        "message": f"The worker that ran this LEA was lost {often}; it may have had too little memory.",
        "cure": _LOST_CURE,
    }
