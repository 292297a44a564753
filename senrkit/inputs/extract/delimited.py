"""Separated text to an Arrow table of text: every line a row, every value exactly as it stands, nothing lost quietly.

CALPADS' files have no quoting, no escapes and no header. A line ends with CR LF, LF or CR. No message of pyarrow's gets
out of this module: it would quote a pupil's row.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from senrkit.errors import InputError
from senrkit.frames.coded import Coded
from senrkit.inputs.extract.find import TextFile
from senrkit.inputs.extract.lines import Lines, line_starts

UTF_8, WINDOWS_1252 = "utf-8", "windows-1252"
MARK = b"\xef\xbb\xbf"
_STEP_BYTES = 4 << 20
_LINE_ENDS = b"\r\n"
_CURE = "Download it again from CALPADS."


@dataclass(frozen=True)
class DelimitedText:
    """Row 0 is line 1 of the file, and so on without a gap; `ended` says whether the last line has a line end.

    `columns` holds those that were wanted at once, `lines` all of them.
    """

    columns: Mapping[str, Coded]
    lines: Lines
    sha256: str
    bytes: int
    encoding: str
    ended: bool


@dataclass(frozen=True)
class IrregularLine:
    """The first line that has another number of columns than asked for. `text` is for finding the cause, never to show.

    `found` counts columns (0 for a blank line), `next_found` those of the line after it (-1 when it is the last).
    """

    line: int
    found: int
    next_found: int
    text: bytes


@dataclass(frozen=True)
class LongLine:
    """A line longer than a block of reading: no record of any CALPADS file."""

    line: int


def read_delimited(
    file: TextFile, delimiter: str, columns: Sequence[str], wanted: Sequence[str] | None = None
) -> DelimitedText | IrregularLine | LongLine:
    """All lines of the file but blank ones at its end.

    A column named `""` is counted but cannot be wanted; default: all others are. Bytes that are not UTF-8 are taken for
    Windows-1252, and `encoding` says so; well-formed UTF-8 in the same file stays what it is. A line that does not fit
    is returned, not raised: an exception would carry it along, and only the caller knows what to say about it.

    Raises
    ------
    InputError
        NUL bytes, bytes that are no text in either encoding, a file that changes while it is read.
    """
    before = file.version()
    data = file.whole()
    wanted = [name for name in columns if name] if wanted is None else wanted
    # Hashing, looking for line ends and parsing do most of their work outside of Python.
    with ThreadPoolExecutor(1) as worker:
        digest = worker.submit(lambda: hashlib.sha256(data).hexdigest())
        if b"\0" in data:
            refuse_nul_bytes(file)
        found = _columns_and_lines(_body(data), delimiter, columns, wanted) if _is_utf_8(data) else None
        encoding = UTF_8 if found else WINDOWS_1252
        found = found or _otherwise(file.name, data, delimiter, columns, wanted)
    # A zip's own size says nothing about its member's.
    grown = not file.member and len(data) != before[0]
    if grown or file.version() != before:
        raise InputError(f"{file.name} changed while it was read.", "Wait until it has been written in full.")
    if isinstance(found, (IrregularLine, LongLine)):
        return found
    return DelimitedText(*found, digest.result(), len(data), encoding, data.endswith((b"\r", b"\n")))


def refuse_nul_bytes(file: TextFile) -> None:
    """Raise `InputError` with the line of the first NUL byte, if there is one."""
    data = file.whole()
    position = data.find(b"\0")
    if position >= 0:
        line = _line_number(data, position)
        raise InputError(f"{file.name}, line {line:,}: holds NUL bytes, so it is damaged or no text.", _CURE)


def _body(data: bytes) -> pa.Buffer:
    """Without the mark in front and the line ends at the end, and so without blank lines there; not copied."""
    begin, end = (len(MARK) if data.startswith(MARK) else 0), len(data)
    while end > begin and data[end - 1] in _LINE_ENDS:
        end -= 1
    return pa.py_buffer(data).slice(begin, end - begin)


def _is_utf_8(data: bytes) -> bool:
    if data.isascii():
        return True
    offsets = pa.py_buffer(np.array([0, len(data)]))
    try:
        pa.Array.from_buffers(pa.large_string(), 1, [None, offsets, pa.py_buffer(data)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _columns_and_lines(
    body: pa.Buffer, delimiter: str, columns: Sequence[str], wanted: Sequence[str]
) -> tuple[dict[str, Coded], Lines] | None:
    """None when a line does not fit."""
    lines = Lines(body, line_starts(body), delimiter, columns)
    found = lines.coded(wanted)
    if found is not None and len(found[wanted[0]]) != len(lines):
        # Some line ends with CR alone.
        return _columns_and_lines(_plain(body), delimiter, columns, wanted)
    return None if found is None else (found, lines)


def _otherwise(
    name: str, data: bytes, delimiter: str, columns: Sequence[str], wanted: Sequence[str]
) -> tuple[dict[str, Coded], Lines] | IrregularLine | LongLine:
    """A file that pyarrow refused: which line is at fault, or the rows when only the encoding was."""
    body = _body(data)
    irregular = _first_irregular_line(_plain(body).to_pybytes() + b"\n", delimiter, len(columns))
    if irregular:
        return irregular
    found = _columns_and_lines(_body(_as_utf_8(name, body.to_pybytes())), delimiter, columns, wanted)
    return found or LongLine(_longest_line(body.to_pybytes()))


def _plain(body: pa.Buffer) -> pa.Buffer:
    return pa.py_buffer(_with_plain_line_ends(body.to_pybytes()))


def _with_plain_line_ends(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _first_irregular_line(lines: bytes, delimiter: str, columns: int) -> IrregularLine | None:
    line, start = 1, 0
    while start < len(lines):
        end = lines.find(b"\n", min(start + _STEP_BYTES, len(lines) - 1)) + 1
        starts, counts = _column_counts(lines[start:end], delimiter)
        irregular = np.flatnonzero(counts != columns)
        if irregular.size:
            at = int(irregular[0])
            begin = start + int(starts[at])
            stop = lines.find(b"\n", begin)
            following = lines[stop + 1 : lines.find(b"\n", stop + 1)]
            next_found = count_columns(following, delimiter) if stop + 1 < len(lines) else -1
            return IrregularLine(line + at, int(counts[at]), next_found, lines[begin:stop])
        line, start = line + len(starts), end
    return None


def _column_counts(lines: bytes, delimiter: str) -> tuple[np.ndarray, np.ndarray]:
    """Where each line of whole lines ended by LF starts, and how many columns it has; none for a blank one."""
    characters = np.frombuffer(lines, dtype=np.uint8)
    ends = np.flatnonzero(characters == ord("\n"))
    starts = np.concatenate(([0], ends[:-1] + 1))
    counts = np.add.reduceat(characters == ord(delimiter), starts, dtype=np.int64) + 1
    return starts, np.where(ends == starts, 0, counts)


def count_columns(line: bytes, delimiter: str) -> int:
    """The number of columns of one line; none when it is blank."""
    return line.count(delimiter.encode()) + 1 if line else 0


def _as_utf_8(name: str, data: bytes) -> bytes:
    try:
        return data.decode(UTF_8, "senrkit.windows-1252").encode(UTF_8)
    except UnicodeDecodeError as error:
        # The error holds the whole file: it must not even be the context of what is raised.
        position = error.start
    line = _line_number(data, position)
    raise InputError(f"{name}, line {line:,}: holds bytes that are text neither in UTF-8 nor in Windows-1252.", _CURE)


def _from_windows_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    try:
        return error.object[error.start : error.end].decode(WINDOWS_1252), error.end
    except UnicodeDecodeError:
        # Its position would be within the slice.
        raise error from None


codecs.register_error("senrkit.windows-1252", _from_windows_1252)


def _line_number(data: bytes, position: int) -> int:
    before = data[:position]
    return before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n") + 1


def _longest_line(data: bytes) -> int:
    lengths = [len(line) for line in _with_plain_line_ends(data).split(b"\n")]
    return lengths.index(max(lengths)) + 1
