"""A PostgreSQL server of our own on loopback: made, started and stopped by hand, never a service of the system."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyodbc

from tests.patience import PATIENCE

USER, PASSWORD = "aeries_reader", "p;w }d"
DRIVER = "PostgreSQL Unicode"
_SQL_TYPES = {"int": "integer", "date": "timestamp", "flag": "boolean"}


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, None when PostgreSQL is not installed."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    return versions[-1].parent if versions else None


@contextmanager
def serving() -> Iterator[int]:
    """A server with the login above, on the port that it gives; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="senrkit-postgres-"))
    # PostgreSQL refuses to run as root.
    as_user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if as_user:
        shutil.chown(folder, "postgres", "postgres")
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    data, port = folder / "data", _free_port()

    def run(program: str, *words: str) -> None:
        command = [str(programs() / program), "-D", str(data), *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, **as_user)
        assert done.returncode == 0, done.stderr + done.stdout

    try:
        login = ("-U", USER, "-A", "scram-sha-256", f"--pwfile={folder}/password")
        run("initdb", "-E", "UTF8", "-N", "--locale=C", *login)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        run("pg_ctl", "start", "-w", "-l", str(folder / "log"), "-o", options)
        try:
            yield port
        finally:
            run("pg_ctl", "stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder)


def connect(port: int, database: str) -> pyodbc.Connection:
    """A connection that may write, to fill the server with."""
    return pyodbc.connect(
        f"DRIVER={{{DRIVER}}};SERVER=127.0.0.1;PORT={port};DATABASE={database};UID={USER};"
        f"PWD={{{PASSWORD.replace('}', '}}')}}};BoolsAsChar=0"
    )


def fill(port: int, database: str, tables: Mapping[str, pd.DataFrame], kinds: Mapping[tuple[str, str], str]) -> None:
    """Make the database and its tables, typed as Aeries types them."""
    with connect(port, "postgres") as connection:
        connection.autocommit = True
        connection.execute(f'CREATE DATABASE "{database}"')
    connection.close()
    with connect(port, database) as connection:
        for table, frame in tables.items():
            of_table = [kinds.get((table, column), "text") for column in frame]
            typed = [f'"{c}" {_SQL_TYPES.get(kind, "varchar")}' for c, kind in zip(frame, of_table, strict=True)]
            connection.execute(f'CREATE TABLE "{table}" ({", ".join(typed)})')
            rows = [
                tuple(bool(v) if kind == "flag" else v for v, kind in zip(row, of_table, strict=True))
                for row in frame.itertuples(index=False, name=None)
            ]
            marks = ", ".join("?" * len(typed))
            if rows:
                connection.cursor().executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)
        connection.commit()
    connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
