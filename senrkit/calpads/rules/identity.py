"""Rules about whose record it is: LEA, school, year, SSID, and the key CALPADS finds a record by."""

from __future__ import annotations

import polars as pl
from polars import col

from senrkit.calpads.records import NONPUBLIC, filled
from senrkit.calpads.rule import rule

_CHANGES = col.deletes | col.replaces
_AT_NONPUBLIC = col.school_code == NONPUBLIC
_YEARS = col.academic_year.str.extract_groups(r"^(?<first>[0-9]{4})-(?<last>[0-9]{4})$").struct
_FIRST, _LAST = (_YEARS.field(name).cast(pl.Int32) for name in ("first", "last"))

RULES = [
    # Every record of the key is shown; records without SSID ask for a new student each and share no key.
    rule("IVR0034", col.key.is_duplicated() & filled("ssid"), deletes=True),
    rule("IVR0668", col.birth > col.today),
    rule(
        "SENR0001",
        filled("reporting_lea") & (col.reporting_lea != col.submitting_lea),
        deletes=True,
        lea=col.submitting_lea,
    ),
    rule("SENR0003", filled("nps_code") & ~_AT_NONPUBLIC, deletes=True),
    rule("SENR0004", _AT_NONPUBLIC & ~filled("nps_code"), deletes=True),
    rule(
        "SENR0006",
        filled("academic_year")
        & ~(_FIRST.is_between(1900, col.this_year + 1) & (_LAST == _FIRST + 1)).fill_null(False),
    ),
    rule("SENR0032", _CHANGES & ~filled("ssid"), deletes=True),
    # A charter that reports for itself uses its school number as LEA too.
    rule("SENR0202", filled("school_code") & (col.school_code == col.reporting_lea) & ~col.charter),
    rule("local-blank-ssid", ~filled("ssid") & ~col.replaces),
    # On an update only: against the stored enrollment with the same key.
    rule(
        "SENR0035",
        col.held & ((col.gender != col.held_gender) | (col.birth_date.str.head(4) != col.held_birth_date.str.head(4))),
        scope="state",
    ),
    # The file deletes every state row of the student; what the same file adds does not count.
    rule("SENR0180", col.deletes & col.held & ~col.keeps_another, scope="state", deletes=True),
    rule("SENR0181", col.deletes & filled("ssid") & ~col.held, scope="state", deletes=True),
]


def with_held(records: pl.DataFrame, state: pl.DataFrame) -> pl.DataFrame:
    """The records with what the state holds under their key (`held`, `held_gender`, `held_birth_date`), and whether it
    holds a row of the student that the file does not delete (`keeps_another`)."""
    deleted = records.filter("deletes")
    stored = (
        state.select("key", held=True, held_gender="gender", held_birth_date="birth_date")
        .join(records, on="key", how="semi", maintain_order="left")
        .unique("key", keep="first", maintain_order=True)
    )
    # Asked only of students of whom the file deletes something.
    theirs = state.select("student", "key", keeps_another=True).join(deleted, on="student", how="semi")
    kept = theirs.join(deleted, on="key", how="anti").drop("key").unique()
    return (
        records.join(stored, on="key", how="left", maintain_order="left")
        .join(kept, on="student", how="left", maintain_order="left")
        .with_columns(col("held", "keeps_another").fill_null(False))
    )
