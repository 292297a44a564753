"""One LEA's work as it travels to a worker and back: plain values, and what an engine is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from senrkit.errors import InputError


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
