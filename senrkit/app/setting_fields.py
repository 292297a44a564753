"""The settings that coordinators change on the page: how a field shows what the file says, and what its text means.

Nothing that is a secret, or says where a database is, is among them. Whether a value will do is asked of the checker.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from senrkit.addresses.address import address_of
from senrkit.settings.edit import Value
from senrkit.settings.lines import KeyPath


@dataclass(frozen=True)
class Field:
    """One setting. `kind` is what stands in it: `year`, `day`, `lea`, `leas`, `number`, `choice` or `file`."""

    path: KeyPath
    kind: str

    @property
    def name(self) -> str:
        return self.path[-1]


FIELDS = (
    Field(("school_year",), "year"),
    Field(("as_of",), "day"),
    Field(("lea",), "lea"),
    Field(("calpads", "other_leas"), "leas"),
    Field(("calpads", "max_extract_age_days"), "number"),
    Field(("process", "prior_year_open"), "choice"),
    Field(("process", "last_school_day"), "day"),
    Field(("calpads", "senr_extract"), "file"),
    Field(("calpads", "sela_extract"), "file"),
    Field(("calpads", "school_directory"), "file"),
    Field(("calpads", "elpac_file"), "file"),
)


def shown(document: Mapping[str, Any], field: Field) -> str | None:
    """What the file says, as text; "" where it says nothing, `None` where one field cannot show it."""
    found: Any = document
    for name in field.path:
        found = found.get(name, "") if isinstance(found, Mapping) else ""
    if isinstance(found, list):
        if field.kind == "leas":
            return ", ".join(found)
        # Several files of one setting are for an editor.
        found = found[0] if len(found) == 1 else None
    # So is an address: a password may stand in it.
    return None if found is None or (field.kind == "file" and address_of(str(found))) else str(found)


def meant(field: Field, text: str, folder: Path) -> Value:
    """What a text in the field stands for: what cannot be understood is left as it is, for the checker to refuse."""
    if not text:
        return None
    if field.kind == "leas":
        return re.split(r"[\s,;]+", text.strip(" ,;"))
    if field.kind == "number" and text.isascii() and text.isdecimal():
        return int(text)
    if field.kind == "day":
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            return text
    return as_written(text, folder) if field.kind == "file" else text


def as_written(place: str | Path, folder: Path, near: Path | None = None) -> str:
    """A file as the settings in `folder` name it: from there where it lies in it, or in a folder `near` both."""
    path = Path(place)
    if address_of(str(place)) or not path.is_absolute():
        return str(place)
    if path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    if near is not None and path.is_relative_to(near) and folder.is_relative_to(near):
        return Path(os.path.relpath(path, folder)).as_posix()
    return str(path)
