"""The way back from posted deletes."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from senrkit.errors import InputError, UsageError
from senrkit.ledger import states
from senrkit.ledger.arrivals import copy_of
from senrkit.loop.overview import Loop, run_id_of, write_out
from senrkit.results.files import encode
from senrkit.settings.settings import Settings


def restore(settings: Settings, run: str | Path | None, number: int, out: Path) -> list[Path]:
    """Files that add again what a posted file of deletes took away, from the rows as they were deleted.

    One record a student and file, as CALPADS wants it; to be uploaded in order. Nothing is uploaded, and the ledger
    does not count them: the next extract shows what arrived.

    Raises
    ------
    UsageError
        when the file has not posted, deletes nothing, or `out` holds such files.
    InputError
        when its copy is lost, or `out` cannot be written.
    """
    loop = Loop.open(settings)
    file = loop.states.run(run_id_of(settings, run)).file(number)
    if file.state != states.POSTED:
        raise UsageError(f"File {number} of run {file.run} has not posted.", "What was not posted needs no way back.")
    rows = copy_of(loop.journal, file)
    if rows is None:
        raise InputError(f"The ledger has no copy of {file.name}.", "Make the adds from an older extract.")
    deleted = rows.filter(pl.col("transaction") == "D")
    if deleted.is_empty():
        raise UsageError(f"File {number} of run {file.run} deletes nothing.", "Name a file of deletes.")
    added = deleted.sort("start_date", "school_code", "nps_code", maintain_order=True).with_columns(
        transaction=pl.lit("A"), turn=pl.int_range(pl.len()).over("ssid")
    )
    name = file.name.removesuffix(".txt")
    contents = {
        out / f"{name}_restore_{turn + 1:02d}.txt": encode(added.filter(pl.col("turn") == turn))
        for turn in range(added["turn"].max() + 1)
    }
    taken = [path.name for path in contents if path.exists()]
    if taken:
        raise UsageError(f"{out} holds {taken[0]} already.", "Name another folder with --out.")
    write_out(out, contents)
    return list(contents)
