"""A desk without a browser: what it posts is kept, what it asks for is done at once in this process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from senrkit.app import jobs
from senrkit.app.desk import Desk
from senrkit.app.places import Places
from senrkit.app.workroom import Answer, Request
from senrkit.errors import SenrkitError
from senrkit.progress import NoProgress


class Here:
    """A workroom that does its work here and now."""

    def ask(self, request: Request) -> None:
        try:
            answer = Answer(done=jobs.JOBS[request.job](NoProgress(), **request.given))
        except SenrkitError as error:
            answer = Answer(refused=error.message, cure=error.cure)
        request.ended(answer)

    def start(self) -> None:
        return

    renew = cancel = close = start


class Clerk:
    """Somebody at a desk: does things and reads what the page shows."""

    def __init__(self, home: Path, workroom: Any = None) -> None:
        self.messages: list[dict[str, Any]] = []
        self.regions: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.desk = Desk(Places(home, home / "drop"), self._take, workroom or Here())
        self.send({"t": "hello", "hash": ""})

    def _take(self, message: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        self.messages.append(message)
        self.regions |= message.get("regions", {})
        self.pieces += buffers or []

    def send(self, message: dict[str, Any], *pieces: bytes) -> None:
        self.desk.receive(message, list(pieces))

    def do(self, action: str, /, **values: Any) -> None:
        self.send({"t": "do", "do": action, "values": values})

    def sees(self, region: str = "main") -> str:
        """The words of a region."""
        return " ".join(re.sub(r"<[^>]+>", " ", self.regions[region]).split())

    def hears(self) -> str:
        """The last announcement."""
        return next(message["say"] for message in reversed(self.messages) if message.get("say"))

    def last_address(self) -> str:
        """What stands behind the # of the browser's address."""
        return next(message["hash"] for message in reversed(self.messages) if message.get("hash"))

    def last(self, kind: str) -> dict[str, Any]:
        return next(message for message in reversed(self.messages) if message["t"] == kind)
