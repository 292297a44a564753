"""SQLite and PostgreSQL through ODBC: the way SQL Server is read, against engines that hold to their types."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
import sqlalchemy as sa

from senrkit.errors import InputError
from senrkit.inputs.aeries.read import read_aeries
from tests.districts import column_kinds, district, enrollment, settings_for, shown, student, write_database

CANARY = "Zzcanary"
TABLES = district(
    STU=[
        student(LN="Ñúñez-Šafran", BD=dt.datetime(2014, 2, 28)),
        student(SN=18, ID=102, GR=-1, TG="N  ", MN=None),
        student(SN=19, ID=103, DEL=True),
        student(SN=20, ID=104, DEL=None),
    ],
    ENR=[enrollment(), enrollment(ID=102, LD=dt.date(2026, 10, 2), ER="160"), enrollment(ID=102, YR=2019)],
    LAC=[{"ID": 102, "SD": dt.datetime(2021, 9, 1, 8, 30), "DEL": False}],
)


@pytest.fixture
def from_file(tmp_path):
    return shown(read_aeries(settings_for(write_database(tmp_path / "DST26000Heron.db", TABLES))))


def test_sqlite_through_odbc(sqlite_odbc, from_file, tmp_path):
    aeries = shown(read_aeries(settings_for(sqlite_odbc(tmp_path / "DST26000Heron.db"))))
    assert aeries.digests == from_file.digests and aeries.newest_year == 2026


def test_sqlite_through_odbc_is_not_written(sqlite_odbc, from_file, tmp_path):
    file = tmp_path / "DST26000Heron.db"
    before = file.read_bytes()
    read_aeries(settings_for(sqlite_odbc(file)))
    assert file.read_bytes() == before


@pytest.fixture(scope="module")
def filled(postgres_port):
    """The port of a PostgreSQL server that holds the tables."""
    from tests.databases import postgres

    frames = {name: pd.DataFrame(rows, dtype=object) for name, rows in TABLES.items()}
    postgres.fill(postgres_port, "DST26000Heron", frames, column_kinds())
    return postgres_port


class TestPostgres:
    @pytest.fixture
    def read(self, filled, monkeypatch):
        from tests.databases import postgres

        def reading(database="DST26000Heron", password=postgres.PASSWORD, port=filled, **settings):
            monkeypatch.setenv("AERIES_PASSWORD", password)
            source = f"postgresql+pyodbc://{postgres.USER}@127.0.0.1/{database}?port={port}&driver=PostgreSQL+Unicode"
            return shown(
                read_aeries(settings_for(f"{source}&BoolsAsChar=0", password_env="AERIES_PASSWORD", **settings))
            )

        return reading

    def test_the_same_as_from_a_file(self, read, from_file):
        aeries = read()
        assert aeries.digests == from_file.digests
        assert aeries.database_name == "DST26000Heron" and aeries.notes == from_file.notes

    def test_tables_in_a_schema_of_their_own(self, read, filled, from_file):
        from tests.databases import postgres

        frames = {name: pd.DataFrame(rows, dtype=object) for name, rows in TABLES.items()}
        postgres.fill(filled, "Elsewhere", frames, column_kinds())
        with postgres.connect(filled, "Elsewhere") as connection:
            connection.execute("ALTER SCHEMA public RENAME TO sis")
            connection.commit()
        connection.close()
        assert read(database="Elsewhere", schema="sis").digests == from_file.digests
        with pytest.raises(InputError, match="lacks what senrkit needs"):
            read(database="Elsewhere")

    @pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
    def test_views_are_read_as_tables(self, read, filled, from_file, kind):
        from tests.databases import postgres

        frames = {name: pd.DataFrame(rows, dtype=object) for name, rows in TABLES.items()}
        name = kind.replace(" ", "")
        postgres.fill(filled, name, frames, column_kinds())
        with postgres.connect(filled, name) as connection:
            connection.execute("CREATE SCHEMA shown")
            for table in frames:
                connection.execute(f'CREATE {kind} shown."{table}" AS SELECT * FROM public."{table}"')
            connection.commit()
        connection.close()
        assert read(database=name, schema="shown").digests == from_file.digests

    def test_both_tables_are_of_one_moment(self, read, filled, from_file):
        """Before ENR is read somebody enters an enrollment: it is not seen, for STU was read without it."""
        from tests.databases import postgres

        frames = {name: pd.DataFrame(rows, dtype=object) for name, rows in TABLES.items()}
        postgres.fill(filled, "Moving", frames, column_kinds())
        entered = []

        def enter(connection, _cursor, sql, *_):
            if 'FROM "ENR"' in sql and connection.dialect.name == "postgresql" and not entered:
                entered.append(sql)
                with postgres.connect(filled, "Moving") as other:
                    other.execute('INSERT INTO "ENR" ("ID", "YR", "SC") VALUES (102, 2026, 991)')
                    other.commit()
                other.close()

        sa.event.listen(sa.Engine, "before_cursor_execute", enter)
        try:
            assert read(database="Moving").digests == from_file.digests
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", enter)
        assert entered and read(database="Moving").digests != from_file.digests

    def test_nothing_can_be_written_while_it_is_read(self, read):
        refused = []

        def write(connection, _cursor, sql, *_):
            if 'FROM "ENR"' in sql and connection.dialect.name == "postgresql":
                try:
                    connection.connection.driver_connection.execute('DELETE FROM "ENR"')
                except Exception as failure:
                    refused.append(str(failure))
                    raise

        sa.event.listen(sa.Engine, "before_cursor_execute", write)
        try:
            with pytest.raises(InputError, match="while reading ENR"):
                read()
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", write)
        assert "read-only transaction" in refused[0]

    @pytest.mark.parametrize(
        ("how", "says"),
        [
            ({"password": "wrong"}, "while connecting, the database refuses the login"),
            ({"database": "DST25000Heron"}, "while connecting, the server has no such database"),
            ({"database": "postgres"}, "lacks what senrkit needs: the table STU, the table ENR"),
            ({"port": 9}, "while connecting, the server cannot be reached"),
        ],
    )
    def test_faults(self, read, how, says):
        with pytest.raises(InputError) as refused:
            read(**how)
        assert says in str(refused.value) and "p;w" not in str(refused.value)

    def test_a_database_that_is_shut_down_halfway(self, read, filled):
        from tests.databases import postgres

        def gone(connection, _cursor, sql, *_):
            if 'FROM "ENR"' in sql and connection.dialect.name == "postgresql":
                with postgres.connect(filled, "postgres") as admin:
                    everyone = "FROM pg_stat_activity WHERE datname = 'DST26000Heron'"
                    admin.execute(f"SELECT pg_terminate_backend(pid) {everyone}")
                admin.close()

        sa.event.listen(sa.Engine, "before_cursor_execute", gone)
        try:
            with pytest.raises(InputError, match="while reading ENR, the connection broke"):
                read()
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", gone)
