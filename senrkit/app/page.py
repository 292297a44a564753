"""The page itself: one widget that carries what a person does to the desk, and what the desk shows to the person."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from importlib import resources
from typing import Any

import anywidget

from senrkit.app.desk import Desk
from senrkit.app.places import Places
from senrkit.app.workroom import Workroom

_SCRIPTS = ("table.js", "chart.js", "transfer.js", "page.js")


def _static(*names: str) -> str:
    folder = resources.files("senrkit.app") / "static"
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


class Page(anywidget.AnyWidget):
    """The dashboard. Reads nothing until its browser says hello, so that a kernel may be heated before anyone comes."""

    _esm = _static(*_SCRIPTS)
    _css = _static("page.css")

    def __init__(self, places: Places | None = None) -> None:
        super().__init__()
        places = places or Places.of_environment()
        self.desk = Desk(places, self._post, Workroom(places.home, _on_this_thread()))
        self.on_msg(lambda _, message, buffers: self.desk.receive(message, buffers))

    def _post(self, message: dict[str, Any], buffers: list[Any] | None = None) -> None:
        self.send(message, buffers)


def _on_this_thread() -> Callable[..., None]:
    """Calls a function in the loop that is running here. Without one, as in a plain Python, it calls it at once."""
    with contextlib.suppress(RuntimeError):
        return asyncio.get_running_loop().call_soon_threadsafe
    return lambda function, *given: function(*given)
