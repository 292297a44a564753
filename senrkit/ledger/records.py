"""Submission files of ours as frames, and back."""

from __future__ import annotations

import io

import polars as pl

from senrkit.ledger.journal import Journal
from senrkit.ledger.states import File
from senrkit.reference import SENR_FIELDS


def copy_of(journal: Journal, file: File) -> pl.DataFrame | None:
    data = journal.kept(file.run, file.name)
    return None if data is None else decoded(data)


def decoded(data: bytes) -> pl.DataFrame:
    return pl.read_csv(
        io.BytesIO(data),
        has_header=False,
        new_columns=list(SENR_FIELDS),
        separator="^",
        quote_char=None,
        infer_schema=False,
    ).fill_null("")


def encoded(records: pl.DataFrame) -> bytes:
    line = pl.concat_str(list(SENR_FIELDS), separator="^")
    return "".join(f"{one}\r\n" for one in records.select(line).to_series()).encode()
