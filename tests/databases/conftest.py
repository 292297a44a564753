"""Servers for the tests of this folder, started for the session and stopped after it."""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
import pytest

from senrkit.demo import make
from tests.databases import odbc_dialects
from tests.databases.aeries_homes import PASSWORD_VARIABLE, Home, PostgresHome, SqliteHome, SqlServerHome
from tests.districts import column_kinds

# Where no proxy may come between a test and its own server.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


def required(there: object, what: str) -> None:
    """Skip for want of a package, and fail for it where the packages are sure to be: in continuous integration."""
    if there:
        return
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{what} is missing, although scripts/system-packages.txt or the test lock has it")
    pytest.skip(f"{what} is not installed here")


def odbc_driver(name: str | None = None) -> None:
    """ODBC, and a driver, that the test cannot do without."""
    try:
        import pyodbc
    except ImportError:
        required(False, "unixodbc")
    required(name is None or name in pyodbc.drivers(), f"the ODBC driver {name}")


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Path:
    """The folder of a demo district of 300 students."""
    return make(tmp_path_factory.mktemp("demo"), 300, 1, dt.date(2026, 11, 23)).folder


@pytest.fixture(scope="session")
def tables(demo) -> Mapping[str, pd.DataFrame]:
    """What is in the demo's Aeries, values as a typed database has them."""
    with sqlite3.connect(demo / "aeries.db") as database:
        names = [name for [name] in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        frames = {name: pd.read_sql_query(f'SELECT * FROM "{name}"', database, dtype=object) for name in names}
    database.close()
    return {name: _typed(name, frame) for name, frame in frames.items()}


def _typed(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    def value(column: str, stored: object) -> object:
        if stored is None or stored != stored:
            return None
        return dt.datetime.fromisoformat(stored) if column_kinds().get((table, column)) == "date" else stored

    columns = {column: [value(column, stored) for stored in frame[column]] for column in frame}
    return pd.DataFrame({column: pd.Series(values, dtype=object) for column, values in columns.items()})


@pytest.fixture(scope="session")
def postgres_port():
    """A PostgreSQL server on loopback."""
    odbc_driver("PostgreSQL Unicode")
    from tests.databases import postgres

    required(postgres.programs(), "postgresql")
    odbc_dialects.register()
    with postgres.serving() as port:
        yield port


@pytest.fixture
def sqlite_odbc():
    """SQLite through ODBC: the address of a file."""
    odbc_driver("SQLite3")
    odbc_dialects.register()
    return lambda file: f"sqlite+pyodbc:///?odbc_connect=DRIVER%3DSQLite3%3BDatabase%3D{file}"


@pytest.fixture(params=["Microsoft's driver 18", "FreeTDS"])
def tds_driver(request) -> str:
    """A driver for SQL Server, as an address names it."""
    return _tds_driver(request.param)


def _tds_driver(name: str) -> str:
    for package in ("pysqlbridge", "sqlglot"):
        required(importlib.util.find_spec(package), package)
    if name == "FreeTDS":
        odbc_driver("FreeTDS")
        return "FreeTDS"
    odbc_driver()
    from senrkit.inputs.aeries.sql_server import from_the_wheel

    required(from_the_wheel(), "mssql-python-odbc")
    return "ODBC+Driver+18+for+SQL+Server"


@pytest.fixture
def folder(demo, tmp_path) -> Path:
    """A copy of the demo district, which the test may change."""
    copy = Path(shutil.copytree(demo, tmp_path / "demo"))
    settings = (copy / "senrkit.toml").read_text()
    address = 'write_source = "sqlite:///aeries.db'
    assert address in settings
    (copy / "senrkit.toml").write_text(settings.replace(address, f"{address}?timeout=0.1"))
    return copy


@pytest.fixture(scope="session")
def postgres_template(postgres_port, tables) -> str:
    """The name of a database that holds the demo's Aeries, to be copied."""
    from tests.databases import postgres

    postgres.fill(postgres_port, "demo_template", tables, column_kinds())
    return "demo_template"


@pytest.fixture
def home(request, folder, monkeypatch) -> Iterator[Home]:
    """The demo's Aeries in a database of the kind that the test names: `sqlite`, `postgresql` or `sql server`."""
    if request.param == "sqlite":
        yield SqliteHome(folder)
    elif request.param == "postgresql":
        port, template = map(request.getfixturevalue, ("postgres_port", "postgres_template"))
        made = PostgresHome(folder, port, template)
        monkeypatch.setenv(PASSWORD_VARIABLE, made.password)
        yield made
        made.close()
    else:
        driver = _tds_driver("Microsoft's driver 18")
        from tests.databases import tds_server

        server = tds_server.SqlServer(request.getfixturevalue("tables"), column_kinds())
        with tds_server.serving(server) as port:
            made = SqlServerHome(folder, server, port, driver)
            monkeypatch.setenv(PASSWORD_VARIABLE, made.password)
            yield made
