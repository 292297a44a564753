"""Where a batch is kept: a folder of this machine, or an address that fsspec can write to, as `s3://county/monday`.

Both are private, take every file whole or not at all, and belong to one batch command at a time. At an address a run is
half there until its manifest is: so an LEA's run is made on the worker's own disk and copied, its manifest last.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from senrkit import disk
from senrkit.addresses.address import Address, address_of
from senrkit.batch.document import FILE, RUNS
from senrkit.errors import InputError, UsageError
from senrkit.results.folder import MANIFEST, checked_manifest
from senrkit.system.files import locked

_LOCK, _IN_PROGRESS = ".lock", ".in-progress-"
# Object stores: a file is there when all of it is, and a folder when something is in it.
_WITHOUT_FOLDERS = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oci", "oss", "memory")
_IN_USE = "Wait until it has ended, or name another folder with --out."


class Home(Protocol):
    """A batch's files by their names in it, as `batch.json` or `runs/1999990/manifest.json`.

    Whatever cannot be read or written is an `InputError` that says what to do. `str()` is safe to print.
    """

    @property
    def text(self) -> str:
        """The path or address, with a password that may be in it: for `home_of` alone."""

    def claimed(self) -> contextlib.AbstractContextManager[None]:
        """Make the home when it is missing, and keep other batch commands off it for the time of the block.

        Raises `UsageError` when it holds files of something else, or another command works in it.
        """

    def in_progress(self) -> contextlib.AbstractContextManager[str]:
        """The name of a mark that is there as long as somebody waits for what the workers do: see `worker`.

        Those of earlier commands go, and with them what their workers may still be at.
        """

    def has(self, name: str) -> bool: ...

    def read(self, name: str) -> bytes | None:
        """The file's bytes; None when it is not there."""

    def files(self, folder: str) -> list[str]:
        """The names of all files in a folder here and in the folders in it."""

    def write(self, name: str, data: bytes) -> None:
        """The bytes as a file, whole, in place of an older one."""

    def remove(self, name: str) -> None: ...

    def run_folder(self, lea: str) -> contextlib.AbstractContextManager[Path]:
        """Where an LEA's run is to be made; when the block ends well, what is in it is the LEA's run."""

    def put_aside(self, lea: str) -> None:
        """Move an LEA's run out of the way, to `runs/<lea>.1` or the next free number."""

    def beside(self) -> list[Home]:
        """The other homes beside this one: those of them that hold a batch may be compared with it."""


def home_of(text: str) -> Home:
    """The home that a path or an address names."""
    address = address_of(text)
    if address is None:
        return FolderHome(Path(text))
    if address.protocols[0] in ("file", "local"):
        return FolderHome(Path(address.text.partition("://")[2]))
    return StoreHome(address)


def default_folder(source: Path, day: dt.date) -> Path:
    """`batches/2026-11-23` beside the source."""
    return source.absolute().parent / "batches" / day.isoformat()


def manifest_of(home: Home, folder: str) -> Mapping[str, Any] | None:
    """The manifest of a run; None when there is none, or it is damaged."""
    try:
        data = home.read(f"{folder}/{MANIFEST}")
        return None if data is None else checked_manifest(data, Path(folder))
    except InputError:
        return None


class FolderHome(Home):
    """A folder of this machine, or one that several share. Absolute; private to the person."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        return str(self._path)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        folder = self._path
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file, not a folder.", "Name the batch folder with --out.")
        if folder.is_dir() and not self.has(FILE) and any(not path.name.startswith(".") for path in folder.iterdir()):
            raise _holds_something_else(self)
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
                    raise UsageError(f"Another senrkit works on the batch in {folder}.", _IN_USE) from None
                yield
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def in_progress(self) -> Iterator[str]:
        mark = f"{_IN_PROGRESS}{secrets.token_hex(4)}"
        try:
            for left in self._path.glob(f"{_IN_PROGRESS}*"):
                left.unlink()
            (self._path / mark).touch(0o600)
        except OSError as error:
            raise _unwritable(self._path, error) from None
        try:
            yield mark
        finally:
            with contextlib.suppress(OSError):
                (self._path / mark).unlink()

    def has(self, name: str) -> bool:
        return (self._path / name).exists()

    def read(self, name: str) -> bytes | None:
        try:
            return (self._path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            raise InputError(f"{self._path / name} cannot be read.", "Check that it is a file and yours.") from None

    def files(self, folder: str) -> list[str]:
        found = (self._path / folder).rglob("*")
        return sorted(path.relative_to(self._path).as_posix() for path in found if path.is_file())

    def write(self, name: str, data: bytes) -> None:
        path = self._path / name
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            disk.write_whole(path, data)
        except OSError as error:
            raise _unwritable(path, error) from None

    def remove(self, name: str) -> None:
        (self._path / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def run_folder(self, lea: str) -> Iterator[Path]:
        # The run itself sees to it that its folder appears whole.
        yield self._path / RUNS / lea

    def put_aside(self, lea: str) -> None:
        folder, number = self._path / RUNS / lea, 1
        if not folder.exists():
            return
        while (aside := folder.with_name(f"{lea}.{number}")).exists():
            number += 1
        try:
            disk.moved(folder, aside)
        except OSError as error:
            raise _unwritable(aside, error) from None

    def beside(self) -> list[Home]:
        try:
            others = [path for path in self._path.parent.iterdir() if (path / FILE).is_file() and path != self._path]
        except OSError:
            return []
        return [FolderHome(path) for path in sorted(others)]


class StoreHome(Home):
    """An address. There is no lock there: who comes later takes the batch over, and who was first then stops."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._mark = ""
        self._opened: tuple[Any, str] | None = None

    def __str__(self) -> str:
        return str(self._address)

    @property
    def text(self) -> str:
        return self._address.text

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        if not self.has(FILE) and any(not name.startswith(".") for name in self._names("")):
            raise _holds_something_else(self)
        yield

    @contextlib.contextmanager
    def in_progress(self) -> Iterator[str]:
        for left in self._names(""):
            if left.startswith(_IN_PROGRESS):
                self.remove(left)
        self._mark = f"{_IN_PROGRESS}{secrets.token_hex(4)}"
        self._put(self._mark, b"senrkit")
        try:
            yield self._mark
        finally:
            mark, self._mark = self._mark, ""
            with contextlib.suppress(InputError):
                self.remove(mark)

    def has(self, name: str) -> bool:
        with self._asked() as (store, path):
            return store.exists(f"{path}/{name}")

    def read(self, name: str) -> bytes | None:
        with self._asked() as (store, path):
            try:
                return store.cat_file(f"{path}/{name}")
            except FileNotFoundError:
                return None

    def files(self, folder: str) -> list[str]:
        with self._asked() as (store, path):
            return sorted(name.removeprefix(path).lstrip("/") for name in store.find(f"{path}/{folder}"))

    def write(self, name: str, data: bytes) -> None:
        if self._mark and not self.has(self._mark):
            raise InputError(f"Another senrkit has taken the batch in {self} over.", _IN_USE)
        self._put(name, data)

    def remove(self, name: str) -> None:
        with self._asked() as (store, path), contextlib.suppress(FileNotFoundError):
            store.rm_file(f"{path}/{name}")

    @contextlib.contextmanager
    def run_folder(self, lea: str) -> Iterator[Path]:
        # Private: the system's own temporary folders are.
        with tempfile.TemporaryDirectory(prefix="senrkit-lea-") as own:
            made = Path(own) / lea
            yield made
            files = [path for path in made.rglob("*") if path.is_file()] if made.is_dir() else []
            for path in sorted(files, key=lambda path: path == made / MANIFEST):
                self._put(f"{RUNS}/{lea}/{path.relative_to(made).as_posix()}", path.read_bytes())

    def put_aside(self, lea: str) -> None:
        there = self._names(f"{RUNS}/{lea}")
        if not there:
            return
        # Without its manifest it is what a worker that died had copied of a run: that was never one.
        if MANIFEST in there:
            taken, number = self._names(RUNS), 1
            while f"{lea}.{number}" in taken:
                number += 1
            with self._asked() as (store, path):
                store.copy(f"{path}/{RUNS}/{lea}", f"{path}/{RUNS}/{lea}.{number}", recursive=True)
            self.remove(f"{RUNS}/{lea}/{MANIFEST}")
        with self._asked() as (store, path):
            store.rm(f"{path}/{RUNS}/{lea}", recursive=True)

    def beside(self) -> list[Home]:
        parent = StoreHome(self._address.parent)
        others = [
            StoreHome(self._address.parent.joined(name)) for name in parent._names("") if name != self._address.name
        ]
        return [other for other in others if other.has(FILE)]

    def _names(self, folder: str) -> list[str]:
        """What is in a folder here, sorted; nothing when it is not there."""
        with self._asked() as (store, path):
            where = f"{path}/{folder}".rstrip("/")
            try:
                found = store.ls(where, detail=False)
            except FileNotFoundError:
                return []
            names = {name.rstrip("/").rpartition("/")[2] for name in found if name.rstrip("/") != where}
            return sorted(names)

    def _put(self, name: str, data: bytes) -> None:
        with self._asked() as (store, path):
            target = f"{path}/{name}"
            if self._address.protocols[0] in _WITHOUT_FOLDERS:
                store.pipe_file(target, data)
                return
            # What has folders shows a file while it is being written.
            folder, _, own = target.rpartition("/")
            store.makedirs(folder, exist_ok=True)
            unfinished = f"{folder}/.unfinished-{secrets.token_hex(4)}-{own}"
            store.pipe_file(unfinished, data)
            with contextlib.suppress(FileNotFoundError):
                store.rm_file(target)
            store.mv(unfinished, target)

    @contextlib.contextmanager
    def _asked(self) -> Iterator[tuple[Any, str]]:
        from senrkit.addresses.fetch import in_plain_words, opened

        with in_plain_words(self._address):
            if self._opened is None:
                self._opened = opened(self._address)
            store, path = self._opened
            yield store, path.rstrip("/")


def _holds_something_else(home: Home) -> UsageError:
    return UsageError(f"{home} holds files, and no batch.", "Name a folder that does not exist yet with --out.")


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path} cannot be written: {error.strerror or 'unknown reason'}.",
        "Make room, or name another batch folder with --out.",
    )
