"""senrkit: make CALPADS agree with Aeries.

A run
    run             compare, decide, predict and write the files of one LEA; gives a `Run`
    check           the preconditions alone; writes nothing
    open_run        a run that was made, by its folder or its settings file; gives a `Run`
    runs            every run of a settings file as a table
    load_settings   `senrkit.toml`, checked; gives `Settings`

A `Run` as pandas frames
    proposal, changes, held, left_out, findings, information, enrollments     what was decided
    schools, census, files, preconditions                                     counts and states
    state, spells                                                             both sides, whole
    student(id), school(name), compare(earlier), what_if(setting=value)       one of them, two runs, other settings
    figure(name), show(frame)                                                 to look at

Files without settings
    read_extract    a SENR or SELA extract, or a submission file
    validate        what CALPADS would say to any SENR or SELA file

The steps of a run, on Polars frames; `to_pandas` turns one of them into pandas
    read_aeries     Aeries' tables by the settings
    build_spells    from Aeries rows to the enrollments that CALPADS should hold
    scope_of        the state rows that a run is about
    reconcile       both sides set against each other: the proposal
    predict         what CALPADS would answer to files in order

What stops the work is a `UsageError` or an `InputError`, each a `SenrkitError` with a sentence, its cure and an exit
code. Nothing prints a student of itself: every object is shown as a card that counts its rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from senrkit.version import __version__

if TYPE_CHECKING:
    from senrkit.analysis.files import read_extract, validate
    from senrkit.analysis.opening import check, open_run, run, runs
    from senrkit.analysis.run import Run
    from senrkit.calpads.predict import predict
    from senrkit.errors import InputError, SenrkitError, UsageError
    from senrkit.frames.pandas_door import to_pandas
    from senrkit.inputs.aeries.read import read_aeries
    from senrkit.reconciliation.proposal import reconcile
    from senrkit.reconciliation.scope import scope_of
    from senrkit.settings.settings import Settings, load_settings
    from senrkit.spells.build import build_spells

__all__ = [
    "InputError", "Run", "SenrkitError", "Settings", "UsageError", "__version__", "build_spells", "check",
    "load_settings", "open_run", "predict", "read_aeries", "read_extract", "reconcile", "run", "runs", "scope_of",
    "to_pandas", "validate",
]  # fmt: skip

# Where each name lives: it is imported when it is first asked for, so that `import senrkit` costs nothing.
_HOMES = {
    "InputError": "errors",
    "Run": "analysis.run",
    "SenrkitError": "errors",
    "Settings": "settings.settings",
    "UsageError": "errors",
    "build_spells": "spells.build",
    "check": "analysis.opening",
    "load_settings": "settings.settings",
    "open_run": "analysis.opening",
    "predict": "calpads.predict",
    "read_aeries": "inputs.aeries.read",
    "read_extract": "analysis.files",
    "reconcile": "reconciliation.proposal",
    "run": "analysis.opening",
    "runs": "analysis.opening",
    "scope_of": "reconciliation.scope",
    "to_pandas": "frames.pandas_door",
    "validate": "analysis.files",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'senrkit' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"senrkit.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__doc__", "__file__", "__name__", "__path__"]
