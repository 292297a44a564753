"""A text column of many rows and few different texts: each text once, and for each row which one it holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, eq=False)
class Coded:
    """`values`: the different texts (`large_string`, no null); `codes`: the position among them of each row's (int32).

    Whatever is asked about the texts is asked once about each of them, and handed to the rows by `rows`.
    """

    values: pa.Array
    codes: np.ndarray

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Coded:
        """A text or dictionary column; null counts as blank."""
        if column.null_count:
            column = pc.fill_null(column, "")
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        whole = column.unify_dictionaries().combine_chunks()
        if isinstance(whole, pa.ChunkedArray):  # without a row there is no chunk either
            return cls(pa.array([], pa.large_string()), np.zeros(0, dtype="int32"))
        return cls(whole.dictionary.cast(pa.large_string()), whole.indices.to_numpy())

    def __len__(self) -> int:
        return len(self.codes)

    def rows(self, answers: np.ndarray | pa.Array) -> np.ndarray:
        """For each row the answer about its text."""
        found = answers.to_numpy(zero_copy_only=False) if isinstance(answers, pa.Array) else answers
        return found[self.codes]

    def equals(self, value: str) -> np.ndarray:
        """Whether each row holds this text."""
        return self.rows(pc.equal(self.values, value))

    def is_in(self, among: pa.Array | pa.ChunkedArray) -> np.ndarray:
        """Whether each row holds one of these texts."""
        texts = among.combine_chunks() if isinstance(among, pa.ChunkedArray) else among
        return self.rows(pc.is_in(self.values, value_set=texts))

    def first(self, wrong: pa.Array) -> int:
        """The first row whose text is wrong, -1 when none is. `wrong`: a bool for each text."""
        return int(np.argmax(self.rows(wrong))) if pc.any(wrong).as_py() else -1

    def at(self, row: int) -> str:
        """The text of one row."""
        return self.values[int(self.codes[row])].as_py()

    def text(self, rows: np.ndarray | slice = slice(None)) -> pa.Array:
        """The rows' texts, one after the other."""
        return self.values.take(pa.array(self.codes[rows]))
