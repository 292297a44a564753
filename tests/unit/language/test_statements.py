"""The statements that write language data: for SQL Server by compiling them, and what they carry."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, postgresql

from senrkit.errors import Stopped
from senrkit.inputs.aeries.statements import FoundTable
from senrkit.language import statements
from senrkit.language.changes import Change, day_value, spelled

DAY = dt.datetime(2026, 10, 14)


def found(name="STU"):
    kinds = {
        "STU": dict.fromkeys(("ID", "SC", "SN"), sa.Integer) | {"CID": sa.String, "LF": sa.String, "DEL": mssql.BIT},
        "LAC": {"ID": sa.Integer, "SD": sa.DateTime, "IFD": sa.DateTime, "DEL": mssql.BIT, "DTS": sa.DateTime},
    }  # fmt: skip
    return FoundTable(name, {code: sa.column(code, kind()) for code, kind in kinds[name].items()}, schema="dbo")


def t_sql(statement):
    return " ".join(str(statement.compile(dialect=mssql.dialect())).split())


def test_an_update_names_the_row_the_old_value_and_that_it_is_live():
    statement = statements.update(found(), {"SC": 990, "SN": 17, "ID": 101}, "LF", "T", "L")
    assert t_sql(statement) == (
        "UPDATE dbo.[STU] SET [LF]=:LF WHERE dbo.[STU].[SC] = :param_1 AND dbo.[STU].[SN] = :param_2"
        " AND dbo.[STU].[ID] = :param_3 AND dbo.[STU].[LF] = :param_4"
        " AND (dbo.[STU].[DEL] IS NULL OR dbo.[STU].[DEL] = 0)"
    )  # fmt: skip
    assert list(statement.compile().params.values()) == ["L", 990, 17, 101, "T"]


def test_null_is_asked_for_as_null():
    statement = statements.update(found("LAC"), {"ID": 101}, "SD", None, DAY)
    assert "[SD] IS NULL" in t_sql(statement)
    assert "[SD] IS NULL" not in t_sql(statements.update(found("LAC"), {"ID": 101}, "SD", "", DAY))


def test_rows_are_read_under_lock_a_few_hundred_at_a_time():
    selects = statements.select_rows(
        "STU", found(), {"ID": [str(number) for number in range(1200)], "CID": ["9000000001"]}
    )
    assert [len(select.compile().params) for select in selects] == [1, 1, 1, 1], "one list each"
    assert len(selects) == 4
    assert "WITH (UPDLOCK, HOLDLOCK)" in t_sql(selects[0])
    assert "FOR UPDATE" not in t_sql(selects[0])
    assert "FOR UPDATE" in str(selects[0].compile(dialect=postgresql.dialect()))


def test_when_a_row_was_touched_and_passwords_are_not_read():
    assert statements.codes_compared("STU", found()) == ("ID", "SC", "SN", "CID", "LF")
    assert statements.codes_compared("LAC", found("LAC")) == ("ID", "SD", "IFD")


def test_the_row_count_comes_in_the_same_batch():
    batch, params = statements.batch_with_count(statements.update(found("LAC"), {"ID": 101}, "SD", None, DAY))
    text = " ".join(str(batch).split())
    assert text.startswith("SET NOCOUNT ON; UPDATE dbo.[LAC] SET [SD]=")
    assert text.endswith("; SELECT @@ROWCOUNT AS changed")
    assert sorted(map(str, params.values())) == ["101", "2026-10-14 00:00:00"]
    sent = batch.bindparams(**params).compile(dialect=mssql.dialect(paramstyle="qmark"))
    assert str(sent).count("?") == 2


def test_an_insert_is_live_and_a_delete_compares_the_whole_row():
    assert t_sql(statements.insert(found("LAC"), {"ID": 101, "SD": DAY})).startswith(
        "INSERT INTO dbo.[LAC] ([ID], [SD], [DEL]) VALUES ("
    )
    row = {"ID": 101, "SD": DAY, "IFD": None}
    where = t_sql(statements.delete(found("LAC"), row)).partition("WHERE")[2]
    assert "[ID] = " in where and "[SD] = " in where and "[IFD] IS NULL" in where


@pytest.mark.parametrize(
    "statement",
    [
        statements.update(found(), {"SC": 1, "SN": 2, "ID": 3}, "LF", "O'X", None),
        statements.insert(found("LAC"), {"ID": 3, "SD": DAY}),
        statements.delete(found("LAC"), {"ID": 3, "SD": DAY, "IFD": None}),
    ],
    ids=["update", "insert", "delete"],
)
def test_a_script_for_sql_server_counts_every_statement(statement):
    script = statements.script([statement], mssql.dialect())
    assert script.startswith("SET XACT_ABORT ON;\nBEGIN TRANSACTION;\n") and script.endswith("COMMIT;\n")
    assert script.count("IF @@ROWCOUNT <> 1 BEGIN ROLLBACK; THROW") == 1
    assert ":param" not in script and "?" not in script
    assert "O''X" in script or "2026-10-14" in script


def test_values_that_could_not_be_put_back_are_refused():
    assert [statements.plain_value(value) for value in (None, "T ", 7, Decimal("7"), DAY)] == [None, "T ", 7, 7, DAY]
    for strange in (b"\x01", 7.5, Decimal("7.5"), object()):
        with pytest.raises(Stopped, match="could not be put back"):
            statements.plain_value(strange)


@pytest.mark.parametrize(
    ("kind", "dialect", "expected"),
    [
        (sa.DateTime(), "sqlite", "2026-10-14 00:00:00"),
        (sa.Date(), "sqlite", "2026-10-14"),
        (sa.String(), "sqlite", "2026-10-14"),
        (sa.DateTime(), "mssql", DAY),
        (mssql.DATETIME(), "mssql", DAY),
        (mssql.SMALLDATETIME(), "mssql", DAY),
        (sa.Date(), "mssql", DAY.date()),
        (sa.String(), "mssql", "2026-10-14"),
    ],
)
def test_a_day_is_written_as_its_column_holds_days(kind, dialect, expected):
    assert day_value(DAY.date(), sa.column("SD", kind), dialect) == expected
    assert spelled(expected, "SD") == "2026-10-14"


def test_a_change_is_taken_back_by_its_reverse():
    change = Change("update", "STU", {"SC": 1, "SN": 2, "ID": 3}, "LF", None, "L")
    back = change.taken_back({})
    assert (back.old, back.new, back.row) == ("L", None, change.row)
    insert = Change("insert", "LAC", {"ID": 3}, "SD", None, DAY)
    assert insert.taken_back({insert.place: {"ID": 3, "SD": DAY, "PR": ""}}) == Change(
        "delete", "LAC", {"ID": 3, "SD": DAY, "PR": ""}, "SD", DAY, None
    )
