"""The database that language data is written to: opened through its own login, and only when it is one that may be.

The only door of senrkit through which Aeries is changed. No driver's own words get out: they can hold a pupil's row.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from senrkit.addresses.address import Address, without_secret
from senrkit.errors import InputError, UsageError
from senrkit.inputs.aeries import sql_server, statements
from senrkit.inputs.aeries.credentials import secret
from senrkit.inputs.aeries.sql import ServerReader
from senrkit.inputs.aeries.statements import FoundTable
from senrkit.language.work import refuse_other_year
from senrkit.settings.settings import AeriesSettings, Settings
from senrkit.settings.values import is_url

FAILURES = (exc.SQLAlchemyError, OSError)
_NEEDED = {"STU": ("ID", "SC", "SN", "CID", "LF"), "LAC": ("ID", "SD", "IFD"), "ENR": ("YR",)}


@dataclass(frozen=True)
class WriteDatabase:
    """A database that has passed every check. `shown` is safe to print; `tables` as it was found to have them."""

    engine: sa.Engine
    name: str
    shown: str
    tables: Mapping[str, FoundTable]

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that keeps others from writing what is read in it.

        It ends by `connection.commit()`; whatever else happens takes everything back.
        """
        with self.engine.connect() as connection:
            connection.begin()
            yield connection


@contextmanager
def write_database(settings: Settings) -> Iterator[WriteDatabase]:
    """Open `[aeries] write_source` and make sure that it may be written to; closed at the end.

    Raises
    ------
    UsageError
        when no write_source is named or it is none that can be written, the password's variable is not set, or the
        database is not in `write_databases`.
    Stopped
        when it is a database of another school year.
    InputError
        when it cannot be opened, or lacks a table or column.
    """
    engine, shown = _engine(settings.aeries)
    try:
        with in_plain_words(shown, "connecting"):
            connection = engine.connect()
        with connection:
            name = _database_name(connection)
            _refuse_unlisted(name, settings.aeries)
            with in_plain_words(shown, "looking for its tables"):
                loose = connection.dialect.name == "sqlite"
                found = {name: _own(there, loose) for name, there in ServerReader(connection).found().items()}
            _refuse_incomplete(found, shown)
            with in_plain_words(shown, "reading ENR"):
                newest = connection.execute(statements.newest_year(found["ENR"])).scalar()
        refuse_other_year(settings, int(newest) if str(newest).isdecimal() else None, name)
        yield WriteDatabase(engine, name, shown, found)
    finally:
        engine.dispose()


@contextmanager
def in_plain_words(shown: str, doing: str) -> Iterator[None]:
    """What a driver complains of becomes an `InputError` in words of ours (`write_refusals.toml`)."""
    try:
        yield
    except FAILURES as failure:
        raise plain(shown, doing, failure) from None


def plain(shown: str, doing: str, failure: Exception, more: str = "") -> InputError:
    """The error for a driver's complaint; `more` is said after it, as what has become of the data."""
    said = f"{doing}: {type(failure).__name__} {getattr(failure, 'orig', None) or failure}"
    refusal = next(one for one in _refusals() if re.search(one["seen"], said, re.IGNORECASE | re.DOTALL))
    return InputError(f"{shown}: while {doing}, {refusal['sentence']}.{f' {more}' if more else ''}", refusal["cure"])


def _engine(aeries: AeriesSettings) -> tuple[sa.Engine, str]:
    source = aeries.write_source
    if isinstance(source, Address):
        raise UsageError(
            f"{source} is no database that can be written to.",
            "Name the database itself in write_source, as mssql+pyodbc://...",
        )
    if not source:
        raise UsageError(
            "No database is named to write to.", "Set write_source under [aeries], with a login of its own for writing."
        )
    shown = without_secret(source)
    refused = UsageError(
        f"{shown} is no database that senrkit can write to.", "Write sqlite:///file.db or mssql+pyodbc://… there."
    )
    if not is_url(source) or source.lower().startswith(("http:", "https:")):
        raise refused
    try:
        url = sa.make_url(source)
        if url.get_backend_name() == "sqlite":
            return _sqlite_engine(url), shown
        return _server_engine(url, _for_writing(aeries)), shown
    except (exc.ArgumentError, exc.NoSuchModuleError, ValueError):
        raise refused from None
    except ImportError:
        raise InputError(
            f"The Python package that {url.drivername} addresses need cannot be loaded.",
            f"Install {url.get_driver_name()} into senrkit's environment, and what it stands on.",
        ) from None


def _for_writing(aeries: AeriesSettings) -> AeriesSettings:
    """The settings as they are for reading, with the login for writing: the two are never the same."""
    own = aeries.write_password_env
    keyring = None if own else aeries.keyring
    return dataclasses.replace(aeries, user_env=None, password_env=own, keyring=keyring, trusted_connection=False)


def _server_engine(url: sa.URL, aeries: AeriesSettings) -> sa.Engine:
    # Serializable: what was read to be compared stays so until the end, phantoms included.
    options: dict[str, Any] = {"hide_parameters": True, "poolclass": sa.NullPool, "isolation_level": "SERIALIZABLE"}
    if not sql_server.is_sql_server(url):
        password = secret(aeries, url.username, "the password of the login for writing")
        return sa.create_engine(url.set(password=password) if password else url, **options)
    waiting = {"timeout": aeries.login_timeout_seconds}
    engine = sa.create_engine(sql_server.address(_meant_for_writing(url), aeries), connect_args=waiting, **options)

    @sa.event.listens_for(engine, "connect")
    def limit(connection: Any, _record: object) -> None:
        connection.timeout = aeries.query_timeout_seconds

    return engine


def _meant_for_writing(url: sa.URL) -> sa.URL:
    """What the address says itself wins over the options for reading, so it is made to say it."""
    if whole := url.query.get("odbc_connect"):
        return url.update_query_dict({"odbc_connect": f"ApplicationIntent=ReadWrite;{whole}"})
    return url.update_query_dict({"ApplicationIntent": "ReadWrite"})


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    file = Path((url.database or "").removeprefix("file:"))
    if not file.is_file():
        raise InputError(f"There is no database file {file}.", "Check [aeries] write_source in the settings.")
    engine = sa.create_engine(url, hide_parameters=True, poolclass=sa.NullPool)

    # Python's own driver begins a transaction late, at the first change: what was compared before could change.
    @sa.event.listens_for(engine, "connect")
    def leave_transactions_to_us(connection: Any, _record: object) -> None:
        connection.isolation_level = None

    @sa.event.listens_for(engine, "begin")
    def lock_from_the_start(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _database_name(connection: sa.Connection) -> str:
    if connection.dialect.name == "mssql":
        return connection.execute(sa.select(sa.func.db_name())).scalar_one() or ""
    database = connection.engine.url.database or ""
    return Path(database).stem if connection.dialect.name == "sqlite" else database


def _own(found: FoundTable, loose: bool) -> FoundTable:
    """The table with columns of its own: a column belongs to one clause only."""
    columns = {code: sa.column(column.name, column.type) for code, column in found.columns.items()}
    return dataclasses.replace(found, columns=columns, loose=loose)


def _refuse_unlisted(name: str, aeries: AeriesSettings) -> None:
    if name.casefold() not in {listed.casefold() for listed in aeries.write_databases}:
        raise UsageError(
            f"The database {name} is not one that may be written to.",
            f'When it is meant, add it under [aeries]: write_databases = ["{name}"].',
        )


def _refuse_incomplete(found: Mapping[str, FoundTable], shown: str) -> None:
    lacking = [
        f"{table}.{code}"
        for table, codes in _NEEDED.items()
        for code in codes
        if table not in found or code not in found[table].columns
    ]
    if lacking:
        raise InputError(
            f"{shown} lacks what is to be written: {', '.join(lacking)}.",
            "Check that write_source is this year's Aeries database and that the login may read these tables.",
        )


@cache
def _refusals() -> list[dict[str, str]]:
    text = resources.files("senrkit.language").joinpath("write_refusals.toml").read_text("utf-8")
    return tomllib.loads(text)["refusal"]
