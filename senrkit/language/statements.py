"""The statements that write language data, made with SQLAlchemy Core; every UPDATE and DELETE compares the old value.

A value is a raw one, as the driver gave it, so that NULL and blank stay apart and what is taken back is what was there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mssql

from senrkit.errors import Stopped
from senrkit.inputs.aeries import statements as aeries_statements
from senrkit.inputs.aeries.statements import FoundTable

Raw = str | int | dt.date | dt.datetime | None

STU_CODES = ("ID", "SC", "SN", "CID", "LF")
WHO = ("SC", "SN", "ID", "LN", "FN", "BD")
KEYS = {"STU": ("SC", "SN", "ID"), "LAC": ("ID",)}
# When a row was last touched says nothing about what it holds.
_NOT_COMPARED = {"DEL", "DTS"}
# SQL Server takes at most 2,100 parameters a statement.
_AT_A_TIME = 500


def codes_compared(table: str, found: FoundTable) -> tuple[str, ...]:
    """The columns that are read before and after: of STU the key, SSID and status, of LAC all that senrkit knows."""
    codes = STU_CODES if table == "STU" else tuple(found.columns)
    return tuple(code for code in codes if code in found.columns and code not in _NOT_COMPARED)


def select_rows(table: str, found: FoundTable, wanted: Mapping[str, Collection[str]]) -> list[sa.Select]:
    """The live rows in which one of the columns holds one of the wanted texts, a few hundred at a time.

    Locked against change until the transaction ends. `wanted`: by column code, texts as the frames hold them.
    """
    names = codes_compared(table, found)
    read = [sa.type_coerce(found.columns[code], sa.types.NullType()).label(code) for code in names]
    selects = sa.select(*read).select_from(found.clause).where(live(found))
    locked = selects.with_hint(found.clause, "WITH (UPDLOCK, HOLDLOCK)", "mssql").with_for_update()
    statements = []
    for code, values in wanted.items():
        column, ordered = found.columns[code], sorted(values)
        for at in range(0, len(ordered), _AT_A_TIME):
            part = [_as_key(value, column) for value in ordered[at : at + _AT_A_TIME]]
            statements.append(locked.where(column.in_(part)))
    return statements


def select_all(table: str, found: FoundTable) -> sa.Select:
    """Every row of the table, deleted ones too, with the columns that are compared: what nobody asked to be changed
    must be in it afterwards as it was before."""
    names = codes_compared(table, found)
    return sa.select(*(sa.type_coerce(found.columns[code], sa.types.NullType()).label(code) for code in names))


def select_people(found: FoundTable, students: Collection[str]) -> list[sa.Select]:
    """The live STU rows of the students, with who they are."""
    read = [found.columns[code].label(code) for code in WHO if code in found.columns]
    column, ordered = found.columns["ID"], sorted(students)
    return [
        sa.select(*read).where(live(found), column.in_([_as_key(one, column) for one in ordered[at : at + _AT_A_TIME]]))
        for at in range(0, len(ordered), _AT_A_TIME)
    ]


def update(found: FoundTable, key: Mapping[str, Raw], column: str, old: Raw, new: Raw) -> sa.Update:
    """Set one column of one live row, if it still holds the old value."""
    where = [*_matches(found, {**key, column: old}), live(found)]
    return sa.update(found.clause).where(*where).values({found.columns[column]: _literal(new)})


def insert(found: FoundTable, values: Mapping[str, Raw]) -> sa.Insert:
    """A new row; DEL is set to 0 where the table has it."""
    filled = {found.columns[code]: _literal(value) for code, value in values.items()}
    if "DEL" in found.columns:
        filled[found.columns["DEL"]] = _literal(0)
    return sa.insert(found.clause).values(filled)


def delete(found: FoundTable, values: Mapping[str, Raw]) -> sa.Delete:
    """Delete the one live row that holds all these values still."""
    return sa.delete(found.clause).where(*_matches(found, values), live(found))


def live(found: FoundTable) -> sa.ColumnElement[bool]:
    """What the reader takes for a live row, in the reader's own words."""
    # No table of this name has conditions beyond that.
    condition = aeries_statements.rows_of("", found, 0).whereclause
    return sa.true() if condition is None else condition


def counted(connection: sa.Connection, statement: sa.Update | sa.Insert | sa.Delete) -> int:
    """Carry the statement out and say how many rows it changed.

    SQL Server is asked in the same batch: a trigger's own counts would otherwise be taken for the statement's.
    """
    if connection.dialect.name == "mssql":
        return int(connection.execute(*batch_with_count(statement)).scalar_one())
    # Of an INSERT SQLAlchemy forgets the count unless it is told to keep it.
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def batch_with_count(statement: sa.Update | sa.Insert | sa.Delete) -> tuple[sa.TextClause, dict[str, Raw]]:
    """The statement as a T-SQL batch that answers with its row count, and its parameters."""
    compiled = statement.compile(dialect=mssql.dialect(paramstyle="named"))
    return sa.text(f"SET NOCOUNT ON; {compiled}; SELECT @@ROWCOUNT AS changed"), dict(compiled.params)


def script(statements: Sequence[sa.ClauseElement], dialect: sa.Dialect) -> str:
    """The statements as text with their values in place, for a person to run: one transaction, one row each."""
    written = [str(each.compile(dialect=dialect, compile_kwargs={"literal_binds": True})) for each in statements]
    lines = [" ".join(each.split("\n")) for each in written]
    if dialect.name != "mssql":
        return "".join(["BEGIN;\n", *(f"{line};\n" for line in lines), "COMMIT;\n"])
    check = (
        "IF @@ROWCOUNT <> 1 BEGIN ROLLBACK; THROW 50000, 'A row has changed since: nothing was taken back.', 1; END;"
    )
    return "".join(
        ["SET XACT_ABORT ON;\nBEGIN TRANSACTION;\n", *(f"{line};\n{check}\n" for line in lines), "COMMIT;\n"]
    )


def plain_value(value: object) -> Raw:
    """A value as the driver gave it; a whole Decimal as a whole number.

    Raises
    ------
    Stopped
        when it is of a kind that could not be put back as it was.
    """
    if isinstance(value, Decimal) and value == int(value):
        return int(value)
    if value is None or isinstance(value, (str, int, dt.date)):
        return value
    raise Stopped(
        "STU or LAC holds a value of a kind that could not be put back as it was.",
        "Use the import files instead, and tell the database's administrator.",
    )


def _matches(found: FoundTable, values: Mapping[str, Raw]) -> list[sa.ColumnElement[bool]]:
    columns = found.columns
    return [
        columns[code].is_(None) if value is None else columns[code] == _literal(value) for code, value in values.items()
    ]


class _Moment(sa.types.TypeDecorator[dt.date]):
    """A day or a moment. A script for SQL Server writes it in ISO with `T` and three digits, which no language of a
    login reads otherwise; the time of day is kept."""

    impl = sa.DateTime
    cache_ok = True

    def literal_processor(self, dialect: sa.Dialect) -> Any:
        if dialect.name != "mssql":
            return self.impl_instance.literal_processor(dialect)
        return _iso


class _Day(_Moment):
    impl = sa.Date
    cache_ok = True


def _iso(value: dt.date) -> str:
    if not isinstance(value, dt.datetime):
        return f"'{value:%Y-%m-%d}T00:00:00.000'"
    digits = f"{value.microsecond // 1000:03d}" if value.microsecond % 1000 == 0 else f"{value.microsecond:06d}"
    return f"'{value:%Y-%m-%dT%H:%M:%S}.{digits}'"


def _literal(value: Raw) -> sa.ColumnElement:
    # The type follows from the value, not from the column, so that no value is rewritten on its way.
    if value is None:
        return sa.null()
    if isinstance(value, dt.datetime):
        return sa.literal(value, _Moment())
    return sa.literal(value, _Day()) if isinstance(value, dt.date) else sa.literal(value)


def _as_key(value: str, column: sa.ColumnClause) -> str | int:
    is_number = isinstance(column.type, (sa.Integer, sa.Numeric))
    return int(value) if is_number and value.lstrip("-").isdecimal() else value
