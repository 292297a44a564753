"""Which run a notebook is about: the one it names, the newest of its settings, or one made now."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from senrkit.analysis.opening import newest
from senrkit.errors import UsageError
from senrkit.notebook.cell import NotebookProgress
from senrkit.notebook.history import History
from senrkit.notebook.page import RunPage
from senrkit.notebook.summary import write_failure, write_summary
from senrkit.results.folder import RunFolder, run_folders
from senrkit.settings.settings import Settings, load_settings

DEMO = "demo"
_SETTINGS_FILE = "senrkit.toml"
_DEMO_STUDENTS = 500
# Where a settings file that cannot be read would most likely have had its runs.
_RUNS = "runs"


def open_page(settings: str, run: str = "", show_students: bool = False) -> RunPage:
    """A finished run: the folder `run`, or else the newest run of the settings; without any, one is made.

    Parameters
    ----------
    settings
        The settings file; `"demo"` is the demo district, made when it is missing.
    show_students
        Show SSIDs and local ids in full.

    Raises
    ------
    UsageError, InputError
        as `senrkit.run`, or when `run` is not the folder of a run.
    """
    if run:
        return RunPage(RunFolder.open(run), show_students)
    found = _settings(settings)
    return RunPage(newest(found) if run_folders(found.output.runs) else _made(found), show_students)


def make_page(
    settings: str,
    out: str = "",
    accept: str = "",
    because: str = "",
    accept_deletes: int = 0,
    as_of: str = "",
    show_students: bool = False,
) -> RunPage:
    """A new run, made by the engine; a stopped one is a page too, which says why.

    Parameters
    ----------
    out
        The run folder itself; empty: a new one in the settings' `runs` folder.
    accept, because
        Ids of soft stops to go on past, separated by spaces, and the reason.
    accept_deletes
        The exact number of deletes to go on past P12; 0: none.
    as_of
        The day the run speaks for, as 2026-11-23; empty: that of the settings, or today.

    Raises
    ------
    UsageError, InputError
        as `senrkit.run`.
    """
    ids = accept.upper().split()
    if ids and not because.strip():
        raise UsageError("Going on past a precondition needs a reason.", "Say why in `because`.")
    return RunPage(
        _made(
            _settings(settings, as_of),
            out=Path(out) if out else None,
            accept=dict.fromkeys(ids, because.strip()),
            accept_deletes=accept_deletes or None,
        ),
        show_students,
        is_new=True,
    )


def scheduled(
    settings: str,
    out: str = "",
    accept: str = "",
    because: str = "",
    accept_deletes: int = 0,
    as_of: str = "",
    show_students: bool = False,
) -> RunPage:
    """A new run as `make_page` makes it, whose end is told by `summary.txt` and `summary.json` in the `runs` folder,
    however it ends. Parameters and errors as there."""
    runs = Path(settings).parent / _RUNS
    try:
        chosen = _settings(settings, as_of)
        runs = chosen.output.runs
        page = make_page(settings, out, accept, because, accept_deletes, as_of, show_students)
        write_summary(page.run, runs)
    except Exception as error:
        write_failure(runs, error, dt.datetime.now(dt.UTC).astimezone())
        raise
    return page


def history(settings: str, show_students: bool = False) -> History:
    """What the ledger of these settings holds. Raises `UsageError` or `InputError` when it cannot be read."""
    return History.of(_settings(settings), show_students)


def make_demo(folder: Path, progress: NotebookProgress | None = None) -> Path:
    """The demo district's settings file, made with its data when it is missing."""
    settings_file = folder / _SETTINGS_FILE
    if not settings_file.is_file():
        from senrkit.demo import make

        if progress:
            progress.step("making the demo district")
        settings_file = make(folder, _DEMO_STUDENTS).settings_file
    return settings_file


def _settings(file: str, as_of: str = "") -> Settings:
    path = _demo_settings() if file == DEMO else file
    try:
        day = dt.date.fromisoformat(as_of) if as_of else None
    except ValueError:
        raise UsageError(
            "`as_of` is not a day of the calendar.", "Write it as 2026-11-23, or leave it empty."
        ) from None
    return load_settings(path, as_of=day)


def _demo_settings() -> Path:
    """`demo` here, or beside the `notebooks` folder that this notebook is in."""
    here = Path.cwd()
    folder = (here.parent if here.name == "notebooks" else here) / DEMO
    with NotebookProgress() as progress:
        return make_demo(folder, progress)


def _made(settings: Settings, **asked: Any) -> RunFolder:
    from senrkit.engine import run

    with NotebookProgress() as progress:
        done = run(settings, progress=progress, **asked)
    return RunFolder.open(done.folder)
