"""What people decided about proposed actions: `decisions.csv`, read, applied to a proposal, added to.

The file is append-only. A later line about the same action on the same enrollment replaces an earlier one, also when
it only takes the decision back. A person may edit the file with a spreadsheet, which rewrites dates and drops zeros;
both are understood. Source: interface page, Decisions.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import hashlib
import io
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars import col

from senrkit.disk import append_whole, is_full, locked_to_append
from senrkit.errors import InputError
from senrkit.frames import days
from senrkit.inputs.spreadsheet import WORKBOOK, Lines, decoded, lines, separator_of
from senrkit.system.files import why
from senrkit.texts import wording
from senrkit.texts.card import Carded

ACTIONS = ("add", "update", "delete")
_HELD_BY = ("hold", "not-an-error")
_KEY = ["ssid", "school_code", "start_date"]
IDENTITY_CHECKED = "identity-checked"
# What of an `identity-checked` may be left blank: it is about students, not about an enrollment.
_OF_AN_ENROLLMENT = ("school_code", "start_date", "action")
FILE, CHECKED_FILE = "decisions.csv", "identity_checked.csv"
_CHECKED_COLUMNS = ("line", "group", "digest")
_SENT_OR_SAME = ("same", *ACTIONS)
_AS_SPREADSHEETS_WRITE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})")
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


@dataclass(frozen=True, repr=False)
class Applied(Carded):
    """What the decisions do to a proposal.

    Attributes
    ----------
    held
        Bool, for each of the actions: to be held with the reason `decision`.
    fits
        Decisions whose action is proposed: the columns of the file, `line`, `action_row` (the action's `row`).
    no_longer_fits
        Decisions that were not applied: the columns of the file, `line`, `why` (`not-proposed`, `other-action`,
        `expired`).
    """

    held: pl.Series
    fits: pl.DataFrame
    no_longer_fits: pl.DataFrame


def read(path: Path) -> pl.DataFrame:
    """The decisions file as text columns and `line` (a number); a file that does not exist holds no decision.

    `start_date` comes out as `CCYYMMDD`, `expires` as ISO, `school_code` with its seven digits.

    Raises
    ------
    InputError
        when the file cannot be read, a column is missing, or a line holds what no decision can be.
    """
    return parse(read_bytes(path), path.name)


def in_force(path: Path, as_of: dt.date) -> pl.DataFrame:
    """The columns of the file: of each action the last line that was not taken back and does not end before `as_of`.

    Raises
    ------
    InputError
        as `read`.
    """
    return standing(read(path), as_of)


def standing(decisions: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    """`in_force` of lines that are read already."""
    last = decisions.unique([*_KEY, "action"], keep="last", maintain_order=True)
    ends = days.of_iso(col("expires"))
    return last.filter(col("taken_back") == "", ends.is_null() | (ends >= as_of)).select(COLUMNS)


def story(decisions: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    """Every decision that was ever made, newest first, with what became of it.

    The columns of the file and `state` (`in-force`, `ended` by its day, `replaced`, `taken-back`), `ended_by` and
    `ended_on`: who replaced it or took it back, and when.
    """
    key = [*_KEY, "action"]
    back = col("taken_back").shift(-1).over(key)
    told = decisions.with_columns(
        state=pl.when(back.is_null())
        .then(pl.when(days.of_iso(col("expires")) < as_of).then(pl.lit("ended")).otherwise(pl.lit("in-force")))
        .otherwise(pl.when(back != "").then(pl.lit("taken-back")).otherwise(pl.lit("replaced"))),
        ended_by=col("author").shift(-1).over(key).fill_null(""),
        ended_on=pl.when(back == "").then(col("made").shift(-1).over(key)).otherwise(back).fill_null(""),
    )
    # A line that takes back is the end of another one, not a decision.
    return told.filter(col("taken_back") == "").drop("line").reverse()


def read_bytes(path: Path) -> bytes | None:
    """What the decisions file holds; `None` when there is none. Raises `InputError` when it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(
            f"The decisions file {path} cannot be read ({why(error, path)}).", "Close it, or see that it is yours."
        ) from None


def parse(data: bytes | None, name: str) -> pl.DataFrame:
    """The decisions in the bytes of a file called `name`, or of none; as `read`."""
    if data is None:
        return _frame([])
    if data.startswith(WORKBOOK):
        raise InputError(f"{name} is a workbook, not a CSV file.", "Save it as CSV, then run again.")
    found = lines(name, data)
    at = _heading(found)
    if at is None:
        # Without its headings; what is said names those that are missing.
        _columns(found[0][1] if found else [], name)
        return _frame([])
    columns = _columns(found[at][1], name)
    rows = []
    for number, cells in found[at + 1 :]:
        values = dict(zip(columns, cells, strict=False))
        rows.append(_checked(values, f"{name}, line {number}") | {"line": number})
    return _frame(rows)


def _heading(found: Lines) -> int | None:
    """Where the headings stand: a title, or the date of an export, may stand above them."""
    known = set(COLUMNS)
    return next(
        (at for at, (_, cells) in enumerate(found[:6]) if len(known & {cell.lower() for cell in cells}) > 2), None
    )


def apply(decisions: pl.DataFrame, actions: pl.DataFrame, as_of: dt.date) -> Applied:
    """Which actions the decisions hold, which decisions fit, and which no longer do.

    A decision applies while its action is what is intended for its enrollment (SSID, school, start date), through the
    day on which it expires, unless it was taken back. Of several about one action the last line counts. `hold` and
    `not-an-error` hold everything of the student that is not held already.
    """
    about_actions = decisions.filter(col("decision") != IDENTITY_CHECKED)
    last = about_actions.unique([*_KEY, "action"], keep="last", maintain_order=True)
    last = last.filter(col("taken_back") == "").with_columns(expired=days.of_iso(col("expires")) < as_of)
    decided = actions.select(*_KEY, action="intended", action_row="row").join(last, _KEY, "semi", maintain_order="left")
    proposed = decided.unique([*_KEY, "action"], keep="first")
    known = decided.select(_KEY).unique().with_columns(is_known=True)
    met = last.join(proposed, [*_KEY, "action"], "left", maintain_order="left")
    met = met.join(known, _KEY, "left", maintain_order="left").with_columns(col("expired").fill_null(False))
    why = (
        pl.when("expired")
        .then(pl.lit("expired"))
        .when("is_known")
        .then(pl.lit("other-action"))
        .otherwise(pl.lit("not-proposed"))
    )
    applies = col("action_row").is_not_null() & ~col("expired")
    fits = met.filter(applies).drop("expired", "is_known")
    students = fits.filter(col("decision").is_in(_HELD_BY))["ssid"]
    can_be_held = (col("action") != "hold") & col("intended").is_in(_SENT_OR_SAME)
    return Applied(
        held=actions.select(held=can_be_held & col("ssid").is_in(students.implode())).to_series(),
        fits=fits,
        no_longer_fits=met.filter(~applies).with_columns(why=why).drop("expired", "is_known", "action_row"),
    )


@dataclass(frozen=True, repr=False)
class Checked(Carded):
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
    known: pl.DataFrame

    @classmethod
    def read(cls, decisions: pl.DataFrame, as_of: dt.date, beside: Path) -> Checked:
        """The lines in force of a decisions file, and what is kept of them in the file beside it.

        Raises
        ------
        InputError
            when the file beside it is damaged.
        """
        last = decisions.filter(col("decision") == IDENTITY_CHECKED).unique("ssid", keep="last", maintain_order=True)
        expired = (days.of_iso(col("expires")) < as_of).fill_null(False)
        last = last.filter(col("taken_back") == "", ~expired)
        named = {
            hashlib.sha256("^".join(said).encode()).hexdigest()[:16]: ssids_named(*said[:2])
            for said in last.select("ssid", "reason", "author", "made").iter_rows()
        }
        return cls(named, _checked_before(beside / CHECKED_FILE))

    def __call__(self, conflicts: pl.DataFrame) -> pl.Series:
        """Which conflicts (`identity.CONFLICT_COLUMNS`) are cleared."""
        return pl.Series([bool(self._line_of(group, digest)) for group, digest in _groups(conflicts)], dtype=pl.Boolean)

    def keep(self, conflicts: pl.DataFrame, beside: Path) -> None:
        """Keep, for every line used for the first time, what was compared; the file is made, private, when missing.

        Raises
        ------
        InputError
            when it cannot be written.
        """
        before = set(self.known.iter_rows())
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
            seen = self.known.filter(col("line") == line, col("group") == group)["digest"].to_list()
            if not seen or digest in seen:
                return line
        return ""


def ssids_named(ssid: str, reason: str) -> frozenset[str]:
    """The SSIDs that an `identity-checked` names."""
    return frozenset([ssid, *re.findall(r"\b\d{10}\b", reason)])


def _groups(conflicts: pl.DataFrame) -> list[tuple[str, str]]:
    """Of each conflict all SSIDs concerned, and one digest of everything that was compared among them."""
    digests = col("digest").unique().sort().str.join("+").over("group")
    return conflicts.select("group", digests).rows()


def _checked_before(path: Path) -> pl.DataFrame:
    try:
        found = pl.read_csv(path, infer_schema=False, empty_string_is_null=False)
        return found.select(_CHECKED_COLUMNS)
    except FileNotFoundError:
        return pl.DataFrame(schema=dict.fromkeys(_CHECKED_COLUMNS, pl.String))
    except (OSError, pl.exceptions.PolarsError):
        raise InputError(
            f"{path} is damaged.", "Move it away: identity-checked then counts for the values of today."
        ) from None


def append(path: Path, *made: Decision, look: Callable[[pl.DataFrame], None] | None = None) -> list[dict[str, str]]:
    """Add a line for each, all or none, also when several programs write; the file is made, private, when missing.

    The lines come back as `read` will give them: what was typed over several lines is one.
    `look` is given what the file holds (as `read`) while nobody else can add to it; when it raises, nothing is added.

    Raises
    ------
    InputError
        when a decision is not one that `read` would take, or the file cannot be written.
    """
    lines = [_checked(dataclasses.asdict(one), "The decision") for one in made]
    _append(path, COLUMNS, lines, look)
    return lines


def _append(
    path: Path,
    columns: Sequence[str],
    lines: Sequence[Mapping[str, str]],
    look: Callable[[pl.DataFrame], None] | None = None,
) -> None:
    try:
        with locked_to_append(path) as handle:
            _append_locked(handle, columns, lines, path.name, look)
    except OSError as error:
        sentence = (
            "there is no room left on the disk" if is_full(error) else f"it is read-only or not yours ({why(error)})"
        )
        raise InputError(
            f"The decision was not kept: {path} cannot be written, {sentence}.", "Mend that and decide again."
        ) from None


def _append_locked(
    handle: int,
    columns: Sequence[str],
    added: Sequence[Mapping[str, str]],
    name: str,
    look: Callable[[pl.DataFrame], None] | None,
) -> None:
    os.lseek(handle, 0, os.SEEK_SET)
    with os.fdopen(os.dup(handle), "rb") as file:
        before = file.read()
    if look is not None:
        look(parse(before if before.strip() else None, name))
    addition, separator = "", ","
    if before.strip():
        if before.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise InputError(f"{name} was saved as UTF-16, to which nothing can be added.", "Save it as CSV in UTF-8.")
        # Who re-saved the file may have moved the columns, and separated them otherwise.
        found = lines(name, before)
        at = _heading(found)
        columns = _columns(found[at or 0][1] if found else [], name, columns)
        separator = separator_of(decoded(name, before))
        addition += "" if before.endswith(b"\n") else "\r\n"
    else:
        addition += _csv_line(columns, separator)
    for cells in added:
        # A spreadsheet takes a cell that begins so for a formula, and runs it (OWASP, CSV injection).
        guarded = [re.sub(r"^([=+\-@\t\r\n])", r"'\1", cells.get(column, "")) for column in columns]
        addition += _csv_line(guarded, separator)
    append_whole(handle, addition.encode())


def _columns(heading: list[str], name: str, needed: Sequence[str] = COLUMNS) -> list[str]:
    columns = [column.strip().lower() for column in heading]
    missing = [column for column in needed if column not in columns]
    if columns and missing:
        raise InputError(f"{name} has no column {', no column '.join(missing)}.", _CURE)
    return columns


def _csv_line(cells: Sequence[str], separator: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\r\n").writerow(cells)
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
            # Decisions are of this century.
            return dt.date(year if year > 99 else 2000 + year, month, day)
        return dt.date.fromisoformat(value) if "-" in value else dt.datetime.strptime(value, "%Y%m%d").date()
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


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, dict.fromkeys(COLUMNS, pl.String) | {"line": pl.Int64})
