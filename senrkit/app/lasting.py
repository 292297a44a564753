"""Work that outlives its page: a small file says what it is and how far, so that a page that opens later finds it.

Two locks say who is alive, the page that the work belongs to and the worker that does it; the system frees them with
whoever had them. Who takes the file away ends the work. In the file is nothing of students: what is done, the settings,
the step, and where the result is.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from senrkit.system.files import BINARY, locked

FOLDER = "work"
_LOOK_EVERY_SECONDS, _LOOKS = 0.2, 10
_TO_BEGIN_SECONDS = 60
# The folder of the server's own world: gone when the server has ended.
_SERVER = "JUPYTER_RUNTIME_DIR"
_PAGE, _WORKER = ".page", ".worker"


class Claim:
    """A page's hold on work that may outlive it."""

    def __init__(self, file: Path, held: contextlib.ExitStack) -> None:
        self.file, self._held = file, held

    @classmethod
    def begin(cls, home: Path, told: Mapping[str, Any]) -> Claim:
        """For work that is about to be asked for."""
        folder = home / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / f"{secrets.token_hex(8)}.json"
        # The lock first: what has a file and no page is anybody's.
        held = _taken(file, _PAGE)
        assert held is not None, "a new name"
        _write(file, told, os.O_CREAT | os.O_EXCL)
        return cls(file, held)

    @classmethod
    def left(cls, home: Path) -> Claim | None:
        """Work that has no page any more, taken up; the oldest of it."""
        _clear(home)
        for file in sorted(home.glob(f"{FOLDER}/*.json"), key=_age):
            held = _taken(file, _PAGE)
            if held is None:
                continue
            claim = cls(file, held)
            told = claim.told()
            if told is None:
                claim.end()
            elif told.get("begun") or time.time() - _age(file) > _TO_BEGIN_SECONDS:
                return claim
            else:
                # Its worker is just starting, or never will.
                held.close()
        return None

    def told(self) -> dict[str, Any] | None:
        """What is in the file now; `None` when it was taken away."""
        for _ in range(_LOOKS):
            try:
                return json.loads(self.file.read_text(encoding="utf-8"))
            except FileNotFoundError:
                return None
            except ValueError:
                # Just being written.
                time.sleep(_LOOK_EVERY_SECONDS / _LOOKS)
        # Or its worker was ended while it wrote.
        return {}

    def is_worked_on(self) -> bool:
        held = _taken(self.file, _WORKER)
        if held is not None:
            held.close()
        return held is None

    def drop(self) -> None:
        """The work is to end."""
        self.file.unlink(missing_ok=True)

    def end(self) -> None:
        """It has ended, and was told."""
        self.drop()
        _let_go(self.file, self._held)


class Hold:
    """The worker's hold on the work that it does."""

    def __init__(self, file: Path) -> None:
        self._file, self._over = file, threading.Event()
        self._held = _taken(file, _WORKER, wait=True)
        self.tell(begun=True)

    def tell(self, **news: Any) -> None:
        """What is new in the file; where that was taken away, nobody wants to know."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            _write(self._file, json.loads(self._file.read_text(encoding="utf-8")) | news)

    def release(self) -> None:
        self._over.set()
        self._held.close()

    def outlast(self) -> None:
        """Without a page: return when it is done, or wanted no more, or the server has ended."""
        server = Path(os.environ[_SERVER]) if _SERVER in os.environ else None
        while not self._over.wait(_LOOK_EVERY_SECONDS):
            if server is not None and not server.is_dir():
                self._file.unlink(missing_ok=True)
            if not self._file.exists():
                return


def watch(claim: Claim) -> Iterator[dict[str, Any] | None]:
    """What the file tells, as long as somebody works on it; at the end what it tells last."""
    while claim.is_worked_on():
        told = claim.told()
        if told is not None:
            yield told
        time.sleep(_LOOK_EVERY_SECONDS)
    yield claim.told()


def _taken(file: Path, whose: str, *, wait: bool = False) -> contextlib.ExitStack | None:
    """The lock, or `None` where somebody has it and this does not wait."""
    held = contextlib.ExitStack()
    handle = os.open(f"{file}{whose}", os.O_RDWR | os.O_CREAT | BINARY, 0o600)
    held.callback(os.close, handle)
    try:
        held.enter_context(locked(handle, wait=wait))
    except OSError:
        held.close()
        return None
    return held


def _let_go(file: Path, held: contextlib.ExitStack) -> None:
    held.close()
    for whose in (_PAGE, _WORKER):
        # One that somebody looks at just now goes another time.
        with contextlib.suppress(OSError):
            Path(f"{file}{whose}").unlink()


def _clear(home: Path) -> None:
    """Locks without a file: their work was ended where nobody was left to clear up."""
    for lock in home.glob(f"{FOLDER}/*{_PAGE}"):
        file = lock.with_suffix("")
        if not file.exists() and (held := _taken(file, _PAGE)) is not None:
            _let_go(file, held)


def _write(file: Path, told: Mapping[str, Any], flags: int = 0) -> None:
    """In place: a file that was taken away does not come back."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_TRUNC | BINARY | flags, 0o600), "wb") as opened:
        opened.write(json.dumps(dict(told)).encode())


def _age(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0
