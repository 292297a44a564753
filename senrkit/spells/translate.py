"""Local codes become state codes: through `XRF`, then the settings file, which wins (reconciliation.md 2.3).

A filled local code without a translation is never guessed: it comes out as unknown and is counted, and precondition P10
stops the run on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl

from senrkit import reference
from senrkit.reference import SchoolYear

# The settings' and P10's name of a translation set, with the table and field under which XRF keeps it.
XRF_SETS: dict[str, tuple[str, str]] = {
    name: tuple(name.split("."))  # type: ignore[misc]
    for name in ("STU.SP STU.GR ATT.RS STU.HSG STU.IT STU.GN STU.LF STU.HL STU.BST STU.BCU STU.SF".split())
}
MID_YEAR_CHANGE = "440"


@dataclass
class Translator:
    """The translations of one run, and the local codes met that have none.

    `ambiguous` holds local codes that XRF translates in two ways and the settings do not settle.
    """

    year: SchoolYear
    tables: Mapping[str, Mapping[str, str]]
    ambiguous: frozenset[tuple[str, str]] = frozenset()
    missing: dict[tuple[str, str], int] = field(default_factory=dict)

    def codes(self, name: str, column: pl.Series, counted: pl.Series | None = None) -> pl.Series:
        """Local codes as state codes.

        Blank stays blank (a blank program is status 10), unknown stays unknown. Codes without a translation become
        unknown, and are noted in `missing` with the number of rows among `counted`; by default none is counted.
        """
        answers = {local: self._answer(name, local) for local in column.drop_nulls().unique()}
        if counted is not None:
            lost = [local for local, answer in answers.items() if answer is None]
            for local, rows in column.filter(column.is_in(lost) & counted).value_counts().iter_rows():
                self.missing[name, local] = self.missing.get((name, local), 0) + rows
        return column.replace_strict(answers, default=None, return_dtype=pl.String)

    def _answer(self, name: str, local: str) -> str | None:
        if (name, local) in self.ambiguous:
            return None
        table = self.tables.get(name, {})
        return table[local] if local in table else _DEFAULTS.get(name, _no_default)(local, self.year)

    def missing_codes(self) -> pl.DataFrame:
        """Local codes without a translation: `set`, `code` (text), `rows` (number), most rows first."""
        rows = [(name, code, count) for (name, code), count in self.missing.items()]
        schema = {"set": pl.String, "code": pl.String, "rows": pl.Int64}
        return pl.DataFrame(rows, schema, orient="row").sort("rows", "set", "code", descending=[True, False, False])


def translator(xrf: pl.DataFrame, settings: Mapping[str, Mapping[str, str]], year: SchoolYear) -> Translator:
    """The translations of `XRF` (set `CLPD`, district-wide rows) with those of the settings laid over them."""
    tables: dict[str, dict[str, str]] = {}
    ambiguous: set[tuple[str, str]] = set()
    by_place = {place: name for name, place in XRF_SETS.items()}
    district_wide = xrf.filter(
        pl.col("TC") == "CLPD", pl.col("SC").is_in(["0", ""]), pl.col("CD1") != "", pl.col("CD") != ""
    )
    for table, column, local, state in district_wide.select("TC1", "FC1", "CD1", "CD").iter_rows():
        name = by_place.get((table, column))
        if name is None:
            continue
        known = tables.setdefault(name, {}).setdefault(local, state)
        if known != state:
            ambiguous.add((name, local))
    for name, pairs in settings.items():
        tables.setdefault(name, {}).update(pairs)
        ambiguous -= {(name, local) for local in pairs}
    return Translator(year, tables, frozenset(ambiguous))


def _no_default(local: str, year: SchoolYear) -> str | None:
    return "" if local == "" else None


def _status(local: str, year: SchoolYear) -> str | None:
    return "10" if local == "" else None


def _grade(local: str, year: SchoolYear) -> str | None:
    if local == "":
        return ""
    try:
        number = int(local)
    except ValueError:
        return None
    named = {-1: "TK", 0: "KN"}
    return named.get(number) or (f"{number:02d}" if 1 <= number <= 12 else None)


def _exit_reason(local: str, year: SchoolYear) -> str | None:
    """Three digits that are the digits of exactly one current state code become that code; 440 is `E150`."""
    if local == "":
        return ""
    if local == MID_YEAR_CHANGE:
        return "E150"
    if len(local) != 3 or not local.isdigit():
        return None
    same_digits = [code for code in reference.codes("exit_reason", year) if code[1:] == local]
    return same_digits[0] if len(same_digits) == 1 else None


def _itself(code_set: str) -> Callable[[str, SchoolYear], str | None]:
    # Demographics only ride along and are never compared; Aeries itself stores F, M and US, so a code that is
    # already a state code stands for itself.
    def answer(local: str, year: SchoolYear) -> str | None:
        return local if local == "" or local in reference.codes(code_set, year) else None

    return answer


_DEFAULTS: dict[str, Callable[[str, SchoolYear], str | None]] = {
    "STU.SP": _status,
    "STU.GR": _grade,
    "ATT.RS": _exit_reason,
    "STU.GN": _itself("gender"),
    "STU.SF": _itself("suffix"),
    "STU.BCU": _itself("birth_country"),
    "STU.BST": _itself("birth_state"),
}
