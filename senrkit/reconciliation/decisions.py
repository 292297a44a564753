"""What people decided about proposed actions: `decisions.csv`, read, applied to a proposal, added to.

The file is append-only. A later line about the same action on the same enrollment replaces an earlier one, also when
it only takes the decision back. A person may edit the file with a spreadsheet, which rewrites dates and drops zeros;
both are understood. Source: interface page, Decisions.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import errno
import hashlib
import io
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from senrkit.disk import locked
from senrkit.errors import InputError
from senrkit.frames import dates, text
from senrkit.frames.text import formula_safe
from senrkit.texts import wording

ACTIONS = ("add", "update", "delete")
_HELD_BY = ("hold", "not-an-error")
_KEY = ["ssid", "school_code", "start_date"]
IDENTITY_CHECKED = "identity-checked"
# What of an `identity-checked` may be left blank: it is about students, not about an enrollment.
_OF_AN_ENROLLMENT = ("school_code", "start_date", "action")
CHECKED_FILE = "identity_checked.csv"
_CHECKED_COLUMNS = ("line", "group", "digest")
_SENT_OR_SAME = ("same", *ACTIONS)
_AS_SPREADSHEETS_WRITE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_CURE = "Correct the line in the decisions file, then run again."


@dataclass(frozen=True)
class Decision:
    """One line of the decisions file. Days are `CCYYMMDD` in `start_date`, ISO elsewhere; `""` means not filled."""

    ssid: str
    school_code: str
    start_date: str
    action: str
    decision: str
    reason: str
    author: str
    made: str
    expires: str = ""
    taken_back: str = ""


COLUMNS = tuple(field.name for field in dataclasses.fields(Decision))


@dataclass(frozen=True)
class Applied:
    """What the decisions do to a proposal.

    Attributes
    ----------
    held
        Bool, on the index of the actions: to be held with the reason `decision`.
    fits
        Decisions whose action is proposed: the columns of the file, `line`, `action_row` (index in the actions).
    no_longer_fits
        Decisions that were not applied: the columns of the file, `line`, `why` (`not-proposed`, `other-action`,
        `expired`).
    """

    held: pd.Series
    fits: pd.DataFrame
    no_longer_fits: pd.DataFrame


def read(path: Path) -> pd.DataFrame:
    """The decisions file as text columns and `line` (int64); a file that does not exist holds no decision.

    `start_date` comes out as `CCYYMMDD`, `expires` as ISO, `school_code` with its seven digits.

    Raises
    ------
    InputError
        when the file cannot be read, a column is missing, or a line holds what no decision can be.
    """
    return parse(read_bytes(path), path.name)


def read_bytes(path: Path) -> bytes | None:
    """What the decisions file holds; `None` when there is none. Raises `InputError` when it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        raise InputError(f"The decisions file {path} cannot be read.", "Check that it is a file and yours.") from None


def parse(data: bytes | None, name: str) -> pd.DataFrame:
    """The decisions in the bytes of a file called `name`, or of none; as `read`."""
    if data is None:
        return _frame([])
    lines = csv.reader(io.StringIO(_decoded(data, name), newline=""))
    rows = []
    try:
        columns = _columns(next(lines, []), name)
        for cells in lines:
            if any(cell.strip() for cell in cells):
                found = dict(zip(columns, cells, strict=False))
                rows.append(_checked(found, f"{name}, line {lines.line_num}") | {"line": lines.line_num})
    except csv.Error:
        raise InputError(f"{name}, line {lines.line_num}: this is not CSV.", _CURE) from None
    return _frame(rows)


def apply(decisions: pd.DataFrame, actions: pd.DataFrame, as_of: dt.date) -> Applied:
    """Which actions the decisions hold, which decisions fit, and which no longer do.

    A decision applies while its action is what is intended for its enrollment (SSID, school, start date), through the
    day on which it expires, unless it was taken back. Of several about one action the last line counts. `hold` and
    `not-an-error` hold everything of the student that is not held already.
    """
    about_actions = decisions[(decisions["decision"] != IDENTITY_CHECKED).to_numpy()]
    last = about_actions.drop_duplicates([*_KEY, "action"], keep="last")
    last = last[last["taken_back"] == ""]
    expired = dates.from_iso(last["expires"]) < dates.stamp(as_of)
    among = actions if len(last) else actions.iloc[:0]
    row = text.positions(text.joined([last[c] for c in (*_KEY, "action")]), _keys(among, [*_KEY, "intended"]))
    is_known = text.is_in(_keys(last, _KEY), _keys(among, _KEY))
    applies = (row >= 0) & ~expired.to_numpy()
    why = text.choose(is_known, text.constant("other-action", last.index), "not-proposed")
    why = text.choose(expired.to_numpy(), "expired", why)
    fits = last.assign(action_row=row)[applies]
    students = fits.loc[fits["decision"].isin(_HELD_BY), "ssid"]
    can_be_held = (actions["action"] != "hold") & actions["intended"].isin(_SENT_OR_SAME)
    return Applied(
        held=can_be_held & text.is_in(actions["ssid"], students),
        fits=fits.assign(action_row=actions.index.to_numpy()[fits["action_row"]]).reset_index(drop=True),
        no_longer_fits=last.assign(why=why)[~applies].reset_index(drop=True),
    )


@dataclass(frozen=True)
class Checked:
    """People's word that SSIDs are right (`identity-checked`): it clears conflicts of identity among the SSIDs that it
    names, in `ssid` and `reason`, until a value that was compared changes.

    Attributes
    ----------
    named
        By the line's own digest, the SSIDs that it names; lines in force only.
    known
        `line, group, digest`: what was compared when a line was first used. A line without one is new.
    """

    named: Mapping[str, frozenset[str]]
    known: pd.DataFrame

    @classmethod
    def read(cls, decisions: pd.DataFrame, as_of: dt.date, beside: Path) -> Checked:
        """The lines in force of a decisions file, and what is kept of them in the file beside it.

        Raises
        ------
        InputError
            when the file beside it is damaged.
        """
        lines = decisions[(decisions["decision"] == IDENTITY_CHECKED).to_numpy()]
        last = lines.drop_duplicates("ssid", keep="last")
        expired = (dates.from_iso(last["expires"]) < dates.stamp(as_of)).to_numpy()
        last = last[(last["taken_back"] == "").to_numpy() & ~expired]
        said = text.joined([last[name] for name in ("ssid", "reason", "author", "made")])
        named = {
            hashlib.sha256(line.encode()).hexdigest()[:16]: frozenset([ssid, *re.findall(r"\b\d{10}\b", reason)])
            for line, ssid, reason in zip(said, last["ssid"], last["reason"], strict=True)
        }
        return cls(named, _checked_before(beside / CHECKED_FILE))

    def __call__(self, conflicts: pd.DataFrame) -> np.ndarray:
        """Which conflicts (`identity.CONFLICT_COLUMNS`) are cleared."""
        return np.array([bool(self._line_of(group, digest)) for group, digest in _groups(conflicts)], dtype=bool)

    def keep(self, conflicts: pd.DataFrame, beside: Path) -> None:
        """Keep, for every line used for the first time, what was compared; the file is made, private, when missing.

        Raises
        ------
        InputError
            when it cannot be written.
        """
        before = set(self.known[list(_CHECKED_COLUMNS)].itertuples(index=False, name=None))
        used = {
            (line, group, digest) for group, digest in _groups(conflicts) if (line := self._line_of(group, digest))
        } - before
        if used:
            _append(
                beside / CHECKED_FILE,
                _CHECKED_COLUMNS,
                [dict(zip(_CHECKED_COLUMNS, one, strict=True)) for one in sorted(used)],
            )

    def _line_of(self, group: str, digest: str) -> str:
        """The line that clears the conflict: it names every SSID concerned, and what was compared is as it was."""
        for line, named in self.named.items():
            if not frozenset(group.split("|")) <= named:
                continue
            seen = self.known.loc[(self.known["line"] == line) & (self.known["group"] == group), "digest"]
            if seen.empty or digest in set(seen):
                return line
        return ""


def _groups(conflicts: pd.DataFrame) -> list[tuple[str, str]]:
    """Of each conflict all SSIDs concerned, and one digest of everything that was compared among them."""
    by_group = conflicts.groupby("group")["digest"].agg(lambda digests: "+".join(sorted(set(digests))))
    return [(group, by_group[group]) for group in conflicts["group"]]


def _checked_before(path: Path) -> pd.DataFrame:
    try:
        found = pd.read_csv(path, dtype="str", na_filter=False)
        return found[list(_CHECKED_COLUMNS)]
    except FileNotFoundError:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in _CHECKED_COLUMNS})
    except (OSError, ValueError, KeyError):
        raise InputError(
            f"{path} is damaged.", "Move it away: identity-checked then counts for the values of today."
        ) from None


def append(path: Path, decision: Decision) -> None:
    """Add one line, whole or not at all, also when several programs write; the file is made, private, when missing.

    Raises
    ------
    InputError
        when the decision is not one that `read` would take, or the file cannot be written.
    """
    cells = _checked(dataclasses.asdict(decision), "The decision")
    _append(path, COLUMNS, [cells])


def _append(path: Path, columns: Sequence[str], lines: Sequence[Mapping[str, str]]) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
        try:
            with locked(handle):
                _append_locked(handle, columns, lines, path.name)
        finally:
            os.close(handle)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        sentence = "there is no room left on the disk" if full else "it is read-only or not yours"
        raise InputError(
            f"The decision was not kept: {path} cannot be written, {sentence}.", "Mend that and decide again."
        ) from None


def _append_locked(handle: int, columns: Sequence[str], lines: Sequence[Mapping[str, str]], name: str) -> None:
    os.lseek(handle, 0, os.SEEK_SET)
    with os.fdopen(os.dup(handle), "rb") as file:
        before = file.read()
    addition = ""
    if before.strip():
        # Who re-saved the file may have moved the columns.
        columns = _columns(next(csv.reader(_decoded(before, name).splitlines()), []), name, columns)
        addition += "" if before.endswith(b"\n") else "\r\n"
    else:
        addition += _csv_line(columns)
    for cells in lines:
        protected = formula_safe(pd.Series([cells.get(column, "") for column in columns], dtype="str"))
        addition += _csv_line(protected.tolist())
    written = os.write(handle, addition.encode())
    if written != len(addition.encode()):
        os.ftruncate(handle, len(before))
        raise OSError(errno.ENOSPC, "only part of the line was written")
    os.fsync(handle)


def _columns(heading: list[str], name: str, needed: Sequence[str] = COLUMNS) -> list[str]:
    columns = [column.strip().lower() for column in heading]
    missing = [column for column in needed if column not in columns]
    if columns and missing:
        raise InputError(f"{name} has no column {', no column '.join(missing)}.", _CURE)
    return columns


def _csv_line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()


def _checked(found: Mapping[str, str], where: str) -> dict[str, str]:
    """A line's values put right; what cannot be is refused without being quoted, for it may be an SSID."""
    cells = {column: _one_line(found.get(column) or "") for column in COLUMNS}
    of_students = cells["decision"].lower() == IDENTITY_CHECKED
    for column, right in _RIGHT.items():
        if of_students and column in _OF_AN_ENROLLMENT and not cells[column]:
            continue
        try:
            cells[column] = right(cells[column])
        except ValueError as error:
            raise InputError(f"{where}: {column} {error}.", _CURE) from None
    return cells


def _one_line(value: str) -> str:
    value = " ".join(value.split())
    return value[1:] if re.match(r"'[=+\-@]", value) else value


def _ssid(value: str) -> str:
    if not re.fullmatch(r"\d{10}", value):
        raise ValueError("is not ten digits; a spreadsheet may have rewritten it")
    return value


def _school_code(value: str) -> str:
    if not re.fullmatch(r"\d{1,7}", value):
        raise ValueError("is not a seven-digit code")
    return value.zfill(7)


def _day(value: str) -> dt.date:
    written = _AS_SPREADSHEETS_WRITE.fullmatch(value)
    try:
        if written:
            month, day, year = map(int, written.groups())
            return dt.date(year, month, day)
        return dates.day(value)
    except ValueError:
        raise ValueError("is not a day such as 2026-11-23") from None


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def right(value: str) -> str:
        if value.lower() not in allowed:
            raise ValueError(f"is not one of {', '.join(allowed)}")
        return value.lower()

    return right


_RIGHT: Mapping[str, Callable[[str], str]] = {
    "ssid": _ssid,
    "school_code": _school_code,
    "start_date": lambda value: f"{_day(value):%Y%m%d}",
    "action": _one_of(ACTIONS),
    "decision": _one_of(tuple(wording.phrases("decision"))),
    "expires": lambda value: _day(value).isoformat() if value else "",
}


def _decoded(data: bytes, name: str) -> str:
    if b"\0" in data:
        raise InputError(f"{name} is not a CSV file.", "Save it as CSV, then run again.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Spreadsheets on Windows save plain CSV so.
        return data.decode("cp1252", errors="replace")


def _keys(frame: pd.DataFrame, columns: list[str]) -> pd.Series:
    return text.joined([frame[column] for column in columns])


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame({column: pd.Series([row[column] for row in rows], dtype="str") for column in COLUMNS})
    return frame.assign(line=pd.Series([row["line"] for row in rows], dtype="int64"))
