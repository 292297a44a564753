"""`senrkit language --undo`: take back what a run wrote to Aeries, by the rules it was written by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from senrkit.errors import Stopped, UsageError
from senrkit.language import record as kept
from senrkit.language.apply import Written, carry_out
from senrkit.language.changes import as_expected, read_rows
from senrkit.language.database import WriteDatabase, write_database
from senrkit.language.record import Record, read_record
from senrkit.ledger.journal import this_person
from senrkit.progress import NoProgress, Progress
from senrkit.settings.settings import Settings


def take_back(
    settings: Settings,
    folder: Path,
    *,
    confirm: int | None = None,
    person: str | None = None,
    progress: Progress | None = None,
) -> Written:
    """Put back what the rows held before the run in `folder` wrote to them.

    A run that was killed in the middle, whose commit was not answered, or that somebody took back by hand is looked up
    in the database: what is not in needs no taking back, and the record then says so.

    Raises
    ------
    UsageError
        when `confirm` is given and is not the number of students, there is nothing to take back, or the database is
        another one or none that may be written to.
    Stopped
        when a row is not as the run left it; nothing is taken back then.
    InputError
        when the folder has no record, or the database cannot be reached, is locked, or the connection breaks.
    """
    progress, person = progress or NoProgress(), person or this_person()
    record = read_record(folder)
    if confirm not in (None, len(record.students)):
        raise UsageError(f"The run wrote {len(record.students):,} students, not {confirm:,}.", "Check --confirm.")
    if record.state in (kept.TAKEN_BACK, kept.ROLLED_BACK):
        raise UsageError(
            f"There is nothing to take back: the state of the run in {folder} is {record.state}.",
            "Name the folder of a run whose changes are in Aeries.",
        )
    progress.step("checking the database to write to")
    with write_database(settings) as database:
        if database.name != record.database:
            raise UsageError(
                f"The run wrote to the database {record.database}; write_source is {database.name}.",
                "Name that database in write_source.",
            )
        # Not in: a run that never got so far, or one that somebody has taken back by hand.
        if _is_not_in(database, record):
            state = kept.TAKEN_BACK if record.state in (kept.TAKING_BACK, kept.APPLIED) else kept.ROLLED_BACK
            step = kept.entry(state, person, "found so in the database")
            kept.write_record(folder, replace(record, history=(*record.history, step)))
            return Written(kept.TAKEN_BACK, 0, {}, database.name, folder)

        def begin(connection: sa.Connection) -> Record:
            if not as_expected(read_rows(connection, database, record.students, record.ssids), record.after):
                raise Stopped(
                    "Aeries has changed since the run wrote to it: a row is not as the run left it.",
                    f"Look at {folder / kept.UNDO} and take back by hand what is still to be taken back.",
                )
            return replace(record, history=(*record.history, kept.entry(kept.TAKING_BACK, person)))

        return carry_out(database, begin, folder, person, progress, undoing=True)


def _is_not_in(database: WriteDatabase, record: Record) -> bool:
    with database.transaction() as connection:
        return as_expected(read_rows(connection, database, record.students, record.ssids), record.before)
