"""Aeries tables from an open database, whatever its kind, and what to say when its driver complains."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Protocol, TypeVar

import polars as pl

from senrkit.errors import InputError, is_out_of_memory
from senrkit.inputs.aeries.tables import AeriesTables, assembled, tidied, usable
from senrkit.inputs.aeries.values import TimeZoneFound, zone_refused


class Table(Protocol):
    """A table as the database has it: `columns` by the codes that are wanted of it."""

    @property
    def columns(self) -> Mapping[str, object]: ...


T = TypeVar("T", bound=Table)


class Reader(Protocol[T]):
    """An open database, as far as reading Aeries goes. Nothing but SELECT is sent."""

    name: str
    # What a person should know of how it was read.
    notes: tuple[str, ...]

    def found(self) -> Mapping[str, T]:
        """The wanted tables and columns that are there."""
        ...

    def rows(self, table: str, there: T, first: int) -> pl.DataFrame:
        """The live rows that a run of the school year `first` looks at, text columns named by their codes."""
        ...

    def newest_year(self, there: T) -> int | None:
        """The newest ENR.YR among all live rows; None when it is no number."""
        ...


def read_tables(reader: Reader, shown: str, first: int, failures: tuple[type[Exception], ...]) -> AeriesTables:
    """Everything a run of the school year `first` needs.

    Parameters
    ----------
    shown
        What messages call the database; no secret in it.
    failures
        What its driver raises.

    Raises
    ------
    InputError
        when it cannot be read, lacks a needed table or column, or holds a date-time with a time zone.
    """
    with plainly(shown, "looking for its tables", failures):
        found = reader.found()
    names, notes = usable({table: there.columns for table, there in found.items()}, shown)
    tables = {}
    for table in names:
        try:
            with plainly(shown, f"reading {table}", failures):
                raw = reader.rows(table, found[table], first)
        except TimeZoneFound as found_in:
            raise zone_refused(f"{shown}: {table}.{found_in}") from None
        tables[table] = tidied(table, raw, shown)
    with plainly(shown, "reading ENR", failures):
        newest = reader.newest_year(found["ENR"])
    return assembled(tables, first, newest=newest, source=shown, name=reader.name, notes=[*notes, *reader.notes])


@contextmanager
def plainly(shown: str, doing: str, failures: tuple[type[Exception], ...]) -> Iterator[None]:
    """What a driver complains of becomes a sentence of ours: its own may quote a row or a login."""
    try:
        yield
    except failures as failure:
        if is_out_of_memory(failure):
            raise MemoryError from None
        said = f"{doing}: {type(failure).__name__} {getattr(failure, 'orig', None) or failure}"
        refusal = next(
            refusal for refusal in _refusals() if re.search(refusal["seen"], said, re.IGNORECASE | re.DOTALL)
        )
    else:
        return
    raise InputError(f"{shown}: while {doing}, {refusal['sentence']}.", refusal["cure"]) from None


def is_duckdb(file: Path) -> bool:
    """Whether the file is a DuckDB database."""
    try:
        with file.open("rb") as opened:
            return opened.read(12)[8:] == b"DUCK"
    except (OSError, ValueError):
        return False


def no_duckdb(shown: str) -> InputError:
    """What to say of a DuckDB database."""
    return InputError(
        f"{shown} is a DuckDB database, which senrkit does not read.",
        "Write its tables out (COPY STU TO 'exports/STU.csv', and so ENR, LOC, XRF, LAC) and name that folder.",
    )


@lru_cache(maxsize=1)
def _refusals() -> list[dict[str, str]]:
    return tomllib.loads(resources.files(__package__).joinpath("database_refusals.toml").read_text("utf-8"))["refusal"]
