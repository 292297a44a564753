"""A real `senrkit dashboard` or `lab` in its surroundings, and what a stranger and a guest get from it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from tests.patience import PATIENCE
from tests.worlds.surroundings import Surroundings


@dataclass
class Served:
    """A server that has told its address. `log` is all that it wrote beside."""

    process: subprocess.Popen[str]
    address: str
    log: Path

    @property
    def token(self) -> str:
        return urlsplit(self.address).query.removeprefix("token=")

    @property
    def port(self) -> int:
        return urlsplit(self.address).port

    def at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    def key(self, with_token: bool) -> dict[str, str]:
        return {"Authorization": f"token {self.token}"} if with_token else {}

    def asked(self, path: str, *, with_token: bool, method: str = "GET") -> tuple[int, str]:
        """The code and the text; somebody who is led to the login got 401."""
        request = urllib.request.Request(
            self.at(path), method=method, data=b"{}" if method == "POST" else None, headers=self.key(with_token)
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                text = answer.read().decode()
                return (401, text) if "/login" in answer.url else (answer.status, text)
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def talks(self, kernel: str, *, with_token: bool) -> bool:
        """Does the kernel's websocket take somebody?"""

        async def talk() -> bool:
            address = self.at(f"api/kernels/{kernel}/channels").replace("http", "ws", 1)
            request = HTTPRequest(address, headers=self.key(with_token), connect_timeout=PATIENCE)
            try:
                (await websocket_connect(request)).close()
            except HTTPClientError:
                return False
            return True

        # In a thread of its own: a browser that this process has open keeps a loop running in this one.
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(asyncio.run, talk()).result()

    def processes(self) -> list[psutil.Process]:
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def command_lines(self) -> str:
        found = []
        for one in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                found += one.cmdline()
        return "\n".join(found)

    def connections(self) -> list[dict[str, object]]:
        """The connection files of the kernels that run."""
        files = re.findall(r"\S+/kernel-[\w-]+\.json", self.command_lines())
        return [json.loads(Path(file).read_text()) for file in files]

    def listens_on(self) -> set[str]:
        return {
            one.laddr.ip
            for process in self.processes()
            for one in process.net_connections("inet")
            if one.status == psutil.CONN_LISTEN
        }


@contextlib.contextmanager
def served(around: Surroundings, door: str, *options: str, place: Path | None = None) -> Iterator[Served]:
    """The command as a person starts it, in the folder `place`."""
    log = around.folder / f"{door}.log"
    with log.open("a") as kept:
        process = subprocess.Popen(
            [around.senrkit, door, *options], cwd=place or around.here, env=around.variables,
            stdout=subprocess.PIPE, stderr=kept, text=True,
        )  # fmt: skip
    try:
        first = process.stdout.readline()
        assert first, log.read_text()
        yield Served(process, first.split()[-1], log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def refused(around: Surroundings, *words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command that ends by itself."""
    done = subprocess.run(
        [around.senrkit, *words], cwd=around.here, env=around.variables, capture_output=True, text=True, check=False,
        timeout=PATIENCE,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr
