"""Files up and down over the page's own connection, in slices: any size, flat memory, behind the token."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from senrkit.app.places import Places, safe_name
from senrkit.disk import is_full
from senrkit.errors import InputError
from senrkit.system.files import BINARY

SLICE_BYTES = 4 * 1024 * 1024
_ROOM_LEFT = 256 * 1024 * 1024


class Incoming:
    """One upload at a time. It has its name only once it is whole."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._file: BinaryIO | None = None
        self._unfinished: Path | None = None
        self._name, self._size = "", 0
        self.taken = 0

    def begin(self, name: str, size: int) -> None:
        """A file of `size` bytes comes.

        Raises
        ------
        InputError
            when it is empty, or there is no room for it.
        """
        self.drop()
        if not size:
            raise InputError("The file is empty.", "Download it from CALPADS again.")
        if shutil.disk_usage(self._places.uploads).free < size + _ROOM_LEFT:
            raise _no_room()
        self._name, self._size, self.taken = safe_name(name), size, 0
        self._unfinished = self._places.uploads / f".unfinished-{secrets.token_hex(4)}"
        handle = os.open(self._unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
        self._file = os.fdopen(handle, "wb")

    def take(self, piece: Any) -> None:
        """The next slice. One that comes after its upload was canceled is passed over.

        Raises
        ------
        InputError
            when the disk has become full meanwhile.
        """
        if self._file is None:
            return
        try:
            self._file.write(piece)
        except OSError as error:
            if not is_full(error):
                raise
            raise _no_room() from None
        self.taken += len(piece)

    @property
    def under_way(self) -> bool:
        return self._file is not None

    def whole(self) -> Path | None:
        """The file once all of it is here. Its folder is new, so that it keeps the name that people know."""
        if self._file is None or self.taken < self._size:
            return None
        self._file.close()
        folder = self._places.uploads / secrets.token_hex(4)
        folder.mkdir(mode=0o700)
        kept = folder / self._name
        self._unfinished.replace(kept)
        self._file = self._unfinished = None
        return kept

    def drop(self) -> None:
        """Keep nothing of an upload that is not whole."""
        if self._file is not None:
            # What a full disk did not take would be written now.
            with contextlib.suppress(OSError):
                self._file.close()
            self._unfinished.unlink(missing_ok=True)
        self._file = self._unfinished = None


def _no_room() -> InputError:
    return InputError("There is not enough room on this computer for the file.", "Make room, then upload it again.")


class Outgoing:
    """Files offered for download; the page can ask for no other."""

    def __init__(self) -> None:
        self._offered: dict[str, Path] = {}
        self._passing: set[str] = set()

    def offer(self, path: Path, post: Callable[..., None], is_passing: bool = False) -> None:
        """Have the page fetch this file. One that `is_passing` was made for this alone: it is gone afterwards."""
        ticket = secrets.token_hex(8)
        self._offered[ticket] = path
        if is_passing:
            self._passing.add(ticket)
        post({"t": "download", "ticket": ticket, "name": path.name, "size": path.stat().st_size})

    def give(self, wanted: Mapping[str, Any], post: Callable[..., None]) -> None:
        """The slice that begins at `at`."""
        path, at = self._offered[wanted["ticket"]], int(wanted["at"])
        with path.open("rb") as file:
            file.seek(at)
            piece = file.read(SLICE_BYTES)
        if at + len(piece) >= path.stat().st_size:
            del self._offered[wanted["ticket"]]
            if wanted["ticket"] in self._passing:
                self._passing.remove(wanted["ticket"])
                shutil.rmtree(path.parent)
        post({"t": "download-slice", "ticket": wanted["ticket"], "at": at}, [piece])
