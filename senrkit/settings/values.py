"""What the value of a setting must look like. Each reader returns the value as senrkit holds it, or raises `BadValue`.

Values that might be a secret are never repeated in a complaint.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from senrkit.addresses.address import without_secret
from senrkit.reference import SchoolYear

Reader = Callable[[Any], Any]

# What SENR holds beside identity and demographics (reconciliation.md 5).
COMPARED = (
    "status",
    "grade",
    "exit_date",
    "exit_reason",
    "completion_status",
    "receiver_school",
    "transfer_code",
    "residence_district",
    "uc_csu",
    "golden_state_seal",
    "biliteracy_seal",
    "graduation_exemption",
    "transition_status",
)

_LEA = re.compile(r"[0-9]{7}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")


class BadValue(ValueError):
    """What is wrong with a value and how to mend it; `key` when it is one line of a table."""

    def __init__(self, problem: str, cure: str, key: str = "") -> None:
        super().__init__(problem)
        self.problem, self.cure, self.key = problem, cure, key


def nearest(name: str, known: Iterable[str]) -> str:
    """ "Did you mean `x`?", or "" when nothing known is near."""
    spelled = {word.lower(): word for word in known}
    near = get_close_matches(name.lower(), spelled, n=1, cutoff=0.6)
    return f"Did you mean {spelled[near[0]]}?" if near else ""


def is_url(source: str) -> bool:
    """A database or API address rather than a folder."""
    return _URL.match(source) is not None


def flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise BadValue(
        f"should be true or false, not {_kind(value)}", "Write true or false, in small letters, without quotes."
    )


def text(value: Any) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, str):
        raise BadValue("is blank", "Fill it in, or take the line out.")
    raise BadValue(f"should be text, not {_kind(value)}", "Write it in quotes.")


def whole_number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue(f"should be a whole number, not {_kind(value)}", "Write digits only, without quotes.")
    if value < 0:
        raise BadValue("is negative", "Write 0 or more.")
    return value


def day(value: Any) -> dt.date:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    raise BadValue(f"should be a date, not {_kind(value)}", "Write the day alone and without quotes, as 2026-11-23.")


def one_of(*allowed: str) -> Reader:
    def read(value: Any) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        found = f'"{value}"' if isinstance(value, str) else _kind(value)
        suggestion = nearest(value, allowed) if isinstance(value, str) else ""
        raise BadValue(f"should be {_either(allowed)}, not {found}", suggestion)

    return read


def list_of(read_item: Reader) -> Reader:
    """A list, each item read by `read_item`; an item that stands in it twice counts once."""

    def read(value: Any) -> tuple[Any, ...]:
        if isinstance(value, list):
            return tuple(dict.fromkeys(read_item(item) for item in value))
        raise BadValue(f"should be a list, not {_kind(value)}", 'Write a list between [ and ], as ["a", "b"].')

    return read


def one_or_more(value: Any) -> tuple[str, ...]:
    """One text, or a list of them that is not empty."""
    texts = list_of(text)(value) if isinstance(value, list) else (text(value),)
    if texts:
        return texts
    raise BadValue("is an empty list", "Name a file or a folder.")


def school_year(value: Any) -> SchoolYear:
    try:
        year = SchoolYear.parse(text(value))
    except ValueError:
        year = None
    # CALPADS opened in 2009-2010.
    if year and 2009 <= year.first < 2100:
        return year
    raise BadValue("is not a school year", 'Write two years that follow each other, in quotes, as "2026-2027".')


def lea(value: Any) -> str:
    if isinstance(value, str) and _LEA.fullmatch(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        raise BadValue("is a number, not text", f'Write it in quotes, "{value:07d}".')
    raise BadValue(
        "is not a seven-digit code", 'Write the county and district code, or a charter\'s own code, as "1999990".'
    )


def schools(value: Any) -> str | tuple[str, ...]:
    if isinstance(value, list):
        return list_of(_aeries_school)(value)
    if value in ("all", "default"):
        return value
    found = f'"{value}"' if isinstance(value, str) else _kind(value)
    raise BadValue(
        f'should be "all", "default" or a list of Aeries school codes, not {found}', "Write a list as [990, 994]."
    )


def comparable_field(value: Any) -> str:
    if value in COMPARED:
        return value
    if not isinstance(value, str):
        raise BadValue(f"should hold field names, not {_kind(value)}", "Write each name in quotes.")
    raise BadValue(
        f'names the field "{value}", which is not compared',
        nearest(value, COMPARED) or f"Choose among {', '.join(COMPARED)}.",
    )


def compared_fields(value: Any) -> tuple[str, ...]:
    fields = list_of(comparable_field)(value)
    if fields:
        return fields
    raise BadValue(
        "is an empty list, so nothing would be compared", "Name a field, or take the line out to compare all."
    )


def address(value: Any) -> str:
    """Where Aeries is: a folder, or an address without a password in it."""
    source = text(value)
    if without_secret(source) == source:
        return source
    raise BadValue(
        "holds a password",
        "Take it out of this file, put it into an environment variable and name the variable in password_env.",
    )


def schema_name(value: Any) -> str:
    """The name of a schema of a database: it stands in statements, so nothing but a plain name."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_][\w$#-]*", value):
        return value
    raise BadValue("is no name of a schema", 'Write it as text, such as "dbo".')


def variable_name(value: Any) -> str:
    if isinstance(value, str) and _VARIABLE.fullmatch(value):
        return value
    raise BadValue(
        "is not the name of an environment variable",
        'Write the variable\'s name, as "AERIES_PASSWORD", never the password itself.',
    )


def pairs(value: Any) -> Mapping[str, str]:
    """A table of text to text, blank on neither side."""
    if not isinstance(value, Mapping):
        raise BadValue(f"should be a table, not {_kind(value)}", "Write its lines as from = to, under its heading.")
    for left, right in value.items():
        if not left.strip():
            raise BadValue("has a line with nothing before the =", "Fill in the code, or take the line out.")
        try:
            text(right)
        except BadValue as wrong:
            raise BadValue(wrong.problem, wrong.cure, key=left) from None
    return {left.strip(): right.strip() for left, right in value.items()}


def _aeries_school(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        # Aeries numbers its schools; 0990 and 990 are one school.
        return str(int(value))
    raise BadValue("should hold Aeries school codes, which are whole numbers", "Write a list as [990, 994].")


def _either(allowed: tuple[str, ...]) -> str:
    return " or ".join(f'"{choice}"' for choice in allowed)


def _kind(value: Any) -> str:
    kinds = (
        (bool, "true or false"),
        (str, "text"),
        ((int, float), "a number"),
        (dt.datetime, "a date with a time"),
        (dt.date, "a date"),
        (dt.time, "a time"),
        (list, "a list"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "a table")
