"""`senrkit language --apply`: bring new EL and IFEP into Aeries, all of them or none.

One transaction: read the rows and compare them with what was decided on, write the undo file, change one row at a time
comparing every old value and every row count, read back, commit, look once more. Whatever is not as expected takes
everything back (aeries_database.md 5.3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from senrkit.errors import InputError, SenrkitError, Stopped, UsageError
from senrkit.language import record as kept
from senrkit.language import statements
from senrkit.language.changes import (
    Change,
    Rows,
    as_expected,
    day_value,
    expected_after,
    known_to_idn,
    others,
    read_rows,
    spelled,
    who,
)
from senrkit.language.database import FAILURES, WriteDatabase, in_plain_words, plain, write_database
from senrkit.language.record import Record
from senrkit.language.work import LanguageRun
from senrkit.ledger.journal import this_person
from senrkit.progress import NoProgress, Progress
from senrkit.reference.elas import lac_dates

_SEEN = {
    "new": "seen so by another connection",
    "old": "another connection sees the old values: somebody else has taken it back",
    "neither": "another connection sees other values: somebody else has changed a row since",
    "unreachable": "the database did not answer another connection",
}
NOTHING_CHANGED = "Everything was taken back: Aeries is as it was."
NOTHING_UNDONE = "Nothing was undone: what the run wrote is in Aeries still."


@dataclass(frozen=True)
class Written:
    """What was written to Aeries, or taken back. `state` as in `language_applied.json`; counts only, no student."""

    state: str
    students: int
    rows: dict[str, int]
    database: str
    folder: Path

    def document(self) -> dict[str, Any]:
        """For machines."""
        return {
            "state": self.state,
            "students": self.students,
            "rows": dict(self.rows),
            "database": self.database,
            "folder": str(self.folder),
        }

    def summary_lines(self) -> list[str]:
        """For people: one line."""
        if not self.students:
            return (
                ["Nothing had to be written."] if self.state == kept.APPLIED else ["Nothing was in, so nothing to do."]
            )
        done = "taken back from" if self.state == kept.TAKEN_BACK else "written to"
        rows = ", ".join(f"{count:,} of {table}" for table, count in self.rows.items())
        return [f"{self.students:,} students {done} the database {self.database}: rows {rows}."]


def write_to_aeries(
    run: LanguageRun, confirm: int | None, *, person: str | None = None, progress: Progress | None = None
) -> Written:
    """Write what the run proposes to the database of `[aeries] write_source`.

    Parameters
    ----------
    confirm
        The number of students, as the person has read it in the plan.
    person
        Who does it; default the user of this computer.

    Raises
    ------
    UsageError
        when `confirm` is not the number of students, or the database is none that may be written to.
    Stopped
        when Aeries is not as it was when the run read it, or does not hold what was written; everything is taken back.
    InputError
        when the database cannot be reached, is locked, or the connection breaks.
    """
    progress, person = progress or NoProgress(), person or this_person()
    students = len(run.proposed)
    if not students and not confirm:
        return Written(kept.APPLIED, 0, {}, "", run.folder)
    if confirm != students:
        asked = "" if confirm is None else f", not {confirm:,}"
        raise UsageError(f"The plan is about {students:,} students{asked}.", f"Read it, then add --confirm {students}.")
    progress.step("checking the database to write to")
    with write_database(run.settings) as database:
        local_ids, ssids = tuple(run.proposed["local_id"]), tuple(run.proposed["ssid"])

        def begin(connection: sa.Connection) -> Record:
            before = read_rows(connection, database, local_ids, ssids)
            _refuse_changed(run, before, known_to_idn(connection, database, local_ids))
            if who(connection, database, local_ids) != {tuple(map(str.strip, row)) for row in run.who.rows()}:
                raise _changed("a name or a birth date was changed")
            changes = _changes(run, before, database, connection.dialect.name)
            history = (kept.entry(kept.BEGUN, person),)
            early = tuple(run.proposed.filter(pl.col("proposed_from") == "vendor")["local_id"])
            planned = Record(database.name, database.shown, local_ids, ssids, changes, before, before, history, early)
            return replace(planned, after=expected_after(before, changes))

        return carry_out(database, begin, run.folder, person, progress)


def carry_out(
    database: WriteDatabase,
    begin: Callable[[sa.Connection], Record],
    folder: Path,
    person: str,
    progress: Progress,
    *,
    undoing: bool = False,
) -> Written:
    """Make the changes of the record that `begin` gives, in one transaction, and keep the record up to date.

    `begin` reads and compares inside the transaction; what it raises ends it. When undoing, the record is that of the
    changes to be taken back.
    """
    planned: Record | None = None
    committing = False
    states = (kept.TAKING_BACK, kept.TAKEN_BACK) if undoing else (kept.BEGUN, kept.APPLIED)
    try:
        with database.transaction() as connection:
            progress.step("reading the rows to be changed")
            planned = begin(connection)
            changes = _in_order(planned, undoing)
            progress.step("writing the undo file")
            if not undoing:
                _write_undo(folder, planned, database, connection)
            kept.write_record(folder, planned)
            around = others(connection, database, planned.students)
            progress.step("writing to Aeries", total=len(changes))
            _make(connection, database, changes, progress)
            progress.step("reading back")
            planned = _read_back(connection, database, planned, undoing)
            if others(connection, database, planned.students) != around:
                raise Stopped(
                    "Rows of other students changed with it: a trigger of the database alters them.",
                    "Use the import files instead, and tell the database's administrator.",
                )
            kept.write_record(folder, planned)
            progress.step("committing")
            committing = True
            connection.commit()
            committing = False
    except SenrkitError as stopped:
        _note(folder, planned, kept.entry(kept.ROLLED_BACK, person, stopped.message), undoing)
        said = NOTHING_UNDONE if undoing else NOTHING_CHANGED
        raise type(stopped)(f"{stopped.message} {said}", stopped.cure) from None
    except FAILURES as failure:
        _ended_badly(database, planned, folder, person, failure, committing, undoing)
    progress.step("looking once more")
    assert planned is not None
    seen = _seen_from_outside(database, planned, undoing)
    done = replace(planned, history=(*planned.history, kept.entry(states[1], person, _SEEN[seen])))
    try:
        kept.write_record(folder, done)
    except InputError as unwritten:
        raise InputError(f"The changes are in Aeries, but {unwritten.message}", unwritten.cure) from None
    rows = {table: sum(change.table == table for change in changes) for table in ("STU", "LAC")}
    return Written(states[1], len(planned.students), rows, database.name, folder)


def _changes(run: LanguageRun, before: Rows, database: WriteDatabase, dialect: str) -> tuple[Change, ...]:
    """One change for each STU row (LF), one for each LAC row (the day)."""
    by_student: dict[str, list[dict]] = {}
    for (table, _), row in before.items():
        by_student.setdefault(f"{table} {spelled(row['ID'])}", []).append(row)
    changes = []
    wanted = run.proposed.select("local_id", "proposed_lf", "proposed_column", "proposed_day")
    for local_id, code, column, day in wanted.rows():
        rows = by_student[f"STU {local_id}"]
        for row in rows:
            key = {name: row[name] for name in statements.KEYS["STU"]}
            changes.append(Change("update", "STU", key, "LF", row["LF"], code))
        new = day_value(day, database.tables["LAC"].columns[column], dialect)
        parent = {"ID": rows[0]["ID"]}
        for row in by_student.get(f"LAC {local_id}", []):
            if spelled(row[column], column) == "":
                changes.append(Change("update", "LAC", {"ID": row["ID"]}, column, row[column], new))
        if f"LAC {local_id}" not in by_student:
            changes.append(Change("insert", "LAC", parent, column, None, new))
    return tuple(changes)


def _refuse_changed(run: LanguageRun, before: Rows, in_idn: set[str]) -> None:
    """Raise `Stopped` when a student's rows are not those that the run decided on."""
    live = [row for (table, _), row in before.items() if table == "STU"]
    lac = {spelled(row["ID"]): row for (table, _), row in before.items() if table == "LAC"}
    owners: dict[str, set[str]] = {}
    for owned, student in run.proposed.select("ssid", "local_id").rows():
        owners.setdefault(owned, set()).add(student)
    found: dict[str, set[tuple[str, ...]]] = {}
    for row in live:
        ssid = spelled(row["CID"]).strip()
        found.setdefault(spelled(row["ID"]), set()).add(
            (spelled(row["SC"]), spelled(row["SN"]), spelled(row["LF"]).strip())
        )
        if ssid and spelled(row["ID"]) not in owners.get(ssid, ()):
            raise _changed("a second live student has the SSID, or the student has another one")
    planned: dict[str, set[tuple[str, ...]]] = {}
    local = dict(run.proposed.select("local_id", "local_lf").rows())
    for school, number, student in run.stu_rows.select("SC", "SN", "ID").rows():
        planned.setdefault(student, set()).add((school, number, local[student]))
    if found != planned:
        raise _changed("a row of STU was changed, added or deleted")
    for each in run.proposed.rows(named=True):
        row = lac.get(each["local_id"])
        if (row is not None) != (each["lac_rows"] > 0) or (row is None and each["local_id"] not in in_idn):
            raise _changed("a row of LAC or IDN was added or deleted")
        days = {code: spelled(row[code], code) for code in lac_dates().values() if code in row} if row else {}
        wanted = {each["proposed_column"]: each["proposed_day"].isoformat()}
        if any(day not in ("", wanted.get(code, "")) for code, day in days.items()):
            raise _changed("a day in LAC was changed")


def _changed(what: str) -> Stopped:
    return Stopped(f"Aeries has changed since it was read: {what}.", "Run senrkit language again.")


def _in_order(planned: Record, undoing: bool) -> Sequence[Change]:
    if not undoing:
        return planned.changes
    return [change.taken_back(planned.after) for change in reversed(planned.changes)]


def _write_undo(folder: Path, planned: Record, database: WriteDatabase, connection: sa.Connection) -> None:
    dialect = connection.dialect
    back = [change.taken_back(planned.after).statement(database.tables) for change in reversed(planned.changes)]
    begun = planned.history[-1]
    head = (
        f"-- Takes back what senrkit language wrote to the database {database.name}.\n"
        f"-- {len(planned.students)} students, {len(back)} rows; {begun['by']}, {begun['at']}.\n"
        "-- Better: senrkit language --undo with this folder, which compares and counts.\n"
        "-- Every statement must change exactly one row.\n"
    )
    if planned.from_vendor:
        ids = ", ".join(planned.from_vendor)
        head += f"-- From the test vendor's file, not in CALPADS when it was written: STU.ID {ids}.\n"
    kept.write_whole(folder / kept.UNDO, head + statements.script(back, dialect))


def _make(connection: sa.Connection, database: WriteDatabase, changes: Sequence[Change], progress: Progress) -> None:
    for change in changes:
        rows = statements.counted(connection, change.statement(database.tables))
        if rows != 1:
            raise Stopped(
                f"A change of {change.table}.{change.column} met {rows} rows instead of one.",
                "Run senrkit language again.",
            )
        progress.advance()


def _read_back(connection: sa.Connection, database: WriteDatabase, planned: Record, undoing: bool) -> Record:
    found = read_rows(connection, database, planned.students, planned.ssids)
    if undoing:
        right = as_expected(found, planned.before)
    else:
        right = as_expected(found, planned.after, planned.changes)
    if not right:
        raise Stopped(
            "Read back, Aeries does not hold what was written: a trigger of the database altered a value.",
            "Use the import files instead, and tell the database's administrator.",
        )
    return planned if undoing else replace(planned, after=found)


def _ended_badly(
    database: WriteDatabase,
    planned: Record | None,
    folder: Path,
    person: str,
    failure: Exception,
    committing: bool,
    undoing: bool,
) -> None:
    """The connection failed. Only while committing is it open what became of the changes: then the database is asked.

    Returns when everything is in; raises otherwise.
    """
    seen = _seen_from_outside(database, planned, undoing) if committing and planned is not None else "old"
    if seen == "new":
        return
    if seen == "old":
        error = plain(database.shown, "writing", failure, NOTHING_UNDONE if undoing else NOTHING_CHANGED)
        _note(folder, planned, kept.entry(kept.ROLLED_BACK, person, error.message), undoing)
        raise error from None
    error = plain(database.shown, "committing", failure, "It is not known whether the changes are in.")
    _note(folder, planned, kept.entry(kept.UNKNOWN, person, error.message), undoing)
    error.cure = (
        f"When the database answers again: senrkit language --undo {folder} finds out, and takes back what is in."
    )
    raise error from None


def _seen_from_outside(database: WriteDatabase, planned: Record, undoing: bool) -> str:
    """What another connection sees: `new`, `old`, `neither`, or `unreachable`."""
    old, new = (planned.after, planned.before) if undoing else (planned.before, planned.after)
    try:
        with in_plain_words(database.shown, "looking once more"), database.transaction() as connection:
            found = read_rows(connection, database, planned.students, planned.ssids)
    except SenrkitError:
        return "unreachable"
    return "new" if as_expected(found, new) else "old" if as_expected(found, old) else "neither"


def _note(folder: Path, planned: Record | None, step: dict[str, str], undoing: bool) -> None:
    """Add to the history how it failed; an undo that was taken back leaves the changes in, as they were."""
    if planned is None:
        return
    if undoing and step["state"] == kept.ROLLED_BACK:
        step = step | {"state": kept.APPLIED}
    # That the folder cannot be written may be what it failed of; undo asks the database anyway.
    with suppress(InputError):
        kept.write_record(folder, replace(planned, history=(*planned.history, step)))
