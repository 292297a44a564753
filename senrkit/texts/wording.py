"""Plain words for every id that people meet: actions, reasons, holds, preconditions, steps. The words are in `texts/`.

`reasons.csv` holds them: `kind, id, title, sentence, cure`. An id may stand under several kinds, as a mid-year change
is a reason both to update and to add. `meanings` are those of GLOSSARY.md.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

# A row of the glossary, but its heading and the line below.
_ROW = re.compile(r"^\| (?!word \||---)(.+?) \| (.+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Phrase:
    """What an id means: `title` for a cell, `sentence` for a reader, `cure` for whoever has to do something."""

    title: str
    sentence: str = ""
    cure: str = ""


@dataclass(frozen=True)
class SheetColumn:
    """A column of a sheet of the workbook. Those that are not `printed` stand at the right of all others."""

    name: str
    heading: str
    width: int
    wrap: bool
    printed: bool = True


def phrase(kind: str, id: str) -> Phrase:
    """The words for an id; an id without words is its own title, so that nothing is hidden."""
    return phrases(kind).get(id, Phrase(id))


@cache
def phrases(kind: str) -> Mapping[str, Phrase]:
    """All ids of a kind, in the order of the file."""
    found = [row for row in rows("reasons.csv") if row["kind"] == kind]
    return {row["id"]: Phrase(row["title"], row["sentence"], row["cure"]) for row in found}


@cache
def sheet_columns(sheet: str) -> tuple[SheetColumn, ...]:
    """The columns of a sheet of the workbook, from left to right."""
    found = [row for row in rows("workbook.csv") if row["sheet"] == sheet]
    return tuple(
        SheetColumn(row["column"], row["heading"], int(row["width"]), row["wrap"] == "yes", row["printed"] != "no")
        for row in found
    )


@cache
def covering_sheet() -> Mapping[str, Any]:
    """The passages of `READ_ME_FIRST.txt` by name, and its `headings`."""
    return tomllib.loads(_read("covering_sheet.toml"))


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """The lines of one of the tables in `texts/`, by their headings. They are shared: do not change them."""
    return tuple(csv.DictReader(_read(name).splitlines()))


@cache
def meanings() -> Mapping[str, str]:
    """Word of the field → what it means, as plain text. Several words of one line (`IVR, CVR, CDD`) are one key.

    GLOSSARY.md stands beside the package in a checkout, and inside it when installed.
    """
    package = Path(str(resources.files("senrkit")))
    places = (package / "_GLOSSARY.md", package.parent / "GLOSSARY.md")
    text = next(place for place in places if place.is_file()).read_text(encoding="utf-8")
    return {_plain(word): _plain(meaning) for word, meaning in _ROW.findall(text)}


def _plain(cell: str) -> str:
    return re.sub(r"[`*]", "", cell)


def _read(name: str) -> str:
    return resources.files("senrkit.texts").joinpath(name).read_text(encoding="utf-8")
