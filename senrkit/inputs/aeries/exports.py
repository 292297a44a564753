"""Aeries tables from a folder of exports, one file a table: STU.csv, ENR.txt, loc.xlsx, …"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl
from polars import col

from senrkit.errors import InputError
from senrkit.inputs.aeries.export_file import TEXT_SUFFIXES, WORKBOOK_SUFFIX, read_export
from senrkit.inputs.aeries.headings import in_map, matched
from senrkit.inputs.aeries.tables import (
    AeriesTables,
    assembled,
    has_inactive,
    live,
    newest_year,
    tidied,
    usable,
    wanted,
    without_student_row,
)
from senrkit.inputs.aeries.values import excel_days
from senrkit.inputs.spreadsheet import ROUNDED, SHORTENED, are_rounded, plain_digits
from senrkit.settings.settings import Settings

# Aeries Query stops there without a word (`aeries_database.md` section 4).
_QUERY_LIMIT = 100_000
# So many enrollments without one that has ended are unlikely, as in precondition P06.
_FEW = 50
_DAY_IN_NAME = re.compile(r"[ _-]?\d{4}[-_]?\d{2}[-_]?\d{2}$|[ _-]\d{1,2}[-_]\d{1,2}[-_]\d{2,4}$")


def read_folder(settings: Settings) -> AeriesTables:
    """Read the folder that `settings.aeries.source` names.

    Headings as in `headings.matched`. Rows marked DEL are dropped; without DEL (Query exports live rows only)
    every row counts. Leading zeros that a spreadsheet took from state codes are restored. `notes` says where, and
    what else an export may lack.

    Raises
    ------
    InputError
        when a needed file or column is missing, a file is cut off or damaged, two files or columns could be the same,
        or Aeries Query has left the inactive students out. No message has a value of a row.
    """
    folder = Path(settings.aeries.source)
    files = _files(folder)
    tables, notes, used = {}, [], set()
    for table, file in files.items():
        tables[table], said, mapped = _table(table, file, settings.aeries.headings)
        notes += said
        used |= mapped
    if unused := [heading for heading in settings.aeries.headings if heading not in used]:
        notes.append(f"[aeries.headings] has headings that no export has: {', '.join(unused)}.")
    names, gaps = usable({table: rows.columns for table, rows in tables.items()}, str(folder), spared=("DEL",))
    kept = {table: live(tables[table]) for table in names}
    first = settings.school_year.first
    enrollments = kept["ENR"].filter(str(first) == col.YR)
    # Deleted students are no sign of a filter, so they count as being there.
    limits = [*_at_the_limit(kept, files), *_inactive(tables["STU"], enrollments, files)]
    newest = newest_year(kept["ENR"])
    made = assembled(kept, first, newest=newest, source=str(folder), name="", notes=[*notes, *limits, *gaps])
    return replace(made, files={table: files[table].name for table in names})


def _files(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        # An export may carry its day: STU_2026-11-23.csv.
        table = _DAY_IN_NAME.sub("", file.stem).upper()
        if table not in wanted() or not file.is_file():
            continue
        if file.suffix.lower() not in (*TEXT_SUFFIXES, WORKBOOK_SUFFIX):
            raise InputError(f"senrkit does not read {file.name}.", "Export the table as CSV, TXT or XLSX.")
        if table in files:
            raise InputError(f"{files[table].name} and {file.name} are the same table.", "Take one out of the folder.")
        files[table] = file
    return files


def _table(table: str, file: Path, headings: Mapping[str, str]) -> tuple[pl.DataFrame, list[str], set[str]]:
    """The rows of one file, what to say of them, and the headings of the user's map that it has."""
    export = read_export(file, table)
    places = matched(table, export.headings, headings, file.name)
    raw = {code: export.columns[place] for code, place in places.items()}
    if file.suffix.lower() == WORKBOOK_SUFFIX:
        kinds = wanted()[table].kinds
        raw = {code: excel_days(values) if kinds[code] == "date" else values for code, values in raw.items()}
    rows = tidied(table, pl.DataFrame(raw), file.name)
    rows, restored = _with_zeros(table, rows, file.name)
    return rows, [*export.notes, *([restored] if restored else [])], in_map(export.headings, headings)


def _with_zeros(table: str, rows: pl.DataFrame, file: str) -> tuple[pl.DataFrame, str]:
    said = []
    for code, width in wanted()[table].widths.items():
        if code not in rows.columns:
            continue
        values = plain_digits(rows[code])
        _refuse_rounded(file, table, code, values, width)
        if values.str.contains(SHORTENED).any():
            raise InputError(
                f"{file}: a spreadsheet has shortened numbers in {table}.{code}, so digits are lost.",
                "Export the table again and do not save it from a spreadsheet, or format the column as text first.",
            )
        # Of a school's record any part may be all zeros; elsewhere a value of half the width is another kind of code.
        shortest = 1 if table == "LOC" else width // 2 + 1
        short = values.str.contains(rf"^[0-9]{{{shortest},{width - 1}}}$")
        if short.any():
            values = values.str.pad_start(width, "0").zip_with(short, values)
            said.append(f"{table}.{code} ({short.sum():,})")
        rows = rows.with_columns(values.alias(code))
    return rows, f"{file}: leading zeros restored in {', '.join(said)}." if said else ""


def _refuse_rounded(file: str, table: str, code: str, values: pl.Series, width: int) -> None:
    if code == "CID" and are_rounded(values):
        rounded, filled = (values.str.contains(shape).sum() for shape in (ROUNDED, rf"^[0-9]{{{width}}}$"))
        raise InputError(
            f"{file}: {rounded:,} of {filled:,} numbers in {table}.{code} end with four zeros, as if rounded.",
            "Export the table again and do not save it from a spreadsheet, or format the column as text first.",
        )


def _at_the_limit(tables: Mapping[str, pl.DataFrame], files: Mapping[str, Path]) -> list[str]:
    return [
        f"{files[table].name} has exactly {_QUERY_LIMIT:,} rows, where Aeries Query stops: rows may be missing."
        for table, rows in tables.items()
        if rows.height == _QUERY_LIMIT
    ]


def _inactive(students: pl.DataFrame, enrollments: pl.DataFrame, files: Mapping[str, Path]) -> list[str]:
    """What speaks for Aeries Query's own filter, which leaves out students with a tag (aeries_database.md 4).

    Without their `STU` row, enrollments have no SSID, and what the state rightly holds for them would look unfounded:
    with both signs at once, nobody with a tag and enrolled students missing, there is no going on.
    """
    said = []
    file, untagged = files["STU"].name, not has_inactive(students)
    missing = without_student_row(enrollments, students)
    if untagged and missing:
        raise InputError(
            f"{file} has no student with a tag, and students who have enrollments this year are not in it "
            f"({missing:,}): Aeries Query has left the inactive students out.",
            "Export STU again with inactive students.",
        )
    if missing:
        said.append(f"Students with enrollments this year whom {file} does not have: {missing:,}.")
    if untagged and students.height:
        said.append(
            f"{file} has no student with a tag: Aeries Query leaves inactive students out unless told otherwise."
        )
    if enrollments.height > _FEW and not (enrollments["LD"] != "").any():
        said.append(
            f"{files['ENR'].name} has no enrollment this year that has ended: students who left may be missing."
        )
    return said
