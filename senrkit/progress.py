"""What a long piece of work tells the person who waits for it: the step it is at, never what the step works on."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Any, Protocol, TextIO

# Work that is over before this many seconds says nothing.
PATIENCE = 1.0
_BEAT = 0.5


class Progress(Protocol):
    """What the engine calls. Texts are constants of the engine: no name, no SSID."""

    def step(self, text: str, total: int | None = None) -> None:
        """A new step begins, of `total` parts when that is known; the one before it is over."""

    def advance(self, parts: int = 1) -> None:
        """So many more parts of the step are done."""


class NoProgress:
    """Says nothing."""

    def __enter__(self) -> NoProgress:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def step(self, text: str, total: int | None = None) -> None:
        return

    def advance(self, parts: int = 1) -> None:
        return


class LineProgress:
    """For logs: one line for each step that took long, once it is over."""

    def __init__(self, stream: TextIO, patience: float = PATIENCE) -> None:
        self._stream, self._patience = stream, patience
        self._text, self._began = "", 0.0

    def __enter__(self) -> LineProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self._finish()

    def step(self, text: str, total: int | None = None) -> None:
        self._finish()
        self._text, self._began = text, time.monotonic()

    def advance(self, parts: int = 1) -> None:
        return

    def _finish(self) -> None:
        seconds = time.monotonic() - self._began
        if self._text and seconds >= self._patience:
            print(f"senrkit: {self._text}, {seconds:.0f} s", file=self._stream, flush=True)
        self._text = ""


class BarProgress:
    """For people: the present step with a clock, and a bar when its size is known; gone when the work is over.

    Used as a context manager. A thread of its own keeps the clock moving while a step computes.
    """

    def __init__(self, stream: TextIO, patience: float = PATIENCE) -> None:
        self._stream, self._patience = stream, patience
        self._bar: Any = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._clock = threading.Thread(target=self._tick, name="senrkit-progress", daemon=True)

    def __enter__(self) -> BarProgress:
        self._began = time.monotonic()
        self._clock.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._clock.join()
        self._close()

    def step(self, text: str, total: int | None = None) -> None:
        from tqdm import tqdm

        wait = max(0.0, self._patience - (time.monotonic() - self._began))
        layout = "{desc} {percentage:3.0f}% |{bar}| {elapsed}" if total else "{desc} {elapsed}"
        with self._lock:
            self._close()
            self._bar = tqdm(
                total=total, desc=text, bar_format=layout, delay=wait, miniters=0, leave=False, file=self._stream
            )

    def advance(self, parts: int = 1) -> None:
        with self._lock:
            if self._bar is not None:
                self._bar.update(parts)

    def _tick(self) -> None:
        while not self._over.wait(_BEAT):
            self.advance(0)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = None


def terminal_progress(stream: TextIO, *, quiet: bool = False) -> NoProgress | LineProgress | BarProgress:
    """The progress that suits where the words go: a bar on a terminal, lines in a log, nothing when quiet."""
    if quiet:
        return NoProgress()
    return BarProgress(stream) if stream.isatty() else LineProgress(stream)
