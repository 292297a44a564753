"""The lines of a separated file, held as the bytes they are, and parsed for the rows and columns that are asked for.

Of a large extract nearly all rows are looked at in a few columns only, and these hold few different texts. Parsed in
full and at once, its text takes four times the room, and most of the time goes into getting that room.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from senrkit.frames.coded import Coded

BLOCK_BYTES = 4 << 20
_LINE_END = ord("\n")


class Lines:
    """Lines in UTF-8, none blank, each with as many columns as are named; no line end after the last.

    `columns` names them in file order; those named `""` cannot be asked for.
    """

    def __init__(self, data: pa.Buffer, starts: np.ndarray, delimiter: str, columns: Sequence[str]) -> None:
        bounds = np.append(starts, data.size)
        self._data, self._starts = data, bounds[:-1]
        # Each value is a line with its line end, so that any of them, one after the other, are a file again.
        self._each = pa.Array.from_buffers(pa.large_binary(), len(starts), [None, pa.py_buffer(bounds), data])
        self.delimiter, self.columns = delimiter, tuple(columns)

    def __len__(self) -> int:
        return len(self._each)

    def at(self, positions: np.ndarray, columns: Sequence[str]) -> pa.Table:
        """The rows at these positions, ascending: `large_string` columns without nulls."""
        taken = self._each.take(pa.array(positions))
        if not len(taken):
            return pa.table({name: pa.array([], pa.large_string()) for name in columns})
        table = parse(taken.buffers()[2], self.delimiter, self.columns, columns)
        assert table is not None and table.num_rows == len(positions), "Lines that were read once cannot be read again."
        return table

    def coded(self, columns: Sequence[str]) -> dict[str, Coded] | None:
        """All rows, or None when pyarrow finds a fault.

        A piece of the lines at a time, on all cores, so that the texts themselves never stand there all at once.
        """
        cuts = self._starts[np.searchsorted(self._starts, np.arange(0, self._data.size, BLOCK_BYTES), "right") - 1]
        cuts = np.append(np.unique(cuts), self._data.size)
        with ThreadPoolExecutor(os.cpu_count()) as workers:
            pieces = list(workers.map(lambda begin, end: self._piece(begin, end, columns), cuts[:-1], cuts[1:]))
        if any(piece is None for piece in pieces):
            return None
        table = pa.concat_tables(pieces)
        return {name: Coded.of(table[name]) for name in columns}

    def _piece(self, begin: int, end: int, columns: Sequence[str]) -> pa.Table | None:
        table = parse(self._data.slice(begin, end - begin), self.delimiter, self.columns, columns, threads=False)
        if table is None:
            return None
        return pa.table({name: table[name].combine_chunks().dictionary_encode() for name in columns})


def line_starts(data: pa.Buffer) -> np.ndarray:
    """Where each line ended by LF begins: int64."""
    characters = np.frombuffer(data, np.uint8)
    ends = [
        np.flatnonzero(characters[begin : begin + BLOCK_BYTES] == _LINE_END) + begin
        for begin in range(0, len(characters), BLOCK_BYTES)
    ]
    starts = np.concatenate([np.array([-1]), *ends]) + 1
    return starts[:-1] if starts[-1] == len(characters) else starts


def parse(
    data: pa.Buffer, delimiter: str, columns: Sequence[str], wanted: Sequence[str], *, threads: bool = True
) -> pa.Table | None:
    """The wanted columns of all lines, or None when pyarrow finds a fault; which one is found out from the bytes.

    Its own error quotes the row, so it ends here, unseen. An `invalid_row_handler` would not do: one that is handed a
    row that is no UTF-8 writes to the terminal.
    """
    names = [name or f"unused {number}" for number, name in enumerate(columns)]
    # `string` columns would be copied, slowly, on their way to pandas.
    types = dict.fromkeys(wanted, pa.large_string())
    try:
        return pc.read_csv(
            pa.BufferReader(data),
            read_options=pc.ReadOptions(column_names=names, block_size=BLOCK_BYTES, use_threads=threads),
            parse_options=pc.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False),
            convert_options=pc.ConvertOptions(
                column_types=types, strings_can_be_null=False, include_columns=list(wanted)
            ),
        )
    except pa.ArrowInvalid:
        return None
