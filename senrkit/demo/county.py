"""Several districts, as a county office has them: each with people, a code and a folder of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from senrkit.demo.district import DemoDistrict, make
from senrkit.demo.schools import LEA

# No district of California has a code like these.
_FIRST_OF_THE_OTHERS = 1980001
MOST = 1000


def make_county(
    folder: Path, leas: int, students: int = 2000, seed: int = 1, as_of: dt.date | None = None
) -> Iterator[DemoDistrict]:
    """Write so many districts, each as `make` into `folder/<its code>`; gives each as soon as it is written.

    The first is that of `make` with the same `students`, `seed` and `as_of`; the others have the seeds that follow.
    Raises as `make`.
    """
    codes = [LEA, *(str(_FIRST_OF_THE_OTHERS + number) for number in range(leas - 1))]
    for number, code in enumerate(codes):
        yield make(folder / code, students, seed + number, as_of, lea=code)
