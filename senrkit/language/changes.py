"""What is to change in Aeries, as single changes of single rows; and the rows around them, before and after."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import sqlalchemy as sa

from senrkit.errors import Stopped
from senrkit.inputs.aeries import values as aeries_values
from senrkit.inputs.aeries.statements import FoundTable
from senrkit.language import statements
from senrkit.language.database import WriteDatabase
from senrkit.language.statements import KEYS, Raw
from senrkit.reference.elas import lac_dates

Kind = Literal["update", "insert", "delete"]
# (table, key values) → column code → raw value
Rows = dict[tuple[str, tuple[Raw, ...]], dict[str, Raw]]


@dataclass(frozen=True)
class Change:
    """One change of one row. `row` holds the key of an update, and the whole row of an insert or delete."""

    kind: Kind
    table: str
    row: Mapping[str, Raw]
    column: str
    old: Raw
    new: Raw

    @property
    def place(self) -> tuple[str, tuple[Raw, ...]]:
        return self.table, tuple(self.row[code] for code in KEYS[self.table])

    def taken_back(self, after: Rows) -> Change:
        """The change that undoes this one, on the row as it was found afterwards."""
        if self.kind == "insert":
            return Change("delete", self.table, after[self.place], self.column, self.new, None)
        return replace(self, old=self.new, new=self.old)

    def statement(self, tables: Mapping[str, FoundTable]) -> sa.Insert | sa.Update | sa.Delete:
        found = tables[self.table]
        if self.kind == "insert":
            return statements.insert(found, {**self.row, self.column: self.new})
        if self.kind == "delete":
            return statements.delete(found, self.row)
        return statements.update(found, self.row, self.column, self.old, self.new)


def read_rows(
    connection: sa.Connection, database: WriteDatabase, students: Iterable[str], ssids: Iterable[str]
) -> Rows:
    """The live STU and LAC rows of the students, and every STU row that has one of the SSIDs.

    Raises
    ------
    Stopped
        when a key stands there twice: it would not be certain which row is meant.
    """
    students = sorted(students)
    wanted = {"STU": {"ID": students, "CID": sorted(ssids)}, "LAC": {"ID": students}}
    rows: Rows = {}
    for table, columns in wanted.items():
        found = database.tables[table]
        # A STU row can be found by its ID and by its SSID; each search by itself must find a key once.
        for code, values in columns.items():
            met = set()
            for select in statements.select_rows(table, found, {code: values}):
                for row in connection.execute(select).mappings():
                    raw = {name: statements.plain_value(value) for name, value in row.items()}
                    key = table, tuple(raw[name] for name in KEYS[table])
                    if key in met:
                        raise Stopped(f"{table} has two live rows with one key.", "Delete the wrong one in Aeries.")
                    met.add(key)
                    rows[key] = raw
    return rows


def others(connection: sa.Connection, database: WriteDatabase, students: Iterable[str]) -> Counter[tuple[Raw, ...]]:
    """How often each row of STU and LAC stands there that is not one of the students'."""
    ours, found = set(students), Counter[tuple[Raw, ...]]()
    for table in KEYS:
        for row in connection.execute(statements.select_all(table, database.tables[table])).mappings():
            if spelled(row["ID"]) not in ours:
                found[table, *(str(value) for value in row.values())] += 1
    return found


def who(connection: sa.Connection, database: WriteDatabase, students: Iterable[str]) -> set[tuple[str, ...]]:
    """Key, names and birth date of the students' live rows, spelled as the frames spell them."""
    selects = statements.select_people(database.tables["STU"], students)
    return {
        tuple(aeries_values.tidy(aeries_values.texts([value]), "date" if code == "BD" else "text", code)[0].strip()
              for code, value in row.items())
        for select in selects
        for row in connection.execute(select).mappings()
    }  # fmt: skip


def known_to_idn(connection: sa.Connection, database: WriteDatabase, students: Sequence[str]) -> set[str]:
    """Which of the students have a live row in IDN."""
    found = database.tables.get("IDN")
    if found is None:
        return set()
    selects = statements.select_rows("IDN", found, {"ID": students})
    return {spelled(row.ID) for select in selects for row in connection.execute(select)}


def expected_after(before: Rows, changes: Sequence[Change]) -> Rows:
    """The rows as they must be when the changes, and nothing else, have been made."""
    after = {place: dict(row) for place, row in before.items()}
    for change in changes:
        if change.kind == "delete":
            del after[change.place]
        else:
            after.setdefault(change.place, dict(change.row))[change.column] = change.new
    return after


def as_expected(found: Rows, expected: Rows, inserted: Iterable[Change] = ()) -> bool:
    """Whether the rows are the expected ones, value by value.

    Of a row that was inserted only what was put in is compared, and that every other day is blank.
    """
    if found.keys() != expected.keys():
        return False
    new = {change.place for change in inserted if change.kind == "insert"}
    return all(
        _equal(found[place], row, [*row, *(set(lac_dates().values()) & set(found[place]))] if place in new else [*row])
        for place, row in expected.items()
    )


def day_value(day: dt.date, column: sa.ColumnClause, dialect: str) -> Raw:
    """A day as the column holds one. SQLite has no dates: they are text, a date-time's with midnight."""
    moment = dt.datetime.combine(day, dt.time())
    if isinstance(column.type, sa.DateTime):
        return f"{day} 00:00:00" if dialect == "sqlite" else moment
    if isinstance(column.type, sa.Date) and dialect != "sqlite":
        return day
    return day.isoformat()


def spelled(value: Raw, code: str = "") -> str:
    """A raw value as the frames spell it: blank for NULL, a day as `CCYY-MM-DD`."""
    text = aeries_values.texts([value])
    kind = "date" if code in lac_dates().values() else "text"
    return aeries_values.tidy(text, kind, code)[0]


def _equal(found: Mapping[str, Raw], expected: Mapping[str, Raw], codes: Iterable[str]) -> bool:
    """A driver may give a day back as another type than it took it; letters and blanks must be the same."""
    for code in codes:
        left, right = found.get(code), expected.get(code)
        if left != right and (code not in lac_dates().values() or spelled(left, code) != spelled(right, code)):
            return False
    return True
