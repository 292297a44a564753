"""Aeries tables from any database that SQLAlchemy knows. Nothing but SELECT is sent, and what asks for a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects.mssql.base import ischema_names

from senrkit.addresses.address import without_secret
from senrkit.errors import InputError, UsageError
from senrkit.inputs.aeries import sql_server, statements
from senrkit.inputs.aeries.credentials import login_name, secret
from senrkit.inputs.aeries.database import plainly, read_tables
from senrkit.inputs.aeries.statements import FoundTable
from senrkit.inputs.aeries.tables import AeriesTables, wanted
from senrkit.inputs.aeries.values import TimeZoneFound, texts
from senrkit.settings.settings import AeriesSettings, Settings

_ROWS_AT_A_TIME = 20_000
# ValueError: drivers raise it for a value they cannot turn into Python, and quote the value.
_FAILURES = (exc.SQLAlchemyError, OSError, ValueError)
# Where Aeries keeps its tables in SQL Server (aeries_database.md 1.1). Named in every statement, so that a table of the
# login's own schema never stands in for it.
_SCHEMA = "dbo"
_COLUMNS = sa.table(
    "COLUMNS", *map(sa.column, "TABLE_SCHEMA TABLE_NAME COLUMN_NAME DATA_TYPE".split()), schema="INFORMATION_SCHEMA"
)
_SYNONYMS = sa.table("synonyms", sa.column("name"), sa.column("schema_id"), schema="sys")
_SCHEMAS = sa.table("schemas", sa.column("name"), sa.column("schema_id"), schema="sys")
_DATABASES = sa.table("databases", sa.column("database_id"), sa.column("snapshot_isolation_state"), schema="sys")
# By what a driver gives for a column of which nothing else is known.
_TYPES = {
    bool: sa.Boolean, int: sa.Integer, float: sa.Float, Decimal: sa.Numeric, str: sa.String, datetime: sa.DateTime,
    date: sa.Date,
}  # fmt: skip
_TORN = "The database gives no one snapshot: its tables were read one after the other, and may be some moments apart."


def read_database(settings: Settings) -> AeriesTables:
    """Read the database that `settings.aeries.source` names, its secret from the environment or the key store.

    Raises
    ------
    UsageError
        when the address is none that SQLAlchemy knows, or its login is not to be had (`sql_server.address`).
    InputError
        when the database cannot be opened or read, lacks a needed table or column, or holds a date-time with a time
        zone. No message has a password, a statement or a value of a row.
    """
    source, first = settings.aeries.source, settings.school_year.first
    try:
        url = sa.make_url(source)
    except (exc.ArgumentError, ValueError):
        raise _unknown_address(source) from None
    shown = without_secret(source)
    engine = _engine(url, shown, settings.aeries)
    try:
        with plainly(shown, "connecting", _FAILURES):
            reader = ServerReader(engine.connect(), settings.aeries.schema)
        with reader:
            with plainly(shown, "asking for one snapshot", _FAILURES):
                reader.ask_for_snapshot()
            return read_tables(reader, shown, first, _FAILURES)
    finally:
        engine.dispose()


class ServerReader:
    """An open SQLAlchemy connection; rows stream through it a batch at a time. A context manager."""

    def __init__(self, connection: sa.Connection, schema: str | None = None) -> None:
        self._connection, self._schema = connection, schema
        self.notes: tuple[str, ...] = ()
        self._has_snapshot = False
        self.name = _database_name(connection)

    def __enter__(self) -> ServerReader:
        return self

    def __exit__(self, *_: object) -> None:
        # Asking a server that is gone to roll back would only hide why it is gone.
        with suppress(*_FAILURES):
            if self._has_snapshot:
                # A driver may keep the connection for whoever connects next.
                self._connection.rollback()
                self._set_level("READ COMMITTED")
            self._connection.close()

    def ask_for_snapshot(self) -> None:
        """See all tables as they were at one moment, where the server allows it; else a note says that it does not.

        SQL Server: when the database allows snapshot isolation. PostgreSQL: repeatable read, and reading only. SQLite's
        one transaction is a snapshot.
        """
        dialect = self._connection.dialect.name
        if dialect == "postgresql":
            self._connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        elif dialect == "mssql" and self._allows_snapshot():
            # It must be set before the transaction that it is for begins.
            self._connection.commit()
            self._set_level("SNAPSHOT")
        elif dialect != "sqlite":
            self.notes = (_TORN,)

    def _set_level(self, level: str) -> None:
        self._connection.execute(sa.text(f"SET TRANSACTION ISOLATION LEVEL {level}"))
        self._connection.commit()
        self._has_snapshot = level == "SNAPSHOT"

    def _allows_snapshot(self) -> bool:
        here = _DATABASES.c.database_id == sa.func.db_id()
        state = self._connection.execute(sa.select(_DATABASES.c.snapshot_isolation_state).where(here)).scalar()
        # What a synonym leads to may be in a database that does not allow it.
        return str(state) == "1" and not _synonyms(self._connection, self._schema or _SCHEMA)

    def found(self) -> dict[str, FoundTable]:
        """The wanted tables, views or synonyms, and columns that are there, whatever the case of their names."""
        if self._connection.dialect.name == "mssql":
            return _found_in_server(self._connection, self._schema or _SCHEMA)
        inspector, schema = sa.inspect(self._connection), self._schema
        there = _kept_views(inspector, schema) + inspector.get_view_names(schema) + inspector.get_table_names(schema)
        names = {name.upper(): name for name in there}
        return {
            table: FoundTable(names[table], _columns(inspector, names[table], want.kinds, schema), schema=schema)
            for table, want in wanted().items()
            if table in names
        }

    def rows(self, table: str, there: FoundTable, first: int) -> pl.DataFrame:
        """The live rows that a run of the school year `first` looks at, text columns named by their codes."""
        statement = statements.rows_of(table, there, first)
        result = self._connection.execution_options(stream_results=True).execute(statement)
        none = pl.DataFrame(schema=dict.fromkeys(there.codes, pl.String))
        return pl.concat([none, *(_batch(part, none.columns) for part in result.partitions(_ROWS_AT_A_TIME))])

    def newest_year(self, there: FoundTable) -> int | None:
        """The newest ENR.YR among all live rows; None when it is no number."""
        value = texts([self._connection.execute(statements.newest_year(there)).scalar_one()])[0]
        return int(value) if value.isdecimal() else None


def _columns(
    inspector: sa.Inspector, table: str, codes: Mapping[str, str], schema: str | None
) -> dict[str, sa.ColumnClause]:
    described = inspector.get_columns(table, schema)
    there = {column["name"].upper(): sa.column(column["name"], column["type"]) for column in described}
    return {code: there[code] for code in codes if code in there}


def _batch(rows: list[sa.Row], codes: list[str]) -> pl.DataFrame:
    columns = {}
    for code, values in zip(codes, zip(*rows, strict=True), strict=True):
        try:
            columns[code] = texts(values)
        except TimeZoneFound:
            raise TimeZoneFound(code) from None
    return pl.DataFrame(columns)


def _database_name(connection: sa.Connection) -> str:
    if connection.dialect.name == "mssql":
        # A connection string or a login's default may have chosen the database, so the address need not say it.
        return connection.execute(sa.select(sa.func.db_name())).scalar_one() or ""
    return connection.engine.url.database or ""


def _engine(url: sa.URL, shown: str, aeries: AeriesSettings) -> sa.Engine:
    try:
        if not sql_server.is_sql_server(url):
            return sa.create_engine(_with_login(url, aeries), hide_parameters=True)
        waiting = {"timeout": aeries.login_timeout_seconds}
        engine = sa.create_engine(sql_server.address(url, aeries), hide_parameters=True, connect_args=waiting)
    except (exc.NoSuchModuleError, exc.ArgumentError):
        raise _unknown_address(shown) from None
    except ImportError:
        module = url.get_driver_name()
        raise InputError(
            f"The Python package {module}, which {url.drivername} addresses need, cannot be loaded.",
            "Install unixodbc (Debian: apt-get install unixodbc), which it stands on."
            if module == "pyodbc"
            else f"Install {module} into senrkit's environment.",
        ) from None

    @sa.event.listens_for(engine, "connect")
    def limit(connection: Any, _record: object) -> None:
        connection.timeout = aeries.query_timeout_seconds

    return engine


def _with_login(url: sa.URL, aeries: AeriesSettings) -> sa.URL:
    user = login_name(aeries, url.username)
    return url.set(username=user, password=secret(aeries, user, "the password of the Aeries login"))


def _unknown_address(source: str) -> UsageError:
    return UsageError(
        f"{without_secret(source)} is no database address that senrkit knows.",
        "Write sqlite:///file.db, mssql+pyodbc://server/database?driver=..., or the path of a folder of exports.",
    )


def columns(schema: str = _SCHEMA) -> sa.Select:
    """Name, column and type of all columns of the wanted tables and views, without parameters."""
    names = [sa.literal_column(f"'{table}'") for table in wanted()]
    there = _COLUMNS.c
    ours = there.TABLE_SCHEMA.in_([sa.literal_column(f"'{schema}'")])
    return sa.select(there.TABLE_NAME, there.COLUMN_NAME, there.DATA_TYPE).where(
        ours, sa.func.upper(there.TABLE_NAME).in_(names)
    )


def _found_in_server(connection: sa.Connection, schema: str) -> dict[str, FoundTable]:
    there: dict[str, dict[str, sa.ColumnClause]] = {}
    names: dict[str, str] = {}
    # SQLAlchemy's inspector sends half a dozen long statements with parameters, to tables of the system's own.
    for table, column, data_type in connection.execute(columns(schema)):
        names[table.upper()] = table
        kind = ischema_names.get(data_type.lower(), sa.types.NullType)
        there.setdefault(table.upper(), {})[column.upper()] = sa.column(column, kind())
    for name in _synonyms(connection, schema):
        if name.upper() not in there:
            names[name.upper()], there[name.upper()] = name, _columns_of_synonym(connection, name, schema)
    return {
        table: FoundTable(
            names[table], {code: there[table][code] for code in want.kinds if code in there[table]}, schema=schema
        )
        for table, want in wanted().items()
        if table in there
    }


def _synonyms(connection: sa.Connection, schema: str) -> list[str]:
    """The synonyms of wanted tables: no catalog of columns has them."""
    ours = [sa.literal_column(f"'{table}'") for table in wanted()]
    found = (
        sa.select(_SYNONYMS.c.name)
        .join(_SCHEMAS, _SYNONYMS.c.schema_id == _SCHEMAS.c.schema_id)
        .where(_SCHEMAS.c.name == sa.literal_column(f"'{schema}'"), sa.func.upper(_SYNONYMS.c.name).in_(ours))
    )
    return list(connection.execute(found).scalars())


def _columns_of_synonym(connection: sa.Connection, name: str, schema: str) -> dict[str, sa.ColumnClause]:
    """What it leads to may be in another database, or on another server: asked for no row, it tells its columns."""
    no_row = sa.literal_column("0") == sa.literal_column("1")
    asked = sa.select(sa.literal_column("*")).select_from(sa.table(name, schema=schema)).where(no_row)
    with connection.execute(asked) as result:
        described = result.cursor.description
    return {column.upper(): sa.column(column, _TYPES.get(kind, sa.types.NullType)()) for column, kind, *_ in described}


def _kept_views(inspector: sa.Inspector, schema: str | None) -> list[str]:
    """Views whose rows are kept, of databases that have such."""
    try:
        return inspector.get_materialized_view_names(schema)
    except NotImplementedError:
        return []
