"""How large the made districts are."""

from __future__ import annotations

from dataclasses import dataclass

# As in a district of 250,000 pupils whose extract goes back ten years.
STATE_ROWS_PER_ENR_ROW = 8
_UNITS = {"k": 1_000, "m": 1_000_000}


@dataclass(frozen=True, order=True)
class Size:
    """So many rows in the extract; the year's `ENR` rows follow from them."""

    state_rows: int

    @property
    def enr_rows(self) -> int:
        return self.state_rows // STATE_ROWS_PER_ENR_ROW

    @property
    def label(self) -> str:
        """`100k`, `2M`, or the plain number when it is round in neither."""
        for letter, unit in (("M", 1_000_000), ("k", 1_000)):
            if self.state_rows % unit == 0:
                return f"{self.state_rows // unit}{letter}"
        return str(self.state_rows)


SMALL, LARGE, LARGEST = Size(100_000), Size(2_000_000), Size(20_000_000)


def size_of(text: str) -> Size:
    """`100k`, `2M`, `20_000` as a size.

    Raises
    ------
    ValueError
        when the text is no number of at least `STATE_ROWS_PER_ENR_ROW` rows.
    """
    word = text.strip().lower()
    unit = _UNITS.get(word[-1:], 1)
    number = int(word[:-1] if unit > 1 else word) * unit
    if number < STATE_ROWS_PER_ENR_ROW:
        raise ValueError(f"{text} rows are too few.")
    return Size(number)


def sizes_of(text: str) -> tuple[Size, ...]:
    """Sizes separated by commas, smallest first, each once. Raises `ValueError` as `size_of` does."""
    return tuple(sorted({size_of(word) for word in text.split(",")}))
