"""Rules about the shape of single values: length, dates, characters, required fields, codes in force."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import polars as pl
from polars import col

from senrkit import reference
from senrkit.calpads.records import filled
from senrkit.calpads.rule import Ask, Rule, doubtful_code, in_force, rule
from senrkit.reference import SchoolYear

_CONTROL_CHARACTER = r"[\p{Cc}\x{FFFD}]"
_NAME_CHARACTER = r"^[\p{L}\p{M}\p{Nd}.\-'/ ]*$"
_NAMES = (
    "local_id first_name middle_name last_name alias_first_name alias_middle_name alias_last_name birth_city"
).split()
_DATES = {"birth_date": "birth", "start_date": "start", "exit_date": "exit"}
_DIGITS = {"school_code": 7, "nps_code": 7, "ssid": 10, "receiver_school": 7, "residence_district": 7}
# CALPADS finds the record to delete by these; what else a delete carries is thrown away.
_REQUIRED_TO_DELETE = ["record_type", "reporting_lea", "school_code", "start_date"]
_DOUBTFUL = pl.lit(True)


def _too_long(year: SchoolYear) -> Iterator[Ask]:
    """Lengths that the public record does not confirm prove nothing."""
    for field in _layout(year).values():
        longer = col(field["field"]).str.len_chars() > field["max_length"]
        unsure = _DOUBTFUL if field["max_length_certainty"] != "seen" else None
        yield _ask(field, longer, unsure, limit=pl.lit(str(field["max_length"])))


def _no_calendar_date(year: SchoolYear) -> Iterator[Ask]:
    for name, day in _DATES.items():
        yield _ask(_layout(year)[name], filled(name) & col(day).is_null())


def _wrong_character(year: SchoolYear) -> Iterator[Ask]:
    for name, field in _layout(year).items():
        yield _ask(field, col(name).str.contains(r"[^0-9/ ]" if field["type"] == "DT" else _CONTROL_CHARACTER))


def _required_blank(year: SchoolYear) -> Iterator[Ask]:
    for name, field in _layout(year).items():
        if field["required"] == "Y":
            yield _ask(field, ~filled(name) if name in _REQUIRED_TO_DELETE else ~filled(name) & ~col.deletes)


def _unknown_code(year: SchoolYear) -> Iterator[Ask]:
    for name, field in _coded(year).items():
        unknown = filled(name) & ~_is_code(field)
        yield _ask(field, unknown, _incomplete(field), value=col(name))


def _code_not_in_force(year: SchoolYear) -> Iterator[Ask]:
    """Tested against the year of the start date; the page does not say which date CALPADS takes. Of a code that may be
    retired it cannot be told."""
    coded = {name: field for name, field in _coded(year).items() if field["code_set"] != "yes_no"}
    for name, field in coded.items():
        retired = _is_code(field) & col.started.is_not_null() & ~in_force(name, field["code_set"])
        yield _ask(field, retired, _incomplete(field), value=col(name))
    for name, field in coded.items():
        yield _ask(field, doubtful_code(name, field["code_set"]), _DOUBTFUL, value=col(name))


def _wrong_character_in_name(year: SchoolYear) -> Iterator[Ask]:
    """Control characters are FRMT0004's; both would say one thing twice. The page speaks of names and ids: of a birth
    city it cannot be told."""
    for name in _NAMES:
        wrong = ~col(name).str.contains(_NAME_CHARACTER) & ~col(name).str.contains(_CONTROL_CHARACTER)
        yield _ask(_layout(year)[name], wrong, _DOUBTFUL if name == "birth_city" else None)


def _not_all_digits(year: SchoolYear) -> Iterator[Ask]:
    """A spreadsheet that opened the file drops leading zeros and writes an SSID as 1.23E+09."""
    for name, count in _DIGITS.items():
        wrong = filled(name) & ~col(name).str.contains(rf"^[0-9]{{{count}}}$")
        yield _ask(_layout(year)[name], wrong, count=pl.lit(str(count)))


def _transaction_not_accepted(year: SchoolYear) -> Iterator[Ask]:
    accepted = col.transaction.is_in(sorted(reference.codes("transaction", year)))
    yield Ask(filled("transaction") & ~accepted, {"value": col.transaction})


RULES = [
    Rule("FRMT0001", "file", True, _too_long),
    Rule("FRMT0002", "file", True, _no_calendar_date),
    Rule("FRMT0004", "file", True, _wrong_character),
    Rule("GERR0001", "file", True, _required_blank),
    Rule("GERR0002", "file", False, _unknown_code),
    Rule("GERR0007", "file", False, _code_not_in_force),
    Rule("GERR0008", "file", True, _transaction_not_accepted),
    Rule("IVR0009", "file", False, _wrong_character_in_name),
    Rule("local-digits", "file", True, _not_all_digits),
    rule("local-alias-pair", filled("alias_first_name") != filled("alias_last_name")),
    # CALPADS Data Guide 11: not asked for with status 50.
    rule("local-birth-country", col.status.is_in(["10", "20", "30"]) & ~filled("birth_country")),
]


def _ask(field: dict[str, Any], offends: pl.Expr, doubtful: pl.Expr | None = None, **holes: pl.Expr) -> Ask:
    return Ask(offends, {"field": pl.lit(field["title"]), **holes}, field["field"], doubtful)


@cache
def _layout(year: SchoolYear) -> dict[str, dict[str, Any]]:
    """The fields of the year by name."""
    return {field["field"]: field for field in reference.fields(year).rows(named=True)}


def _coded(year: SchoolYear) -> dict[str, dict[str, Any]]:
    return {name: field for name, field in _layout(year).items() if field["code_set"] not in ("", "transaction")}


def _is_code(field: dict[str, Any]) -> pl.Expr:
    return col(field["field"]).is_in(sorted(reference.all_codes(field["code_set"])))


def _incomplete(field: dict[str, Any]) -> pl.Expr | None:
    """Where the official code list was not found whole, an unlisted code cannot be judged."""
    return _DOUBTFUL if field["code_list"] == "incomplete" else None
