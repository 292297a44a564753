"""Values of Aeries columns as text: one spelling for a number, a yes or no, a day, whatever the source calls it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial

import polars as pl
from polars import col

from senrkit.errors import InputError

_ISO = re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?P<rest>.*)", re.DOTALL)
_BASIC_ISO = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?P<rest>)")
_YEAR_LAST = re.compile(
    r"(?P<first>\d{1,2})(?P<mark>[/.\-])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})(?P<rest>(?!\d).*)", re.DOTALL
)
_MONTH_NAMED = re.compile(r"(?P<day>\d{1,2})[-/ ](?P<month>[A-Za-z]{3})[-/ ](?P<year>\d{4}|\d{2})(?P<rest>)")
_SERIAL = re.compile(r"[2-6]\d{4}(\.\d+)?")
_MONTHS = {
    name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}
# Of a year with two digits: below this it is of this century, so that nobody who is enrolled was born in the future.
_OF_THIS_CENTURY = 50
_CLOCK = re.compile(r"[T ]\s*\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(\s*[AP]M)?", re.IGNORECASE)
_WHOLE_NUMBER = r"^(-?[0-9]+)\.0+$"
_LEADING_ZEROS = r"^0+([0-9]+)$"

# Excel counts days from here; the two days it is off before March 1900 touch no pupil.
_EXCEL_DAY_ZERO = dt.date(1899, 12, 30)
_EXCEL_LAST_DAY = 2_958_465


class TimeZoneFound(Exception):
    """A date-time says which zone it is in, so the school day that it means is open. Never carries the value."""


def texts(values: Sequence[object]) -> pl.Series:
    """Values as a database driver or a workbook gives them, as text, none of it unknown.

    None becomes `""`; a yes or no `1` or `0`; a whole number loses its decimal point; dates and date-times become
    `CCYY-MM-DD`, the time of day dropped.

    Raises
    ------
    TimeZoneFound
        when a date-time has a time zone.
    """
    known = _Spellings()
    return pl.Series([known[value] for value in values], dtype=pl.String)


class _Spellings(dict):
    # A column holds few different values. That 1, 1.0, True and Decimal(1) share a place is meant: all are "1".
    def __missing__(self, value: object) -> str:
        text = self[value] = _spelling(value)
        return text


def _spelling(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "1" if value else "0"
        case float() | Decimal():
            return _number(value)
        case dt.datetime() if value.tzinfo is not None:
            raise TimeZoneFound
        case dt.date():
            return value.isoformat()[:10]
        case bytes():
            return str(value[0]) if len(value) == 1 and value[0] < 2 else value.decode("utf-8", "replace")
        case _:
            return str(value)


def _number(value: float | Decimal) -> str:
    if value != value:
        return ""
    if value == value // 1:
        return str(int(value))
    return format(value, "f") if isinstance(value, Decimal) else repr(value)


def tidy(column: pl.Series, kind: str, where: str) -> pl.Series:
    """One column as `tidied` spells it; `where` names it in a message."""
    return tidied(column.to_frame(where), {where: kind})[where]


def tidied(raw: pl.DataFrame, kinds: Mapping[str, str], where: str = "") -> pl.DataFrame:
    """Text columns, their values spelled the way every Aeries frame spells them.

    Stripped on both sides; null is `""`; a whole number has no decimal point, and as `int`, which keys are, no leading
    zeros. `kinds` are those of `aeries_columns()`: a
    `date` becomes `CCYY-MM-DD` from ISO text, with or without a time of day, and what is no date, or has the year last
    (`spelled_days`), stays as it stands; a `flag` becomes `1` or `0` from true and false. `where` stands before a
    column's name in a message.

    Raises
    ------
    InputError
        when a date-time has a time zone; the message has the column, never the value.
    """
    if not kinds:
        # A table without one column that is known; whoever asked says which are missing.
        return raw.select()
    plain = raw.select(col(name).fill_null("").str.strip_chars() for name in kinds)
    # To look is much quicker than to replace, and hardly a column has anything to be replaced.
    days, flags, numbers = ([name for name, kind in kinds.items() if kind == one] for one in ("date", "flag", "int"))
    zeros = col(numbers).str.starts_with("0") & (col(numbers).str.len_bytes() > 1)
    found = plain.select(
        pl.exclude(days).str.contains(".0", literal=True).any().name.prefix("decimals "),
        zeros.any().name.prefix("zeros "),
        col(days + flags).unique().implode().name.prefix("texts "),
    ).row(0, named=True)
    spelled = {name: col(name) for name in kinds}
    for name in kinds:
        if found.get(f"decimals {name}"):
            spelled[name] = spelled[name].str.replace(_WHOLE_NUMBER, "$1")
        if found.get(f"zeros {name}"):
            spelled[name] = spelled[name].str.replace(_LEADING_ZEROS, "$1")
    for name in days:
        spelled[name] = col(name).replace(_changes(found[f"texts {name}"], partial(_day, where=f"{where}{name}")))
    for name in flags:
        spelled[name] = spelled[name].replace(_changes(found[f"texts {name}"], _flag))
    return plain.select(**spelled)


def excel_days(column: pl.Series) -> pl.Series:
    """Numbers in a workbook's date column, as the days Excel means by them; everything else as it stands."""
    return _replaced(column, _excel_day)


def zone_refused(where: str) -> InputError:
    """The error for a date-time with a time zone in the column `where`."""
    return InputError(
        f"{where} holds a date-time with a time zone, so the school day it means is not certain.",
        "Give the column as a plain date, or as a date-time without a zone.",
    )


def _replaced(column: pl.Series, spell: Callable[[str], str]) -> pl.Series:
    return column.replace(_changes(column.unique(), spell))


def _changes(texts: Iterable[str], spell: Callable[[str], str]) -> dict[str, str]:
    """What is spelled otherwise. Each different value is spelled once; a district has far fewer days than rows."""
    return {text: new for text in texts if (new := spell(text)) != text}


def _flag(text: str) -> str:
    return {"true": "1", "false": "0"}.get(text.lower(), text)


def _day(text: str, where: str) -> str:
    year_last = _YEAR_LAST.fullmatch(text)
    found = _ISO.fullmatch(text) or year_last or _BASIC_ISO.fullmatch(text)
    if not found:
        return text
    rest = found["rest"].rstrip()
    clock = _CLOCK.match(rest)
    if clock and rest[clock.end() :].strip():
        raise zone_refused(where)
    if year_last or (rest and not clock):
        return text
    try:
        return dt.date(int(found["year"]), int(found["month"]), int(found["day"])).isoformat()
    except ValueError:
        return text


def spelled_days(columns: Sequence[pl.Series]) -> tuple[list[pl.Series], str]:
    """Date columns of one source with days such as 8/31/2026 spelled `CCYY-MM-DD`, and which order was found.

    Whether day or month comes first is decided over all columns together: at least one value must fit one order alone.
    Values that fit only the other order stay as they stand, and all of them where nothing decides. The order is
    `month-first`, `day-first`, `undecided`, or `""` where no value has the year last. Years of two digits, months by
    name (31-Aug-26) and the day numbers of a spreadsheet are read where the whole column is written so.
    """
    columns = [_whole_column(column) for column in columns]
    found = {}
    for column in columns:
        texts = [text for text in column.unique() if text]
        of_column = {text: day for text in texts if (day := _YEAR_LAST.fullmatch(text))}
        two_digits = {text for text, day in of_column.items() if len(day["year"]) == 2}
        if two_digits and len(two_digits) < len(texts):
            of_column = {text: day for text, day in of_column.items() if text not in two_digits}
        found |= of_column
    if not found:
        return columns, ""
    read = {order: {text: _ordered_day(day, order) for text, day in found.items()} for order in _ORDERS}
    alone = {
        order: sum(days[text] is not None and read[other][text] is None for text in found)
        for (order, days), other in zip(read.items(), reversed(_ORDERS), strict=True)
    }
    if len(set(alone.values())) == 1:
        # Nothing speaks for one order, or as much for the one as for the other.
        return columns, "undecided"
    order = max(_ORDERS, key=lambda order: alone[order])
    return [_replaced(column, lambda text: read[order].get(text) or text) for column in columns], order


_ORDERS = ("month-first", "day-first")


def _whole_column(column: pl.Series) -> pl.Series:
    """A column that is written in one of the ways that need no order, from end to end."""
    texts = [text for text in column.unique() if text]
    if texts and all(_MONTH_NAMED.fullmatch(text) for text in texts):
        return _replaced(column, _day_of_named_month)
    if texts and all(_SERIAL.fullmatch(text) for text in texts):
        return _replaced(column, _excel_day)
    return column


def _day_of_named_month(text: str) -> str:
    found = _MONTH_NAMED.fullmatch(text)
    month = _MONTHS.get(found["month"].lower()) if found else None
    if month is None:
        return text
    try:
        return dt.date(_full_year(found["year"]), month, int(found["day"])).isoformat()
    except ValueError:
        return text


def _full_year(written: str) -> int:
    if len(written) == 4:
        return int(written)
    return int(written) + (2000 if int(written) < _OF_THIS_CENTURY else 1900)


def _ordered_day(found: re.Match[str], order: str) -> str | None:
    rest = found["rest"].rstrip()
    month, day = (found["first"], found["second"]) if order == "month-first" else (found["second"], found["first"])
    if rest and not _CLOCK.fullmatch(rest):
        return None
    try:
        return dt.date(_full_year(found["year"]), int(month), int(day)).isoformat()
    except ValueError:
        return None


def _excel_day(text: str) -> str:
    try:
        days = int(float(text))
    except (ValueError, OverflowError):
        return text
    # Longer numbers are days written without separators, which `tidy` knows.
    return (_EXCEL_DAY_ZERO + dt.timedelta(days)).isoformat() if 0 < days <= _EXCEL_LAST_DAY else text
