"""Whether what was sent has arrived: a look at a later extract."""

from __future__ import annotations

import datetime as dt

import polars as pl

from senrkit.errors import InputError
from senrkit.frames import days
from senrkit.inputs.extract.senr import Extract, read_extract
from senrkit.inputs.local import local_inputs
from senrkit.ledger import journal as ledger
from senrkit.ledger import states
from senrkit.ledger.arrivals import judged
from senrkit.loop.overview import Loop
from senrkit.loop.records import copy_of
from senrkit.settings.settings import Settings
from senrkit.settings.values import COMPARED


def look(settings: Settings, extract: Extract | None = None) -> Loop:
    """Judge what was sent by the extract, unless that is the one the run was made from; what it shows is kept.

    Parameters
    ----------
    extract
        What was read already; default: what the settings name, where it can be read.
    """
    loop = Loop.open(settings)
    if not any(file.state in (states.SENT, states.POSTED, states.EXPIRED) for file in loop.states.files):
        return loop
    if extract is None:
        with local_inputs(settings, without={"source", "sela_extract", "school_directory"}) as local:
            try:
                extract = read_extract(local.calpads.senr_extract)
            except InputError:
                # An extract that is not there, or none, proves nothing; `senrkit run` says what is wrong with it.
                return loop
            return _looked(settings, loop, extract)
    return _looked(settings, loop, extract)


def _looked(settings: Settings, loop: Loop, extract: Extract) -> Loop:
    shas = [file.sha256 for file in extract.files]
    files = [
        *loop.states.posted(),
        *(file for file in loop.states.files if file.state in (states.SENT, states.EXPIRED)),
    ]
    files = [file for file in files if loop.states.runs[file.run].event["extract"] != shas]
    if not files:
        return loop
    parts = [
        rows.with_columns(
            run=pl.lit(file.run), file=pl.lit(file.number), posted=pl.lit(file.posted_on, pl.Date),
            sequence=pl.int_range(file.first, file.last + 1),
        )
        for file in files
        if (rows := copy_of(loop.journal, file)) is not None
    ]  # fmt: skip
    if not parts:
        return loop
    records = pl.concat(parts)
    compared = [name for name in COMPARED if settings.process.compare is None or name in settings.process.compare]
    compared = [name for name in compared if name in extract.layout.columns]
    held, newest = _held(extract, {*records["ssid"], *loop.states.replaced.values()})
    found = judged(records, held, compared, newest, loop.states.replaced)
    by_run: dict[str, dict[str, dict[str, list[int]]]] = {}
    for run, file, sequence, state in found.rows():
        by_run.setdefault(run, {}).setdefault(str(file), {}).setdefault(state, []).append(sequence)
    event = {"event": "seen", "on": settings.as_of.isoformat(), "extract": shas, "runs": by_run}
    last = next((one for one in reversed(loop.journal.events) if one["event"] == "seen"), {})
    if all(last.get(name) == event[name] for name in ("extract", "runs")):
        return loop
    return Loop.of(ledger.append(settings.output.runs, lambda _: [event]), loop.today)


def _held(extract: Extract, ssids: set[str]) -> tuple[pl.DataFrame, dt.date | None]:
    """The extract's rows of these students, and its newest day."""
    updated = extract.state.narrow.select(pl.col("last_updated").unique().cast(pl.String))
    newest = updated.select(days.of_key(pl.col("last_updated")).max()).item()
    return extract.state.where(pl.col("ssid").is_in(list(ssids))), newest
