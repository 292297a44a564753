"""The front door of the dashboard and of JupyterLab: loopback and a token, seen to be shut before anyone is told.

What a server was asked to be and what it is may differ: an add-on of the environment or a newer Voila may change it.
So the server that runs is looked at, and asked as a stranger would ask; a difference ends it with a sentence.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import html
import logging
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from senrkit.errors import UsageError
from senrkit.jupyter.world import KERNEL, NO_KERNEL, World
from senrkit.system.computer import KERNEL_TRANSPORT, reuse_port

LOOPBACK = "127.0.0.1"
_PORTS_TRIED = 50
_PATIENCE_SECONDS = 60
_REFUSED = (401, 403, 404, 405)
_CURE = "Start senrkit in an environment of its own; if it is in one, install it again."


@dataclass(frozen=True)
class Door:
    """Where a server stands, and its key. `listens` is its socket; `page` is where people come in, below `base`."""

    listens: socket.socket = field(repr=False)
    base: str = "/"
    page: str = ""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def port(self) -> int:
        return self.listens.getsockname()[1]

    @property
    def address(self) -> str:
        """What people are told; it has the token in it."""
        return self.at(self.page, with_token=True)

    def at(self, path: str, *, with_token: bool = False) -> str:
        key = f"?token={self.token}" if with_token else ""
        return f"http://{LOOPBACK}:{self.port}{self.base}{path}{key}"


@dataclass(frozen=True)
class Promise:
    """What is looked at: the settings given, the objects that live by them, and the paths that nobody is given.

    `kept_by` names the live object of each section of `settings`; kernels are added when there is one. `shut` are
    paths that no token opens, `end` ends the application. `guarded` looks at what else there is to see, with the path
    of a kernel, and raises as the rest. `secret` is kept out of logs, beside the token.
    """

    settings: Mapping[str, Mapping[str, Any]]
    kept_by: Callable[[], Mapping[str, Any]]
    shut: tuple[str, ...]
    end: Callable[[], None]
    guarded: Callable[[str], Awaitable[None]] | None = None
    secret: str = ""


@contextlib.contextmanager
def taken_port(wanted: int | None, first: int) -> Iterator[socket.socket]:
    """A socket that listens on the port asked for, or on the first that is free from `first` on.

    It is taken at once and kept: between a look and a later use, another could take it.

    Raises
    ------
    UsageError
        when it is taken, or none is free.
    """
    for port in [wanted] if wanted else range(first, first + _PORTS_TRIED):
        with socket.socket() as taken:
            reuse_port(taken)
            taken.setblocking(False)
            try:
                taken.bind((LOOPBACK, port))
                taken.listen()
            except OSError as error:
                if wanted and error.errno == errno.EACCES:
                    raise UsageError(f"Port {wanted} is the system's.", "Name one from 1024 on with --port.") from None
                continue
            yield taken
            return
    raise UsageError(f"Port {wanted} is in use." if wanted else "No port is free.", "Name another with --port.")


def open_to(
    application: Any, door: Door, promise: Promise, world: World, *, browser: bool, tell: Callable[[str], None]
) -> None:
    """Run an initialized application until it ends; once it was seen to keep its promise, `tell` its address.

    Raises
    ------
    UsageError
        when it does not keep it.
    """
    from tornado.ioloop import IOLoop

    for secret in filter(None, (door.token, promise.secret)):
        _keep_out_of_logs(secret)
    # That somebody was refused is no news.
    logging.getLogger("tornado").setLevel(logging.ERROR)
    looks: list[asyncio.Future[None]] = []

    async def look() -> None:
        await _seen_to_be_kept(application, door, promise, world)
        tell(door.address)
        if browser:
            threading.Thread(target=_open_browser, args=(door.address, world.folder), daemon=True).start()

    def begin() -> None:
        looks.append(asyncio.ensure_future(look()))
        looks[0].add_done_callback(lambda seen: promise.end() if _fault(seen) else None)

    IOLoop.current().add_callback(begin)
    application.start()
    for seen in looks:
        if fault := _fault(seen):
            raise fault


def _fault(seen: asyncio.Future[None]) -> BaseException | None:
    return seen.exception() if seen.done() and not seen.cancelled() else None


async def _seen_to_be_kept(application: Any, door: Door, promise: Promise, world: World) -> None:
    if application.loaded_config_files:
        raise broken("settings that are not ours were loaded")
    if (found := _listening()) != {(LOOPBACK, door.port)}:
        raise broken(f"it listens on {', '.join(f'{host}:{port}' for host, port in sorted(found)) or 'nothing'}")
    kernels = application.kernel_manager
    number, kernel = await _started(kernels, world)
    try:
        lives = {**promise.kept_by(), "KernelManager": kernel, "MappingKernelManager": kernels}
        for section, traits in promise.settings.items():
            for name, asked in traits.items():
                if getattr(lives[section], name) != asked:
                    raise broken(f"{section}.{name} is not what it was told to be")
        await _shut_to_strangers(door, promise.shut, f"api/kernels/{number}")
        if promise.guarded is not None:
            await promise.guarded(f"api/kernels/{number}")
    finally:
        await kernels.shutdown_kernel(number, now=True)


def _listening() -> set[tuple[str, int]]:
    """Every address at which this process takes connections."""
    from tornado.ioloop import IOLoop

    return set(_listening_sockets(IOLoop.current().handlers))


def _listening_sockets(handlers: Mapping[int, tuple[Any, Any]]) -> Iterator[tuple[str, int]]:
    for one, _ in handlers.values():
        if isinstance(one, socket.socket) and one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            yield one.getsockname()[:2]


async def _started(kernels: Any, world: World) -> tuple[str, Any]:
    """A kernel that answers, is this Python, and speaks through the private folder.

    Raises
    ------
    UsageError
        when there is none.
    """
    number = ""
    try:
        number = await kernels.start_kernel(kernel_name=KERNEL)
        kernel = kernels.get_kernel(number)
        python = await _python_of(kernel)
    except (LookupError, OSError, RuntimeError, TimeoutError):
        if number in kernels:
            await kernels.shutdown_kernel(number, now=True)
        raise UsageError(*NO_KERNEL) from None
    place = Path(kernel.connection_file).resolve()
    if python != sys.executable or kernel.transport != KERNEL_TRANSPORT or world.folder.resolve() not in place.parents:
        await kernels.shutdown_kernel(number, now=True)
        raise broken("its kernels are others than ours")
    return number, kernel


async def _python_of(kernel: Any) -> str:
    client = kernel.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=_PATIENCE_SECONDS)
        asked = client.execute("", user_expressions={"python": "__import__('sys').executable"})
        while True:
            reply = await client.get_shell_msg(timeout=_PATIENCE_SECONDS)
            if reply["parent_header"].get("msg_id") == asked:
                return str(reply["content"]["user_expressions"]["python"]["data"]["text/plain"]).strip("'\"")
    except (KeyError, TypeError):
        raise RuntimeError("a kernel that does not know its Python") from None
    finally:
        client.stop_channels()


async def _shut_to_strangers(door: Door, shut: tuple[str, ...], kernel: str) -> None:
    """Ask the server for everything: without the token, it may not give any; with it, not what is shut to all."""
    key = {"Authorization": f"token {door.token}"}
    asked = [(path, {}) for path in ("", door.page, "api/kernels", kernel, *shut)]
    for path, headers in asked + [(path, key) for path in shut]:
        answer = await answer_of(door.at(path), headers)
        # A page that leads to the login, or to another that is asked for here, gives nothing.
        leads_to = answer.headers.get("Location", "").partition("?")[0]
        sent_on = answer.code == 302 and leads_to in (f"{door.base}login", f"{door.base}{door.page}")
        if answer.code not in _REFUSED and not sent_on:
            raise broken(f"{door.base}{path} is open to {'all who have the token' if headers else 'everybody'}")
    if (await answer_of(door.at(kernel), key)).code != 200:
        raise broken("its token does not open it")
    if await takes_websocket(door.at(f"{kernel}/channels")):
        raise broken("its kernels talk to everybody")


async def answer_of(address: str, headers: Mapping[str, str] | None = None) -> Any:
    """What the server answers, whatever it is."""
    from tornado.simple_httpclient import SimpleAsyncHTTPClient

    return await SimpleAsyncHTTPClient().fetch(
        address, headers=headers, follow_redirects=False, raise_error=False, request_timeout=_PATIENCE_SECONDS
    )


async def takes_websocket(address: str, headers: Mapping[str, str] | None = None) -> bool:
    """Whether somebody who comes so is talked to."""
    from tornado.httpclient import HTTPClientError, HTTPRequest
    from tornado.websocket import websocket_connect

    try:
        (await websocket_connect(HTTPRequest(address.replace("http", "ws", 1), headers=headers))).close()
    except HTTPClientError:
        return False
    return True


def broken(what: str) -> UsageError:
    """The end of a server that is another than it has to be."""
    return UsageError(f"The server is not what it has to be ({what}), and was ended before anyone was told.", _CURE)


def _keep_out_of_logs(token: str) -> None:
    """Logs of web servers hold addresses, and an address may hold the token."""
    make = logging.getLogRecordFactory()

    def made(*given: Any, **named: Any) -> logging.LogRecord:
        record = make(*given, **named)
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info).replace(token, "•••")
        said = record.getMessage()
        if token in said:
            record.msg, record.args = said.replace(token, "•••"), None
        return record

    logging.setLogRecordFactory(made)


def _open_browser(address: str, folder: Path) -> None:
    """By way of a file that only this person can read: what a browser is started with, everybody can."""
    page = folder / "open.html"
    there = html.escape(address)
    page.touch(0o600)
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>senrkit</title>'
        f'<meta http-equiv="refresh" content="0; url={there}"><a href="{there}">Open senrkit</a>\n',
        encoding="utf-8",
    )
    webbrowser.open(page.as_uri())
