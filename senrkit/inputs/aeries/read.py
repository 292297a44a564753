"""Aeries, wherever it is: a database, its API or a folder of exports."""

from __future__ import annotations

import re
from pathlib import Path

from senrkit.errors import InputError
from senrkit.inputs.aeries.database import is_duckdb, no_duckdb
from senrkit.inputs.aeries.tables import AeriesTables
from senrkit.settings.settings import Settings

__all__ = ["AeriesTables", "read_aeries"]

_ADDRESS = re.compile(r"(?P<scheme>[a-z][a-z0-9+_.-]+)://", re.IGNORECASE)
_DATABASE_FILES = {".db", ".sqlite", ".sqlite3"}


def read_aeries(settings: Settings) -> AeriesTables:
    """The Aeries tables that `settings.aeries.source` names.

    A SQLAlchemy address (`sqlite:///aeries.db`, `mssql+pyodbc://…`) is read as a database, a web address as the Aeries
    API, any other text as a folder of exports.

    Raises
    ------
    UsageError
        when the address is of no known kind, or its login is not to be had.
    InputError
        when it cannot be read or lacks something needed (`CONTRIBUTING.md`, Aeries tables).
    """
    source = settings.aeries.source
    address = _ADDRESS.match(source)
    if address and address["scheme"].lower() in ("http", "https"):
        from senrkit.inputs.aeries.api import read_api

        return read_api(settings)
    if address and address["scheme"].lower().partition("+")[0] == "duckdb":
        raise no_duckdb(source)
    if address and address["scheme"].lower() in ("sqlite", "sqlite+pysqlite"):
        from senrkit.inputs.aeries.sqlite import read_sqlite

        return read_sqlite(settings)
    if address:
        from senrkit.inputs.aeries.sql import read_database

        return read_database(settings)
    folder = Path(source)
    if is_duckdb(folder):
        raise no_duckdb(source)
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", _cure(folder))
    from senrkit.inputs.aeries.exports import read_folder

    return read_folder(settings)


def _cure(path: Path) -> str:
    if path.suffix.lower() in _DATABASE_FILES:
        return f"For a database file, write sqlite:///{path.name} in [aeries] source."
    return "Check [aeries] source in the settings; it names a database, an API or a folder of exports."
