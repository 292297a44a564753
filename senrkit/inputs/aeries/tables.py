"""What every source of Aeries tables gives, and the last steps they share: rows kept, order, digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from senrkit import reference
from senrkit.errors import InputError
from senrkit.inputs.aeries import values as aeries_values

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


@dataclass(frozen=True)
class AeriesTables:
    """Aeries, as frames (`CONTRIBUTING.md`, Aeries tables).

    `tables` has STU, ENR, LOC, XRF and, where the source has them, LSI, LAC, IDN, ACT: text columns named by their
    Aeries codes, `""` when blank, live rows only, without the column DEL. ENR holds the run year and the year before;
    XRF only the set CLPD. `newest_year` is the newest ENR.YR of all live rows, None when there is none. `source` is
    safe to print. `digests` are SHA-256 of what the frame holds: the same from every source that holds the same.
    `inferred` names tables whose rows were made from records of another one: a row there does not prove that Aeries has
    it.
    `day_order` is what `aeries_values.spelled_days` found.
    """

    tables: Mapping[str, pd.DataFrame]
    database_name: str
    source: str
    notes: list[str]
    digests: dict[str, str]
    newest_year: int | None
    inferred: frozenset[str] = frozenset()
    day_order: str = ""


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
    columns = reference.aeries_columns()
    return {table: _wanted(columns[columns["table"].eq(table)]) for table in NEEDED_TABLES + OPTIONAL_TABLES}


def _wanted(rows: pd.DataFrame) -> Wanted:
    codes = rows["column"]
    needed = rows[rows["need"].eq("needed")]
    return Wanted(
        kinds=dict(zip(codes, rows["kind"], strict=True)),
        needed=tuple(
            (code, other) if other else (code,)
            for code, other in zip(needed["column"], needed["alternative"], strict=True)
        ),
        widths={code: int(width) for code, width in zip(codes, rows["width"], strict=True) if int(width)},
        headings={code: heading for code, heading in zip(codes, rows["heading"], strict=True) if heading},
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


def tidied(table: str, raw: pa.Table, source: str) -> pa.Table:
    """`raw` with every value spelled as `values.tidy` says, columns in the order of the reference table."""
    kinds = {code: kind for code, kind in wanted()[table].kinds.items() if code in raw.column_names}

    def spelled(code: str) -> pa.Array:
        return aeries_values.tidy(raw[code], kinds[code], f"{source}: {table}.{code}")

    # Arrow works outside Python's lock, so columns really go side by side.
    with ThreadPoolExecutor() as pool:
        return pa.table(dict(zip(kinds, pool.map(spelled, kinds), strict=True)))


def live(rows: pa.Table) -> pa.Table:
    """The rows that are not deleted, without the column DEL."""
    if "DEL" not in rows.column_names:
        return rows
    return rows.filter(pc.is_in(rows["DEL"], pa.array(["", "0"], pa.large_string()))).drop_columns("DEL")


def newest_year(enrollments: pa.Table) -> int | None:
    """The newest ENR.YR, None when no row has one."""
    years = pc.unique(enrollments["YR"].filter(pc.match_substring_regex(enrollments["YR"], r"^\d{4}$"))).to_pylist()
    return max(map(int, years), default=None)


def has_inactive(students: pa.Table) -> bool:
    """Whether a student has a tag; a source that gives active students only has none."""
    return bool(pc.any(pc.not_equal(students["TG"], "")).as_py())


def without_student_row(enrollments: pa.Table, students: pa.Table) -> int:
    """How many students have an enrollment but no row in `STU`, and so no SSID."""
    enrolled = pc.unique(enrollments["ID"].combine_chunks())
    return len(enrolled.filter(pc.invert(pc.is_in(enrolled, pc.unique(students["ID"].combine_chunks())))))


def assembled(
    tables: Mapping[str, pa.Table],
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
        tables={table: rows.to_pandas() for table, rows in kept.items()},
        database_name=name,
        source=source,
        notes=list(notes),
        digests={table: _digest(rows) for table, rows in kept.items()},
        newest_year=newest,
        inferred=frozenset(inferred),
        day_order=day_order,
    )


def _days_spelled(tables: Mapping[str, pa.Table]) -> tuple[dict[str, pa.Table], str]:
    """All date columns of a source together, for they decide together whether day or month comes first."""
    places = [
        (table, code)
        for table, rows in tables.items()
        for code in rows.column_names
        if wanted()[table].kinds[code] == "date"
    ]
    columns = [tables[table][code].combine_chunks() for table, code in places]
    spelled, order = aeries_values.spelled_days(columns)
    found = dict(tables)
    for (table, code), column in zip(places, spelled, strict=True):
        found[table] = found[table].set_column(found[table].column_names.index(code), code, column)
    return found, order


def _of_the_run(table: str, rows: pa.Table, first: int) -> pa.Table:
    chosen = {"ENR": ("YR", [str(year) for year in years_read(first)]), "XRF": ("TC", [_TRANSLATION_SET])}
    if table not in chosen:
        return rows
    code, values = chosen[table]
    kept = pc.is_in(rows[code], pa.array(values, pa.large_string()))
    # A database has chosen already; copying a large table for nothing takes a while.
    return rows if pc.all(kept).as_py() in (True, None) else rows.filter(kept)


def _in_order(table: str, rows: pa.Table) -> pa.Table:
    keys = _KEYS.get(table, ("ID",))
    order = list(keys) + [code for code in rows.column_names if code not in keys]
    ordered = rows.take(pc.sort_indices(rows, sort_keys=[(code, "ascending") for code in order]))
    return ordered.combine_chunks()


def _digest(rows: pa.Table) -> str:
    content = hashlib.sha256()
    for code, column in zip(rows.column_names, rows.columns, strict=True):
        content.update(f"{code}:{rows.num_rows};".encode())
        for values in column.chunks if rows.num_rows else ():
            # Where each value ends, beside the letters: "a","bc" and "ab","c" differ.
            _, offsets, letters = values.buffers()
            ends = np.frombuffer(offsets, "<i8")[values.offset : values.offset + len(values) + 1]
            content.update((ends - ends[0]).tobytes())
            content.update(letters.slice(ends[0], ends[-1] - ends[0]) if letters else b"")
    return content.hexdigest()
