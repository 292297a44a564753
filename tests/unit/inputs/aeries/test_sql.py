"""Aeries from a database: what is read, what is refused, and that nothing is ever written."""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
import subprocess
import sys
from decimal import Decimal

import pandas as pd
import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, postgresql

from senrkit.errors import InputError, UsageError
from senrkit.inputs.aeries import database as aeries_database
from senrkit.inputs.aeries import sql as aeries_sql
from senrkit.inputs.aeries import sqlite, statements
from senrkit.inputs.aeries.read import read_aeries
from senrkit.inputs.aeries.tables import wanted
from senrkit.inputs.aeries.values import TimeZoneFound, texts, tidy
from tests.districts import district, enrollment, school, settings_for, shown, student, translation, write_database

CANARY = "Zzcanary"


@pytest.fixture
def read(tmp_path):
    """Read a district from a database; the same with `by_row`, through SQLAlchemy as from any other server."""

    def reading(tables, *, by_row=False, types=None):
        address = write_database(tmp_path / "DST26000Heron.db", tables, types=types)
        if not by_row:
            return shown(read_aeries(settings_for(address)))
        engine = sa.create_engine(address)
        with aeries_sql.ServerReader(engine.connect()) as reader:
            return shown(aeries_database.read_tables(reader, address, 2026, aeries_sql._FAILURES))

    return reading


def refusal(tables, read, **how) -> str:
    with pytest.raises(InputError) as refused:
        read(tables, **how)
    assert refused.value.__context__ is None or refused.value.__suppress_context__
    assert CANARY not in str(refused.value)
    return str(refused.value)


def check_delete_mark(read, mark, live, sql_type, by_row=False):
    tables = district(ENR=[enrollment(DEL=mark), enrollment(ID=102)])
    kept = read(tables, by_row=by_row, types={"ENR.DEL": sql_type}).tables["ENR"]
    assert ("101" in kept["ID"].tolist()) is live
    assert "102" in kept["ID"].tolist() and "DEL" not in kept


@pytest.mark.parametrize("text", ["\x1f", "two\nlines", "a\rb", "\x1f\n" * 40, '"', "^", "Peña", ""])
def test_rows_are_fetched_as_lines_and_no_value_is_lost_for_it(read, text):
    tables = district(STU=[student(LN=f"a{text}b"), student(ID="102", SN="102", LN="Plain")])
    found = read(tables).tables["STU"]
    assert dict(zip(found["ID"], found["LN"], strict=True)) == {"101": f"a{text}b", "102": "Plain"}


@pytest.mark.parametrize("mark", ["", "False", 0.0])
@pytest.mark.parametrize("sql_type", ["BIT", "REAL", ""])
def test_sqlite_lets_anything_into_a_bit_column_and_live_rows_stay(read, mark, sql_type):
    check_delete_mark(read, mark, live=True, sql_type=sql_type)


@pytest.mark.parametrize("by_row", [False, True])
class TestWhatIsRead:
    def test_a_district_as_text(self, read, by_row):
        aeries = read(district(), by_row=by_row)
        assert aeries.tables["STU"].to_dict("records") == [
            {
                "ID": "101", "SC": "991", "SN": "17", "CID": "9000000001", "LN": "Quillfeather", "FN": "Tansy",
                "MN": "", "BD": "2014-02-28", "GN": "F", "GR": "7", "TG": "", "SP": "",
            }
        ]  # fmt: skip
        assert {str(kind) for frame in aeries.tables.values() for kind in frame.dtypes} == {"str"}
        assert aeries.notes == []

    def test_null_and_empty_are_both_blank_and_spaces_around_go(self, read, by_row):
        rows = [student(SN=1, TG=None), student(SN=2, TG=""), student(SN=3, TG="  "), student(SN=4, TG=" N ")]
        assert read(district(STU=rows), by_row=by_row).tables["STU"]["TG"].tolist() == ["", "", "", "N"]

    def test_an_optional_column_that_is_missing_is_absent(self, read, by_row):
        tables = read(district(), by_row=by_row).tables
        assert "ITD" in tables["ENR"] and "NPS" not in tables["ENR"]
        assert set(tables) == {"STU", "ENR", "LOC", "XRF"}

    def test_a_column_nobody_asked_for_is_not_read(self, read, by_row):
        assert "NID" not in read(district(STU=[student(NID="secret")]), by_row=by_row).tables["STU"]

    @pytest.mark.parametrize(("mark", "live"), [(0, True), (1, False), (None, True)])
    @pytest.mark.parametrize("sql_type", ["BIT", "BOOLEAN", "VARCHAR(5)"])
    def test_deleted_rows_are_gone(self, read, by_row, mark, live, sql_type):
        check_delete_mark(read, mark, live, sql_type, by_row)

    @pytest.mark.parametrize(("mark", "live"), [("", True), ("False", True), ("True", False)])
    def test_deleted_rows_are_gone_when_the_mark_is_text(self, read, by_row, mark, live):
        check_delete_mark(read, mark, live, "VARCHAR(5)", by_row)

    @pytest.mark.parametrize("sql_type", ["SMALLINT", "VARCHAR(4)", "REAL"])
    def test_enrollments_of_this_year_and_last_and_the_newest_year_of_all(self, read, by_row, sql_type):
        years = [enrollment(YR=year) for year in (2024, 2025, 2026, 2027)] + [enrollment(YR=2031, DEL=1)]
        aeries = read(district(ENR=years), by_row=by_row, types={"ENR.YR": sql_type})
        assert aeries.tables["ENR"]["YR"].tolist() == ["2025", "2026"]
        assert aeries.newest_year == 2027

    def test_no_enrollment_at_all_has_no_newest_year(self, read, by_row):
        aeries = read(district(ENR=[]), by_row=by_row)
        assert aeries.newest_year is None and len(aeries.tables["ENR"]) == 0

    def test_only_the_translations_to_calpads(self, read, by_row):
        other = translation("STU", "SP", "K", "other", TC="CRDC")
        mine = translation("STU", "SP", "K", "20", TC="CLPD ")
        assert read(district(XRF=[other, mine]), by_row=by_row).tables["XRF"]["CD"].tolist() == ["20"]

    def test_optional_tables_are_read_when_they_are_there(self, read, by_row):
        tables = district(LSI=[{"ID": 101, "LLN": "Quill", "DEL": 0}], LAC=[{"L1": "01"}])
        aeries = read(tables, by_row=by_row)
        assert aeries.tables["LSI"].to_dict("records") == [{"ID": "101", "LLN": "Quill"}]
        assert "LAC" not in aeries.tables and aeries.notes == ["LAC is not used, because it has no column ID."]

    def test_the_older_gender_column_will_do(self, read, by_row):
        row = {code: value for code, value in student(SX="F").items() if code != "GN"}
        assert read(district(STU=[row]), by_row=by_row).tables["STU"]["SX"].tolist() == ["F"]

    def test_schools_without_a_delete_mark_are_all_live_and_said(self, read, by_row):
        rows = [{code: value for code, value in school().items() if code != "DEL"}]
        aeries = read(district(LOC=rows), by_row=by_row)
        assert len(aeries.tables["LOC"]) == 1
        assert aeries.notes == ["LOC: there is no column DEL, so every row counts as live."]

    def test_everything_missing_in_one_message(self, read, by_row):
        without = {"CID", "GN", "DEL"}
        rows = [{code: value for code, value in student().items() if code not in without}]
        tables = district(STU=rows)
        del tables["XRF"]
        said = refusal(tables, read, by_row=by_row)
        assert "STU.CID" in said and "STU.GN or STU.SX" in said and "STU.DEL" in said and "the table XRF" in said

    @pytest.mark.parametrize("stored", ["2026-08-12T00:00:00Z", "2026-08-12 00:00:00 Mars/Phobos"])
    def test_a_time_zone_is_refused_by_column(self, read, by_row, stored):
        said = refusal(district(ENR=[enrollment(ED=stored)]), read, by_row=by_row)
        assert "ENR.ED" in said and "time zone" in said and stored not in said


def test_both_ways_of_reading_agree_to_the_byte(read, tmp_path):
    tables = district(
        STU=[student(SN=sn, ID=100 + sn, LN=f"Pear{sn}", BD=dt.datetime(2014, 1, sn, 13, 5)) for sn in range(9, 0, -1)],
        ENR=[enrollment(ID=100 + n, GR=7.0, LD=None if n % 2 else dt.date(2026, 10, n)) for n in range(1, 10)],
    )
    fast = read(tables)
    (tmp_path / "DST26000Heron.db").unlink()
    slow = read(tables, by_row=True)
    assert fast.digests == slow.digests
    for table, frame in fast.tables.items():
        pd.testing.assert_frame_equal(frame, slow.tables[table])


def test_the_digest_follows_content_and_not_row_order(read, tmp_path):
    rows = [student(SN=1), student(SN=2, ID=102)]
    digests = []
    for version in (rows, rows[::-1], [student(SN=1), student(SN=2, ID=103)]):
        digests.append(read(district(STU=version)).digests["STU"])
        (tmp_path / "DST26000Heron.db").unlink()
    assert digests[0] == digests[1] != digests[2]


def test_the_name_of_the_database_is_that_of_its_file(read):
    aeries = read(district())
    assert aeries.database_name == "DST26000Heron"
    assert aeries.source.startswith("sqlite:///")


@pytest.mark.parametrize(
    ("stored", "day"),
    [
        ("2026-08-12", "2026-08-12"),
        ("2026-08-12 00:00:00", "2026-08-12"),
        ("2026-08-12T07:30:00.123", "2026-08-12"),
        # which of the two is the month is asked of all columns together
        ("8/12/2026", "8/12/2026"),
        ("08/12/2026 12:00:00 AM", "08/12/2026 12:00:00 AM"),
        ("20260812", "2026-08-12"),
        ("2026-02-30", "2026-02-30"),
        ("8/12/26", "8/12/26"),
        ("soon", "soon"),
        ("2026-08-12 noonish", "2026-08-12 noonish"),
        ("", ""),
    ],
)
def test_dates(stored, day):
    assert tidy(pl.Series([stored, None]), "date", "ENR.ED").to_list() == [day, ""]


@pytest.mark.parametrize(
    "stored",
    ["2026-08-12T00:00:00Z", "2026-08-12 00:00:00+02:00", "8/12/2026 1:00 PM PST", "2026-08-12 00:00:00 Mars/Phobos"],
)
def test_a_zone_in_text_is_refused(stored):
    with pytest.raises(InputError, match=r"ENR\.ED .*time zone") as refused:
        tidy(pl.Series([stored]), "date", "ENR.ED")
    assert stored not in str(refused.value)


def test_values_as_drivers_give_them():
    given = [None, True, False, 7, 7.0, 7.5, Decimal("19999990000000.0"), Decimal("1.50"), float("nan"), "x "]
    assert texts(given).to_list() == ["", "1", "0", "7", "7", "7.5", "19999990000000", "1.50", "", "x "]
    assert texts([dt.date(2026, 8, 12), dt.datetime(2026, 8, 12, 9), b"\1"]).to_list() == ["2026-08-12"] * 2 + ["1"]
    with pytest.raises(TimeZoneFound):
        texts([dt.datetime(2026, 8, 12, tzinfo=dt.UTC)])


class TestNothingButSelect:
    def test_sqlite_sees_selects_only_and_cannot_be_written(self, read, monkeypatch, tmp_path):
        sent, connections = [], []
        connect, make = sqlite.adbc_driver_sqlite.connect, sqlite.adbc.AdbcStatement

        class Watched:
            def __init__(self, connection):
                self._made = make(connection)

            def set_sql_query(self, sql):
                sent.append(sql)
                self._made.set_sql_query(sql)

            def __getattr__(self, name):
                return getattr(self._made, name)

        monkeypatch.setattr(sqlite.adbc, "AdbcStatement", Watched)
        monkeypatch.setattr(
            sqlite.adbc_driver_sqlite, "connect", lambda uri: (connections.append(uri), connect(uri))[1]
        )
        read(district())
        assert len(sent) >= 6 and all(sql.startswith("SELECT ") for sql in sent)
        assert all(uri.endswith("?mode=ro") for uri in connections)
        refused = pytest.raises(sqlite.adbc.Error, match="readonly")
        with (
            connect(connections[0]) as file,
            sqlite.adbc.AdbcConnection(file) as connection,
            refused,
            make(connection) as statement,
        ):
            statement.set_sql_query("DELETE FROM STU")
            statement.execute_update()

    def test_the_file_stays_as_it_was(self, tmp_path):
        file = tmp_path / "a.db"
        address = write_database(file, district())
        before = hashlib.sha256(file.read_bytes()).digest()
        read_aeries(settings_for(address))
        assert hashlib.sha256(file.read_bytes()).digest() == before
        assert [path.name for path in tmp_path.iterdir()] == ["a.db"]

    def test_a_server_is_sent_selects_only(self, tmp_path):
        address = write_database(tmp_path / "a.db", district())
        engine, sent = sa.create_engine(address), []
        sa.event.listen(engine, "before_cursor_execute", lambda _c, _u, sql, given, *_: sent.append((sql, given)))
        with aeries_sql.ServerReader(engine.connect()) as reader:
            aeries_database.read_tables(reader, address, 2026, aeries_sql._FAILURES)
        # SQLAlchemy asks SQLite, and only SQLite, for its columns by PRAGMA.
        ours = [(sql, given) for sql, given in sent if not sql.startswith("PRAGMA")]
        assert len(ours) >= 5 and all(sql.startswith("SELECT ") and not given for sql, given in ours)

    @pytest.mark.parametrize("dialect", [mssql.dialect(), postgresql.dialect()])
    @pytest.mark.parametrize("table", ["STU", "ENR", "LOC", "XRF"])
    def test_statements_name_columns_and_choose_live_rows(self, dialect, table):
        columns = {
            code: sa.column(code, sa.Boolean() if code == "DEL" else sa.Integer()) for code in wanted()[table].kinds
        }
        statement = statements.rows_of(table, statements.FoundTable(table, columns), 2026)
        sql = str(statement.compile(dialect=dialect))
        assert sql.startswith("SELECT ") and "*" not in sql and "%(" not in sql and "NID" not in sql
        assert "DEL" in sql.partition("WHERE")[2] and "IS NULL" in sql


class TestFaults:
    def test_a_missing_file_is_not_made(self, tmp_path):
        with pytest.raises(InputError, match="no database file"):
            read_aeries(settings_for(f"sqlite:///{tmp_path}/none.db"))
        assert list(tmp_path.iterdir()) == []

    def test_a_file_that_is_no_database(self, tmp_path):
        (tmp_path / "a.db").write_text(f"{CANARY} " * 500)
        with pytest.raises(InputError, match="no SQLite database") as refused:
            read_aeries(settings_for(f"sqlite:///{tmp_path}/a.db"))
        assert CANARY not in str(refused.value)

    def test_a_locked_database(self, tmp_path):
        address = write_database(tmp_path / "a.db", district())
        # Locks hold between programs, not inside one.
        holding = (
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN EXCLUSIVE'); print(); input()"
        )
        command = [sys.executable, "-c", holding, str(tmp_path / "a.db")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            holder.stdout.readline()
            with pytest.raises(InputError, match="another program has locked"):
                read_aeries(settings_for(address))
            holder.communicate(b"\n")

    def test_a_damaged_database(self, tmp_path):
        file = tmp_path / "a.db"
        address = write_database(file, district(STU=[student(SN=n, LN=f"{CANARY}{n}") for n in range(2000)]))
        content = file.read_bytes()
        file.write_bytes(content[:8192] + b"\xff" * 40_000 + content[48_192:])
        with pytest.raises(InputError) as refused:
            read_aeries(settings_for(address))
        assert CANARY not in str(refused.value)

    def test_text_that_is_no_utf8(self, tmp_path):
        address = write_database(tmp_path / "a.db", district())
        with sqlite3.connect(tmp_path / "a.db") as database:
            database.execute("UPDATE STU SET LN = CAST(x'5A7AF1' AS TEXT)")
        database.close()
        with pytest.raises(InputError, match="not UTF-8"):
            read_aeries(settings_for(address))

    def test_a_database_that_goes_away_halfway(self, tmp_path):
        address = write_database(tmp_path / "a.db", district(STU=[student(LN=CANARY)]))
        engine = sa.create_engine(address)

        def gone(_connection, _cursor, sql, *_):
            if 'FROM "ENR"' in sql and "max" not in sql:
                raise sqlite3.OperationalError(f"server closed the connection: row {CANARY}")

        sa.event.listen(engine, "before_cursor_execute", gone)
        refusing = pytest.raises(InputError, match="while reading ENR, the connection broke")
        with refusing as refused, aeries_sql.ServerReader(engine.connect()) as reader:
            aeries_database.read_tables(reader, "here", 2026, aeries_sql._FAILURES)
        assert CANARY not in str(refused.value)

    @pytest.mark.parametrize(
        ("driver_says", "we_say"),
        [
            ("('28000', \"[28000] Login failed for user 'x' (18456)\")", "refuses the login"),
            ("('01000', \"[01000] Can't open lib 'ODBC Driver 18' : file not found\")", "driver .* is not installed"),
            ("('HYT00', '[HYT00] Login timeout expired')", "cannot be reached"),
            ("('42S02', \"[42S02] Invalid object name 'STU'. (208)\")", "table or column is gone"),
            ("something nobody has seen", "stopped answering"),
        ],
    )
    def test_what_a_driver_says_becomes_a_sentence(self, driver_says, we_say):
        with (
            pytest.raises(InputError, match=we_say) as refused,
            aeries_database.plainly("here", "connecting", aeries_sql._FAILURES),
        ):
            raise sa.exc.OperationalError(f"SELECT '{CANARY}'", {"name": CANARY}, Exception(driver_says))
        assert CANARY not in str(refused.value) and refused.value.__cause__ is None

    def test_an_address_of_no_known_kind(self):
        for source in ("oracul://host/db", "sqlite+nosuch://host:port/db"):
            with pytest.raises(UsageError, match="no database address"):
                aeries_sql.read_database(settings_for(source))

    def test_odbc_that_cannot_be_loaded(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyodbc", None)
        with pytest.raises(InputError, match="unixodbc"):
            read_aeries(settings_for("mssql+pyodbc://reader@server/DST26000Heron?driver=x"))

    def test_sqlite_needs_no_odbc(self, read, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyodbc", None)
        assert len(read(district()).tables["STU"]) == 1


class TestLogin:
    """Of databases other than SQL Server, which test_sql_server has."""

    def test_the_password_comes_from_the_environment_into_the_address_and_is_not_shown(self, monkeypatch):
        monkeypatch.setenv("AERIES_PASSWORD", "s}cret")
        where = settings_for("postgresql://reader@server/db", password_env="AERIES_PASSWORD").aeries
        url = aeries_sql._with_login(sa.make_url(where.source), where)
        assert url.password == "s}cret" and "s}cret" not in url.render_as_string()

    def test_a_variable_that_is_not_set(self, monkeypatch):
        monkeypatch.delenv("AERIES_PASSWORD", raising=False)
        with pytest.raises(UsageError, match="AERIES_PASSWORD, which password_env names, is not set"):
            read_aeries(settings_for("mssql+pyodbc://reader@server/db", password_env="AERIES_PASSWORD"))


@pytest.mark.parametrize("source", ["duckdb:///aeries.duckdb", "duckdb+x:///a", "sqlite:///{}", "{}"])
def test_duckdb_is_refused_by_name(tmp_path, source):
    file = tmp_path / "aeries.duckdb"
    file.write_bytes(b"12345678DUCK" + bytes(4096))
    with pytest.raises(InputError, match="DuckDB database, which senrkit does not read.*COPY STU"):
        read_aeries(settings_for(source.format(file)))


def test_sqlite_takes_no_schema_but_its_own(tmp_path):
    address = write_database(tmp_path / "DST26000Heron.db", district())
    assert read_aeries(settings_for(address, schema="main")).newest_year == 2026
    with pytest.raises(UsageError, match="no schemas"):
        read_aeries(settings_for(address, schema="dbo"))


def test_sqlite_is_read_as_it_was_at_one_moment(tmp_path, monkeypatch):
    """Before ENR is read somebody enters an enrollment: it is not seen, for STU was read without it."""
    file = tmp_path / "DST26000Heron.db"
    address = write_database(file, district())
    with sqlite3.connect(file) as other:
        other.execute("PRAGMA journal_mode = WAL")
    other.close()
    before = read_aeries(settings_for(address)).digests
    rows = sqlite.SqliteReader.rows

    def and_enter(reader, table, there, first):
        if table == "ENR":
            # In a process of its own, as other people's programs are: locks of one process do not keep itself out.
            entering = (
                "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as other:\n    other.execute(sys.argv[2])\n"
            )
            entered = "INSERT INTO ENR (ID, YR, SC) VALUES (101, 2026, 991)"
            subprocess.run([sys.executable, "-c", entering, str(file), entered], check=True)
        return rows(reader, table, there, first)

    monkeypatch.setattr(sqlite.SqliteReader, "rows", and_enter)
    assert read_aeries(settings_for(address)).digests == before
    monkeypatch.undo()
    assert read_aeries(settings_for(address)).digests != before
