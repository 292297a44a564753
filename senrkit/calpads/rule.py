"""What a rule is: one expression over a record's fields and terms. What it says stands in the catalog, not here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import polars as pl
from polars import col

from senrkit.reference import PACKAGED, SchoolYear

if TYPE_CHECKING:
    from senrkit.inputs.directory import SchoolDirectory

Scope = Literal["file", "directory", "state", "after", "schools"]


@dataclass(frozen=True)
class CheckContext:
    """Whose file it is and what day it is. Without a directory the rules that need one are not checked."""

    year: SchoolYear
    as_of: dt.date
    lea: str
    charter: bool = False
    directory: SchoolDirectory | None = None


@dataclass(frozen=True)
class Ask:
    """Which records offend. `holes` fill the rule's sentence beyond the record's own fields; `fields` stands in place
    of the catalog's where a rule runs over many; hits that are `doubtful`, on which the public record is silent,
    become `unknown`."""

    offends: pl.Expr
    holes: Mapping[str, pl.Expr]
    fields: str | None = None
    doubtful: pl.Expr | None = None


@dataclass(frozen=True)
class Rule:
    """One rule's test. `scope` says what it looks at: `file` the records; `directory` also the school directory;
    `state` also the state rows of the same students; `after` the state when everything has posted; `schools` the
    schools that should have enrollments then. `asks` are asked one after the other, as the school year has them.

    Rows with transaction D are tested only by rules with `deletes`: CALPADS uses their key and throws the rest away.
    """

    id: str
    scope: Scope
    deletes: bool
    asks: Callable[[SchoolYear], Iterable[Ask]]


def rule(
    id: str,
    offends: pl.Expr,
    *,
    scope: Scope = "file",
    deletes: bool = False,
    doubtful: pl.Expr | None = None,
    **holes: pl.Expr,
) -> Rule:
    """A rule of one expression."""
    ask = Ask(offends, holes, None, doubtful)
    return Rule(id, scope, deletes, lambda year: [ask])


def in_force(field: str, code_set: str) -> pl.Expr:
    """Whether the field holds a code in force in the school year of the start date."""
    return _in_years(col(field), PACKAGED.code_years(code_set))


def doubtful_code(field: str, code_set: str) -> pl.Expr:
    """Whether it holds one of which it is not known whether it is still in force then."""
    return _in_years(col(field), PACKAGED.doubtful_years(code_set))


def go_together(left: str, right: str, table: str) -> pl.Expr:
    """Whether the pair stands in the table of its school year; True where there is no start date to tell the year."""
    pair = pl.concat_str(left, right, separator="^")
    return col.started.is_null() | _in_years(pair, PACKAGED.pair_years(table))


def _in_years(held: pl.Expr, years: Mapping[tuple[int, int], list[str]]) -> pl.Expr:
    found = [held.is_in(texts) & col.started.is_between(*span) for span, texts in years.items()]
    return pl.any_horizontal(pl.lit(False), *found).fill_null(False)
