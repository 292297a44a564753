"""A file that appears whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """A private file, on the disk in full before it takes its name; over an older one, in one step.

    Raises
    ------
    OSError
        when the disk is full or cannot be written; nothing of it is left then.
    """
    handle, unfinished = tempfile.mkstemp(prefix=".unfinished-senrkit-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
