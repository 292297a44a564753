"""What a SQL Server database has of the Aeries tables, asked in one statement that any reader may send."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.mssql.base import ischema_names

from senrkit.inputs.aeries_statements import FoundTable
from senrkit.inputs.aeries_tables import wanted

# Where Aeries keeps its tables (aeries_database.md 1.1). Named in every statement, so that a table of the login's own
# schema never stands in for it.
_SCHEMA = "dbo"
_COLUMNS = sa.table(
    "COLUMNS", *map(sa.column, "TABLE_SCHEMA TABLE_NAME COLUMN_NAME DATA_TYPE".split()), schema="INFORMATION_SCHEMA"
)


def columns() -> sa.Select:
    """Name, column and type of all columns of the wanted tables and views, without parameters."""
    names = [sa.literal_column(f"'{table}'") for table in wanted()]
    there = _COLUMNS.c
    ours = there.TABLE_SCHEMA.in_([sa.literal_column(f"'{_SCHEMA}'")])
    return sa.select(there.TABLE_NAME, there.COLUMN_NAME, there.DATA_TYPE).where(
        ours, sa.func.upper(there.TABLE_NAME).in_(names)
    )


def found(connection: sa.Connection) -> dict[str, FoundTable]:
    """The wanted tables, or views, and columns that are there, whatever the case of their names."""
    there: dict[str, dict[str, sa.ColumnClause]] = {}
    names: dict[str, str] = {}
    # SQLAlchemy's inspector sends half a dozen long statements with parameters, to tables of the system's own.
    for table, column, data_type in connection.execute(columns()):
        names[table.upper()] = table
        kind = ischema_names.get(data_type.lower(), sa.types.NullType)
        there.setdefault(table.upper(), {})[column.upper()] = sa.column(column, kind())
    return {
        table: FoundTable(
            names[table], {code: there[table][code] for code in want.kinds if code in there[table]}, schema=_SCHEMA
        )
        for table, want in wanted().items()
        if table in there
    }
