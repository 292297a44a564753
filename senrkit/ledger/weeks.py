"""From run to run: what is new, still open, on its way, solved, or back again, and for how long (closed_loop.md 7).

An item is an enrollment (SSID, school, start date) and what a run intends for it.
"""

from __future__ import annotations

import io

import polars as pl

from senrkit.ledger.journal import Journal
from senrkit.ledger.states import ARRIVED, FATAL, POSTED, PREPARED, REJECTED, SENT, WITHDRAWN, File, States

ITEMS_FILE = "items.csv"
NEW, OPEN, ON_ITS_WAY, SOLVED, BACK = "new", "open", "sent", "solved", "back"
ITEM_STATES = (NEW, OPEN, ON_ITS_WAY, BACK, SOLVED)
TO_DO = ("add", "update", "delete", "hold")
KEY = ("ssid", "school_code", "start_key", "action")
_COLUMNS = dict.fromkeys((*KEY, "sequence", "reason", "hold_detail", "local_id"), pl.String)
_SCHEMA = {"run": pl.String, "place": pl.Int64, "as_of": pl.Date, **_COLUMNS}


def items(journal: Journal, states: States) -> pl.DataFrame:
    """Every item of every run, and once more, as solved, in the run in which it is gone.

    Returns
    -------
    DataFrame
        `run, place` (Int64, 0 is the oldest), `as_of` (Date), `ssid, school_code, start_key, action, reason,
        hold_detail, local_id` (String), `state` (one of `ITEM_STATES`), `first_seen` (Date), `age` (Int64, days).
        `sent` is an item that an earlier run sent and that has not arrived; `back` one that was gone, or had arrived.
    """
    seen = _seen(journal, states)
    before = seen.select(*KEY, pl.col("place") + 1, was_there=pl.lit(True))
    first = seen.group_by(KEY).agg(first_seen=pl.col("as_of").min(), first_place=pl.col("place").min())
    sent = _sent(journal, states)
    there = (
        seen.join(before, on=[*KEY, "place"], how="left", nulls_equal=True)
        .join(first, on=list(KEY), how="left")
        .join(sent, on=list(KEY), how="left")
        .with_columns(
            state=pl.when(pl.col("on_its_way_from") < pl.col("place")).then(pl.lit(ON_ITS_WAY))
            .when(pl.col("was_there").is_not_null()).then(pl.lit(OPEN))
            .when((pl.col("first_place") < pl.col("place")) | (pl.col("arrived_from") < pl.col("place")))
            .then(pl.lit(BACK))
            .otherwise(pl.lit(NEW))
        )
    )  # fmt: skip
    days = seen.select("run", "place", "as_of").unique().sort("place")
    gone = (
        seen.drop("run", "as_of")
        .with_columns(pl.col("place") + 1)
        .join(days, on="place", how="inner")
        .join(seen.select(*KEY, "place"), on=[*KEY, "place"], how="anti")
        .join(first, on=list(KEY), how="left")
        .with_columns(state=pl.lit(SOLVED))
    )
    names = [*_SCHEMA, "state", "first_seen"]
    both = pl.concat([there.select(names), gone.select(names)])
    aged = both.with_columns(age=(pl.col("as_of") - pl.col("first_seen")).dt.total_days())
    return aged.drop("sequence").sort("place", "school_code", *KEY)


def counted(found: pl.DataFrame, by: str | None = None) -> pl.DataFrame:
    """How many items of each state, run by run: `run, as_of`, `by` where it is given, a column for each state."""
    keys = ["place", "run", "as_of", *([by] if by else [])]
    sums = [(pl.col("state") == state).sum().cast(pl.Int64).alias(state) for state in ITEM_STATES]
    return found.group_by(keys).agg(*sums).sort(keys).drop("place")


def of_run(found: pl.DataFrame, run: str) -> dict[str, int] | None:
    """How many items of each state a run has, and as `oldest` for how many days the oldest is open; `None` when it has
    no item."""
    own = found.filter(pl.col("run") == run)
    if own.is_empty():
        return None
    oldest = own.filter(pl.col("state") != SOLVED)["age"].max() or 0
    return counted(own).select(ITEM_STATES).row(0, named=True) | {"oldest": oldest}


def first_seen(journal: Journal) -> pl.DataFrame:
    """Each item of any run and the day of the first that had it: `KEY`, `first_seen` (Date)."""
    runs = {event["run"]: event["as_of"] for event in journal.events if event["event"] == "run"}
    parts = [
        _items_of(journal, run).with_columns(first_seen=pl.lit(as_of).str.to_date()).select(*KEY, "first_seen")
        for run, as_of in runs.items()
    ]
    empty = pl.DataFrame(schema={**dict.fromkeys(KEY, pl.String), "first_seen": pl.Date})
    return pl.concat([empty, *parts]).group_by(KEY).agg(pl.col("first_seen").min())


def refused(journal: Journal, states: States) -> pl.DataFrame:
    """Each item that CALPADS refused when it was sent last: `KEY`, `on` (Date), `rules` (List(String)).

    What was only dragged down with its file is not among them.
    """
    answers = [_answers(journal, file) for file in states.files if file.state not in (PREPARED, WITHDRAWN)]
    empty = pl.DataFrame(schema={**dict.fromkeys(KEY, pl.String), "on": pl.Date, "rules": pl.List(pl.String)})
    last = pl.concat([empty, *answers]).unique(KEY, keep="last", maintain_order=True)
    return last.filter(pl.col("rules").list.len() > 0)


def _answers(journal: Journal, file: File) -> pl.DataFrame:
    """Of each item of a file `KEY`, `on` and `rules`: those by which CALPADS refused its record, or none."""
    rules: dict[int, set[str]] = {sequence: set() for sequence in file.sequences}
    for line in file.lines:
        if line.severity == FATAL and file.state == REJECTED:
            rules[line.sequence].add(line.rule)
    said = pl.DataFrame(
        [(str(sequence), sorted(names)) for sequence, names in rules.items()],
        schema={"sequence": pl.String, "rules": pl.List(pl.String)},
        orient="row",
    )
    own = _items_of(journal, file.run).join(said, on="sequence", how="inner")
    return own.select(*KEY, pl.lit(file.on, pl.Date).alias("on"), "rules")


def _seen(journal: Journal, states: States) -> pl.DataFrame:
    parts = [
        _items_of(journal, run.id).with_columns(
            run=pl.lit(run.id), place=pl.lit(place, pl.Int64), as_of=pl.lit(run.as_of, pl.Date)
        )
        for place, run in enumerate(states.runs.values())
    ]
    return pl.concat([pl.DataFrame(schema=_SCHEMA), *(part.select(list(_SCHEMA)) for part in parts)])


def _items_of(journal: Journal, run: str) -> pl.DataFrame:
    data = journal.kept(run, ITEMS_FILE)
    table = pl.DataFrame(schema=_COLUMNS) if data is None else pl.read_csv(io.BytesIO(data), schema_overrides=_COLUMNS)
    return table.fill_null("").filter(pl.col("action").is_in(TO_DO)).unique(subset=list(KEY), keep="first")


def _sent(journal: Journal, states: States) -> pl.DataFrame:
    """Of each item the last run that has sent it and whose record has not arrived, and the last whose record has."""
    places = {run: place for place, run in enumerate(states.runs)}
    parts = []
    for file in states.files:
        if file.state not in (SENT, POSTED):
            continue
        rows = [(sequence, places[file.run], state == ARRIVED) for sequence, state in file.records().items()]
        records = pl.DataFrame(
            rows, schema={"at": pl.Int64, "sent_place": pl.Int64, "arrived": pl.Boolean}, orient="row"
        )
        own = (
            _items_of(journal, file.run)
            .filter(pl.col("sequence") != "")
            .with_columns(at=pl.col("sequence").cast(pl.Int64))
        )
        parts.append(own.join(records, on="at", how="inner").select(*KEY, "sent_place", "arrived"))
    empty = pl.DataFrame(schema={**dict.fromkeys(KEY, pl.String), "sent_place": pl.Int64, "arrived": pl.Boolean})
    return (
        pl.concat([empty, *parts])
        .group_by(KEY)
        .agg(
            on_its_way_from=pl.col("sent_place").filter(~pl.col("arrived")).max(),
            arrived_from=pl.col("sent_place").filter(pl.col("arrived")).max(),
        )
    )
