"""Separated text to an Arrow table of text: every line a row, every value exactly as it stands, nothing lost quietly.

CALPADS' files have no quoting, no escapes and no header. A line ends with CR LF, LF or CR. No message of pyarrow's gets
out of this module: it would quote a pupil's row.
"""

from __future__ import annotations

import codecs
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from senrkit.errors import InputError
from senrkit.inputs.text_files import TextFile

UTF_8, WINDOWS_1252 = "utf-8", "windows-1252"
MARK = b"\xef\xbb\xbf"
_BLOCK_BYTES = 4 << 20
_LINE_ENDS = b"\r\n"
_CURE = "Download it again from CALPADS."


@dataclass(frozen=True)
class DelimitedText:
    """Row 0 is line 1 of the file, and so on without a gap; `ended` says whether the last line has a line end."""

    table: pa.Table
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


def read_delimited(file: TextFile, delimiter: str, columns: Sequence[str]) -> DelimitedText | IrregularLine | LongLine:
    """All lines of the file but blank ones at its end, as `large_string` columns without nulls.

    A column named `""` is counted but not kept. Bytes that are not UTF-8 are taken for Windows-1252, and `encoding`
    says so; well-formed UTF-8 in the same file stays what it is. A line that does not fit is returned, not raised: an
    exception would carry it along, and only the caller knows what to say about it.

    Raises
    ------
    InputError
        NUL bytes, bytes that are no text in either encoding, a file that changes while it is read.
    """
    before = file.version()
    with file.opened() as raw:
        stream = _Stream(raw)
        table = _parse(stream, delimiter, columns)
    if stream.has_nul:
        refuse_nul_bytes(file)
    read: DelimitedText | IrregularLine | LongLine
    if table is None:
        read = _read_whole(file, delimiter, columns)
    else:
        read = DelimitedText(table, stream.digest.hexdigest(), stream.bytes, UTF_8, stream.ended)
    # A zip's own size says nothing about its member's.
    grown = isinstance(read, DelimitedText) and not file.member and read.bytes != before[0]
    if grown or file.version() != before:
        raise InputError(f"{file.name} changed while it was read.", "Wait until it has been written in full.")
    return read


def refuse_nul_bytes(file: TextFile) -> None:
    """Raise `InputError` with the line of the first NUL byte, if there is one."""
    data = file.whole()
    position = data.find(b"\0")
    if position >= 0:
        line = _line_number(data, position)
        raise InputError(f"{file.name}, line {line:,}: holds NUL bytes, so it is damaged or no text.", _CURE)


class _Stream:
    """What pyarrow reads from: hashes and looks for NUL bytes on the way, so that the disk is read once.

    Line ends are held back until something follows them, which drops the blank lines at the end of the file.
    """

    closed = False

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._held_back = b""
        self._ready = b""
        self.digest = hashlib.sha256()
        self.bytes = 0
        self.has_nul = False

    @property
    def ended(self) -> bool:
        return bool(self._held_back)

    def read(self, size: int) -> bytes:
        """Full blocks but for the last: pyarrow wants at least one line end in each, and no more bytes than `size`."""
        while not (self._ready or self.has_nul):
            block = self._raw.read(max(size - len(self._held_back), size // 2))
            if not block:
                break
            self._take(block)
        text, self._ready = self._ready[:size], self._ready[size:]
        return text

    def _take(self, block: bytes) -> None:
        self.digest.update(block)
        text = block if self.bytes else block.removeprefix(MARK)
        self.bytes += len(block)
        self.has_nul = b"\0" in text
        text = self._held_back + text if self._held_back else text
        self._ready = text.rstrip(_LINE_ENDS)
        self._held_back = text[len(self._ready) :]

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True


def _parse(stream: _Stream, delimiter: str, columns: Sequence[str]) -> pa.Table | None:
    """The table, or None when pyarrow finds a fault; which one is found out from the bytes.

    Its own error quotes the row, so it ends here, unseen. An `invalid_row_handler` would not do: one that is handed a
    row that is no UTF-8 writes to the terminal.
    """
    names = [name or f"unused {number}" for number, name in enumerate(columns)]
    # `string` columns would be copied, slowly, on their way to pandas.
    types = dict.fromkeys(names, pa.large_string())
    kept = [name for name in columns if name]
    try:
        return pc.read_csv(
            stream,
            read_options=pc.ReadOptions(column_names=names, block_size=_BLOCK_BYTES),
            parse_options=pc.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False),
            convert_options=pc.ConvertOptions(column_types=types, strings_can_be_null=False, include_columns=kept),
        )
    except pa.ArrowInvalid:
        return None


def _read_whole(file: TextFile, delimiter: str, columns: Sequence[str]) -> DelimitedText | IrregularLine | LongLine:
    """A file that pyarrow refused: which line is at fault, or the rows when only the encoding was."""
    data = file.whole()
    body = data.removeprefix(MARK).rstrip(_LINE_ENDS)
    irregular = _first_irregular_line(_with_plain_line_ends(body) + b"\n", delimiter, len(columns))
    if irregular:
        return irregular
    table = _parse(_Stream(io.BytesIO(_as_utf_8(file.name, body))), delimiter, columns)
    if table is None:
        return LongLine(_longest_line(body))
    sha256 = hashlib.sha256(data).hexdigest()
    return DelimitedText(table, sha256, len(data), WINDOWS_1252, data.endswith((b"\r", b"\n")))


def _with_plain_line_ends(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _first_irregular_line(lines: bytes, delimiter: str, columns: int) -> IrregularLine | None:
    line, start = 1, 0
    while start < len(lines):
        end = lines.find(b"\n", min(start + _BLOCK_BYTES, len(lines) - 1)) + 1
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
