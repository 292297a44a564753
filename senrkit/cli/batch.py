"""The command `batch`."""

from __future__ import annotations

import datetime as dt
import shlex
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from senrkit.cli.options import A_FILE, Day, FileOrAddress
from senrkit.cli.shell import Voice, command, complain, log_into, print_json

if TYPE_CHECKING:
    from senrkit.addresses.address import Address

_KILLED_BY = 128


@command("""
  senrkit batch leas
  senrkit batch leas.xlsx --out batches/monday
  senrkit batch leas --workers 4 --memory-limit 6GiB
  senrkit batch leas --scheduler tcp://10.0.0.5:8786 --out /shared/batches/monday
  senrkit batch leas.csv --scheduler tls://dask.example.org:8786 --out s3://county/batches/monday
""")
@click.argument("source", type=A_FILE)
@click.option(
    "--out",
    type=FileOrAddress(),
    help="The batch folder, or an address; one that holds a batch is continued. Default: batches/<day>.",
)
@click.option("--workers", metavar="N", type=click.IntRange(min=1), help="A Dask cluster of N workers of this machine.")
@click.option(
    "--scheduler", metavar="ADDRESS", help="The scheduler of a Dask cluster that is there, as tcp://host:8786."
)
@click.option("--as-of", type=Day(), help="The day of all runs. Default: the settings', or today.")
@click.option(
    "--retries",
    metavar="N",
    type=click.IntRange(min=0),
    default=2,
    show_default=True,
    help="How often to try an LEA again whose worker was lost or had a full disk.",
)
@click.option("--memory-limit", metavar="SIZE", help="Of each of the --workers: one that takes more is restarted.")
def batch(
    source: Path,
    out: Path | Address | None,
    workers: int | None,
    scheduler: str | None,
    as_of: dt.date | None,
    retries: int,
    memory_limit: str | None,
    voice: Voice,
) -> int:
    """Run many LEAs, side by side.

    SOURCE is a folder with one *.toml an LEA (or one folder an LEA with its senrkit.toml), or a table, CSV or xlsx,
    whose column `settings` names them. Each gets a run folder, and all of them one summary.

    A batch that was interrupted goes on when the same command is given with its --out: finished LEAs are kept.
    Ends with the gravest exit code of all LEAs, in the order 1, 2, 3, 4, 5, 0.
    """
    from senrkit.batch.home import default_folder

    folder = out or default_folder(source, as_of or dt.date.today())
    log_into(folder if isinstance(folder, Path) else None)
    asked = {
        "workers": workers,
        "scheduler": scheduler,
        "as_of": as_of,
        "retries": retries,
        "memory_limit": memory_limit,
    }
    return run_and_tell(source, folder, voice, **asked)


def run_and_tell(source: Path, folder: Path | Address, voice: Voice, **asked: Any) -> int:
    """Run the batch (`asked`: as `run_batch`) with progress on stderr, and say what came of it; gives the exit code."""
    from senrkit.batch import run_batch
    from senrkit.batch.messages import batch_progress, for_people, summary_lines

    with _stoppable() as stopped_by:
        try:
            done = run_batch(source, out=folder, progress=batch_progress(sys.stderr, quiet=voice.quiet), **asked)
        except KeyboardInterrupt:
            return _end_of_stopped(stopped_by, _again(source, folder, asked), voice)
    if voice.as_json:
        print_json(done.document | {"folder": str(done.home)})
    elif not voice.quiet:
        for line in summary_lines(done.document, done.home):
            click.echo(line)
        return done.exit_code
    for who, said in for_people(done.document):
        complain(f"{who}: {said}")
    return done.exit_code


@contextmanager
def _stoppable() -> Iterator[list[int]]:
    """What stops a service, SIGTERM, stops the batch as Ctrl-C does. The list holds the signal that came."""
    came: list[int] = []

    def stop(number: int, _: Any) -> None:
        came.append(number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _again(source: Path, folder: Path | Address, asked: Mapping[str, Any]) -> str:
    """The command that continues the batch; its day is known already."""
    words = ["senrkit", "batch", str(source), "--out", str(folder)]
    for name in ("workers", "scheduler", "memory_limit"):
        if asked.get(name):
            words += [f"--{name.replace('_', '-')}", str(asked[name])]
    return shlex.join(words)


def _end_of_stopped(stopped_by: list[int], again: str, voice: Voice) -> int:
    """What click would say of Ctrl-C, that nothing was finished, is not so here."""
    code = _KILLED_BY + (stopped_by or [signal.SIGINT])[-1]
    message, cure = "stopped; finished LEAs are kept.", f"To go on: {again}"
    complain(message, cure)
    if voice.as_json:
        print_json({"exit_code": code, "error": message, "cure": cure})
    return code
