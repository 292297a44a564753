"""What every source of Aeries tables gives, and the last steps they share: rows kept, order, digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import polars as pl
from polars import col

from senrkit import reference
from senrkit.errors import InputError
from senrkit.inputs.aeries import values as aeries_values
from senrkit.texts.card import Carded

NEEDED_TABLES = ("STU", "ENR", "LOC", "XRF")
OPTIONAL_TABLES = ("LSI", "LAC", "IDN", "ACT")
# The column that says whose row it is.
_STUDENT = {"ACT": "PID"}

# What identifies a row; the other columns only break ties, so that the same rows always come in the same order.
_KEYS = {
    "STU": ("SC", "SN"),
    "ENR": ("ID", "YR", "SC", "ED"),
    "LOC": ("CD",),
    "XRF": ("TC1", "FC1", "CD1", "SC"),
    "ACT": ("PID",),
}

_TRANSLATION_SET = "CLPD"
# Aeries names a year's database DST, two digits of its first calendar year, three more (aeries_database.md 1.7).
_YEAR_IN_NAME = re.compile(r"^DST(\d{2})\d{3}", re.IGNORECASE)


@dataclass(frozen=True, repr=False)
class AeriesTables(Carded):
    """Aeries, as frames (`CONTRIBUTING.md`, Aeries tables).

    `tables` has STU, ENR, LOC, XRF and, where the source has them, LSI, LAC, IDN, ACT: text columns named by their
    Aeries codes, `""` when blank, live rows only, without the column DEL. ENR holds the run year and the year before;
    XRF only the set CLPD. `newest_year` is the newest ENR.YR of all live rows, None when there is none. `source` is
    safe to print. `digests` are SHA-256 of what the frame holds: the same from every source that holds the same.
    `inferred` names tables whose rows were made from records of another one: a row there does not prove that Aeries has
    it.
    `day_order` is what `aeries_values.spelled_days` found. `lea_name` is what Aeries calls school 0, which is the LEA.
    `files` has the name of each table's file, for exports.
    """

    tables: Mapping[str, pl.DataFrame]
    database_name: str
    source: str
    notes: list[str]
    digests: dict[str, str]
    newest_year: int | None
    inferred: frozenset[str] = frozenset()
    day_order: str = ""
    lea_name: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """The columns of one table that senrkit reads.

    `kinds` by column code; `needed` groups of columns of which one at least must be there (GN or SX); `widths` of codes
    whose leading zeros count; `headings` as Aeries Query writes them.
    """

    kinds: Mapping[str, str]
    needed: tuple[tuple[str, ...], ...]
    widths: Mapping[str, int]
    headings: Mapping[str, str]


@lru_cache(maxsize=1)
def wanted() -> Mapping[str, Wanted]:
    """What to look for, by table, from `reference.aeries_columns()`."""
    rows = reference.aeries_columns().to_dicts()
    return {table: _wanted([row for row in rows if row["table"] == table]) for table in NEEDED_TABLES + OPTIONAL_TABLES}


def _wanted(rows: list[dict[str, Any]]) -> Wanted:
    return Wanted(
        kinds={row["column"]: row["kind"] for row in rows},
        needed=tuple(
            (row["column"], row["alternative"]) if row["alternative"] else (row["column"],)
            for row in rows
            if row["need"] == "needed"
        ),
        widths={row["column"]: row["width"] for row in rows if row["width"]},
        headings={row["column"]: row["heading"] for row in rows if row["heading"]},
    )


def usable(
    found: Mapping[str, Collection[str]], source: str, spared: Collection[str] = ()
) -> tuple[tuple[str, ...], list[str]]:
    """The tables that can be read, of those found with these columns, and notes about those that cannot.

    `spared` are needed columns that this kind of source may lack.

    Raises
    ------
    InputError
        naming every needed table and column that is missing, in one message.
    """
    lacking = []
    for table in NEEDED_TABLES:
        lacking += _lacking(table, found[table], spared) if table in found else [f"the table {table}"]
    if lacking:
        raise InputError(
            f"{source} lacks what senrkit needs: {', '.join(lacking)}.",
            "Check that it is this year's Aeries district and that all of it may be read.",
        )
    joinable = [table for table in OPTIONAL_TABLES if _STUDENT.get(table, "ID") in found.get(table, ())]
    notes = [
        f"{table} is not used, because it has no column {_STUDENT.get(table, 'ID')}."
        for table in OPTIONAL_TABLES
        if table in found and table not in joinable
    ]
    names = (*NEEDED_TABLES, *joinable)
    undeletable = [table for table in names if "DEL" not in found[table]]
    if undeletable:
        notes.append(f"{', '.join(undeletable)}: there is no column DEL, so every row counts as live.")
    return names, notes


def _lacking(table: str, columns: Collection[str], spared: Collection[str]) -> list[str]:
    return [
        " or ".join(f"{table}.{code}" for code in group)
        for group in wanted()[table].needed
        if not {*columns, *spared} & set(group)
    ]


def year_in_name(database_name: str) -> int | None:
    """The first calendar year that a database's name tells, as 2026 for `DST26000Heron`; None when it tells none."""
    named = _YEAR_IN_NAME.match(database_name)
    return 2000 + int(named.group(1)) if named else None


def years_read(first: int) -> tuple[int, int]:
    """The values of ENR.YR that a run looks at: its own year, and the one before for information 2.8."""
    return (first, first - 1)


def tidied(table: str, raw: pl.DataFrame, source: str) -> pl.DataFrame:
    """`raw` with every value spelled as `values.tidy` says, columns in the order of the reference table."""
    kinds = {code: kind for code, kind in wanted()[table].kinds.items() if code in raw.columns}
    return aeries_values.tidied(raw, kinds, f"{source}: {table}.")


def live(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that are not deleted, without the column DEL."""
    return rows.filter(col.DEL.is_in(["", "0"])).drop("DEL") if "DEL" in rows.columns else rows


def newest_year(enrollments: pl.DataFrame) -> int | None:
    """The newest ENR.YR, None when no row has one."""
    years = enrollments.filter(col.YR.str.contains(r"^[0-9]{4}$"))["YR"].unique()
    return max(map(int, years), default=None)


def has_inactive(students: pl.DataFrame) -> bool:
    """Whether a student has a tag; a source that gives active students only has none."""
    return bool((students["TG"] != "").any())


def without_student_row(enrollments: pl.DataFrame, students: pl.DataFrame) -> int:
    """How many students have an enrollment but no row in `STU`, and so no SSID."""
    return enrollments.select("ID").unique().join(students, "ID", "anti").height


def assembled(
    tables: Mapping[str, pl.DataFrame],
    first: int,
    *,
    newest: int | None,
    source: str,
    name: str,
    notes: Iterable[str],
    inferred: Iterable[str] = (),
) -> AeriesTables:
    """Tidied live rows as `AeriesTables`: the rows of the run, in one order whatever the source, with digests."""
    tables, day_order = _days_spelled(tables)
    kept = {table: _in_order(table, _of_the_run(table, rows, first)) for table, rows in tables.items()}
    return AeriesTables(
        tables=kept,
        database_name=name,
        source=source,
        notes=list(notes),
        digests={table: _digest(rows) for table, rows in kept.items()},
        newest_year=newest,
        inferred=frozenset(inferred),
        day_order=day_order,
        lea_name=_lea_name(kept["LOC"]),
    )


def _lea_name(schools: pl.DataFrame) -> str:
    return next(iter(schools.filter(col.CD == "0")["NM"]), "") if "NM" in schools.columns else ""


def _days_spelled(tables: Mapping[str, pl.DataFrame]) -> tuple[dict[str, pl.DataFrame], str]:
    """All date columns of a source together, for they decide together whether day or month comes first."""
    places = [
        (table, code)
        for table, rows in tables.items()
        for code in rows.columns
        if wanted()[table].kinds[code] == "date"
    ]
    spelled, order = aeries_values.spelled_days([tables[table][code] for table, code in places])
    found = dict(tables)
    for (table, code), column in zip(places, spelled, strict=True):
        found[table] = found[table].with_columns(column.alias(code))
    return found, order


def _of_the_run(table: str, rows: pl.DataFrame, first: int) -> pl.DataFrame:
    if table == "ENR":
        return rows.filter(col.YR.is_in([str(year) for year in years_read(first)]))
    return rows.filter(col.TC == _TRANSLATION_SET) if table == "XRF" else rows


def _in_order(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    keys = _KEYS.get(table, ("ID",))
    others = [code for code in rows.columns if code not in keys]
    ordered = rows.sort(keys)
    # Where the key says which row it is, nothing has to break ties, which takes many times as long.
    tied = ordered.select(pl.all_horizontal(col(key) == col(key).shift() for key in keys).any()).item()
    return rows.sort([*keys, *others]) if tied else ordered


def _digest(rows: pl.DataFrame) -> str:
    content = hashlib.sha256()
    letters = rows.select(pl.all().str.join("")).row(0)
    # Where each value ends, beside the letters: "a","bc" and "ab","c" differ.
    ends = rows.select(pl.all().str.len_bytes().cast(pl.Int64).cum_sum())
    for column, joined in zip(ends, letters, strict=True):
        content.update(f"{column.name}:{rows.height};".encode())
        if rows.height:
            content.update(bytes(8))
            content.update(column.to_numpy())
            content.update(joined.encode())
    return content.hexdigest()
