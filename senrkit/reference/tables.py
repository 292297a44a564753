"""The dated tables beside this file, read once and asked by school year or day.

A new school year, code, rule or layout is a row in a CSV file, never a change here.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from senrkit.errors import UsageError
from senrkit.reference.school_year import SchoolYear

if TYPE_CHECKING:
    import polars as pl

Row = dict[str, str]

# Which two columns of a combination table make up the pair, in the order in which it is asked for.
_PAIRS = {
    "exit_reason_grade": ("exit_reason", "grade"),
    "exit_reason_completion": ("exit_reason", "completion_status"),
    "completion_grade": ("completion_status", "grade"),
    "state_country": ("birth_state", "birth_country"),
}


@dataclass(frozen=True)
class Layout:
    """One layout of the SENR file.

    `fields` counts the columns of a submission file. `columns` names every column of the ODS extract by position, the
    two ODS columns at the end; `""` stands for a column that today's layout does not have.
    """

    id: str
    fields: int
    columns: tuple[str, ...]
    first_year: str
    last_year: str


@dataclass(frozen=True)
class Tables:
    """The reference tables of one folder. Every answer is the caller's own: frames are fresh copies."""

    folder: Path

    def rows(self, name: str) -> tuple[Row, ...]:
        """The rows of `<name>.csv` as text, in file order.

        Raises
        ------
        KeyError
            when there is no such table: a slip of ours, never of the data.
        """
        return _read(self.folder / f"{name}.csv")

    def layouts(self) -> tuple[Layout, ...]:
        """Every known layout, newest first (`senr_layouts.csv`)."""
        columns: dict[tuple[str, int, str, str], list[str]] = {}
        for row in self.rows("senr_layouts"):
            key = (row["layout"], int(row["fields"]), row["first_year"], row["last_year"])
            columns.setdefault(key, []).append(row["field"])
        found = [Layout(key[0], key[1], tuple(names), *key[2:]) for key, names in columns.items()]
        return tuple(sorted(found, key=lambda layout: layout.first_year, reverse=True))

    def layouts_by_column_count(self) -> dict[int, Layout]:
        """The layouts by the number of columns that an ODS extract of them has; the newest wins a tie."""
        return {len(layout.columns): layout for layout in reversed(self.layouts())}

    def submission_layout(self, year: SchoolYear) -> Layout:
        """The layout in which a submission file of a school year is written.

        Raises
        ------
        UsageError
            when no layout of that year is known.
        """
        for layout in self.layouts():
            if _in_years(layout.first_year, layout.last_year, year):
                return layout
        earliest = min(layout.first_year for layout in self.layouts())
        raise UsageError(
            f"No SENR layout is known for {year.text}.", f"Choose a school year from {earliest} on in the settings."
        )

    def fields(self, year: SchoolYear) -> pl.DataFrame:
        """The SENR fields of a school year, in file order (`senr_fields.csv`).

        Returns
        -------
        DataFrame
            `number` (int64), `max_length` (int64), and as text `field`, `title`, `type` (CS or DT),
            `max_length_certainty` (`seen`, `unconfirmed`), `required` (Y, C, N), `code_set`, `code_list` (`complete`,
            or `incomplete` where the official list was not found and an unknown code proves no error), `notes`.
        """
        found = _table(_in_force(self.rows("senr_fields"), year)).drop("first_year", "last_year")
        return found.cast({"number": int, "max_length": int})

    def codes(self, code_set: str, year: SchoolYear) -> frozenset[str]:
        """The codes of a set that are in force in a school year (`code_sets.csv`).

        Raises
        ------
        KeyError
            when there is no such code set: a slip of ours, never of the data.
        """
        return _codes(self, code_set, year)

    def doubtful_codes(self, code_set: str, year: SchoolYear) -> frozenset[str]:
        """The codes of a set of which it is not known whether they are still in force in a school year."""
        members = _in_force(_members(self, code_set), year)
        return frozenset(row["code"] for row in members if row["doubtful_from"] and row["doubtful_from"] <= year.text)

    def all_codes(self, code_set: str) -> frozenset[str]:
        """The codes that a set has had in any year; one that is not in `codes` is retired or not yet in force."""
        return _codes(self, code_set, None)

    def code_years(self, code_set: str) -> dict[tuple[int, int], list[str]]:
        """The codes of a set by the first and last school year (their first calendar years) in which they are in force.

        Raises as `codes`.
        """
        return _by_years((row["code"], row["first_year"], row["last_year"]) for row in _members(self, code_set))

    def doubtful_years(self, code_set: str) -> dict[tuple[int, int], list[str]]:
        """As `code_years`: the years in which it is not known whether a code is still in force."""
        return _by_years(
            (row["code"], max(row["first_year"], row["doubtful_from"]), row["last_year"])
            for row in _members(self, code_set)
            if row["doubtful_from"]
        )

    def pair_years(self, table: str) -> dict[tuple[int, int], list[str]]:
        """The pairs of a table (`valid_pairs`), as `left^right`, by the years in which they may go together."""
        left, right = _PAIRS[table]
        return _by_years((f"{row[left]}^{row[right]}", row["first_year"], row["last_year"]) for row in self.rows(table))

    def code_names(self, code_set: str, year: SchoolYear) -> dict[str, str]:
        """Code to plain-words name for people, for the codes in force in a school year."""
        return {row["code"]: row["name"] for row in _in_force(_members(self, code_set), year)}

    def valid_pairs(self, table: str, year: SchoolYear) -> frozenset[tuple[str, str]]:
        """The pairs that may go together in a school year, grades in two digits.

        Parameters
        ----------
        table
            `exit_reason_grade`, `exit_reason_completion`, `completion_grade` or `state_country`; pairs in that order.
        """
        return _pairs(self, table, year)

    def rules(self, as_of: dt.date) -> pl.DataFrame:
        """The rule catalog as it stands on a day (`calpads_rules.csv`), one row per rule.

        Returns
        -------
        DataFrame
            All text: `id`, `title`, `severity` (fatal, warning, unknown), `severity_certainty` (seen, inferred,
            not-shown), `kind`, `needs`, `family`, `fields`, `sentence`, `why`, `fix`, `evidence`, `source`,
            `first_date`, `last_date`, `checkable`, `state`. `state` is `off` outside the rule's dates, `cannot-check`
            when the rule needs data that a district does not have, else `on`.
        """
        day = as_of.isoformat()
        return _table([{**row, "state": _state(row, day)} for row in self.rows("calpads_rules")])

    def rule_titles(self) -> dict[str, str]:
        """Rule id to its short title."""
        return {row["id"]: row["title"] for row in self.rows("calpads_rules")}

    def rule_anchor(self, id: str) -> str:
        """Where the rule book of the documentation explains a rule: `rules/status.md#senr0178`; `""` for no rule."""
        family = next((row["family"] for row in self.rows("calpads_rules") if row["id"] == id), "")
        return f"rules/{family}.md#{id.lower()}" if family else ""

    def aeries_columns(self) -> pl.DataFrame:
        """The Aeries columns that are read (`aeries_columns.csv`).

        Returns
        -------
        DataFrame
            Text: `table`, `column`, `need` (needed, optional), `kind` (text, int, date, flag), `heading` (that of
            Aeries Query, or `""`), `alternative` (the column that serves when this one is missing, or `""`), `without`
            (what cannot be asked when the column is missing, or `""`); and a number, `width` (zeros are filled up to
            it; 0 none).
        """
        return _table(list(self.rows("aeries_columns"))).cast({"width": int})


@cache
def _read(path: Path) -> tuple[Row, ...]:
    if not path.is_file():
        raise KeyError(f"There is no reference table named {path.stem}.")
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        head = next(rows)
        return tuple(dict(zip(head, row, strict=True)) for row in rows)


@cache
def _codes(tables: Tables, code_set: str, year: SchoolYear | None) -> frozenset[str]:
    members = _members(tables, code_set)
    return frozenset(row["code"] for row in (members if year is None else _in_force(members, year)))


def _members(tables: Tables, code_set: str) -> tuple[Row, ...]:
    members = tuple(row for row in tables.rows("code_sets") if row["code_set"] == code_set)
    if not members:
        raise KeyError(f"There is no code set named {code_set}.")
    return members


@cache
def _pairs(tables: Tables, table: str, year: SchoolYear) -> frozenset[tuple[str, str]]:
    left, right = _PAIRS[table]
    return frozenset((row[left], row[right]) for row in _in_force(tables.rows(table), year))


def _in_force(rows: tuple[Row, ...], year: SchoolYear) -> list[Row]:
    return [row for row in rows if _in_years(row["first_year"], row["last_year"], year)]


def _by_years(dated: Iterable[tuple[str, str, str]]) -> dict[tuple[int, int], list[str]]:
    found: dict[tuple[int, int], list[str]] = {}
    for text, first, last in dated:
        found.setdefault((int(first[:4] or 0), int(last[:4] or 9999)), []).append(text)
    return found


def _in_years(first: str, last: str, year: SchoolYear) -> bool:
    # Years are written YYYY-YYYY, so they compare as text.
    return first <= year.text and (last == "" or year.text <= last)


def _state(row: Row, day: str) -> str:
    if day < row["first_date"] or (row["last_date"] and row["last_date"] < day):
        return "off"
    return "on" if row["checkable"] == "yes" else "cannot-check"


def _table(rows: list[Row]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(rows)
