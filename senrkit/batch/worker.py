"""What a worker does with one LEA, whichever engine it belongs to. It gives back counts and sentences, no row.

`run_lea` never raises for what is wrong with an LEA: engines print and keep exceptions, and senrkit's own say more than
may be kept.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from senrkit.batch.dispatch import Job
from senrkit.batch.document import FILE, RUNS, WEEKS
from senrkit.batch.home import Home, home_of, manifest_of
from senrkit.batch.locations import kept_beside, load
from senrkit.disk import is_full
from senrkit.errors import InputError, SenrkitError, UsageError
from senrkit.fault_log import fault_sentence
from senrkit.progress import NoProgress
from senrkit.settings.settings import Settings
from senrkit.version import __version__

# However many threads a worker has: memory is planned for one LEA in a process, and `warnings` are the process's own.
_ONE_AT_A_TIME = threading.Lock()
_MIB = 1 << 20
_BEAT = 0.02


def run_lea(job: Mapping[str, str]) -> dict[str, Any]:
    """Run the LEA of a `Job` into `runs/<lea>` of the batch folder, unless that is done already.

    Returns
    -------
    dict
        Of an entry of `batch.json` (see `document`) the keys `name, as_of, state, exit_code, message, cure, stopped_by,
        counts, seconds, peak_mib, folder`; and `elsewhere`, whether another worker may do better. `state` is `waiting`
        when the batch was stopped meanwhile.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings(), _peak_memory() as peak:
        # A library's warning may quote a row of its input.
        warnings.simplefilter("ignore")
        began = time.monotonic()
        ended = _ended(Job(**job))
        seconds = round(time.monotonic() - began, 2)
        _give_back()
    return ended | peak | {"seconds": seconds}


def finished_run(home: Home, lea: str, settings: str) -> dict[str, Any] | None:
    """What a whole run of this LEA and settings file says, as `run_lea`; None when there is none."""
    found = manifest_of(home, f"{RUNS}/{lea}")
    if found is None or (found.get("lea"), found.get("settings", {}).get("file")) != (lea, settings):
        return None
    return _of_manifest(found, lea, weeks_of(found))


def weeks_of(manifest: Mapping[str, Any], runs: Path | None = None) -> dict[str, int] | None:
    """What the ledger says of a run: `WEEKS`, the oldest item in days; `None` where it does not know the run or cannot
    be read. Counts, nobody.

    `runs`: where the ledger is, if not where the manifest says.
    """
    from senrkit.ledger.journal import Journal
    from senrkit.ledger.states import states
    from senrkit.ledger.weeks import items, of_run

    try:
        journal = Journal.open(runs or Path(manifest["settings"]["output"]["runs"])).of(manifest["lea"])
    except (InputError, KeyError, TypeError):
        return None
    told = of_run(items(journal, states(journal, dt.date.fromisoformat(manifest["as_of"]))), manifest["run_id"])
    return None if told is None else {name: told[name] for name in WEEKS}


def _ended(job: Job) -> dict[str, Any]:
    home = home_of(job.batch)
    try:
        _refuse_other_place(job, home)
        settings = load(job.settings, job.extract, job.as_of, job.today)
        # A worker may have died after the last step of its work, or have come back when nobody waited any more.
        if done := finished_run(home, job.lea, str(settings.file)):
            return done
        if settings.lea != job.lea:
            raise UsageError(f"{job.settings} now names the LEA {settings.lea}.", "Give the same command again.")
        try:
            return _run(settings, home, job)
        except SenrkitError:
            if done := finished_run(home, job.lea, str(settings.file)):
                return done
            raise
    except _NobodyWaits:
        return _result("waiting")
    except _OtherPlace as error:
        return _result("failed", error, elsewhere=True)
    except SenrkitError as error:
        return _result("failed", error, elsewhere=_is_disk_full(error))
    except MemoryError:
        error = InputError("There is not enough memory for this LEA.", "Give each worker more, or run fewer at a time.")
        return _result("failed", error, elsewhere=True)
    except Exception as fault:  # noqa: BLE001 - whatever it says goes into the masked log, and nowhere else
        message, cure = fault_sentence(fault, Path(job.batch))
        return _result("fault", SenrkitError(message, cure))


def _run(settings: Settings, home: Home, job: Job) -> dict[str, Any]:
    from senrkit.engine import run

    with kept_beside(settings) as settings, home.run_folder(job.lea) as folder:
        done = run(settings, out=folder, progress=_WhileInProgress(home, job.in_progress))
        # While the ledger is here.
        weeks = weeks_of(done.manifest, settings.output.runs)
    return _of_manifest(done.manifest, job.lea, weeks)


class _NobodyWaits(Exception):
    """The batch was stopped."""


class _OtherPlace(SenrkitError):
    """This worker cannot do it, whatever the LEA."""

    exit_code = 3


class _WhileInProgress(NoProgress):
    """Stops the work between two steps once nobody waits for it: a worker's thread can be stopped in no other way."""

    def __init__(self, home: Home, mark: str) -> None:
        self._place, self._mark = home, mark

    def step(self, text: str, total: int | None = None) -> None:
        if not self._place.has(self._mark):
            raise _NobodyWaits


def _refuse_other_place(job: Job, home: Home) -> None:
    if job.version != __version__:
        raise _OtherPlace(
            f"A worker has senrkit {__version__}, and the batch {job.version}.", "Install the same on every worker."
        )
    if not home.has(FILE):
        raise _OtherPlace(
            f"A worker does not see the batch folder {home}.",
            "Name one with --out that all workers share, or an address.",
        )


def _is_disk_full(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and is_full(cause):
            return True
        cause = cause.__context__
    return False


def _of_manifest(manifest: Mapping[str, Any], lea: str, weeks: Mapping[str, int] | None) -> dict[str, Any]:
    known = {"folder": f"{RUNS}/{lea}", "name": manifest.get("lea_name", ""), "as_of": manifest["as_of"]}
    if manifest["counts"] is None:
        stops = [one for one in manifest["preconditions"] if one["state"] == "stopped"]
        said = " ".join(f"{one['id']}, {one['title']}: {one['evidence'].rstrip('.')}." for one in stops)
        cures = " ".join(dict.fromkeys(one["cure"] for one in stops))
        stopped_by = [one["id"] for one in stops]
        return _result("stopped", message=said, cure=cures, exit_code=4, stopped_by=stopped_by, **known)
    held = manifest["counts"]["action"].get("hold", 0)
    return _result(
        "held" if held else "done", exit_code=5 if held else 0, counts=_counts(manifest) | {"weeks": weeks}, **known
    )


def _counts(manifest: Mapping[str, Any]) -> dict[str, Any]:
    totals = {line: counted["total"] for line, counted in manifest["balance"].items()}
    return {
        "action": dict(manifest["counts"]["action"]),
        "schools": len(manifest["counts"]["school"]),
        "files": len(manifest["files"]),
        "records": sum(entry["rows"] for entry in manifest["files"]),
        "findings": sum(found["count"] for found in (manifest["findings"] or {}).values()),
        "state_rows": totals["state-rows"],
        "in_scope": totals["in-scope"],
        "enr_rows": totals["enr-rows"],
        "spells": totals["spells"],
    }


def _result(state: str, error: SenrkitError | None = None, **known: Any) -> dict[str, Any]:
    said = {"exit_code": error.exit_code, "message": error.message, "cure": error.cure} if error else {}
    blank = {
        "exit_code": None,
        "message": "",
        "cure": "",
        "stopped_by": [],
        "counts": None,
        "folder": "",
        "name": "",
        "as_of": "",
    }
    return blank | {"state": state, "folder": "", "elsewhere": False} | said | known


@contextlib.contextmanager
def _peak_memory() -> Iterator[dict[str, Any]]:
    """Fills `peak_mib` at the end of the block: the most memory that this process held in it."""
    import psutil

    process, over, found = psutil.Process(), threading.Event(), {"peak_mib": 0}

    def watch() -> None:
        while True:
            found["peak_mib"] = max(found["peak_mib"], round(process.memory_info().rss / _MIB))
            if over.wait(_BEAT):
                return

    watcher = threading.Thread(target=watch, name="senrkit-memory", daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def _give_back() -> None:
    """Return what the last LEA took to the system: a worker runs many, and its neighbors need the room."""
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
