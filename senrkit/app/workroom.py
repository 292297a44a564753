"""The dashboard's hold on its worker process: one request at a time, its steps as they come, a true cancel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from senrkit.app import lasting
from senrkit.app.lasting import Claim

_CUT_OFF = (
    "The work was cut off before it was done.",
    "Try again; if it happens again, the computer may be short of memory.",
)


@dataclass(frozen=True)
class Answer:
    """How a request ended: one of `done`, a refusal with its cure, a fault's reference number, or canceled."""

    done: Any = None
    refused: str = ""
    cure: str = ""
    fault: str = ""
    canceled: bool = False

    @property
    def ok(self) -> bool:
        return not (self.refused or self.fault or self.canceled)


@dataclass
class Request:
    """Work to be done; `told` hears each step, `ended` the answer, both by way of `Workroom.deliver`.

    `lasting` is what a later page has to know of work that goes on without this one.
    """

    job: str
    given: dict[str, Any]
    ended: Callable[[Answer], None]
    told: Callable[[str], None] = field(default=lambda text: None)
    lasting: dict[str, Any] | None = None


class Workroom:
    """A worker process, started ahead so that its imports are over when the first request comes.

    Parameters
    ----------
    home
        Where the trace of a fault is written, and what there is to know of work that lasts.
    deliver
        Calls a function where the page lives. Answers come from a thread; a page may be touched only from its own.
    """

    def __init__(self, home: Path, deliver: Callable[..., None]) -> None:
        self._home, self._deliver = home, deliver
        self._lock = threading.Lock()
        self._waiting: list[Request] = []
        self._current: Request | None = None
        self._claim: Claim | None = None
        self._taken_up: Claim | None = None
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Have a worker ready."""
        with self._lock:
            self._have_worker()

    def ask(self, request: Request) -> None:
        """Do this when what was asked before is done."""
        with self._lock:
            self._waiting.append(request)
            self._next()

    def take_up(self, claim: Claim, told: Callable[[str], None], ended: Callable[[Answer], None]) -> None:
        """Hear of work that another page's worker does, until it ends."""
        with self._lock:
            self._taken_up = claim
        threading.Thread(target=self._hear, args=(claim, told, ended), daemon=True, name="senrkit-taken-up").start()

    def cancel(self) -> None:
        """End the work under way, and whatever waits. A run that is cut off leaves no folder behind."""
        with self._lock:
            if self._taken_up is not None:
                self._taken_up.drop()
                return
            dropped = [*([self._current] if self._current else []), *self._waiting]
            self._current, self._waiting = None, []
            self._end_worker()
            self._end_claim()
            self._have_worker()
        for request in dropped:
            self._deliver(request.ended, Answer(canceled=True))

    def renew(self) -> None:
        """Change the worker for a fresh one: what a large run took goes back to the system."""
        with self._lock:
            if self._current is None and not self._waiting:
                self._end_worker()
                self._have_worker()

    def close(self) -> None:
        """No more work."""
        with self._lock:
            self._current, self._waiting = None, []
            self._end_worker()
            self._end_claim()

    @property
    def process_id(self) -> int | None:
        return self._process.pid if self._process else None

    def _have_worker(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        # The kernel's own environment would make the worker draw for notebooks.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MPLBACKEND", "JPY_"))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "senrkit.app.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8",
            # A kernel that ends takes its own group of processes along.
            start_new_session=True,
            env=environment | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )  # fmt: skip
        threading.Thread(target=self._listen, args=(self._process,), daemon=True, name="senrkit-worker").start()

    def _end_worker(self) -> None:
        worker, self._process = self._process, None
        if worker is not None:
            worker.terminate()
            worker.stdin.close()

    def _end_claim(self) -> None:
        claim, self._claim = self._claim, None
        if claim is not None:
            claim.end()

    def _next(self) -> None:
        if self._current is None and self._waiting:
            self._have_worker()
            self._current = self._waiting.pop(0)
            told = self._current.lasting
            self._claim = Claim.begin(self._home, told) if told else None
            request = {
                "job": self._current.job, "given": self._current.given, "log_folder": str(self._home),
                "lasting": str(self._claim.file) if self._claim else "",
            }  # fmt: skip
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()

    def _listen(self, worker: subprocess.Popen[str]) -> None:
        for line in worker.stdout:
            message = json.loads(line)
            if "step" in message:
                with self._lock:
                    current = self._current if worker is self._process else None
                if current is not None:
                    self._deliver(current.told, message["step"])
            elif "ready" not in message:
                self._finish(worker, Answer(**message))
        worker.wait()
        # Ended without an answer: out of memory, or killed from outside.
        self._finish(worker, Answer(refused=_CUT_OFF[0], cure=_CUT_OFF[1]))

    def _hear(self, claim: Claim, told: Callable[[str], None], ended: Callable[[Answer], None]) -> None:
        said, last = "", None
        for last in lasting.watch(claim):
            step = (last or {}).get("step", "")
            if step != said:
                said = step
                self._deliver(told, step)
        with self._lock:
            self._taken_up = None
        claim.end()
        if last is None:
            answer = Answer(canceled=True)
        else:
            answer = Answer(**last["answer"]) if "answer" in last else Answer(refused=_CUT_OFF[0], cure=_CUT_OFF[1])
        self._deliver(ended, answer)

    def _finish(self, worker: subprocess.Popen[str], answer: Answer) -> None:
        with self._lock:
            if worker is not self._process or self._current is None:
                return
            ended, self._current = self._current, None
            self._end_claim()
            self._next()
        self._deliver(ended.ended, answer)
