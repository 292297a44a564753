"""The steps of the job, one module each: what its screen is told, and what can be done on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from senrkit.app.steps import check, evaluate, export, history, language, load, review, settings, setup, start, taking

_STEPS = {
    "start": start, "load": load, "check": check, "evaluate": evaluate, "review": review, "export": export,
    "language": language, "history": history, "settings": settings,
}  # fmt: skip

CONTEXTS: Mapping[str, Callable[[Any], dict[str, Any]]] = {name: step.context for name, step in _STEPS.items()}
# What a step must know before it is shown.
BEFORE: Mapping[str, Callable[[Any], None]] = {
    name: step.before for name, step in _STEPS.items() if hasattr(step, "before")
}
# What begins by itself when a step is opened.
ENTERED: Mapping[str, Callable[[Any], None]] = {
    name: step.entered for name, step in _STEPS.items() if hasattr(step, "entered")
}
# Who takes a file that was uploaded on a step.
UPLOADED: Mapping[str, Callable[[Any, Path], None]] = {
    name: step.uploaded for name, step in _STEPS.items() if hasattr(step, "uploaded")
}
# What a step lets go of when an upload on it is refused.
UPLOAD_REFUSED: Mapping[str, Callable[[Any], None]] = {
    name: step.upload_refused for name, step in _STEPS.items() if hasattr(step, "upload_refused")
}
ACTIONS: Mapping[str, Callable[[Any, Mapping[str, Any]], None]] = {
    name: act for step in (*_STEPS.values(), setup, taking) for name, act in getattr(step, "ACTIONS", {}).items()
}


def toggle_names(desk: Any) -> None:
    """Show or hide who the students are. Names are looked up when first asked for."""
    session = desk.session
    session.names_shown = not session.names_shown
    if session.names_shown:
        (language if session.step == "language" else review).look_names_up(desk)
    desk.show(say="Names and SSIDs are shown." if session.names_shown else "Names and SSIDs are hidden.", focus="names")
