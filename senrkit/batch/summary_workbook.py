"""`summary.xlsx`: a batch for people. Headings and widths are in `texts/workbook.csv`, words in `texts/reasons.csv`."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from senrkit.batch.document import STATES, day_of, since_before
from senrkit.batch.summary_tables import BatchTables
from senrkit.results.tables import ACTIONS
from senrkit.results.workbook import Row, Sheet, write_book
from senrkit.texts import wording
from senrkit.texts.wording import SheetColumn

# Everything is in these sheets and nowhere else, so none is cut off before a spreadsheet program would.
_MOST_ROWS = 1_000_000
_ENGINES = {"processes": "processes side by side", "workers": "Dask workers", "scheduler": "Dask workers"}


def workbook(document: Mapping[str, Any], tables: BatchTables) -> bytes:
    """The workbook's bytes. Every cell but whole numbers is text; none is a formula."""
    book = io.BytesIO()
    sheets = [
        _sheet("leas", tables.leas.assign(state=_states(tables.leas), seconds=_whole(tables.leas["seconds"]))),
        _sheet("schools", tables.schools),
        _reasons(tables.reasons),
        _sheet("problems", tables.problems.assign(state=_states(tables.problems))),
    ]
    title = f"senrkit batch {document['as_of']}"
    made = dt.datetime.fromisoformat(document["ended"] or document["began"])
    summary = wording.phrase("batch-sheet", "summary").title, list(_summary(document, tables))
    write_book(book, title, made, summary, sheets)
    return book.getvalue()


def _sheet(name: str, table: pd.DataFrame) -> Sheet:
    words = wording.phrase("batch-sheet", name)
    return Sheet(words.title, wording.sheet_columns(f"batch_{name}"), table, words.cure, _MOST_ROWS)


def _reasons(reasons: pd.DataFrame) -> Sheet:
    """A line an LEA, a column for each reason that occurs, the most frequent of each action first."""
    words = wording.phrase("batch-sheet", "reasons")
    columns = [SheetColumn("lea", "LEA", 10, False)]
    crossed = reasons.pivot_table(index="lea", columns=["action", "reason"], values="count", aggfunc="sum")
    totals = _totals(reasons)
    for action, reason in totals.index:
        heading = f"{wording.phrase('action', action).title}: {wording.phrase(action, reason).title}"
        columns.append(SheetColumn(f"{action} {reason}", heading, 16, False))
    table = crossed.reindex(columns=totals.index).astype("Int64")
    table = table.set_axis([column.name for column in columns[1:]], axis=1).reset_index()
    return Sheet(words.title, tuple(columns), table.astype({"lea": "str"}), words.cure, _MOST_ROWS)


def _totals(reasons: pd.DataFrame) -> pd.DataFrame:
    """By action and reason: `count` over all LEAs and how many `leas` have it."""
    totals = reasons.groupby(["action", "reason"]).agg(count=("count", "sum"), leas=("lea", "nunique"))
    order = totals.index.get_level_values("action").map(ACTIONS.index)
    return totals.assign(order=order).sort_values(["order", "count"], ascending=[True, False])


def _summary(document: Mapping[str, Any], tables: BatchTables) -> Iterator[Row]:
    count = len(document["leas"])
    yield "title", (f"SENR reconciliation of {count:,} LEA{'' if count == 1 else 's'}",)
    how = f"{document['workers']:,} {_ENGINES.get(document['engine'], document['engine'])}"
    yield "text", ("As of", "", day_of(document))
    yield "text", ("From", "", document["source"])
    yield "text", ("By", "", f"senrkit {document['senrkit_version']}, {how}, begun {document['began']}")
    for block in (_outcomes(document), _since(document), _proposed(tables), _why(tables), _work(tables), _listed()):
        yield "text", ()
        yield from block


def _outcomes(document: Mapping[str, Any]) -> Iterator[Row]:
    yield _head("states")
    for state in STATES:
        if document["states"].get(state):
            words = wording.phrase("batch-state", state)
            yield "text", (words.title, document["states"][state], f"{words.sentence} {words.cure}".strip())


def _since(document: Mapping[str, Any]) -> Iterator[Row]:
    if not document.get("before"):
        return
    yield _head("before")
    for name, count, leas in since_before(document):
        words = wording.phrase("batch-since", name)
        yield "text", (words.title, count, f"{words.sentence} {', '.join(leas)}".strip())


def _proposed(tables: BatchTables) -> Iterator[Row]:
    yield _head("action")
    for action in ACTIONS:
        words = wording.phrase("action", action)
        yield "text", (words.title, int(tables.finished[action].sum()), words.sentence)


def _why(tables: BatchTables) -> Iterator[Row]:
    yield _head("reason")
    for (action, reason), row in _totals(tables.reasons).iterrows():
        words = wording.phrase(action, reason)
        at = f"At {row['leas']:,} LEA{'' if row['leas'] == 1 else 's'}. {words.sentence}"
        yield "text", (f"{wording.phrase('action', action).title}: {words.title}", int(row["count"]), at)


def _work(tables: BatchTables) -> Iterator[Row]:
    yield _head("work")
    for name in ("in_scope", "spells", "files", "records", "findings"):
        words = wording.phrase("batch-work", name)
        yield "text", (words.title, int(tables.finished[name].sum()), words.sentence)
    seconds, memory = tables.leas["seconds"].dropna(), tables.leas["peak_mib"].dropna()
    if len(seconds):
        words = wording.phrase("batch-work", "seconds")
        yield "text", (words.title, round(seconds.sum()), words.sentence.format(longest=f"{seconds.max():,.1f}"))
    if len(memory):
        words = wording.phrase("batch-work", "peak_mib")
        yield "text", (words.title, int(memory.max()), words.sentence)


def _listed() -> Iterator[Row]:
    yield _head("sheets")
    for sheet in ("leas", "schools", "reasons", "problems"):
        words = wording.phrase("batch-sheet", sheet)
        yield "text", (words.title, "", words.sentence)


def _head(block: str) -> Row:
    return "head", (wording.phrase("batch-block", block).title, "", "")


def _states(table: pd.DataFrame) -> pd.Series:
    return table["state"].map(lambda state: wording.phrase("batch-state", state).title).astype("str")


def _whole(seconds: pd.Series) -> pd.Series:
    return seconds.round().astype("Int64")
