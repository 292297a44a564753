"""A settings file written anew: whole or not at all, only over what was seen, and the old one is kept beside it."""

from __future__ import annotations

import datetime as dt
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from senrkit.disk import is_full, write_whole
from senrkit.errors import UsageError
from senrkit.system.files import why


class ChangedMeanwhile(UsageError):
    """The file is not what it was when it was read."""


@dataclass(frozen=True)
class Rewritten:
    """A settings file that was written anew: `kept` is where the old one lies, `written` what the file holds now."""

    file: Path
    kept: Path
    written: bytes


def read(file: Path) -> bytes:
    """What the file holds.

    Raises
    ------
    UsageError
        when it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"The settings file {file} cannot be read ({why(error)}).", "Choose another at Start."
        ) from None


def rewrite(file: Path, seen: bytes, written: bytes, now: dt.datetime) -> Rewritten:
    """Put `written` in the place of `seen`; the old file stays beside it, under its name and the time.

    Raises
    ------
    ChangedMeanwhile
        when the file holds something else than `seen`.
    UsageError
        when it cannot be written. Then everything is as before.
    """
    # What a link leads to is written, and the link stays one.
    file = file.resolve()
    kept = _free(file, now)
    try:
        mode = _mode_to_write(file)
        _put(kept, seen, mode)
        try:
            # As late as can be.
            _refuse_another(file, seen)
            _put(file, written, mode)
        except BaseException:
            with suppress(OSError):
                kept.unlink()
            raise
    except OSError as error:
        raise _not_written(file, error) from None
    return Rewritten(file, kept, written)


def put_back(done: Rewritten) -> None:
    """The old file in its place again, and not beside it any more.

    Raises
    ------
    ChangedMeanwhile
        when somebody changed the file after it was written.
    UsageError
        when it cannot be written. Then everything is as before.
    """
    old = read(done.kept)
    try:
        mode = _mode_to_write(done.file)
        _refuse_another(done.file, done.written)
        _put(done.file, old, mode)
    except OSError as error:
        raise _not_written(done.file, error) from None
    with suppress(OSError):
        done.kept.unlink()


def _put(path: Path, data: bytes, mode: int) -> None:
    write_whole(path, data)
    # Who could read the file before can read it now, and nobody else.
    path.chmod(mode)


def _mode_to_write(file: Path) -> int:
    """How the file may be used; a file that is not to be written is not replaced by another one either."""
    mode = stat.S_IMODE(file.stat().st_mode)
    if not mode & stat.S_IWUSR or not os.access(file, os.W_OK):
        raise UsageError(
            f"The settings file {file.name} may only be read, so nothing was changed.",
            "Ask whoever looks after it, or allow that it is written.",
        )
    return mode


def _refuse_another(file: Path, seen: bytes) -> None:
    if file.read_bytes() != seen:
        raise ChangedMeanwhile(
            f"The settings file {file.name} was changed meanwhile, so nothing was written.",
            "Here it is as it stands now.",
        )


def _free(file: Path, now: dt.datetime) -> Path:
    # No colon, which Windows does not take in a name; and no ending .toml, by which settings are found.
    name = f"{file.name}.{now:%Y-%m-%dT%H%M}"
    names = (name, *(f"{name}-{number}" for number in range(2, 1000)))
    return next(place for place in map(file.with_name, names) if not place.exists())


def _not_written(file: Path, error: OSError) -> UsageError:
    return UsageError(
        f"The settings file {file.name} cannot be written ({why(error)}), so nothing was changed.",
        "Make room on the disk, then try again." if is_full(error) else "See that its folder can be written to.",
    )
