"""Separated text to frames of text: every line a row, every value exactly as it stands, nothing lost quietly.

CALPADS' files have no quoting, no escapes and no header. A line ends with CR LF, LF or CR. Polars scans the file for
what is asked of all rows while one pass over the bytes hashes it and looks at every line, for the scan fills a short
line with blanks and passes over what a long one has too much. No message of Polars' gets out of this module: it could
quote a pupil's row.
"""

from __future__ import annotations

import codecs
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import polars as pl

from senrkit.errors import InputError
from senrkit.inputs.extract.find import TextFile

UTF_8, WINDOWS_1252 = "utf-8", "windows-1252"
MARK = b"\xef\xbb\xbf"
# So much at a time stays in the processor's cache while it is hashed and looked at.
BLOCK_BYTES = 1 << 20
_LINE_ENDS = b"\r\n"
_CURE = "Download it again from CALPADS."


class Lines:
    """The lines of a file in UTF-8, none blank, each with as many columns as are named.

    `columns` names them in file order; those named `""` cannot be asked for. `data` are the bytes of a file that cannot
    be scanned where it lies. `starts` says where each line begins, and where the last one ends.
    """

    def __init__(
        self, file: TextFile, data: bytes | None, starts: np.ndarray, delimiter: str, columns: Sequence[str]
    ) -> None:
        self._file, self._data, self._starts = file, data, starts
        self._version = file.version()
        self.delimiter, self.columns = delimiter, tuple(columns)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def scan(self) -> pl.LazyFrame:
        """All rows, all columns, as text."""
        return _scan(self._file.path if self._data is None else self._data, self.delimiter, self.columns)

    def refuse_changed(self) -> None:
        """Raise `InputError` when somebody wrote to the file since it was looked at."""
        # Of bytes that are held the file may be gone.
        if self._data is None and self._file.version() != self._version:
            raise _changed(self._file)

    def at(self, positions: pl.Series, columns: Sequence[str]) -> pl.DataFrame:
        """The rows at these positions, ascending, as text.

        Raises
        ------
        InputError
            when somebody wrote to the file since it was looked at.
        """
        if not len(positions):
            return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
        wanted = positions.to_numpy()
        begins, ends = self._starts[wanted], self._starts[wanted + 1]
        # Neighbours are one piece; and a block of the file at a time, however far apart the pieces are.
        is_first = np.append(True, begins[1:] != ends[:-1])
        begins, ends = begins[is_first], ends[np.append(is_first[1:], True)]
        first_of_block = np.flatnonzero(np.diff(begins // BLOCK_BYTES, prepend=-1))
        pieces: list[bytes] = []
        with _opened(self._file, self._data) as stream:
            for first, last in zip(first_of_block, [*first_of_block[1:], len(begins)], strict=True):
                offset = int(begins[first])
                stream.seek(offset)
                block = stream.read(int(ends[last - 1]) - offset)
                bounds = zip((begins[first:last] - offset).tolist(), (ends[first:last] - offset).tolist(), strict=True)
                pieces += [block[begin:end] for begin, end in bounds]
        self.refuse_changed()
        return _scan(b"".join(pieces), self.delimiter, self.columns).select(columns).collect()


@dataclass(frozen=True)
class DelimitedText:
    """Row 0 is line 1 of the file, and so on without a gap; `ended` says whether the last line has a line end.

    `rows` is what was asked of all of them.
    """

    rows: pl.DataFrame
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
    file: TextFile,
    delimiter: str,
    columns: Sequence[str],
    asked: Callable[[pl.LazyFrame], pl.LazyFrame],
    held: bool = False,
) -> DelimitedText | IrregularLine | LongLine:
    """What is asked of all lines of the file but blank ones at its end, which are scanned as text.

    A column named `""` is counted but cannot be asked for. Bytes that are not UTF-8 are taken for Windows-1252, and
    `encoding` says so; well-formed UTF-8 in the same file stays what it is. A line that does not fit is returned, not
    raised: an exception would carry it along, and only the caller knows what to say about it. `held`: the bytes are
    kept, for the file will be gone.

    Raises
    ------
    InputError
        NUL bytes, bytes that are no text in either encoding, a file that changes while it is read.
    """
    before = file.version()
    data = file.whole() if held or file.member else None
    # A zip's own size says nothing about its member's, and its bytes are all at hand.
    with ThreadPoolExecutor(1) as worker:
        looking = worker.submit(_looked_at, file, data, delimiter, len(columns))
        rows = _rows(_scan(file.path if data is None else data, delimiter, columns), asked)
        looked = looking.result()
    encoding, irregular, found = UTF_8, None, looked
    if rows is None or looked.odd:
        plain, encoding, irregular = _plain(file, file.whole() if data is None else data, delimiter, len(columns))
        if irregular is None:
            data, rows = plain, _rows(_scan(plain, delimiter, columns), asked)
            found = _looked_at(file, plain, delimiter, len(columns))
            assert rows is not None and not found.odd, "Lines that fit cannot be read."
    if file.version() != before or (not file.member and looked.bytes != before[0]):
        raise _changed(file)
    if irregular is not None:
        return irregular
    lines = Lines(file, data, found.starts, delimiter, columns)
    return DelimitedText(rows, lines, looked.sha256, looked.bytes, encoding, looked.ended)


def _changed(file: TextFile) -> InputError:
    return InputError(f"{file.name} changed while it was read.", "Wait until it has been written in full.")


def _scan(source: object, delimiter: str, columns: Sequence[str]) -> pl.LazyFrame:
    names = [name or f"unused {number}" for number, name in enumerate(columns)]
    return pl.scan_csv(
        source,  # type: ignore[arg-type]
        separator=delimiter,
        quote_char=None,
        has_header=False,
        schema=dict.fromkeys(names, pl.String),
        empty_string_is_null=False,
        glob=False,
    )


def parsed(data: bytes, delimiter: str, columns: Sequence[str]) -> pl.DataFrame | None:
    """All of these lines, or None when one has more columns."""
    return _rows(_scan(data, delimiter, columns), lambda scan: scan)


def _rows(scan: pl.LazyFrame, asked: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame | None:
    """None when Polars finds an irregular line; the bytes tell which. Its own error could quote the row, so it
    ends here, unseen."""
    try:
        return asked(scan).collect(engine="streaming")
    except (pl.exceptions.PolarsError, OSError):
        return None


@contextmanager
def _opened(file: TextFile, data: bytes | None) -> Iterator[BinaryIO]:
    if data is not None:
        yield io.BytesIO(data)
    else:
        with file.opened() as stream:
            yield stream


@dataclass(frozen=True)
class _Looked:
    """What a pass over the bytes shows. `odd`: not every line is text in UTF-8 that ends with LF or CR LF and has all
    columns; `starts` is right only when none is."""

    sha256: str
    bytes: int
    starts: np.ndarray
    odd: bool
    ended: bool


def _looked_at(file: TextFile, data: bytes | None, delimiter: str, columns: int) -> _Looked:
    digest, size, rest, starts, odd = hashlib.sha256(), 0, b"", [], False
    with _opened(file, data) as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
            size += len(block)
            if odd:
                continue
            block = rest + block
            end = block.rfind(b"\n") + 1
            lines, rest = block[:end], block[end:]
            begins, odd = _line_starts(lines, delimiter, columns)
            starts.append(begins + (size - len(block)))
            odd |= len(rest) > BLOCK_BYTES
    ended = not rest
    if rest and not odd:
        begins, odd = _line_starts(rest + b"\n", delimiter, columns)
        starts.append(begins + (size - len(rest)))
    where = np.concatenate([*starts, [size]]) if starts else np.zeros(1, dtype="int64")
    if not odd and len(where) > 1:
        where[0] = len(MARK) if _begins_with_mark(file, data) else 0
    return _Looked(digest.hexdigest(), size, where, odd, ended)


def _begins_with_mark(file: TextFile, data: bytes | None) -> bool:
    with _opened(file, data) as stream:
        return stream.read(len(MARK)) == MARK


def _line_starts(lines: bytes, delimiter: str, columns: int) -> tuple[np.ndarray, bool]:
    """Where each of some whole lines begins, and whether anything about them is odd."""
    if not lines:
        return np.zeros(0, dtype="int64"), False
    characters = np.frombuffer(lines, dtype=np.uint8)
    ends = np.flatnonzero(characters == ord("\n"))
    starts = np.concatenate(([0], ends[:-1] + 1))
    is_delimiter, is_cr = characters == ord(delimiter), characters == ord("\r")
    # In bytes a line's delimiters are counted four times as fast; a line with 256 too many shows in the whole.
    counts = np.add.reduceat(is_delimiter.view(np.uint8), starts, dtype=np.uint8)
    odd = (counts != columns - 1).any() or np.count_nonzero(is_delimiter) != len(starts) * (columns - 1)
    odd |= np.count_nonzero(is_cr) != np.count_nonzero(is_cr[ends - 1])
    odd |= (ends - starts > BLOCK_BYTES).any() or b"\0" in lines or not _is_utf_8(lines)
    return starts, bool(odd)


def _is_utf_8(data: bytes) -> bool:
    try:
        data.isascii() or data.decode(UTF_8)
    except UnicodeDecodeError:
        return False
    return True


def _plain(
    file: TextFile, data: bytes, delimiter: str, columns: int
) -> tuple[bytes, str, IrregularLine | LongLine | None]:
    """The file's lines in UTF-8, each ended by LF, without a mark in front and blank lines at the end; the encoding
    they came in; and the first that does not fit."""
    refuse_nul_bytes(file, data)
    body = data.removeprefix(MARK).rstrip(_LINE_ENDS)
    irregular = _first_irregular_line(_with_plain_line_ends(body) + b"\n", delimiter, columns)
    if irregular:
        return b"", UTF_8, irregular
    encoding = UTF_8 if _is_utf_8(body) else WINDOWS_1252
    plain = _with_plain_line_ends(body if encoding == UTF_8 else _as_utf_8(file.name, body))
    lengths = [len(line) for line in plain.split(b"\n")]
    longest = max(lengths)
    return plain, encoding, LongLine(lengths.index(longest) + 1) if longest > BLOCK_BYTES else None


def refuse_nul_bytes(file: TextFile, data: bytes) -> None:
    """Raise `InputError` with the line of the first NUL byte, if there is one."""
    position = data.find(b"\0")
    if position >= 0:
        line = _line_number(data, position)
        raise InputError(f"{file.name}, line {line:,}: holds NUL bytes, so it is damaged or no text.", _CURE)


def _with_plain_line_ends(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _first_irregular_line(lines: bytes, delimiter: str, columns: int) -> IrregularLine | None:
    line, start = 1, 0
    while start < len(lines):
        end = lines.find(b"\n", min(start + BLOCK_BYTES, len(lines) - 1)) + 1
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
    counts = np.add.reduceat((characters == ord(delimiter)).view(np.uint8), starts, dtype=np.uint32) + 1
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
