"""The SELECT statements that read Aeries, made with SQLAlchemy Core from the columns a database was found to have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import sqlalchemy as sa

from senrkit.inputs.aeries.tables import years_read

_BLANK = sa.literal_column("''")


@dataclass(frozen=True)
class FoundTable:
    """A table as the database has it: its own name, and for each wanted code the column, under its own name and type.

    `loose` databases (SQLite) do not hold a column to its type, so conditions must not rely on it. `schema` is named in
    the statement when it is known.
    """

    name: str
    columns: Mapping[str, sa.ColumnClause]
    loose: bool = False
    schema: str | None = None

    @cached_property
    def clause(self) -> sa.TableClause:
        """What a statement selects from."""
        return sa.table(self.name, *self.columns.values(), schema=self.schema)

    @property
    def codes(self) -> tuple[str, ...]:
        """The columns that are read: all but DEL, which only chooses the rows."""
        return tuple(code for code in self.columns if code != "DEL")


def rows_of(table: str, found: FoundTable, first: int) -> sa.Select:
    """All live rows of `table` that a run of the school year `first` looks at, columns labeled by their codes.

    Constants stand in the statement itself, not beside it: they are ours, and some servers cannot prepare a statement.
    """
    read = [_as_text(found, code).label(code) for code in found.codes]
    statement = sa.select(*read).select_from(found.clause).where(_live(found))
    if table == "ENR":
        years = [sa.literal_column(str(year)) for year in years_read(first)]
        if _is_text(found, "YR"):
            years = [sa.literal_column(f"'{year}'") for year in years_read(first)]
        statement = statement.where(_year(found).in_(years))
    if table == "XRF":
        statement = statement.where(sa.func.rtrim(found.columns["TC"]) == sa.literal_column("'CLPD'"))
    return statement


def newest_year(found: FoundTable) -> sa.Select:
    """The newest ENR.YR among all live rows."""
    newest = sa.func.max(_year(found)).label("newest")
    return sa.select(newest).select_from(found.clause).where(_live(found))


def _as_text(found: FoundTable, code: str) -> sa.ColumnElement:
    column = found.columns[code]
    # A loose column may hold a number in one row and text in the next; as text, all of them come through alike.
    if found.loose:
        return sa.func.coalesce(sa.cast(column, sa.Text()), _BLANK)
    # Values as the driver gives them: SQLAlchemy's conversion of a date stops at one it cannot read, and quotes it.
    return sa.type_coerce(column, sa.types.NullType())


def _is_text(found: FoundTable, code: str) -> bool:
    return not found.loose and isinstance(found.columns[code].type, sa.String)


def _year(found: FoundTable) -> sa.ColumnElement:
    column = found.columns["YR"]
    if found.loose:
        return sa.cast(column, sa.Integer())
    return sa.func.rtrim(column) if _is_text(found, "YR") else column


def _live(found: FoundTable) -> sa.ColumnElement[bool]:
    if "DEL" not in found.columns:
        return sa.true()
    column = found.columns["DEL"]
    if found.loose or isinstance(column.type, (sa.String, sa.types.NullType)):
        zero = [sa.literal_column(f"'{text}'") for text in ("", "0", "0.0", "false")]
        unmarked = sa.func.lower(sa.func.rtrim(sa.cast(column, sa.String(5)))).in_(zero)
    elif isinstance(column.type, sa.Boolean):
        unmarked = column == sa.false()
    else:
        unmarked = column == sa.literal_column("0")
    return sa.or_(column.is_(None), unmarked)
