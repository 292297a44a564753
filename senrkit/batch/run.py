"""The batch: plan, what is left to do, an engine, one outcome an LEA, the summary. The table of contents of `batch`."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import importlib.util
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from senrkit.addresses.address import Address
from senrkit.batch import document as documents
from senrkit.batch import earlier
from senrkit.batch.dispatch import Engine, Job, Task, dispatch
from senrkit.batch.document import Entry
from senrkit.batch.earlier import with_before
from senrkit.batch.home import Home, default_folder, home_of
from senrkit.batch.messages import NoProgress, Progress
from senrkit.batch.plan import Planned, read_plan
from senrkit.errors import NotInstalled, SenrkitError, UsageError
from senrkit.version import __version__

RETRIES = 2
_PACKAGES = ("pebble", "psutil", "dask", "distributed", "cryptography")
_SECONDS_BETWEEN_WRITINGS = 1.0


@dataclass(frozen=True)
class Batch:
    """A batch that went through all its LEAs; `document` is as in its `batch.json`, `str(home)` says where it is."""

    home: Home
    document: dict[str, Any]

    @property
    def exit_code(self) -> int:
        """The gravest of all LEAs, in the order 1, 2, 3, 4, 5, 0."""
        return self.document["exit_code"]


def run_batch(
    source: Path,
    *,
    out: Path | Address | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    as_of: dt.date | None = None,
    retries: int = RETRIES,
    memory_limit: str | None = None,
    progress: Progress | None = None,
) -> Batch:
    """Run every LEA that the source names, or continue a batch that was interrupted.

    Parameters
    ----------
    source
        A folder of settings files, or a table (CSV, xlsx) with the column `settings` and, if need be, `extract`.
    out
        The batch folder, made if missing, or an address (`s3://county/monday`); one that holds a batch is continued.
        Default: `batches/<day>` beside the source.
    workers, scheduler
        A Dask cluster of that many workers on this machine, or the address of one that is there. Default: processes.
    as_of
        Wins over the settings' days. Default: the settings', or the day on which the batch began.
    retries
        How often an LEA is tried again whose worker was lost, or had no room on its disk.
    memory_limit
        Of each of `workers`, as "4 GiB".

    Raises
    ------
    UsageError
        for a source that names nothing, a folder that is not a batch's, or another command at work on it.
    InputError
        when the source or the cluster cannot be used; or when the cluster is gone midway: then the batch is
        interrupted, and the same call continues it. What is wrong with one LEA is never raised.
    """
    _check(workers, scheduler, memory_limit)
    today = dt.date.today()
    plan = read_plan(source)
    home = home_of(getattr(out, "text", None) or str(out or default_folder(source, as_of or today)))
    with home.claimed():
        before = documents.parsed(home.read(documents.FILE), str(home))
        document = _document(source, as_of, today, before)
        document["leas"] = earlier.entries(plan, before, home)
        record = _Record(home, document)
        with record.kept():
            tasks = _tasks(plan, document, home)
            for task in tasks:
                # Room for LEAs that are run again: a stopped run has left a folder.
                home.put_aside(task.job.lea)
            if tasks:
                engine = _engine(tasks, home, workers, scheduler, memory_limit)
                _work(tasks, engine, retries, progress or NoProgress(), record)
        return Batch(home, record.document)


def _check(workers: int | None, scheduler: str | None, memory_limit: str | None) -> None:
    if missing := [name for name in _PACKAGES if importlib.util.find_spec(name) is None]:
        raise NotInstalled("A batch", missing, "batch")
    if workers and scheduler:
        raise UsageError("--workers and --scheduler exclude each other.", "Leave one of them out.")
    if memory_limit is None:
        return
    if not workers:
        raise UsageError("--memory-limit belongs to --workers.", "A cluster's own workers are started with theirs.")
    from dask.utils import parse_bytes

    try:
        parse_bytes(memory_limit)
    except ValueError:
        raise UsageError(f"{memory_limit} is no size of memory.", "Write it as 4GiB.") from None


def _document(source: Path, as_of: dt.date | None, today: dt.date, before: Mapping[str, Any] | None) -> dict[str, Any]:
    place = str(source.absolute())
    new = documents.new_document(place, (as_of or today).isoformat(), as_of is not None, __version__)
    if before is None:
        return new | {"began": _now()}
    if before["source"] != place:
        raise UsageError(
            f"The batch in this folder is of another source, {before['source']}.", "Name another folder with --out."
        )
    if as_of and (as_of.isoformat(), True) != (before["as_of"], before["as_of_given"]):
        raise UsageError(
            f"The batch in this folder speaks for {before['as_of']}.",
            "Leave --as-of out to continue it, or name another folder with --out.",
        )
    kept = ("as_of", "as_of_given", "engine", "workers", "began", "seconds")
    return new | {name: before[name] for name in kept}


def _tasks(plan: Sequence[Planned], document: Mapping[str, Any], home: Home) -> list[Task]:
    day = document["as_of"]
    given = day if document["as_of_given"] else ""
    # Entries stand in the order of the plan, and after them those that it does not name any more.
    return [
        Task(Job(one.lea, one.settings, one.extract, given, day, home.text, "", __version__), entry, one.size)
        for one, entry in zip(plan, document["leas"], strict=False)
        if entry["state"] == "waiting"
    ]


def _engine(
    tasks: Sequence[Task], home: Home, workers: int | None, scheduler: str | None, memory_limit: str | None
) -> Engine:
    from senrkit.batch.cluster import Cluster, LocalCluster
    from senrkit.batch.local import Processes, side_by_side

    if scheduler:
        return Cluster(scheduler, home)
    if workers:
        return LocalCluster(min(workers, len(tasks)), memory_limit, home)
    return Processes(side_by_side(len(tasks), max(task.size for task in tasks)))


def _work(tasks: Sequence[Task], engine: Engine, retries: int, progress: Progress, record: _Record) -> None:
    leas = record.document["leas"]

    def ended(entry: Entry | None) -> None:
        progress.ended(entry)
        record.write_now_and_then()

    # The mark goes before the engine: what cannot be stopped from outside then stops by itself.
    with progress, engine, record.home.in_progress() as mark:
        progress.begin(len(leas) - len(tasks), len(leas))
        record.document |= {"engine": engine.name, "workers": len(engine.places())}
        for task in tasks:
            task.job = dataclasses.replace(task.job, in_progress=mark)
        dispatch(tasks, engine, retries, ended)


class _Record:
    """`batch.json`, from the beginning to the end; the entries of `document` are changed by who runs the LEAs."""

    def __init__(self, home: Home, document: dict[str, Any]) -> None:
        self.home, self.document = home, document
        self._began, self._before = time.monotonic(), document["seconds"]
        self._written = 0.0

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """The batch runs in the block. At its end come the summary and `finished`, or why it was interrupted."""
        self._write(documents.RUNNING)
        try:
            yield
            self._brought_to(documents.FINISHED)
            self.document |= with_before(self.document, self.home)
            self._summarize()
            self._write(documents.FINISHED)
        except BaseException as stop:
            with contextlib.suppress(SenrkitError):
                self._write(documents.INTERRUPTED, _why(stop))
            raise

    def write_now_and_then(self) -> None:
        """Write, unless that was done a moment ago. When it fails, the next time may be better."""
        if time.monotonic() - self._written >= _SECONDS_BETWEEN_WRITINGS:
            with contextlib.suppress(SenrkitError):
                self._write(documents.RUNNING)

    def _write(self, state: str, why: str = "") -> None:
        self._brought_to(state, why)
        self.home.write(documents.FILE, documents.to_json(self.document))
        self._written = time.monotonic()

    def _brought_to(self, state: str, why: str = "") -> None:
        seconds = round(self._before + time.monotonic() - self._began, 1)
        ended = "" if state == documents.RUNNING else _now()
        self.document |= documents.with_outcome(self.document, state, why) | {"ended": ended, "seconds": seconds}

    def _summarize(self) -> None:
        from senrkit.batch.summary import write_summary

        write_summary(self.home, self.document)


def _why(stop: BaseException) -> str:
    if isinstance(stop, SenrkitError):
        return stop.message
    if isinstance(stop, KeyboardInterrupt):
        return "The batch was stopped by a person or by the system."
    return "A fault of senrkit itself."


def _now() -> str:
    return dt.datetime.now(dt.UTC).astimezone().isoformat(timespec="seconds")
