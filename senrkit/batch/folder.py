"""The batch folder: private, one batch command at a time, and every file in it whole or not there."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from senrkit import disk
from senrkit.batch.document import FILE, RUNS
from senrkit.errors import InputError, UsageError
from senrkit.system.files import locked

_LOCK, _IN_PROGRESS = ".lock", ".in-progress-"


def default_folder(source: Path, day: dt.date) -> Path:
    """`batches/2026-11-23` beside the source."""
    return source.absolute().parent / "batches" / day.isoformat()


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Make the folder when it is missing, and keep other batch commands off it for the time of the block.

    Raises
    ------
    UsageError
        when it holds files of something else, or another command works in it.
    InputError
        when it cannot be made.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, not a folder.", "Name the batch folder with --out.")
    if (
        folder.is_dir()
        and not (folder / FILE).is_file()
        and any(not path.name.startswith(".") for path in folder.iterdir())
    ):
        raise UsageError(f"{folder} holds files, and no batch.", "Name a folder that does not exist yet with --out.")
    try:
        (folder / RUNS).mkdir(mode=0o700, parents=True, exist_ok=True)
        for private in (folder, folder / RUNS):
            private.chmod(0o700)
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(handle, wait=False))
            except OSError:
                raise UsageError(
                    f"Another senrkit works on the batch in {folder}.",
                    "Wait until it has ended, or name another folder with --out.",
                ) from None
            yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def in_progress(folder: Path) -> Iterator[Path]:
    """A file that is there as long as somebody waits for what the workers do: see `worker`.

    Those of earlier commands go, and with them what their workers may still be at.
    """
    try:
        for left in folder.glob(f"{_IN_PROGRESS}*"):
            left.unlink()
        mark = folder / f"{_IN_PROGRESS}{secrets.token_hex(4)}"
        mark.touch(0o600)
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        yield mark
    finally:
        with contextlib.suppress(OSError):
            mark.unlink()


def write_whole(path: Path, data: bytes) -> None:
    """The bytes as a private file, in one step.

    Raises
    ------
    InputError
        when the disk is full or cannot be written.
    """
    try:
        disk.write_whole(path, data)
    except OSError as error:
        raise _unwritable(path, error) from None


def put_aside(folder: Path) -> None:
    """Move a run folder out of the way, to `<its name>.1` or the next free number.

    Raises
    ------
    InputError
        when it cannot be moved.
    """
    number = 1
    while (aside := folder.with_name(f"{folder.name}.{number}")).exists():
        number += 1
    try:
        disk.moved(folder, aside)
    except OSError as error:
        raise _unwritable(aside, error) from None


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path} cannot be written: {error.strerror or 'unknown reason'}.",
        "Make room, or name another batch folder with --out.",
    )
