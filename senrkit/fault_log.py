"""A fault of senrkit itself: written down for whoever mends it, without anything that came from a pupil's row.

What an exception says may quote a row, whoever raised it. So the log holds the places in the code and, of the message,
only the words that stand in the code at those places; every other letter becomes `x`, every other digit `9`.
"""

from __future__ import annotations

import os
import platform
import re
import secrets
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

_MESSAGE_LENGTH = 300


def record_fault(fault: BaseException, folder: Path | None = None) -> tuple[str, Path | None]:
    """Write `senrkit-fault-<reference>.log` into `folder`, or else where temporary files go; private to the person.

    Returns
    -------
    tuple of (reference, path)
        `path` is `None` when no log could be written.
    """
    reference = secrets.token_hex(4)
    report = "\n".join(_lines(fault, reference)) + "\n"
    for place in (folder, Path(tempfile.gettempdir())):
        if place is None:
            continue
        path = place / f"senrkit-fault-{reference}.log"
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as log:
                log.write(report)
        except OSError:
            continue
        return reference, path
    return reference, None


def fault_sentence(fault: BaseException, folder: Path | None) -> tuple[str, str]:
    """Record the fault, in `folder` when there is one: what to say of it, and whom to tell."""
    reference, log = record_fault(fault, folder if folder and folder.is_dir() else None)
    trace = (
        f"The trace is in {log}, without student data; pass both on" if log else "No log could be written; pass it on"
    )
    return f"A fault of senrkit itself, reference {reference}.", f"{trace} to whoever looks after senrkit."


def _lines(fault: BaseException, reference: str) -> Iterator[str]:
    yield f"senrkit fault {reference}, Python {platform.python_version()}, {platform.system()}"
    for link in reversed(_chain(fault)):
        frames = traceback.extract_tb(link.__traceback__)
        yield ""
        for frame in frames:
            yield f"{frame.filename}, line {frame.lineno}, in {frame.name}"
            if frame.line:
                yield f"    {frame.line}"
        words = set(re.findall(r"\w+", " ".join(frame.line or "" for frame in frames)))
        yield f"{type(link).__name__}: {_scrubbed(str(link), words)}"


def _chain(fault: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    link: BaseException | None = fault
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return links


def _scrubbed(message: str, words: set[str]) -> str:
    def masked(word: re.Match[str]) -> str:
        return word[0] if word[0] in words else re.sub(r"[^\W\d]", "x", re.sub(r"\d", "9", word[0]))

    return re.sub(r"\w+", masked, " ".join(message.split())[:_MESSAGE_LENGTH])
