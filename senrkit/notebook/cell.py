"""What a cell shows beside its result: while work goes on how far it is, and a fault of senrkit as a sentence.

A fault's traceback may quote a pupil's row, and notebooks keep tracebacks. Faults of a person's own cells are shown as
ever.
"""

from __future__ import annotations

import html
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import senrkit
from senrkit.errors import SenrkitError
from senrkit.fault_log import record_fault
from senrkit.progress import PATIENCE

# The steps that `senrkit.run` announces; the bar only has to be about right.
_STEPS = 5


class NotebookProgress:
    """What the engine calls, shown in the cell. Work that is over in a second says nothing."""

    def __init__(self) -> None:
        self._began, self._steps, self._shown = time.monotonic(), 0, None  # type: ignore[var-annotated]
        self._text = ""

    def __enter__(self) -> NotebookProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown is not None:
            self._say("")

    def step(self, text: str, total: int | None = None) -> None:
        self._steps, self._text = self._steps + 1, text
        self._show()

    def advance(self, parts: int = 1) -> None:
        self._show()

    def _show(self) -> None:
        # The first step of several is shown at once: it is the one that people wait for without knowing why.
        if self._steps == 1 or time.monotonic() - self._began >= PATIENCE:
            value = min(self._steps - 1, _STEPS) / _STEPS
            self._say(f'<label><progress max="1" value="{value}"></progress> {html.escape(self._text)} …</label>')

    def _say(self, markup: str) -> None:
        from IPython.display import HTML, display

        if self._shown is None:
            self._shown: Any = display(HTML(markup), display_id=True)
        else:
            self._shown.update(HTML(markup))


_PACKAGE = str(Path(senrkit.__file__).parent)


def guard_notebook() -> None:
    """From now on faults of senrkit are shown as sentences; without a notebook around, nothing happens."""
    import sys

    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        shell.set_custom_exc((Exception,), _shown)


def _shown(
    shell: Any, kind: type[Exception], fault: Exception, trace: TracebackType, tb_offset: int | None = None
) -> None:
    ours = _ours(trace)
    if isinstance(fault, SenrkitError) or ours is None:
        shell.showtraceback((kind, fault, trace), tb_offset=tb_offset)
        return
    said = sentence(fault.with_traceback(ours))
    shell._showtraceback(SenrkitError, said, [str(said)])


def _ours(trace: TracebackType | None) -> TracebackType | None:
    """The trace from senrkit's first place on: the cell that called it may have an SSID written in it."""
    while trace is not None and not trace.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        trace = trace.tb_next
    return trace


def sentence(fault: Exception) -> SenrkitError:
    """The fault is written down without what it says of pupils; what is left is a reference."""
    reference, log = record_fault(fault)
    where = f"The trace is in {log}, without student data; pass both on" if log else "Pass it on"
    return SenrkitError(
        f"A fault of senrkit itself, reference {reference}.", f"{where} to whoever looks after senrkit."
    )
