"""Text columns: Arrow-backed, blank is `""`, unknown is `NaN`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
# More would not fit into a number of 64 bits.
_MOST_DIGITS = 18
# With so few texts on one side, Arrow's own search is as fast as any.
_FEW = 1000
# A spreadsheet takes a cell that begins so for a formula, and runs it (OWASP, CSV injection).
_FORMULA = r"^[=+\-@\t\r\n]"


def arrow(column: pd.Series) -> pa.ChunkedArray:
    """The column's Arrow data, without a copy where pandas holds it so already."""
    held = pa.array(column.array, from_pandas=True)
    if isinstance(held, pa.Array):
        held = pa.chunked_array([held])
    return held.cast(pa.large_string())


def from_arrow(data: pa.Array | pa.ChunkedArray, index: pd.Index | None = None) -> pd.Series:
    """Arrow text as a pandas `str` column; null becomes `NaN`."""
    # By way of `to_pandas` the same takes ten times as long, which thousands of small columns make felt.
    return pd.Series(pd.arrays.ArrowStringArray(data.cast(pa.large_string()), dtype=_TEXT), index=index)


def constant(value: str, index: pd.Index) -> pd.Series:
    """One text, as often as the index is long."""
    return from_arrow(pa.repeat(pa.scalar(value, pa.large_string()), len(index)), index)


def unknown(index: pd.Index) -> pd.Series:
    """A column of which the source says nothing."""
    return from_arrow(pa.nulls(len(index), pa.large_string()), index)


def selected(conditions: list[np.ndarray], texts: list[str], default: str, index: pd.Index) -> pd.Series:
    """The text of the first condition that holds, row by row; the default where none does."""
    # Numbers are chosen and then spelled: choosing texts would make a Python object of every row.
    chosen = np.select(conditions, list(range(len(texts))), len(texts))
    return from_arrow(pa.array([*texts, default], pa.large_string()).take(pa.array(chosen)), index)


def folded(column: pd.Series) -> pd.Series:
    """Names made comparable: case, accents, spaces, hyphens, apostrophes and periods do not count."""
    plain = pc.utf8_lower(pc.utf8_normalize(arrow(column), form="NFKD"))
    return from_arrow(pc.replace_substring_regex(plain, r"[^\pL\pN]+", ""), column.index)


def joined(columns: list[pd.Series], separator: str = "^") -> pd.Series:
    """Several text columns as one, for keys; unknown counts as blank."""
    parts = [pc.fill_null(arrow(column).combine_chunks(), "") for column in columns]
    return from_arrow(pc.binary_join_element_wise(*parts, pa.scalar(separator, pa.large_string())), columns[0].index)


def positions(wanted: pd.Series, among: pd.Series) -> np.ndarray:
    """Where each text first stands in `among`: int64 positions, -1 where it does not; unknown stands nowhere."""
    there, asked = _same_codes(among, wanted)
    first = np.full(max(there.max(initial=-1), asked.max(initial=-1)) + 2, -1, dtype="int64")
    first[there[::-1]] = np.arange(len(there) - 1, -1, -1)
    first[-1] = -1  # where the code -1 of the unknown looks
    return first[asked]


def is_in(column: pd.Series, among: pd.Series) -> np.ndarray:
    """Whether each text stands in `among`."""
    if len(among) < _FEW or len(column) < _FEW:
        return pc.is_in(arrow(column), value_set=arrow(among).combine_chunks()).to_numpy()
    there, asked = _same_codes(among, column)
    stands = np.zeros(max(there.max(), asked.max()) + 2, dtype=bool)
    stands[there] = True
    return stands[asked]


def equals(column: pd.Series, value: str) -> np.ndarray:
    """Whether each text is the value; unknown is not."""
    return pc.fill_null(pc.equal(arrow(column), value), False).to_numpy()


def mapped(column: pd.Series, answer: Callable[[str], str | None]) -> pd.Series:
    """Each distinct text answered once; `None` becomes unknown. For columns of codes: few distinct, many rows."""
    encoded = arrow(column).combine_chunks().dictionary_encode()
    answers = pa.array([answer(text) for text in encoded.dictionary.to_pylist()], pa.large_string())
    return from_arrow(answers.take(encoded.indices), column.index)


def ranks(column: pd.Series) -> np.ndarray:
    """A number for each text, in the order of the texts; unknown first. Sorting numbers beats sorting texts."""
    held = arrow(column).combine_chunks()
    if (numbers := _numbers(held)) is not None:
        return numbers
    encoded = held.dictionary_encode()
    place = np.empty(len(encoded.dictionary) + 1, dtype="int64")
    place[pc.array_sort_indices(encoded.dictionary).to_numpy()] = np.arange(len(encoded.dictionary))
    place[-1] = -1
    return place[encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)]


def same_as_before(column: pd.Series) -> np.ndarray:
    """Whether each text but the first is the one before it; unknown is the same as unknown."""
    held = arrow(column).combine_chunks()
    before, after = held.slice(0, max(len(held) - 1, 0)), held.slice(1)
    both_unknown = pc.and_(before.is_null(), after.is_null())
    return pc.or_(pc.fill_null(pc.equal(before, after), False), both_unknown).to_numpy(zero_copy_only=False)


def rows_where(rows: pd.DataFrame, wanted: np.ndarray) -> pd.DataFrame:
    """The rows for which `wanted` holds, with a fresh index."""
    # To take rows by position, as pandas does, Arrow first copies a long column's pieces into one; to filter it need
    # not.
    columns = dict(rows.items())
    held = pa.table({name: arrow(column) for name, column in columns.items() if column.dtype == _TEXT})
    kept = held.filter(pa.array(wanted)).combine_chunks()
    texts = {name: pd.arrays.ArrowStringArray(kept[name], dtype=_TEXT) for name in kept.column_names}
    return pd.DataFrame(
        {name: texts[name] if name in texts else column.array[wanted] for name, column in columns.items()}
    )


def sorted_rows(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Rows in the order of their text columns, with a fresh index; equal rows keep their order."""
    order = np.lexsort([ranks(rows[name]) for name in reversed(by)]) if len(rows) else []
    return rows.iloc[order].reset_index(drop=True)


def first_filled(*columns: pd.Series) -> pd.Series:
    """The first of several columns that is not blank, row by row; blank when all are."""
    result = arrow(columns[-1])
    for column in reversed(columns[:-1]):
        held = arrow(column)
        result = pc.if_else(pc.fill_null(pc.equal(held, ""), True), result, held)
    return from_arrow(result, columns[0].index)


def choose(condition: np.ndarray, then: pd.Series | str, otherwise: pd.Series | str) -> pd.Series:
    """`then` where the condition holds, else `otherwise`; at least one of them is a column."""
    index = then.index if isinstance(then, pd.Series) else otherwise.index  # type: ignore[union-attr]
    sides = [arrow(side).combine_chunks() if isinstance(side, pd.Series) else side for side in (then, otherwise)]
    return from_arrow(pc.if_else(pa.array(condition), *sides), index)


def placed(values: pd.Series, rows: np.ndarray, index: pd.Index) -> pd.Series:
    """The values at these positions of the index, in this order; blank everywhere else."""
    # Setting them in a column, as pandas does, takes ten times as long.
    at = np.full(len(index), len(values))
    at[rows] = np.arange(len(values))
    choice = pa.concat_arrays([arrow(values).combine_chunks(), pa.array([""], pa.large_string())])
    return from_arrow(choice.take(pa.array(at)), index)


def concatenated(*parts: pd.Series | str) -> pd.Series:
    """Columns and constants written one after the other; unknown counts as blank."""
    index = next(part.index for part in parts if isinstance(part, pd.Series))
    sides = [
        pc.fill_null(arrow(part).combine_chunks(), "")
        if isinstance(part, pd.Series)
        else pa.scalar(part, pa.large_string())
        for part in parts
    ]
    return from_arrow(pc.binary_join_element_wise(*sides, pa.scalar("", pa.large_string())), index)


def _same_codes(*columns: pd.Series) -> list[np.ndarray]:
    """The columns' texts as numbers from 0, the same for the same text in whichever column; unknown is -1."""
    held = [arrow(column).combine_chunks() for column in columns]
    numbers = [_numbers(texts) for texts in held]
    if all(number is not None for number in numbers) and len({_width(texts) for texts in held}) == 1:
        codes = pd.factorize(np.concatenate(numbers))[0]
    else:
        codes = pc.fill_null(pa.concat_arrays(held).dictionary_encode().indices, -1).to_numpy()
    return np.split(codes, np.cumsum([len(texts) for texts in held])[:-1])


def _numbers(texts: pa.Array) -> np.ndarray | None:
    """Texts that are all digits, and all of one length, as numbers in the same order; None when there is another text.

    Nearly all keys are SSIDs or student numbers, and there is no text that compares as fast as a number.
    """
    if not len(texts) or texts.null_count or not 0 < (width := _width(texts)) <= _MOST_DIGITS:
        return None
    _, offsets, letters = texts.buffers()
    ends = np.frombuffer(offsets, "<i8")[texts.offset : texts.offset + len(texts) + 1]
    if (np.diff(ends) != width).any():
        return None
    digits = np.frombuffer(letters, np.uint8)[ends[0] : ends[-1]] - np.uint8(ord("0"))
    if digits.max() > 9:
        return None
    numbers = np.zeros(len(texts), dtype="int64")
    for place in digits.reshape(-1, width).T:
        numbers *= 10
        numbers += place
    return numbers


def _width(texts: pa.Array) -> int:
    """Bytes of the first text."""
    return len(texts[0].as_py().encode())


def formula_safe(column: pd.Series) -> pd.Series:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front, which makes it text."""
    return from_arrow(pc.replace_substring_regex(arrow(column), f"({_FORMULA})", r"'\1"), column.index)


def column_of(table: pd.DataFrame, column: str) -> pd.Series:
    """A column that a source may lack; then it is unknown."""
    return table[column] if column in table else unknown(table.index)


def taken(column: pd.Series, at: np.ndarray) -> pd.Series:
    """The column's values at the positions; unknown where the position is -1."""
    return from_arrow(arrow(column).take(pa.array(at, mask=at < 0)))


def sorted_by(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The frame, ascending by these columns, the first counting most; equal rows keep their order."""
    return frame.iloc[sorted_positions(frame, columns)]


def sorted_positions(frame: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Positions that put the frame in the order of `sorted_by`."""
    table = pa.table({column: pa.array(frame[column].array, from_pandas=True) for column in columns})
    return pc.sort_indices(table, [(column, "ascending") for column in columns]).to_numpy()
