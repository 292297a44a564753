"""Real schedulers, workers and `senrkit batch` commands, as processes on 127.0.0.1, and ways to break them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


@dataclass
class Finished:
    """What a `senrkit batch` has left. `leas` has the entries of `batch.json` by code."""

    code: int
    said: str
    complained: str
    folder: Path

    @property
    def document(self) -> dict[str, Any]:
        return json.loads((self.folder / "batch.json").read_text(encoding="utf-8"))

    @property
    def leas(self) -> dict[str, dict[str, Any]]:
        return {entry["lea"]: entry for entry in self.document["leas"]}

    def states(self) -> dict[str, str]:
        return {lea: entry["state"] for lea, entry in self.leas.items()}

    def attempts(self) -> dict[str, int]:
        return {lea: entry["attempts"] for lea, entry in self.leas.items()}


class Command:
    """A `senrkit batch` that runs, in a process group of its own, as a terminal starts it."""

    def __init__(self, source: Path, out: Path | str, *words: str) -> None:
        self.out = Path(out)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "senrkit", "batch", str(source), "--out", str(out), *words],
            env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True,
        )  # fmt: skip

    def finished(self) -> Finished:
        said, complained = self.process.communicate(timeout=PATIENCE)
        assert "Traceback" not in complained, complained
        return Finished(self.process.returncode, said, complained, self.out)

    def told(self, pattern: str) -> None:
        """Wait for a line of progress."""
        for line in self.process.stderr:
            if re.search(pattern, line):
                return
        raise AssertionError(f"{pattern} was never told")

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def interrupt(self) -> None:
        """Ctrl-C: a terminal sends it to every process of the group."""
        os.killpg(self.process.pid, signal.SIGINT)


def batch(source: Path, out: Path | str, *words: str) -> Finished:
    """A `senrkit batch` from its beginning to its end."""
    return Command(source, out, *words).finished()


class Gate:
    """A pipe where a district's decisions should be: whoever runs the LEA waits at it, in the middle of the work."""

    def __init__(self, district: Path) -> None:
        self._path = district / "runs" / "decisions.csv"
        self._path.parent.mkdir(exist_ok=True)
        os.mkfifo(self._path)
        self._handle = -1

    def wait(self) -> psutil.Process:
        """Until somebody stands at the gate: that process."""
        if self._handle < 0:
            self._handle = os.open(self._path, os.O_WRONLY)
        return waited(lambda: next(filter(self._is_held_by, psutil.process_iter()), None))

    def _is_held_by(self, process: psutil.Process) -> bool:
        with contextlib.suppress(OSError):
            handles = Path(f"/proc/{process.pid}/fd").iterdir()
            return process.pid != os.getpid() and any(one.readlink() == self._path for one in handles)
        return False

    def kill(self) -> psutil.Process:
        """Kill who stands at the gate. Whoever comes next finds no gate, however soon: one that is let through would
        read decisions without a line, where the others have none to read."""
        standing = self.wait()
        self._path.unlink()
        killed(standing)
        self.open()
        return standing

    def open(self) -> None:
        """Let everybody through, now and later: there are no decisions."""
        self._path.unlink(missing_ok=True)
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1


def killed(process: psutil.Process) -> None:
    process.kill()
    # Its parent takes note of it: no zombie counts as alive.
    psutil.wait_procs([process], timeout=PATIENCE)


class Dask:
    """A scheduler and its workers, each a process with a log of its own, ended together."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._processes: list[subprocess.Popen[bytes]] = []
        self.logs: list[Path] = []
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.scheduler = self.start_scheduler()

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        port = self.address.rpartition(":")[2]
        options = ["--host", "127.0.0.1", "--port", port, "--dashboard-address", "127.0.0.1:0"]
        self.scheduler = self._start("scheduler", [], *options)
        self._said("Scheduler at:")
        return self.scheduler

    def start_worker(
        self, wrapped: tuple[str, ...] = (), path: Path | None = None, folder: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """A worker process without a nanny: when it is killed, it is gone. `wrapped`: the command that starts it;
        `folder`: where it works."""
        options = [self.address, "--no-nanny", "--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard"]
        scratch = self._folder / f"scratch{len(self._processes)}"
        worker = self._start("worker", wrapped, *options, "--local-directory", str(scratch), path=path, folder=folder)
        self._said("Registered to:")
        return worker

    def close(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()

    def _start(
        self,
        what: str,
        wrapped: tuple[str, ...] | list[str],
        *options: str,
        path: Path | None = None,
        folder: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        log = self._folder / f"{what}{len(self._processes)}.log"
        environment = ENVIRONMENT | ({"PYTHONPATH": f"{path}:{ROOT}"} if path else {})
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [*wrapped, sys.executable, "-m", "dask", what, *options],
                cwd=folder or self._folder, env=environment, stdout=stream, stderr=stream,
            )  # fmt: skip
        self._processes.append(process)
        self.logs.append(log)
        return process

    def _said(self, words: str) -> None:
        """Wait until the process that was started last has said this."""
        process, log = self._processes[-1], self.logs[-1]
        waited(lambda: words in log.read_text("utf-8") or process.poll() is not None)
        assert process.poll() is None, log.read_text("utf-8")


def waited(happened: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
