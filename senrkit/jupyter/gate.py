"""The gate of the dashboard: by which name and page it is asked, by whom, and how its key leaves the address.

All that comes passes here before the server sees it: pages, files, kernels, websockets. A page of another site may have
its own name lead to this computer (DNS rebinding), or ask from where it stands; neither is answered. The token opens
once: what opens afterwards is a cookie. Cookies of 127.0.0.1 are sent to every port of it, so this one has the port in
its name, and a value that is not the token.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest, split_host_and_port
from tornado.routing import Router
from tornado.web import Application, RequestHandler

from senrkit.errors import UsageError
from senrkit.jupyter.door import LOOPBACK, Door, answer_of, broken, takes_websocket

_OWN_NAMES = (LOOPBACK, "localhost")
_STRANGE = "senrkit-was-not-asked.example"
_PAGES = resources.files("senrkit.jupyter").joinpath("pages")
_HEADERS = {
    "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}  # fmt: skip


@dataclass(frozen=True)
class Guard:
    """Knows who may come in. `names` are further hosts by which a proxy passes people on; `ticket` is in the cookie."""

    door: Door
    names: tuple[str, ...] = ()
    ticket: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def cookie(self) -> str:
        return f"senrkit-{self.door.port}"

    def is_called_by_name(self, request: HTTPServerRequest) -> bool:
        """Whether it is asked for by a name of its own, and by no page but its own."""
        origin = request.headers.get("Origin") or request.headers.get("Sec-Websocket-Origin")
        name, _ = split_host_and_port(request.host.lower())
        return name in (*_OWN_NAMES, *self.names) and (origin is None or _place(origin) == request.host.lower())

    def knows(self, request: HTTPServerRequest) -> bool:
        """By the cookie; or by the token in a header, as a proxy or a program sends it."""
        cookie = request.cookies.get(self.cookie)
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return bool(cookie and _same(cookie.value, self.ticket)) or (
            kind.lower() == "token" and _same(token, self.door.token)
        )

    def opens(self, token: bytes) -> bool:
        return secrets.compare_digest(token, self.door.token.encode())


class Gate(Router):
    """Stands before an application: hands on to it what may come in."""

    def __init__(self, guard: Guard, application: Application) -> None:
        self._guard, self._application = guard, application
        self._own = Application()

    def find_handler(self, request: HTTPServerRequest, **_: Any) -> Any:
        guard = self._guard
        token = request.query_arguments.get("token")
        if guard.is_called_by_name(request):
            if token is None and guard.knows(request):
                return self._application.find_handler(request)
            if token is not None and guard.opens(token[-1]):
                return self._own.get_handler_delegate(request, _Entrance, {"guard": guard})
            return self._own.get_handler_delegate(request, _Refusal, {"page": "no_key.html"})
        return self._own.get_handler_delegate(request, _Refusal, {"page": "no_name.html"})


class _Entrance(RequestHandler):
    """Takes the token, gives the cookie, and leads to the same address without the token.

    By a page and not by a status: where a person came from another place, as the file by which the browser is opened,
    a browser keeps a strict cookie back from what a status leads to. The page's own step is one of this site.
    """

    def initialize(self, guard: Guard) -> None:
        self._guard = guard

    def get(self) -> None:
        guard = self._guard
        _dress(self)
        self.set_cookie(
            guard.cookie, guard.ticket, path=guard.door.base, httponly=True, samesite="Strict",
            secure=self.request.protocol == "https",
        )  # fmt: skip
        self.finish(_page("entrance.html"))


class _Refusal(RequestHandler):
    """Says no, whatever is asked for, and how to come in."""

    def initialize(self, page: str) -> None:
        self._page = page

    def prepare(self) -> None:
        _dress(self)
        self.set_status(403)
        self.finish(_page(self._page))


async def seen_to_guard(guard: Guard, kernel: str) -> None:
    """Ask the running server as those would who may not come in, though they have the key.

    Raises
    ------
    UsageError
        when it lets one of them in, or gives no cookie.
    """
    door = guard.door
    key = {"Authorization": f"token {door.token}"}
    own = f"{LOOPBACK}:{door.port}"
    for headers in ({"Host": f"{_STRANGE}:{door.port}"}, {"Origin": f"http://{_STRANGE}"}, {"Origin": "null"}):
        for path in ("", door.page, kernel):
            for way in (door.at(path), door.at(path, with_token=True)):
                if (await answer_of(way, key | headers)).code != 403:
                    raise broken(f"{door.base}{path} is open to pages of other sites")
        if await takes_websocket(door.at(f"{kernel}/channels"), {"Origin": f"http://{own}"} | key | headers):
            raise broken("its kernels talk to pages of other sites")
    let_in = await answer_of(door.at(door.page, with_token=True))
    given = let_in.headers.get("Set-Cookie", "")
    words = {word.strip().lower() for word in given.split(";")[1:]}
    if not words >= {"httponly", "samesite=strict"} or door.token in f"{let_in.headers} {let_in.body}":
        raise broken("its cookie is open to others")
    if (await answer_of(door.at(kernel), {"Cookie": given.partition(";")[0]})).code != 200:
        raise broken("its cookie does not open it")


def identity(guard: Guard) -> type:
    """What Voila asks who somebody is: the guard again, so that nothing is open where no gate should be."""
    from voila.voila_identity_provider import VoilaIdentityProvider

    class Identity(VoilaIdentityProvider):
        def get_user(self, handler: Any) -> Any:
            return self.generate_anonymous_user(handler) if guard.knows(handler.request) else None

        def get_handlers(self) -> list[tuple[str, object]]:
            return []

    return Identity


def named(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of a proxy as a `Host` header has them.

    Raises
    ------
    UsageError
        for an address, which is more than a name.
    """
    for name in names:
        if not name or set(name) & set("/:*@ "):
            raise UsageError(f"{name} is not the name of a host.", "Name it as senrkit.district.example.")
    return tuple(name.lower() for name in names)


def _place(origin: str) -> str:
    """Host and port of an origin; of one that has none, as `null`, nothing that a host could be."""
    return urlsplit(origin.lower()).netloc


def _same(given: str, kept: str) -> bool:
    return secrets.compare_digest(given.encode(), kept.encode())


def _dress(handler: RequestHandler) -> None:
    for name, value in _HEADERS.items():
        handler.set_header(name, value)


def _page(name: str) -> str:
    return _PAGES.joinpath(name).read_text(encoding="utf-8")
