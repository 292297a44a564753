"""`language_undo.sql`: days and moments as each database reads them without doubt."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, postgresql, sqlite

from senrkit.inputs.aeries.statements import FoundTable
from senrkit.language import statements

LAC = FoundTable("LAC", {"ID": sa.column("ID", sa.Integer()), "SD": sa.column("SD", sa.DateTime())}, schema="dbo")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (dt.datetime(2026, 11, 3), "'2026-11-03T00:00:00.000'"),
        (dt.datetime(2026, 11, 3, 14, 5, 6, 123000), "'2026-11-03T14:05:06.123'"),
        (dt.datetime(2026, 11, 3, 14, 5, 6, 123456), "'2026-11-03T14:05:06.123456'"),
        (dt.date(2026, 11, 3), "'2026-11-03T00:00:00.000'"),
    ],
)
def test_sql_server_gets_iso_with_t_and_the_time_of_day(value, written):
    undone = statements.script([statements.update(LAC, {"ID": 101}, "SD", value, None)], mssql.dialect())
    assert written in undone and "SD" in undone and "IF @@ROWCOUNT <> 1" in undone
    back = statements.script([statements.update(LAC, {"ID": 101}, "SD", None, value)], mssql.dialect())
    assert written in back


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()])
def test_other_databases_get_their_own_writing(dialect):
    undone = statements.script([statements.update(LAC, {"ID": 101}, "SD", dt.date(2026, 11, 3), None)], dialect)
    assert "'2026-11-03'" in undone and "T00" not in undone
