"""A SQLite database of Aeries: opened so that it cannot be written, read into Arrow.

Without SQLAlchemy, which takes longer to load than a district of a few thousand students to read. Which rows are live
and which years are read is what `statements` says of loose databases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import adbc_driver_manager as adbc
import adbc_driver_sqlite
import polars as pl
from polars import selectors as cs

from senrkit.addresses.address import without_secret
from senrkit.errors import InputError, UsageError
from senrkit.inputs.aeries.database import is_duckdb, no_duckdb, plainly, read_tables
from senrkit.inputs.aeries.tables import AeriesTables, wanted, years_read
from senrkit.inputs.extract.delimited import parsed
from senrkit.settings.settings import Settings

_FAILURES = (adbc.Error, pl.exceptions.PolarsError, OSError, ValueError)
# A character for this very purpose, which nobody can type into Aeries.
_BETWEEN = "\x1f"


def read_sqlite(settings: Settings) -> AeriesTables:
    """Read the file that `settings.aeries.source` names.

    Raises
    ------
    UsageError
        when a schema is named.
    InputError
        as `database.read_tables`, or for a DuckDB file.
    """
    source = without_secret(settings.aeries.source)
    if settings.aeries.schema not in (None, "main"):
        raise UsageError("A SQLite database has no schemas.", "Leave schema out of [aeries].")
    file = Path(source.partition(":///")[2].partition("?")[0])
    if not file.is_file():
        raise InputError(f"There is no database file {file}.", "Check [aeries] source in the settings.")
    if is_duckdb(file):
        raise no_duckdb(str(file))
    with plainly(source, "opening it", _FAILURES):
        reader = SqliteReader(file)
    with reader:
        return read_tables(reader, source, settings.school_year.first, _FAILURES)


@dataclass(frozen=True)
class SqliteTable:
    """A table under its own name, and for each wanted code the column's own name."""

    name: str
    columns: Mapping[str, str]


class SqliteReader:
    """One read-only connection and, with it, one unchanging view of the file. A context manager."""

    def __init__(self, file: Path) -> None:
        self.name, self.notes = file.stem, ()
        # Not by way of its DB-API, which loads pyarrow and with it pandas.
        self._database = adbc_driver_sqlite.connect(f"{file.absolute().as_uri()}?mode=ro")
        self._connection = adbc.AdbcConnection(self._database)
        self._connection.set_autocommit(False)

    def __enter__(self) -> SqliteReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._database.close()

    def found(self) -> dict[str, SqliteTable]:
        """The wanted tables and columns that are there."""
        # Asked this way, rather than by PRAGMA, nothing but SELECT reaches the database.
        catalog = self._rows(
            "SELECT CAST(t.name AS BLOB) AS t, CAST(c.name AS BLOB) AS c "
            "FROM sqlite_master AS t, pragma_table_xinfo(t.name) AS c "
            "WHERE t.type IN ('table', 'view') ORDER BY 1, 2"
        ).rows()
        tables: dict[str, SqliteTable] = {}
        for name in dict.fromkeys(table for table, _ in catalog):
            if (want := wanted().get(name.upper())) is None:
                continue
            there = {column.upper(): column for table, column in catalog if table == name}
            tables[name.upper()] = SqliteTable(name, {code: there[code] for code in want.kinds if code in there})
        return tables

    def rows(self, table: str, there: SqliteTable, first: int) -> pl.DataFrame:
        """The live rows that a run of the school year `first` looks at, text columns named by their codes."""
        codes = [code for code in there.columns if code != "DEL"]
        # A column may hold a number in one row and text in the next; as text, all of them come through alike.
        values = [f"coalesce(CAST({_quoted(there.columns[code])} AS TEXT), '')" for code in codes]
        chosen = f"FROM {_quoted(there.name)} WHERE {_rows_of(table, there, first)}"
        # Handing over a value at a time takes longer than everything else: a row at a time, as a line, is faster.
        lines = self._rows(
            f"SELECT CAST(concat_ws('{_BETWEEN}', {', '.join(values)}) || '\n' AS BLOB) {chosen}"
        ).to_series()
        found = parsed(lines.str.join("").cast(pl.Binary).item(), _BETWEEN, codes) if len(lines) else None
        if found is not None and found.height == len(lines):
            return found
        # A value holds a line end or that very character.
        rows = self._rows(f"SELECT {', '.join(f'CAST({value} AS BLOB)' for value in values)} {chosen}")
        return rows.rename(dict(zip(rows.columns, codes, strict=True))).cast(pl.String)

    def newest_year(self, there: SqliteTable) -> int | None:
        """The newest ENR.YR among all live rows."""
        year = f"CAST({_quoted(there.columns['YR'])} AS INTEGER)"
        newest = self._rows(f"SELECT max({year}) FROM {_quoted(there.name)} WHERE {_live(there)}")
        return newest.item()

    def _rows(self, sql: str) -> pl.DataFrame:
        """What the statement gives; text is asked for as bytes, for the driver does not look whether it is text."""
        statement = adbc.AdbcStatement(self._connection)
        try:
            statement.set_sql_query(sql)
            found = pl.DataFrame(statement.execute_query()[0])
        finally:
            statement.close()
        return found.with_columns(cs.binary().cast(pl.String))


def _rows_of(table: str, there: SqliteTable, first: int) -> str:
    if table == "ENR":
        years = ", ".join(map(str, years_read(first)))
        return f"{_live(there)} AND CAST({_quoted(there.columns['YR'])} AS INTEGER) IN ({years})"
    if table == "XRF":
        return f"{_live(there)} AND rtrim({_quoted(there.columns['TC'])}) = 'CLPD'"
    return _live(there)


def _live(there: SqliteTable) -> str:
    if "DEL" not in there.columns:
        return "1"
    column = _quoted(there.columns["DEL"])
    return f"({column} IS NULL OR lower(rtrim(CAST({column} AS TEXT))) IN ('', '0', '0.0', 'false'))"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
