"""Which file is meant, and may it be read as text: single files, the newest file of a folder, the files in a zip."""

from __future__ import annotations

import datetime as dt
import lzma
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from senrkit.errors import InputError

HEAD_BYTES = 1 << 16
# Beyond any district's extract (a line is some 200 bytes); a zip that claims more is a trap or damaged.
_LARGEST_IN_ZIP = 8 << 30
_BYTE_MARKS = b"\xef\xbb\xbf\xff\xfe"
_UNFINISHED = {".crdownload", ".part", ".partial", ".download", ".tmp"}
_UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError)
# What zipfile lets out of a damaged directory, beyond its own error.
_UNREADABLE_ZIP = (*_UNREADABLE, ValueError, LookupError, RuntimeError, struct.error)
_OTHER_FORMATS = {
    b"\xd0\xcf\x11\xe0": "an Excel workbook of the old kind or another Office document",
    b"\x1f\x8b": "packed with gzip",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"%PDF": "a PDF document",
}
# What to do about a file that is not found, by record type.
_PLACES = {
    "SENR-R": ("calpads.senr_extract", "--extract FILE", "SSID Enrollment ODS extract"),
    "SELA-R": ("calpads.sela_extract", "--sela FILE", "SELA ODS extract"),
}
_AGAIN = "Download it again from CALPADS and do not open it before senrkit has read it."


@dataclass(frozen=True)
class InputFile:
    """One file that was read. `sha256`, `bytes` and `rows` are of the text itself, also when it came out of a zip."""

    path: Path
    name: str
    sha256: str
    bytes: int
    rows: int
    modified: dt.datetime


@dataclass(frozen=True)
class TextFile:
    """A file of text that can be opened again and again: on its own, or a member of the zip at `path`."""

    path: Path
    member: str = ""

    @property
    def name(self) -> str:
        return f"{self.path.name}/{self.member}" if self.member else self.path.name

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The bytes, unpacked.

        Raises
        ------
        InputError
            when the file is gone, locked, or the zip around it is damaged.
        """
        if self.member:
            with (
                _in_plain_words(self.name, _UNREADABLE_ZIP),
                zipfile.ZipFile(self.path) as archive,
                archive.open(self.member) as stream,
            ):
                yield stream  # type: ignore[misc]
        else:
            with _in_plain_words(self.name), self.path.open("rb") as stream:
                yield stream

    def head(self) -> bytes:
        """The first `HEAD_BYTES` bytes, fewer when the file is shorter."""
        with self.opened() as stream:
            return stream.read(HEAD_BYTES)

    def whole(self) -> bytes:
        """All bytes. For finding out what is wrong with a file; reading a good one never needs them at once."""
        with self.opened() as stream:
            return stream.read()

    def version(self) -> tuple[int, int]:
        """Size and time of change of the file on disk; two different answers mean that somebody wrote to it."""
        with _in_plain_words(self.name):
            state = self.path.stat()
        return state.st_size, state.st_mtime_ns

    def modified(self) -> dt.datetime:
        """When the file on disk was last changed, with the time zone of this machine."""
        return dt.datetime.fromtimestamp(self.version()[1] / 1e9).astimezone()


def find_text_files(paths: Sequence[Path], record_type: str) -> tuple[tuple[TextFile, ...], tuple[str, ...]]:
    """The files meant by `paths`, and what a person should know about the choice.

    A file stands for itself. A folder stands for the newest file in it, by time of change, that begins with
    `record_type`. A zip stands for every file in it that does; a zip with a single file stands for that file, so that
    its content can be judged.

    Raises
    ------
    InputError
        when nothing is there, or it is no text file: a workbook, a damaged or locked zip, a download in progress.
    """
    if not paths:
        setting, option, _ = _place(record_type)
        raise InputError(f"No {record_type} extract was named.", f"Set {setting}, or use {option}.")
    files: list[TextFile] = []
    notes: list[str] = []
    for path in map(Path, paths):
        with _in_plain_words(str(path)):
            is_folder = path.is_dir()
        if is_folder:
            path, note = _newest(path, record_type)
            notes.append(note)
        members = _members(path, record_type)
        files += [TextFile(path, member) for member in members]
        if members != [""]:
            notes.append(f"Taken from {path.name}: {', '.join(members)}.")
    return tuple(files), tuple(notes)


def refuse_other_formats(file: TextFile, head: bytes) -> None:
    """Raise `InputError` when the first bytes are those of an empty file, a workbook, an archive or UTF-16 text."""
    if not head.strip(b"\r\n" + _BYTE_MARKS):
        raise InputError(f"{file.name} is empty.", _AGAIN)
    kind = next((words for magic, words in _OTHER_FORMATS.items() if head.startswith(magic)), "")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        kind = "a zip or workbook inside a zip"
    elif head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head[:2]:
        kind = "in UTF-16 (a spreadsheet's or editor's 'Unicode text')"
    if kind:
        raise InputError(f"{file.name} is {kind}, not the plain text that CALPADS gives.", _AGAIN)


def _newest(folder: Path, record_type: str) -> tuple[Path, str]:
    with _in_plain_words(str(folder)):
        entries = [entry for entry in os.scandir(folder) if entry.is_file() and not entry.name.startswith((".", "~$"))]
        entries = [entry for entry in entries if Path(entry.name).suffix.lower() not in _UNFINISHED]
        entries.sort(key=lambda entry: (entry.stat().st_mtime_ns, entry.name), reverse=True)
    for passed_over, entry in enumerate(entries):
        if _holds(Path(entry.path), record_type):
            newer = f" (newer files that are something else: {passed_over})" if passed_over else ""
            return Path(entry.path), f"Taken as the newest {record_type} file in {folder.name}: {entry.name}{newer}."
    raise InputError(
        f"The folder {folder} holds no {record_type} file.",
        f"Put the {_place(record_type)[2]} into it as it was downloaded, or name the file itself.",
    )


def _holds(path: Path, record_type: str) -> bool:
    # Only a zip may fail here: one of a folder's many zips is none of our business, but a plain file that cannot be
    # opened may be the very extract, and an older one must not quietly take its place.
    if not _is_zip(path):
        return _begins_with(TextFile(path).head(), record_type)
    try:
        return any(_begins_with(TextFile(path, name).head(), record_type) for name in _members(path, record_type))
    except InputError:
        return False


def _members(path: Path, record_type: str) -> list[str]:
    """`[""]` for a plain file, names for a zip."""
    with _in_plain_words(str(path)):
        there, regular = path.exists(), path.is_file()
    if not there:
        option = _place(record_type)[1]
        raise InputError(f"There is no file {path}.", f"Check the path in the settings, or use {option}.")
    if not regular:
        raise InputError(f"{path} is neither a file nor a folder.", "Name the extract as it was downloaded.")
    if path.suffix.lower() in _UNFINISHED:
        raise InputError(f"{path.name} is a download in progress.", "Wait until the browser has finished it.")
    if not _is_zip(path):
        if path.suffix.lower() == ".zip" and path.stat().st_size:
            raise InputError(f"{path.name} is no zip, or a damaged one.", _AGAIN)
        return [""]
    with _in_plain_words(path.name, _UNREADABLE_ZIP), zipfile.ZipFile(path) as archive:
        inside = [info for info in archive.infolist() if not info.is_dir() and not _is_hidden(info.filename)]
    names = [info.filename for info in inside]
    if "[Content_Types].xml" in names:
        raise InputError(f"{path.name} is a workbook or another Office document, not the text of CALPADS.", _AGAIN)
    if any(info.flag_bits & 1 for info in inside):
        raise InputError(f"{path.name} is protected by a password.", "Unpack it and name the text file.")
    if any(info.file_size > _LARGEST_IN_ZIP for info in inside):
        raise InputError(f"{path.name} holds a file too large for an extract.", _AGAIN)
    wanted = [name for name in names if _begins_with(TextFile(path, name).head(), record_type)]
    if not wanted and len(names) != 1:
        count = f"{len(names)} files, none of which is" if names else "no file, so not"
        raise InputError(f"{path.name} holds {count} a {record_type} extract.", "Name the text file itself.")
    return sorted(wanted) or names


def _place(record_type: str) -> tuple[str, str, str]:
    return _PLACES.get(record_type, _PLACES["SENR-R"])


def _is_zip(path: Path) -> bool:
    return TextFile(path).head()[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def _is_hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or Path(name).name.startswith(".")


def _begins_with(head: bytes, record_type: str) -> bool:
    """Also in UTF-16, in quotation marks or under a heading row: such a file is meant, and is refused by name later."""
    start = head.replace(b"\0", b"").lstrip(_BYTE_MARKS)[:8192]
    return re.search(rb'(?:\A|[\r\n])["\' ]*' + re.escape(record_type.encode()) + rb'["\'^,;\t|]', start) is not None


@contextmanager
def _in_plain_words(name: str, unreadable: tuple[type[Exception], ...] = _UNREADABLE) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{name} is no longer there.", "Check the path.") from None
    except PermissionError:
        cure = "Close the program that has it open, or ask for the right to read it."
        raise InputError(f"{name} may not be read.", cure) from None
    except unreadable:
        raise InputError(f"{name} cannot be read; the file or the zip around it is damaged.", _AGAIN) from None
