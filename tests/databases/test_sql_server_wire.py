"""SQL Server's wire protocol with real drivers: what is read, and every fault a plain sentence with no pupil in it."""

from __future__ import annotations

import re
import socket
import time

import pandas as pd
import pytest

from senrkit.errors import InputError, UsageError
from senrkit.inputs.aeries import sql as aeries_sql
from senrkit.inputs.aeries.read import read_aeries
from tests.districts import column_kinds, district, enrollment, settings_for, shown, student, write_database

CANARY = "Zzcanary"
TABLES = district(
    STU=[student(LN=CANARY), student(SN=18, ID=102, LN="Ñúñez-Šafran", GR=-1), student(SN=19, ID=103, DEL=True)],
    ENR=[enrollment(), enrollment(ID=102, LD=enrollment()["ED"], ER="160"), enrollment(ID=102, YR=2019)],
)


def holding(tables):
    from tests.databases.tds_server import SqlServer

    return SqlServer({name: pd.DataFrame(rows, dtype=object) for name, rows in tables.items()}, column_kinds())


@pytest.fixture
def read(tds_driver, monkeypatch):
    """Read from a server that holds `tables`, after `change` was done to it; other words are settings."""
    from tests.databases.tds_server import DATABASE, PASSWORD, USER, serving

    def reading(tables=TABLES, change=lambda server: None, port=None, driver=tds_driver, password=PASSWORD, **settings):
        monkeypatch.setenv("AERIES_PASSWORD", password)
        server = holding(tables)
        change(server)
        with serving(server) as own_port:
            source = f"mssql+pyodbc://{USER}@127.0.0.1:{port or own_port}/{DATABASE}?driver={driver}"
            settings = {"trust_server_certificate": True, "password_env": "AERIES_PASSWORD"} | settings
            return shown(read_aeries(settings_for(source, **settings))), server

    return reading


def test_the_same_as_from_a_file(read, tmp_path):
    from_file = shown(read_aeries(settings_for(write_database(tmp_path / "a.db", TABLES))))
    from_server, server = read()
    assert from_server.digests == from_file.digests
    assert from_server.newest_year == 2026 and from_server.notes == []
    assert from_server.database_name == "DST26000Heron"
    # What is no SELECT is the driver's own: the transaction around the reading, and its questions about types.
    drivers_own = re.compile(
        r"\s*(BEGIN TRAN|ROLLBACK|COMMIT|SET TRANSACTION ISOLATION|(EXEC )?(\[sys\]\.)?sp_datatype_info|IF @@TRANCOUNT)"
    )
    assert [sql for sql in server.sent if not sql.startswith("SELECT ") and not drivers_own.match(sql)] == []


def test_a_schema_that_holds_nothing_of_aeries(read):
    assert read(schema="dbo")[0].newest_year == 2026
    with pytest.raises(InputError, match="lacks what senrkit needs"):
        read(schema="sis")


@pytest.mark.parametrize("names", [("STU",), ("STU", "ENR", "LOC", "XRF")])
def test_synonyms_are_read_as_tables(read, names):
    def moved(server):
        for name in names:
            server.only_by_synonym(name)

    own, _ = read()
    elsewhere, server = read(change=moved)
    assert elsewhere.digests == own.digests
    # What they lead to may not allow a snapshot.
    assert len(elsewhere.notes) == 1 and "no one snapshot" in elsewhere.notes[0]
    assert not [sql for sql in server.sent if "LEVEL SNAPSHOT" in sql]


def test_one_snapshot_where_the_database_allows_it_else_a_note(read):
    allowed, server = read()
    (asked,) = [at for at, sql in enumerate(server.sent) if "ISOLATION LEVEL SNAPSHOT" in sql]
    assert asked < next(at for at, sql in enumerate(server.sent) if re.search(r"FROM \[?dbo\]?\.\[?STU", sql))
    assert allowed.notes == []

    def forbids(server):
        server.snapshot = 0

    refused, server = read(change=forbids)
    assert not [sql for sql in server.sent if "ISOLATION LEVEL SNAPSHOT" in sql]
    assert len(refused.notes) == 1 and "may be some moments apart" in refused.notes[0]


def test_rows_come_in_batches(read, monkeypatch):
    sizes = []
    batch = aeries_sql._batch
    monkeypatch.setattr(aeries_sql, "_ROWS_AT_A_TIME", 400)
    monkeypatch.setattr(aeries_sql, "_batch", lambda rows, schema: (sizes.append(len(rows)), batch(rows, schema))[1])
    aeries, _ = read(district(STU=[student(SN=n, ID=100 + n) for n in range(1000)]))
    assert len(aeries.tables["STU"]) == 1000
    assert sizes[:3] == [400, 400, 200]


def failing(number, words, table="ENR"):
    """A server that answers with an error of its own when `table` is read; its words quote a pupil."""

    def change(server):
        from pysqlbridge.tds.result import QueryError

        def before(sql):
            if f"FROM dbo.[{table}]" in sql:
                raise QueryError(f"{words} {CANARY}", number=number)

        server.before = before

    return change


def dropping(server):
    def before(sql):
        if "FROM dbo.[ENR]" in sql:
            server.drop()

    server.before = before


def slow(server):
    server.before = lambda sql: time.sleep(2.5 if "FROM dbo.[ENR]" in sql else 0)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"driver": "No+Such+Driver"}, "while connecting, the ODBC driver that the source names is not installed"),
        ({"password": "wrong"}, "while connecting, the database refuses the login"),
        ({"port": closed_port(), "login_timeout_seconds": 1}, "while connecting, the server cannot be reached"),
        ({"change": failing(208, "Invalid object name")}, "while reading ENR, a table or column is gone"),
        ({"change": failing(229, "The SELECT permission was denied")}, "while reading ENR, the login may not read"),
        ({"change": failing(1222, "Lock request time out.")}, "while reading ENR, another program has locked"),
        ({"change": failing(50000, "Something nobody has seen")}, "while reading ENR, the database stopped answering"),
        ({"change": dropping}, "while reading ENR, the connection broke"),
        ({"change": slow, "query_timeout_seconds": 1}, "while reading ENR, the database took too long"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_faults(read, how, says):
    with pytest.raises(InputError) as refused:
        read(**how)
    assert says in str(refused.value)
    assert CANARY not in str(refused.value) and "p;w" not in str(refused.value)
    assert refused.value.__cause__ is None and refused.value.__suppress_context__


def test_a_table_that_is_missing(read):
    with pytest.raises(InputError, match="lacks what senrkit needs: the table XRF"):
        read({name: rows for name, rows in TABLES.items() if name != "XRF"})


def test_a_certificate_that_nobody_vouches_for(read, tds_driver):
    # FreeTDS would not look at it, so senrkit does not even begin.
    kind, says = (UsageError, "does not check") if tds_driver == "FreeTDS" else (InputError, "is not trusted")
    with pytest.raises(kind, match=says):
        read(trust_server_certificate=False)


def test_a_server_that_takes_the_call_and_says_nothing(read):
    refusing = pytest.raises(InputError, match="while connecting, the server cannot be reached")
    with socket.create_server(("127.0.0.1", 0)) as silent, refusing:
        read(port=silent.getsockname()[1], login_timeout_seconds=1)
