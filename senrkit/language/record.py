"""What was written to Aeries, kept in the run folder: `language_applied.json` and `language_undo.sql`.

Written before the first change and again at the end, each time whole or not at all, so that the folder of a killed run
still says what was about to happen.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from senrkit import disk
from senrkit.errors import InputError
from senrkit.language.changes import Change, Rows
from senrkit.language.statements import Raw
from senrkit.system.files import why

RECORD, UNDO = "language_applied.json", "language_undo.sql"
BEGUN, APPLIED, ROLLED_BACK, UNKNOWN = "begun", "applied", "rolled-back", "unknown"
TAKING_BACK, TAKEN_BACK = "taking-back", "taken-back"


@dataclass(frozen=True)
class Record:
    """`changes` were, or were to be, made to the rows `before`, which became `after`.

    `history` has an entry a step: `state`, `by`, `at`, `because`; the last one counts. `from_vendor` are the students
    whose status CALPADS did not hold yet (`STU.ID`).
    """

    database: str
    shown: str
    students: tuple[str, ...]
    ssids: tuple[str, ...]
    changes: tuple[Change, ...]
    before: Rows
    after: Rows
    history: tuple[Mapping[str, str], ...] = field(default=())
    from_vendor: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        return self.history[-1]["state"] if self.history else ""


def entry(state: str, by: str, because: str = "") -> dict[str, str]:
    """A step for the history, with the time."""
    return {
        "state": state,
        "by": by,
        "at": dt.datetime.now(dt.UTC).astimezone().isoformat(timespec="seconds"),
        "because": because,
    }


def write_record(folder: Path, record: Record) -> None:
    """`language_applied.json`, replaced in one step.

    Raises
    ------
    InputError
        when the folder cannot be written.
    """
    document = {
        "state": record.state,
        "database": record.database,
        "address": record.shown,
        "students": list(record.students),
        "ssids": list(record.ssids),
        "from_vendor": list(record.from_vendor),
        "history": [dict(step) for step in record.history],
        "changes": [_change(change) for change in record.changes],
        "before": _rows(record.before),
        "after": _rows(record.after),
    }
    write_whole(folder / RECORD, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def read_record(folder: Path) -> Record:
    """What `write_record` wrote.

    Raises
    ------
    InputError
        when the folder has none, or it is damaged.
    """
    path = folder / RECORD
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Record(
            document["database"],
            document["address"],
            tuple(document["students"]),
            tuple(document["ssids"]),
            tuple(_read_change(each) for each in document["changes"]),
            _read_rows(document["before"]),
            _read_rows(document["after"]),
            tuple(document["history"]),
            # An older senrkit knew of none.
            tuple(document.get("from_vendor", ())),
        )
    except FileNotFoundError:
        raise InputError(
            f"Nothing was written to Aeries by the run in {folder}.", "Name the folder of a run that used --apply."
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({why(error)}).", "Check that the folder is yours.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path} is damaged.", f"Take the changes back with {UNDO}, after looking at it.") from None


def write_whole(path: Path, content: str) -> None:
    """A private file, on the disk in full before it takes its name.

    Raises
    ------
    InputError
        when it cannot be written.
    """
    try:
        disk.write_whole(path, content.encode())
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({why(error, path)}).", "Make room, or see that the folder is yours."
        ) from None


def _change(change: Change) -> dict[str, Any]:
    row = {code: _plain(value) for code, value in change.row.items()}
    return {"kind": change.kind, "table": change.table, "row": row, "column": change.column} | {
        name: _plain(getattr(change, name)) for name in ("old", "new")
    }


def _read_change(each: Mapping[str, Any]) -> Change:
    row = {code: _raw(value) for code, value in each["row"].items()}
    return Change(each["kind"], each["table"], row, each["column"], _raw(each["old"]), _raw(each["new"]))


def _rows(rows: Rows) -> list[dict[str, Any]]:
    return [
        {
            "table": table,
            "key": [_plain(value) for value in key],
            "row": {code: _plain(value) for code, value in row.items()},
        }
        for (table, key), row in rows.items()
    ]


def _read_rows(listed: Sequence[Mapping[str, Any]]) -> Rows:
    return {
        (each["table"], tuple(map(_raw, each["key"]))): {code: _raw(value) for code, value in each["row"].items()}
        for each in listed
    }


def _plain(value: Raw) -> Any:
    """Text, whole numbers and NULL as they are; a day or moment named as one, so that it comes back as one."""
    if isinstance(value, dt.datetime):
        return {"moment": value.isoformat()}
    return {"day": value.isoformat()} if isinstance(value, dt.date) else value


def _raw(value: Any) -> Raw:
    if isinstance(value, dict):
        ((kind, text),) = value.items()
        return dt.datetime.fromisoformat(text) if kind == "moment" else dt.date.fromisoformat(text)
    return value
