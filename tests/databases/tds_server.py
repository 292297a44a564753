"""A server that speaks SQL Server's wire protocol and answers from SQLite, for tests.

The protocol is pysqlbridge's; T-SQL is turned into SQLite's by sqlglot. It proves driver, dialect and types, not the
semantics of SQL Server (aeries_database.md 6.3).
"""

from __future__ import annotations

import datetime as dt
import re
import socket
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pandas as pd
import sqlglot
from pysqlbridge.certificate import self_signed
from pysqlbridge.logins import Login, LoginStore
from pysqlbridge.server import BridgeServer
from pysqlbridge.tds import rpc
from pysqlbridge.tds.result import Bit, Column, DateTime, Integer, NVarChar, Query, QueryError, QueryResult
from sqlglot import exp

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
        # Whether the database allows snapshot isolation, and which of its tables are synonyms.
        self.snapshot, self.synonyms = 1, []
        self._stores: list[sqlite3.Connection] = []
        self._types = {
            (table, column): _TYPES.get(kinds.get((table, column), "text"), _TEXT)
            for table, frame in tables.items()
            for column in frame
        }
        self._place = tempfile.TemporaryDirectory(prefix="senrkit-tds-")
        # Each client has a connection of its own, so that what it has not committed is lost with it.
        self.file = Path(self._place.name) / "dbo.db"
        with closing(self._connection()) as store, store:
            store.execute("BEGIN")
            for table, frame in tables.items():
                _fill(store, "dbo", table, frame.columns, frame.itertuples(index=False, name=None))
            catalog = [("dbo", table, column, kind) for (table, column), (_, kind) in self._types.items()]
            columns = "TABLE_SCHEMA TABLE_NAME COLUMN_NAME DATA_TYPE".split()
            _fill(store, "INFORMATION_SCHEMA", "COLUMNS", columns, catalog)

    def _connection(self) -> sqlite3.Connection:
        store = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        store.execute(f"ATTACH '{self.file}' AS dbo")
        store.execute(f"ATTACH '{self.file.with_name('catalog.db')}' AS INFORMATION_SCHEMA")
        store.execute("PRAGMA synchronous = OFF")
        return store

    def only_by_synonym(self, table: str) -> None:
        """The table is no longer one of this database's own: a synonym leads to it."""
        self.synonyms.append(table)
        with closing(self._connection()) as store, store:
            store.execute("DELETE FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = ?", (table,))

    def drop(self) -> None:
        """Hang up on every client; what it has not committed is gone."""
        for client in self.clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for store in self._stores:
            store.close()

    def answer(self, query: Query) -> QueryResult:
        """One batch, or one call of a prepared statement."""
        sql, values = _unpacked(query)
        self.sent.append(sql)
        if "store" not in query.session:
            query.session["store"] = self._connection()
            self._stores.append(query.session["store"])
        store = query.session["store"]
        if not re.match(r"\s*(select|set nocount)\b", sql, re.IGNORECASE):
            _transact(store, sql)
            return QueryResult([], [])
        if "snapshot_isolation_state" in sql:
            return QueryResult([Column("", Integer(4))], [[self.snapshot]])
        if "sys.synonyms" in sql.replace("[", "").replace("]", ""):
            return QueryResult([Column("name", NVarChar(4000))], [[name] for name in self.synonyms])
        for pattern, value in _FIXED.items():
            if re.search(pattern, sql, re.IGNORECASE):
                return QueryResult([Column("", NVarChar(4000))], [[value]])
        self.before(sql)
        if "fn_listextendedproperty" in sql:
            raise QueryError("Invalid object name 'fn_listextendedproperty'.", number=208)
        return self._batch(store, sql, values)

    def _batch(self, store: sqlite3.Connection, sql: str, values: Mapping[str, object]) -> QueryResult:
        changed, result = 0, QueryResult([], [])
        for parsed in sqlglot.parse(sql, read="tsql"):
            if isinstance(parsed, (exp.Update, exp.Insert, exp.Delete)):
                changed = _executed(store, parsed, values).rowcount
            elif isinstance(parsed, exp.Select) and not parsed.find(exp.Table):
                result = QueryResult([Column(parsed.selects[0].alias, Integer(4))], [[changed]])
            elif isinstance(parsed, exp.Select):
                cursor = _executed(store, parsed, values)
                rows, table = cursor.fetchall(), parsed.find(exp.Table).name
                if parsed.is_star:
                    there = [name for name, *_ in cursor.description]
                    result = QueryResult([Column(n, self._types.get((table, n), _TEXT)[0]) for n in there], [])
                    continue
                columns = [Column(one.alias_or_name, self._type(table, one.unalias())) for one in parsed.selects]
                result = QueryResult(columns, [list(row) for row in rows])
        return result

    def _type(self, table: str, expression: sqlglot.exp.Expression):
        if isinstance(expression, sqlglot.exp.Column):
            return self._types.get((table, expression.name), _TEXT)[0]
        return Integer(4)


def _fill(store: sqlite3.Connection, schema: str, table: str, columns, rows) -> None:
    listed = ", ".join(f'"{column}"' for column in columns)
    store.execute(f'CREATE TABLE {schema}."{table}" ({listed})')
    marks = ", ".join("?" * len(list(columns)))
    stored = [tuple(map(_stored, row)) for row in rows]
    store.executemany(f'INSERT INTO {schema}."{table}" VALUES ({marks})', stored)


def _unpacked(query: Query) -> tuple[str, dict[str, object]]:
    """The statement, and the values of its parameters @P1, @P2, …: sent beside it, or with a prepared call."""
    if query.procedure != "sp_prep_exec":
        return query.sql, {name.lstrip("@"): _stored(value) for name, value in query.parameters.items()}
    _handle, _declared, sql, *values = [*query.arguments, *query.parameters.values()]
    return str(sql), {f"P{number}": _stored(value) for number, value in enumerate(values, start=1)}


def _transact(store: sqlite3.Connection, sql: str) -> None:
    """What begins or ends a transaction does so in SQLite; whatever else a driver sets is not kept."""
    if store.in_transaction and (ending := re.search(r"\b(COMMIT|ROLLBACK)\b", sql, re.IGNORECASE)):
        store.execute(ending[1])
    if not store.in_transaction and re.search(r"\bBEGIN TRAN", sql, re.IGNORECASE):
        store.execute("BEGIN")


def _executed(store: sqlite3.Connection, parsed: exp.Expression, values: Mapping[str, object]) -> sqlite3.Cursor:
    for table in parsed.find_all(exp.Table):
        table.set("hints", None)
    try:
        return store.execute(parsed.sql(dialect="sqlite"), values)
    except sqlite3.IntegrityError as failure:
        raise QueryError(f"The transaction ended in the trigger: {failure}", number=3609) from None
    except sqlite3.OperationalError as failure:
        if "locked" in str(failure):
            raise QueryError("Lock request time out period exceeded.", number=1222) from None
        number = 207 if "column" in str(failure) else 208
        raise QueryError(f"Invalid object name: {failure}", number=number) from None


_DATETIME2 = 0x2A
_read_known_value = rpc._read_value


def _read_value(payload: bytes, at: int, type_id: int) -> tuple[object, int]:
    """A parameter; pysqlbridge does not read datetime2, as which a driver sends a day ([MS-TDS] 2.2.5.5.1.8)."""
    if type_id != _DATETIME2:
        return _read_known_value(payload, at, type_id)
    scale, length = payload[at], payload[at + 1]
    raw = payload[at + 2 : at + 2 + length]
    if not length:
        return None, at + 2
    ticks, days = int.from_bytes(raw[:-3], "little"), int.from_bytes(raw[-3:], "little")
    moment = dt.datetime(1, 1, 1) + dt.timedelta(days=days, microseconds=ticks * 10**6 // 10**scale)
    return moment, at + 2 + length


rpc._read_value = _read_value


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
