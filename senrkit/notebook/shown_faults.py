"""A fault of senrkit inside a notebook is shown as a sentence: its traceback may quote a pupil's row, and notebooks
keep tracebacks. Faults of a person's own cells are shown as ever.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import senrkit
from senrkit.errors import SenrkitError
from senrkit.fault_log import record_fault

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
