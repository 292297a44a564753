"""Rules about the shape of single values: length, dates, characters, required fields, codes in force."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow.compute as pc

from senrkit import reference
from senrkit.calpads.records import Records, in_years, school_years
from senrkit.calpads.rule import CheckContext, Hits, by_field, hits, one_after_another, rule
from senrkit.calpads.values import value
from senrkit.frames import text
from senrkit.reference import SchoolYear

_CONTROL_CHARACTER = r"[\p{Cc}\x{FFFD}]"
_NAME_CHARACTER = r"^[\p{L}\p{M}\p{Nd}.\-'/ ]*$"
_NAMES = (
    "local_id first_name middle_name last_name alias_first_name alias_middle_name alias_last_name birth_city"
).split()
_DIGITS = {"school_code": 7, "nps_code": 7, "ssid": 10, "receiver_school": 7, "residence_district": 7}
# CALPADS finds the record to delete by these; what else a delete carries is thrown away.
_REQUIRED_TO_DELETE = frozenset({"record_type", "reporting_lea", "school_code", "start_date"})


@rule("FRMT0001", deletes=True)
def too_long(records: Records, context: CheckContext) -> Hits:
    """Lengths that the public record does not confirm prove nothing."""
    layout = _layout(context.year)
    found = []
    for field in layout:
        length = pc.utf8_length(text.arrow(records.frame[field.field])).to_numpy()
        found.append((field.field, field.title, length > field.max_length, {"limit": str(field.max_length)}))
    return by_field(found, frozenset(field.field for field in layout if field.max_length_certainty != "seen"))


@rule("FRMT0002", deletes=True)
def no_calendar_date(records: Records, context: CheckContext) -> Hits:
    parsed = {"birth_date": records.birth, "start_date": records.start, "exit_date": records.exit}
    titles = _titles(context)
    return by_field([(f, titles[f], records.filled(f) & np.isnat(day), {}) for f, day in parsed.items()])


@rule("FRMT0004", deletes=True)
def wrong_character(records: Records, context: CheckContext) -> Hits:
    found = []
    for field in _layout(context.year):
        wrong = records.fits(field.field, r"[^0-9/ ]" if field.type == "DT" else _CONTROL_CHARACTER)
        found.append((field.field, field.title, wrong, {}))
    return by_field(found)


@rule("GERR0001", deletes=True)
def required_blank(records: Records, context: CheckContext) -> Hits:
    found = []
    for field in _layout(context.year):
        if field.required == "Y":
            asked = True if field.field in _REQUIRED_TO_DELETE else ~records.deletes
            found.append((field.field, field.title, ~records.filled(field.field) & asked, {}))
    return by_field(found)


@rule("GERR0002")
def unknown_code(records: Records, context: CheckContext) -> Hits:
    found = []
    for field, title, codes in _coded(context):
        unknown = records.filled(field) & ~records.is_(field, *reference.all_codes(codes))
        found.append((field, title, unknown, {"value": records.frame[field]}))
    return by_field(found, doubtful=_incomplete(context))


@rule("GERR0007")
def code_not_in_force(records: Records, context: CheckContext) -> Hits:
    """Tested against the year of the start date; the page does not say which date CALPADS takes. Of a code that may be
    retired it cannot be told."""
    years = school_years(records.start)
    found, in_doubt = [], []
    for field, title, codes in _coded(context):
        if codes == "yes_no":
            continue
        known = records.is_(field, *reference.all_codes(codes)) & ~np.isnan(years)
        in_force = records.in_force(field, codes)
        found.append((field, title, known & ~in_force, {"value": records.frame[field]}))
        doubtful = in_years(years, lambda year: records.is_(field, *reference.doubtful_codes(codes, year)))  # noqa: B023
        in_doubt.append((field, title, doubtful, {"value": records.frame[field]}))
    of_these = frozenset(field for field, *_ in in_doubt)
    return one_after_another(by_field(found, _incomplete(context)), by_field(in_doubt, of_these))


@rule("GERR0008", deletes=True)
def transaction_not_accepted(records: Records, context: CheckContext) -> Hits:
    accepted = records.is_("transaction", *reference.codes("transaction", context.year))
    return hits(records.filled("transaction") & ~accepted, value=records.frame["transaction"])


@rule("IVR0009")
def wrong_character_in_name(records: Records, context: CheckContext) -> Hits:
    """Control characters are FRMT0004's; both would say one thing twice. The page speaks of names and ids: of a birth
    city it cannot be told."""
    titles = _titles(context)
    found = []
    for field in _NAMES:
        wrong = ~records.fits(field, _NAME_CHARACTER) & ~records.fits(field, _CONTROL_CHARACTER)
        found.append((field, titles[field], wrong, {}))
    return by_field(found, doubtful=frozenset({"birth_city"}))


@rule("local-digits", deletes=True)
def not_all_digits(records: Records, context: CheckContext) -> Hits:
    """A spreadsheet that opened the file drops leading zeros and writes an SSID as 1.23E+09."""
    titles = _titles(context)
    found = []
    for field, count in _DIGITS.items():
        wrong = records.filled(field) & ~records.fits(field, rf"^[0-9]{{{count}}}$")
        found.append((field, titles[field], wrong, {"count": str(count)}))
    return by_field(found)


@rule("local-alias-pair")
def half_an_alias(records: Records, context: CheckContext) -> Hits:
    return hits(records.filled("alias_first_name") != records.filled("alias_last_name"))


@rule("local-birth-country")
def birth_country_blank(records: Records, context: CheckContext) -> Hits:
    asked = records.is_("status", *value("birth_country", "asked_with_status"))
    return hits(asked & ~records.filled("birth_country"))


@cache
def _layout(year: SchoolYear) -> tuple:
    """The fields of the year as named tuples; asked for by several rules of every file."""
    return tuple(reference.fields(year).itertuples(index=False))


def _coded(context: CheckContext) -> list[tuple[str, str, str]]:
    layout = _layout(context.year)
    return [(field.field, field.title, field.code_set) for field in layout if field.code_set not in ("", "transaction")]


def _incomplete(context: CheckContext) -> frozenset[str]:
    """Fields whose official code list was not found whole: an unlisted code cannot be judged."""
    return frozenset(field.field for field in _layout(context.year) if field.code_list == "incomplete")


def _titles(context: CheckContext) -> dict[str, str]:
    return {field.field: field.title for field in _layout(context.year)}
