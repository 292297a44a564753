"""A SQLite database of Aeries: opened so that it cannot be written, read a column at a time into Arrow."""

from __future__ import annotations

from pathlib import Path

import adbc_driver_sqlite.dbapi as adbc
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from senrkit.inputs.aeries_statements import FoundTable
from senrkit.inputs.aeries_tables import wanted

# A row at a time, SQLAlchemy needs four times as long for a large district as the Arrow driver does.
FAILURES = (adbc.Error, pa.ArrowException)


class SqliteReader:
    """One read-only connection and, with it, one unchanging view of the file. A context manager.

    Raises
    ------
    any of FAILURES
        from every method, when SQLite refuses.
    """

    def __init__(self, file: Path) -> None:
        self.name = file.stem
        self._connection = adbc.connect(f"{file.absolute().as_uri()}?mode=ro")
        self._cursor = self._connection.cursor()

    def __enter__(self) -> SqliteReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._cursor.close()
        self._connection.close()

    def found(self) -> dict[str, FoundTable]:
        """The wanted tables and columns that are there."""
        # SQLAlchemy's inspector would use PRAGMA; asked this way, nothing but SELECT reaches the database.
        catalogue = self._rows(
            "SELECT t.name AS t, c.name AS c FROM sqlite_master AS t, pragma_table_xinfo(t.name) AS c "
            "WHERE t.type IN ('table', 'view') ORDER BY 1, 2"
        ).to_pydict()
        tables: dict[str, FoundTable] = {}
        for name in dict.fromkeys(catalogue["t"]):
            if (want := wanted().get(name.upper())) is None:
                continue
            there = {c.upper(): c for t, c in zip(catalogue["t"], catalogue["c"], strict=True) if t == name}
            columns = {code: sa.column(there[code]) for code in want.kinds if code in there}
            tables[name.upper()] = FoundTable(name, columns, loose=True)
        return tables

    def rows(self, statement: sa.Select, codes: tuple[str, ...]) -> pa.Table:
        """The statement's rows as text columns named `codes`."""
        return self._rows(_sql(statement)).rename_columns(list(codes))

    def number(self, statement: sa.Select) -> int | None:
        """The statement's only value."""
        return self._rows(_sql(statement)).column(0)[0].as_py()

    def _rows(self, sql: str) -> pa.Table:
        self._cursor.execute(sql)
        rows = self._cursor.fetch_arrow_table()
        # The driver passes bytes on as they are.
        rows.validate(full=True)
        return rows


def _sql(statement: sa.Select) -> str:
    return str(statement.compile(dialect=sqlite.dialect()))
