"""A server that speaks SQL Server's wire protocol and answers from an in-memory SQLite, for tests.

The protocol is pysqlbridge's; T-SQL is turned into SQLite's by sqlglot. It proves driver, dialect and types, not the
semantics of SQL Server (aeries_database.md 6.3).
"""

from __future__ import annotations

import datetime as dt
import re
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pandas as pd
import sqlglot
from pysqlbridge.certificate import self_signed
from pysqlbridge.logins import Login, LoginStore
from pysqlbridge.server import BridgeServer
from pysqlbridge.tds.result import Bit, Column, DateTime, Integer, NVarChar, Query, QueryError, QueryResult

USER, PASSWORD = "aeries_reader", "p;w d=1"
DATABASE = "DST26000Heron"

_TYPES = {"int": (Integer(4), "int"), "date": (DateTime(), "datetime"), "flag": (Bit(), "bit")}
_TEXT = (NVarChar(4000), "nvarchar")
_FIXED = {
    r"serverproperty": "17.0.1000.7",
    r"^\s*select\s+schema_name\(\)": "dbo",
    r"db_name\(\)": DATABASE,
    r"test max support": "test max support",
    r"transaction_isolation_level": "READ COMMITTED",
}


class SqlServer:
    """Holds the tables and answers queries; `sent` is every statement that a client sent.

    `before` is called with each statement and may raise a `QueryError` or wait, which is how faults are made.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame], kinds: Mapping[tuple[str, str], str]) -> None:
        self.sent: list[str] = []
        self.before: Callable[[str], None] = lambda sql: None
        self.clients: list[socket.socket] = []
        self._lock = threading.Lock()
        self._types = {
            (table, column): _TYPES.get(kinds.get((table, column), "text"), _TEXT)
            for table, frame in tables.items()
            for column in frame
        }
        self._store = sqlite3.connect(":memory:", check_same_thread=False)
        self._store.execute("ATTACH ':memory:' AS dbo")
        self._store.execute("ATTACH ':memory:' AS INFORMATION_SCHEMA")
        for table, frame in tables.items():
            self._fill("dbo", table, frame.columns, frame.itertuples(index=False, name=None))
        catalogue = [("dbo", table, column, kind) for (table, column), (_, kind) in self._types.items()]
        columns = "TABLE_SCHEMA TABLE_NAME COLUMN_NAME DATA_TYPE".split()
        self._fill("INFORMATION_SCHEMA", "COLUMNS", columns, catalogue)

    def _fill(self, schema: str, table: str, columns, rows) -> None:
        listed = ", ".join(f'"{column}"' for column in columns)
        self._store.execute(f'CREATE TABLE {schema}."{table}" ({listed})')
        marks = ", ".join("?" * len(list(columns)))
        stored = [tuple(map(_stored, row)) for row in rows]
        self._store.executemany(f'INSERT INTO {schema}."{table}" VALUES ({marks})', stored)

    def drop(self) -> None:
        """Hang up on every client."""
        for client in self.clients:
            client.shutdown(socket.SHUT_RDWR)

    def answer(self, query: Query) -> QueryResult:
        """One batch."""
        self.sent.append(query.sql)
        if not re.match(r"\s*select\b", query.sql, re.IGNORECASE):
            return QueryResult([], [])
        for pattern, value in _FIXED.items():
            if re.search(pattern, query.sql, re.IGNORECASE):
                return QueryResult([Column("", NVarChar(4000))], [[value]])
        self.before(query.sql)
        if "fn_listextendedproperty" in query.sql:
            raise QueryError("Invalid object name 'fn_listextendedproperty'.", number=208)
        return self._select(query.sql)

    def _select(self, sql: str) -> QueryResult:
        parsed = sqlglot.parse_one(sql, read="tsql")
        with self._lock:
            try:
                rows = self._store.execute(parsed.sql(dialect="sqlite")).fetchall()
            except sqlite3.OperationalError as failure:
                number = 207 if "column" in str(failure) else 208
                raise QueryError(f"Invalid object name: {failure}", number=number) from None
        table = parsed.find(sqlglot.exp.Table).name
        columns = [Column(one.alias_or_name, self._type(table, one.unalias())) for one in parsed.selects]
        return QueryResult(columns, [list(row) for row in rows])

    def _type(self, table: str, expression: sqlglot.exp.Expression):
        if isinstance(expression, sqlglot.exp.Column):
            return self._types.get((table, expression.name), _TEXT)[0]
        return Integer(4)


class _Listener(BridgeServer):
    clients: list[socket.socket]

    def get_request(self):
        client, where = super().get_request()
        self.clients.append(client)
        return client, where


# One for all: making a key takes a while.
_CERTIFICATE = self_signed()


@contextmanager
def serving(server: SqlServer) -> Iterator[int]:
    """The server on a free port of this computer, which it gives."""
    logins = LoginStore([Login(USER, PASSWORD, hashed=False)])
    listener = _Listener(
        port=0, query_handler=server.answer, certificate=_CERTIFICATE, database=DATABASE, logins=logins
    )
    listener.clients = server.clients
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield listener.address[1]
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


def _stored(value: object) -> object:
    if value is None or value is pd.NaT or value != value:
        return None
    if isinstance(value, dt.date):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value
