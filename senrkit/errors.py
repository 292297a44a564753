"""What stops the work: one small family, each with an exit code, a plain sentence and the cure.

Findings about data are never exceptions; they are rows in a frame. No message carries a student's name, birth date
or SSID.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable

_NO_MEMORY = re.compile(
    r"cannot allocate memory|failed to map segment|memory allocation|out of memory|can't start new thread|realloc of"
    r"|resource temporarily unavailable|previously been poisoned",
    re.IGNORECASE,
)


class SenrkitError(Exception):
    """Something a person can mend. Shown as a sentence, never as a traceback."""

    exit_code = 1

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message} {self.cure}".strip()

    def _render_traceback_(self) -> list[str]:
        # What a notebook shows, and keeps, instead of a traceback.
        return [str(self)]


class UsageError(SenrkitError):
    """Wrong usage or settings."""

    exit_code = 2


class InputError(SenrkitError):
    """An input cannot be read, or an output folder cannot be written."""

    exit_code = 3


class OutOfMemory(InputError):
    """The computer, or what it gives to this program, is too small."""

    def __init__(self) -> None:
        super().__init__(
            "There is not enough memory.",
            "Close other programs, or use a computer with more: 2 GB do for a district (docs/scaling.md).",
        )


class LayoutError(InputError):
    """The extract is readable text but not a SENR ODS extract as one is known; precondition P03 reports it.

    `file`, `line` (1-based, 0 when it is about the whole file), `expected`, `found` and `likely` make up the sentence.
    """

    def __init__(self, file: str, line: int, expected: str, found: str, likely: str) -> None:
        where = f"{file}, line {line:,}" if line else file
        super().__init__(f"{where}: expected {expected}, found {found}.", f"Likely cause: {likely}.")
        self.file, self.line, self.expected, self.found, self.likely = file, line, expected, found, likely


class NotInstalled(UsageError):
    """A part of senrkit stands on Python packages that are not installed."""

    def __init__(self, what: str, missing: Iterable[str], extra: str) -> None:
        super().__init__(
            f"{what} needs Python packages that are not installed: {', '.join(missing)}.",
            f'Install them, as with `pip install "senrkit[{extra}]"`.',
        )


class Stopped(SenrkitError):
    """A precondition stopped the run; the manifest says which, with its evidence."""

    exit_code = 4


def is_out_of_memory(fault: BaseException) -> bool:
    """Whether it is for want of memory, whichever library says so."""
    if isinstance(fault, MemoryError) or getattr(fault, "errno", None) == errno.ENOMEM:
        return True
    # Polars goes on without its compiled part where that could not be loaded, and then does not find it.
    if isinstance(fault, NameError) and fault.name == "plr":
        return True
    return bool(_NO_MEMORY.search(str(fault)))
