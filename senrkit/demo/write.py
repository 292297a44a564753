"""Writes the district: each file whole or not at all, under a temporary name in the same folder first."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd

from senrkit.demo.days import Calendar
from senrkit.demo.schools import LEA
from senrkit.disk import moved, write_whole
from senrkit.errors import InputError, UsageError
from senrkit.system.files import why

# The file that marks a folder as a demo's.
_MARK = ".senrkit-demo"
_CHUNK = 100_000
_SETTINGS = """\
# Settings of the made-up district. Everybody and every school in it is fictional.

school_year = "{school_year}"
lea = "{lea}"
as_of = {as_of}

[aeries]
source = "sqlite:///aeries.db"
write_source = "sqlite:///aeries.db"
write_databases = ["aeries"]
schools = "default"
skip_tags = ["*"]
skip_programs = ["Z"]

[calpads]
senr_extract = "SENR_ODS.txt"
sela_extract = "SELA_ODS.txt"
elpac_file = "Initial_ELPAC.csv"
school_directory = "pubschls.txt"
max_extract_age_days = {max_extract_age_days}

[process]
golden_state_seal = "GSS"
biliteracy_seal = "SSB"

[output]
runs = "runs"
"""


def claim(folder: Path) -> None:
    """Make the folder a demo's, so that only a demo is ever overwritten by one.

    Raises
    ------
    UsageError
        when it holds files that are not a demo's, or cannot be made.
    """
    if folder.exists() and not (folder / _MARK).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} holds files that are not a demo's.", "Name a folder that does not exist yet.")
    try:
        make_folder(folder)
    except InputError as error:
        raise UsageError(error.message, "Name another folder.") from None


def make_folder(folder: Path) -> None:
    """The folder of a demo, made when missing, and marked as one.

    Raises
    ------
    InputError
        when it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MARK).touch()
    except OSError as error:
        raise _unwritable(folder, why(error, folder)) from None


def write_bytes(path: Path, data: bytes) -> None:
    """The file, whole or not at all.

    Raises
    ------
    InputError
        when the folder cannot be written.
    """
    try:
        write_whole(path, data, private=False)
    except OSError as error:
        raise _unwritable(path, why(error, path)) from None


def write_csv(path: Path, frame: pd.DataFrame, delimiter: str = ",") -> None:
    """The frame with a heading, UTF-8."""
    write_bytes(path, frame.to_csv(index=False, sep=delimiter, lineterminator="\r\n").encode())


def write_database(path: Path, tables: dict[str, pd.DataFrame]) -> None:
    """The tables as an SQLite database; dates as ISO text with midnight, as Aeries' date-times come out.

    Raises
    ------
    InputError
        when the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.part")
    temporary.unlink(missing_ok=True)
    try:
        connection = sqlite3.connect(temporary, isolation_level=None)
        try:
            # The file is new and counts only when it is whole: no journal is needed.
            connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN")
            for name, table in tables.items():
                _write_table(connection, name, table)
            connection.execute("COMMIT")
        finally:
            connection.close()
        moved(temporary, path)
    except (OSError, sqlite3.Error) as error:
        temporary.unlink(missing_ok=True)
        raise _unwritable(path, str(error) if isinstance(error, sqlite3.Error) else why(error, path)) from None


def settings_text(calendar: Calendar, as_of: dt.date, max_extract_age_days: int = 14, lea: str = LEA) -> str:
    """The settings file of a demo district."""
    return _SETTINGS.format(
        school_year=calendar.school_year,
        lea=lea,
        as_of=as_of.isoformat(),
        max_extract_age_days=max_extract_age_days,
    )


def _write_table(connection: sqlite3.Connection, name: str, table: pd.DataFrame) -> None:
    columns = ", ".join(f'"{column}" {_sql_type(column, table[column])}' for column in table)
    connection.execute(f'CREATE TABLE "{name}" ({columns})')
    insert = f'INSERT INTO "{name}" VALUES ({", ".join("?" * table.shape[1])})'
    # A piece at a time: millions of rows as Python's own values would fill the memory.
    for at in range(0, len(table), _CHUNK):
        piece = table.iloc[at : at + _CHUNK]
        connection.executemany(insert, zip(*(_values(piece[column]) for column in piece), strict=True))


def _sql_type(column: str, values: pd.Series) -> str:
    if column in ("DEL", "DNR"):
        return "BIT"
    return {"i": "INTEGER", "M": "DATETIME"}.get(values.dtype.kind, "VARCHAR")


def _values(column: pd.Series) -> list:
    if column.dtype.kind != "M":
        return column.to_list()
    distinct, where = np.unique(column.to_numpy(dtype="datetime64[D]"), return_inverse=True)
    texts = np.array([None if np.isnat(day) else f"{day} 00:00:00" for day in distinct], dtype=object)
    return texts[where].tolist()


def _unwritable(path: Path, why: str | None) -> InputError:
    """What to say when a file or folder cannot be written."""
    return InputError(
        f"{path} cannot be written: {why or 'unknown reason'}.", "Choose a folder that is writable and has room."
    )
