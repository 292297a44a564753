"""A language run as the page finds it again: `language.json` for what was counted, `language.xlsx` for the students.

The page shows what the run folder says, whoever made it: this page, another one, or a scheduled `senrkit language`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from senrkit.errors import InputError
from senrkit.inputs.spreadsheet import sheets
from senrkit.texts import wording

_DOCUMENT, _WORKBOOK, _APPLIED = "language.json", "language.xlsx", "language_applied.json"
_IMPORTS = ("aeries_import_STU.csv", "aeries_import_LAC.csv")
_NOT_IN_AERIES = ("rolled-back", "taken-back")
SHEETS = ("new", "conflicts", "to_be_determined", "refused", "vendor")
_NOT_LISTED = "agrees"
ROWS_SHOWN = 400


@dataclass(frozen=True)
class Comparison:
    """A finished language run: its folder, and its own figures; no student."""

    folder: Path
    document: Mapping[str, Any]

    @property
    def made(self) -> datetime:
        return datetime.fromisoformat(self.document["made"])

    @property
    def files(self) -> list[Path]:
        """What can be taken away, as far as it is still there; import files only while there is something to import."""
        useless = () if self.listed()["new"] and not self.applied else _IMPORTS
        names = [Path(name).name for name in self.document["files"]]
        return [path for name in names if name not in useless and (path := self.folder / name).is_file()]

    @property
    def applied(self) -> bool:
        """Whether what is proposed here was written to Aeries, or may have been."""
        record = self.folder / _APPLIED
        if not record.is_file():
            return False
        try:
            return json.loads(record.read_text(encoding="utf-8"))["state"] not in _NOT_IN_AERIES
        except (ValueError, KeyError, TypeError):
            return True

    def listed(self) -> dict[str, int]:
        """Sheet → how many students stand on it."""
        counts, waiting = self.document["counts"], self.document["to_be_determined"]
        return {
            "new": counts["proposed"],
            "conflicts": sum(school["total"] for school in self.document["conflicts_by_school"]),
            "to_be_determined": waiting["over"] + waiting.get("exempt", 0),
            "refused": counts["class"]["refused"],
            # An older senrkit knew of no test vendor.
            "vendor": sum(count for name, count in counts.get("vendor", {}).items() if name != _NOT_LISTED),
        }


def newest_comparison(runs: Path, lea: str, school_year: str) -> Comparison | None:
    """The language run of this LEA and school year that was made last, or `None`."""
    found = [one for path in runs.glob(f"*/{_DOCUMENT}") if (one := _opened(path.parent)) is not None]
    own = [one for one in found if (one.document["lea"], one.document["school_year"]) == (lea, school_year)]
    return max(own, key=lambda one: (one.made, (one.folder / _DOCUMENT).stat().st_mtime_ns), default=None)


def students(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The first `ROWS_SHOWN` students of each of `SHEETS`, as the workbook has them; column name → text or number.

    Raises
    ------
    InputError
        when the workbook is gone or damaged.
    """
    try:
        book = sheets(_WORKBOOK, (folder / _WORKBOOK).read_bytes())
        listed = Comparison(folder, json.loads((folder / _DOCUMENT).read_text(encoding="utf-8"))).listed()
        return {name: _rows(book, name, number) for name, number in listed.items()}
    except (OSError, ValueError, KeyError, InputError):
        raise InputError(
            f"The workbook in {folder.name} cannot be read.", "Close it in the spreadsheet program, or compare again."
        ) from None


def _rows(book: Mapping[str, Sequence[Sequence[Any]]], name: str, number: int) -> list[dict[str, Any]]:
    # An empty sheet holds one row, which says so.
    if not number:
        return []
    columns = [column.name for column in wording.sheet_columns(f"language_{name}")]
    rows = book[wording.phrase("language-sheet", name).title][1 : 1 + min(number, ROWS_SHOWN)]
    # An older senrkit wrote fewer columns.
    return [dict.fromkeys(columns, "") | dict(zip(columns, map(_cell, row), strict=False)) for row in rows]


def _cell(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _opened(folder: Path) -> Comparison | None:
    try:
        document = json.loads((folder / _DOCUMENT).read_text(encoding="utf-8"))
        comparison = Comparison(folder, document)
        known = {"lea", "school_year", "as_of", "files", "inputs", "notes", "counts"} <= document.keys()
        return comparison if known and comparison.made and comparison.listed() else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
