"""Language: English learner status. A plain note until `senrkit.language` is there."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from senrkit.app.desk import Desk


def context(desk: Desk) -> dict[str, Any]:
    return {"is_there": find_spec("senrkit.language") is not None}
