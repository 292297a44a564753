"""SQLite and PostgreSQL through pyodbc: two dialects that SQLAlchemy does not have, for tests of the ODBC way."""

from __future__ import annotations

import sqlite3
from types import SimpleNamespace

from sqlalchemy.connectors.pyodbc import PyODBCConnector
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGDialect, ischema_names
from sqlalchemy.dialects.sqlite.base import SQLiteDialect


class PostgresqlOdbc(PyODBCConnector, PGDialect):
    """`postgresql+pyodbc://`"""

    supports_statement_cache = True
    default_paramstyle = "qmark"

    def _get_server_version_info(self, connection):
        return PGDialect._get_server_version_info(self, connection)

    def get_materialized_view_names(self, connection, schema=None, **_):
        kept = f"SELECT matviewname FROM pg_matviews WHERE schemaname = '{schema or 'public'}'"
        return [name for [name] in connection.exec_driver_sql(kept)]

    def get_columns(self, connection, table_name, schema=None, **_):
        # SQLAlchemy's own question has parameters whose type PostgreSQL cannot tell when ODBC prepares it.
        columns = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = ?"
        described = connection.exec_driver_sql(columns, (table_name,))
        return [{"name": name, "type": ischema_names[kind]()} for name, kind in described]


class SqliteOdbc(PyODBCConnector, SQLiteDialect):
    """`sqlite+pyodbc://`"""

    supports_statement_cache = True
    default_paramstyle = "qmark"

    @classmethod
    def import_dbapi(cls):
        import pyodbc

        # What SQLAlchemy asks Python's own sqlite3 for when it is told to use SQLite.
        return SimpleNamespace(**vars(pyodbc), sqlite_version_info=sqlite3.sqlite_version_info)

    def _get_server_version_info(self, connection):
        return sqlite3.sqlite_version_info


def register() -> None:
    """Make both known to SQLAlchemy by their addresses."""
    registry.register("postgresql.pyodbc", __name__, "PostgresqlOdbc")
    registry.register("sqlite.pyodbc", __name__, "SqliteOdbc")
