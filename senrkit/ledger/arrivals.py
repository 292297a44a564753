"""Whether what was posted has arrived: the records that were sent, beside a later extract (closed_loop.md 3, F12)."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from senrkit.frames import days
from senrkit.inputs.extract.senr import Extract
from senrkit.ledger.journal import Event, Journal, append
from senrkit.ledger.states import ARRIVED, EXPIRED, MISSING, MOVED, OVERTAKEN, SENT, TOO_EARLY, File, States, states
from senrkit.reference import SENR_FIELDS
from senrkit.settings.settings import Settings
from senrkit.settings.values import COMPARED

KEY = ("school_code", "nps_code", "ssid", "start_date")
DELETE = "D"


def copy_of(journal: Journal, file: File) -> pl.DataFrame | None:
    """The records of a file of ours as text, by the ledger's copy; `None` when it keeps none."""
    data = journal.kept(file.run, file.name)
    if data is None:
        return None
    text = pl.read_csv(
        io.BytesIO(data), has_header=False, new_columns=list(SENR_FIELDS), separator="^", quote_char=None,
        infer_schema=False,
    )  # fmt: skip
    return text.fill_null("")


def judged(
    sent: pl.DataFrame, held: pl.DataFrame, compared: Sequence[str], newest: dt.date | None, replaced: Mapping[str, str]
) -> pl.DataFrame:
    """What an extract shows of each record.

    Parameters
    ----------
    sent
        The SENR fields, and of each record `run`, `file`, `sequence` and `posted` (Date; null while nobody said so).
        In the order in which they were posted: of several about one enrollment the last one is judged, and stands for
        those before.
    held
        The rows that the extract holds of these students, and of those that replace them: `KEY`, `compared`,
        `last_updated` (text).
    compared
        The fields that show whether the values have arrived: those that are compared and that the layout has.
    newest
        The newest `last_updated` of the extract. What was posted on that day or later it cannot deny.
    replaced
        Retired SSID → the one that replaces it.

    Returns
    -------
    DataFrame
        `run, file, sequence, state`; no row for a record of which the extract proves nothing while nobody said that it
        was posted.
    """
    rows = held.select(*KEY, *compared, "last_updated").unique(subset=list(KEY), keep="last", maintain_order=True)
    last = sent.with_columns(is_last=pl.struct(KEY).is_last_distinct())
    there = rows.with_columns(there=pl.lit(True)).rename({name: f"{name}_held" for name in (*compared, "last_updated")})
    beside = last.with_columns(
        there_as=pl.col("ssid").replace_strict(dict(replaced), default=None, return_dtype=pl.String)
    ).join(there, on=list(KEY), how="left", maintain_order="left")
    moved = beside.join(
        rows.select("school_code", "nps_code", pl.col("ssid").alias("there_as"), "start_date", moved=pl.lit(True)),
        on=["school_code", "nps_code", "there_as", "start_date"],
        how="left",
        maintain_order="left",
    )
    is_there = pl.col("there").fill_null(False)
    deleted = pl.col("transaction") == DELETE
    equal = pl.all_horizontal(pl.lit(True), *(pl.col(name) == pl.col(f"{name}_held") for name in compared))
    denies = pl.lit(newest, pl.Date) > pl.col("posted")
    later = days.of_update(pl.col("last_updated_held")) > pl.col("posted")
    state = (
        pl.when(~deleted & is_there & equal).then(pl.lit(ARRIVED))
        .when(~denies.fill_null(False)).then(pl.when(pl.col("posted").is_not_null()).then(pl.lit(TOO_EARLY)))
        .when(deleted & ~is_there).then(pl.lit(ARRIVED))
        .when(is_there & later.fill_null(False)).then(pl.lit(OVERTAKEN))
        .when(~deleted & pl.col("moved").fill_null(False)).then(pl.lit(MOVED))
        .otherwise(pl.lit(MISSING))
    )  # fmt: skip
    of_last = moved.with_columns(state=state).filter("is_last").select(*KEY, "state")
    return (
        last.join(of_last, on=list(KEY), how="left", maintain_order="left")
        .filter(pl.col("state").is_not_null())
        .select("run", "file", "sequence", "state")
    )


def look(settings: Settings, extract: Extract) -> Journal:
    """Keep what the extract shows of the records that were sent; gives the ledger as it is then.

    Raises
    ------
    InputError
        as `journal.append`.
    """
    runs = settings.output.runs
    journal = Journal.open(runs).of(settings.lea)
    event = _seen(journal, states(journal, settings.as_of), extract, settings)
    last = next((one for one in reversed(journal.events) if one["event"] == "seen"), {})
    if event is None or all(last.get(name) == event[name] for name in ("extract", "runs")):
        return journal
    return append(runs, lambda _: [event])


def judged_by(journal: Journal, settings: Settings, extract: Extract) -> Journal:
    """The ledger as it would be after `look`; nothing is written."""
    event = _seen(journal, states(journal, settings.as_of), extract, settings)
    return journal if event is None else replace(journal, events=(*journal.events, event))


def _seen(journal: Journal, now: States, extract: Extract, settings: Settings) -> Event | None:
    shas = [file.sha256 for file in extract.files]
    files = [*now.posted(), *(file for file in now.files if file.state in (SENT, EXPIRED))]
    parts = [
        rows.with_columns(
            run=pl.lit(file.run), file=pl.lit(file.number), posted=pl.lit(file.posted_on, pl.Date),
            sequence=pl.int_range(file.first, file.last + 1),
        )
        for file in files
        if now.runs[file.run].event["extract"] != shas and (rows := copy_of(journal, file)) is not None
    ]  # fmt: skip
    if not parts:
        return None
    sent = pl.concat(parts)
    wanted = settings.process.compare
    compared = [name for name in COMPARED if (wanted is None or name in wanted) and name in extract.layout.columns]
    ssids = pl.Series([*sent["ssid"].unique(), *now.replaced.values()], dtype=pl.String)
    held = extract.state.where(pl.col("ssid").is_in(ssids.implode()))
    found = judged(sent, held, compared, extract.newest_update, now.replaced)
    by_run: dict[str, dict[str, dict[str, list[int]]]] = {}
    for run, file, sequence, state in found.rows():
        by_run.setdefault(run, {}).setdefault(str(file), {}).setdefault(state, []).append(sequence)
    return {"event": "seen", "on": settings.as_of.isoformat(), "extract": shas, "runs": by_run}
