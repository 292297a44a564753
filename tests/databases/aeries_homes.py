"""Aeries of the demo district in a database that may be written to: SQLite, PostgreSQL through ODBC, SQL Server's wire.

Statements of tests are written once, with every name in double quotes, which all three take.
"""

from __future__ import annotations

import itertools
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from senrkit.settings.settings import Settings, load_settings
from tests.patience import PATIENCE

PASSWORD_VARIABLE = "AERIES_WRITE_PASSWORD"


class Home(ABC):
    """The demo's folder, its settings, and the database that they name as source and as write_source."""

    name: str
    password = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def settings(self, **replaced: tuple[str, str]) -> Settings:
        """The settings, after every (old, new) was replaced in their file."""
        file = self.folder / "senrkit.toml"
        text = file.read_text()
        for old, new in replaced.values():
            assert old in text
            text = text.replace(old, new)
        file.write_text(text)
        return load_settings(file)

    @abstractmethod
    def dump(self) -> str:
        """Every value of every table, NULL and blank told apart."""

    @abstractmethod
    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a SELECT."""

    @abstractmethod
    def change(self, *statements: str) -> None:
        """Somebody else's changes, committed."""

    @abstractmethod
    def trigger(self, when: str, table: str, body: str) -> None:
        """A trigger of the district's own, for each row; `when` as `AFTER UPDATE OF "LF"`.

        `body` is a statement that may use NEW, `refuse` or `swallow`.
        """

    @abstractmethod
    def drop_trigger(self, table: str) -> None: ...

    @abstractmethod
    @contextmanager
    def busy(self) -> Iterator[None]:
        """Another program is in the middle of changing STU."""

    @abstractmethod
    def is_locked(self) -> bool:
        """Whether another program that would change the student's row now is kept from it."""

    def cut(self) -> None:
        """The server hangs up on senrkit."""
        raise NotImplementedError

    @abstractmethod
    def settle(self) -> None:
        """Wait until the server has seen that a client is gone."""


def _sqlite_dump(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        return "\n".join(connection.iterdump())


class SqliteHome(Home):
    name = "aeries"

    def __init__(self, folder: Path, file: Path | None = None) -> None:
        super().__init__(folder)
        self.file = file or folder / "aeries.db"

    def dump(self) -> str:
        return _sqlite_dump(self.file)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.file)) as connection:
            return connection.execute(statement).fetchall()

    def change(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.file)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def trigger(self, when: str, table: str, body: str) -> None:
        raised = {"refuse": "SELECT RAISE(ABORT, 'Noor 9000000307')", "swallow": "SELECT RAISE(IGNORE)"}
        self.change(f'CREATE TRIGGER district {when} ON "{table}" BEGIN {raised.get(body, body)}; END')

    def drop_trigger(self, table: str) -> None:
        self.change("DROP TRIGGER district")

    @contextmanager
    def busy(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    def settle(self) -> None:
        # There is no server: the next to open the file takes back what was not committed.
        return

    def is_locked(self) -> bool:
        with closing(sqlite3.connect(self.file, timeout=0)) as other:
            try:
                other.execute('UPDATE "STU" SET "LF" = \'X\'')
            except sqlite3.OperationalError as refused:
                return "locked" in str(refused)
        return False


class PostgresHome(Home):
    _numbers = itertools.count(1)

    def __init__(self, folder: Path, port: int, template: str) -> None:
        from tests.databases import postgres

        super().__init__(folder)
        self.port, self._connect, self.password = port, postgres.connect, postgres.PASSWORD
        self.name = f"DST26000Apply{next(self._numbers)}"
        self._administer(f'CREATE DATABASE "{self.name}" TEMPLATE "{template}"')
        self._administer(f'ALTER DATABASE "{self.name}" SET lock_timeout = 500')
        address = (
            f"postgresql+pyodbc://{postgres.USER}@127.0.0.1/{self.name}?port={port}&driver=PostgreSQL+Unicode"
            "&BoolsAsChar=0"
        )
        _point_to(self, address, "")

    def close(self) -> None:
        self._administer(f'DROP DATABASE "{self.name}" WITH (FORCE)')

    def dump(self) -> str:
        tables = [name for [name] in self.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        rows = {name: self.query(f'SELECT t::text FROM "{name}" t ORDER BY 1') for name in sorted(tables)}
        assert rows["STU"] and rows["LAC"]
        return repr(rows)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(self._connect(self.port, self.name)) as connection:
            return [tuple(row) for row in connection.execute(statement)]

    def change(self, *statements: str) -> None:
        with closing(self._connect(self.port, self.name)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def trigger(self, when: str, table: str, body: str) -> None:
        done = {"refuse": "RAISE EXCEPTION 'Noor 9000000307'", "swallow": "RETURN NULL"}.get(body, body)
        self.change(
            f"CREATE FUNCTION district() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {done}; RETURN NULL; END $$",
            f'CREATE TRIGGER district {when} ON "{table}" FOR EACH ROW EXECUTE FUNCTION district()',
        )

    def drop_trigger(self, table: str) -> None:
        self.change(f'DROP TRIGGER district ON "{table}"')

    @contextmanager
    def busy(self) -> Iterator[None]:
        with closing(self._connect(self.port, self.name)) as other:
            other.execute('UPDATE "STU" SET "LF" = "LF"')
            yield
            other.rollback()

    def is_locked(self) -> bool:
        import pyodbc

        with closing(self._connect(self.port, self.name)) as other:
            other.execute("SET lock_timeout = 50")
            try:
                other.execute('UPDATE "STU" SET "LF" = \'X\'')
            except pyodbc.Error as refused:
                return "lock timeout" in str(refused)
        return False

    def cut(self) -> None:
        self._administer(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}'")

    def settle(self) -> None:
        def gone() -> bool:
            with closing(self._connect(self.port, "postgres")) as admin:
                count = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{self.name}'"
                return admin.execute(count).fetchval() == 0

        _wait_for(gone)

    def _administer(self, statement: str) -> None:
        with closing(self._connect(self.port, "postgres")) as admin:
            admin.autocommit = True
            admin.execute(statement)


class SqlServerHome(SqliteHome):
    """What is asked of it here goes to the SQLite file from which the server on the wire answers."""

    def __init__(self, folder: Path, server: Any, port: int, driver: str) -> None:
        from tests.databases import tds_server

        super().__init__(folder, server.file)
        self.server, self.name, self.password = server, tds_server.DATABASE, tds_server.PASSWORD
        address = f"mssql+pyodbc://{tds_server.USER}@127.0.0.1:{port}/{self.name}?driver={driver}"
        _point_to(self, address, "trust_server_certificate = true\n")

    def cut(self) -> None:
        self.server.drop()

    def settle(self) -> None:
        self.server.drop()


def _point_to(home: Home, address: str, more: str) -> None:
    """Reading and writing, each with a password of its own variable."""
    secrets = f'password_env = "{PASSWORD_VARIABLE}"\nwrite_password_env = "{PASSWORD_VARIABLE}"\n'
    home.settings(
        source=('\nsource = "sqlite:///aeries.db"', f'\nsource = "{address}"'),
        write=('write_source = "sqlite:///aeries.db?timeout=0.1"', f'write_source = "{address}"'),
        list=('write_databases = ["aeries"]\n', f'write_databases = ["{home.name}"]\n{secrets}{more}'),
    )


def _wait_for(settled: Any) -> None:
    until = time.monotonic() + PATIENCE
    while not settled():
        assert time.monotonic() < until, "the server still holds what a dead client had"
        time.sleep(0.02)
