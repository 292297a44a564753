"""`senrkit language --apply` and `--undo`, where it takes no server: lost answers, a full disk, the command.

What every database must keep to is in `test_apply`.

The demo district has `NEW` students to bring in. "As it was" always means every table, byte for byte.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sqlite3
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from senrkit.cli.main import main
from senrkit.errors import InputError, SenrkitError, Stopped, UsageError
from senrkit.frames.pandas_door import to_pandas
from senrkit.language.apply import write_to_aeries
from senrkit.language.record import RECORD, UNDO
from senrkit.language.undo import take_back
from senrkit.language.work import run_language
from senrkit.settings.settings import load_settings

AS_OF = dt.date(2026, 11, 23)
ROOT = Path(__file__).parents[2]
NEW = 9


def settings_of(folder, **replaced):
    text = (folder / "senrkit.toml").read_text()
    for old, new in replaced.values():
        assert old in text
        text = text.replace(old, new)
    (folder / "senrkit.toml").write_text(text)
    return load_settings(folder / "senrkit.toml")


def dump(folder, name="aeries.db"):
    connection = sqlite3.connect(folder / name)
    try:
        return "\n".join(connection.iterdump())
    finally:
        connection.close()


def change(folder, *statements):
    with sqlite3.connect(folder / "aeries.db") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def planted(folder, trap):
    expectations = pd.read_csv(folder / "demo_expectations.csv", dtype="str", keep_default_na=False)
    chosen = (expectations["trap"] == trap) & (expectations["expected_action"] == "language")
    return expectations.loc[chosen, "local_id"].item()


def record(run):
    return json.loads((run.folder / RECORD).read_text())


def states(run):
    return [step["state"] for step in record(run)["history"]]


def assert_silent(error, run):
    said = f"{error!r} {error}"
    assert not [ssid for ssid in run.proposed["ssid"] if ssid in said]


# The whole way


def test_every_language_trap_of_the_demo_gets_its_class(folder):
    expectations = pd.read_csv(folder / "demo_expectations.csv", dtype="str", keep_default_na=False)
    wanted = expectations[expectations["expected_action"] == "language"]
    found = to_pandas(run_language(settings_of(folder)).found).merge(wanted, on="ssid")
    assert len(found) == len(wanted) > 10
    assert found["class"].tolist() == found["expected_reason"].tolist()


def test_what_stands_in_aeries_afterwards(folder):
    run = run_language(settings_of(folder))
    write_to_aeries(run, NEW)
    rows = {row[0]: row[1:] for row in query(folder, "SELECT s.ID, LF, SD, IFD FROM STU s JOIN LAC l ON s.ID = l.ID")}
    day = run.proposed["proposed_day"][0]
    assert rows[int(planted(folder, "new-el"))] == ("L", f"{day} 00:00:00", None)
    assert rows[int(planted(folder, "new-ifep"))] == ("I", None, f"{day} 00:00:00")


def test_the_undo_file_alone_takes_everything_back(folder):
    before = dump(folder)
    run = run_language(settings_of(folder))
    write_to_aeries(run, NEW)
    connection = sqlite3.connect(folder / "aeries.db")
    connection.executescript((run.folder / UNDO).read_text())
    connection.close()
    assert dump(folder) == before
    # Done by hand, it is recognized: there is nothing left to take back.
    done = take_back(settings_of(folder), run.folder)
    assert (done.state, done.students) == ("taken-back", 0) and dump(folder) == before


def test_what_the_test_vendor_says_is_written_only_when_the_settings_ask_for_it_and_is_marked(folder):
    waiting = planted(folder, "still-to-be-determined")
    assert waiting not in set(run_language(settings_of(folder)).proposed["local_id"])
    named = 'elpac_file = "Initial_ELPAC.csv"\n'
    before = dump(folder)
    settings = settings_of(folder, vendor=(named, f'{named}language_source = "vendor"\n'))
    run = run_language(settings)
    assert dict(run.proposed.select("local_id", "proposed_from").rows())[waiting] == "vendor"
    assert len(run.proposed) == NEW + 1
    assert "      1 of them from the test vendor's file: CALPADS does not hold it yet" in run.plan_lines()
    write_to_aeries(run, NEW + 1)
    assert record(run)["from_vendor"] == [waiting]
    assert f"not in CALPADS when it was written: STU.ID {waiting}.\n" in (run.folder / UNDO).read_text()
    take_back(settings, run.folder)
    assert dump(folder) == before


def test_null_and_blank_are_told_apart(folder):
    change(folder, f"UPDATE STU SET LF = NULL WHERE ID = {planted(folder, 'new-el-blank')}")
    change(folder, f"UPDATE LAC SET SD = '' WHERE ID = {planted(folder, 'new-el')}")
    before, settings = dump(folder), settings_of(folder)
    run = run_language(settings)
    write_to_aeries(run, NEW)
    take_back(settings, run.folder)
    assert dump(folder) == before


# The connection is lost


def lost(*_, **__):
    raise sa.exc.OperationalError("UPDATE STU", {}, Exception("Noor 9000000307: connection lost"))


@pytest.mark.parametrize("at", [1, 4, 6])
def test_a_connection_lost_while_writing_takes_everything_back(folder, at, monkeypatch):
    before, run = dump(folder), run_language(settings_of(folder))
    updates = []

    def break_off(connection, cursor, statement, *_):
        updates.append(statement.startswith("UPDATE"))
        if sum(updates) == at and updates[-1]:
            lost()

    sa.event.listen(sa.Engine, "before_cursor_execute", break_off)
    try:
        with pytest.raises(InputError, match=r"the connection broke\. Everything was taken back") as caught:
            write_to_aeries(run, NEW)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", break_off)
    assert "Noor" not in f"{caught.value!r}"
    assert dump(folder) == before
    assert states(run) == ["begun", "rolled-back"]


def test_a_commit_that_never_arrived_is_found_out(folder, monkeypatch):
    before, run = dump(folder), run_language(settings_of(folder))
    monkeypatch.setattr(sa.Connection, "commit", lost)
    with pytest.raises(InputError, match="Everything was taken back"):
        write_to_aeries(run, NEW)
    assert dump(folder) == before
    assert states(run) == ["begun", "rolled-back"]


def test_a_commit_whose_answer_was_lost_is_found_out(folder, monkeypatch):
    before, run = dump(folder), run_language(settings_of(folder))
    commit = sa.Connection.commit

    def commit_and_lose(connection):
        commit(connection)
        lost()

    with monkeypatch.context() as patched:
        patched.setattr(sa.Connection, "commit", commit_and_lose)
        assert write_to_aeries(run, NEW).state == "applied"
    assert states(run) == ["begun", "applied"]
    take_back(run.settings, run.folder)
    assert dump(folder) == before


@pytest.mark.parametrize("arrived", [True, False])
def test_a_commit_of_which_nothing_is_known_is_settled_by_undo(folder, arrived, monkeypatch):
    before, run = dump(folder), run_language(settings_of(folder))
    commit, gone = sa.Connection.commit, []

    def commit_and_vanish(connection):
        if arrived:
            commit(connection)
        gone.append(True)
        lost()

    def no_more(*_):
        if gone:
            lost()

    sa.event.listen(sa.Engine, "begin", no_more)
    try:
        with monkeypatch.context() as patched, pytest.raises(InputError, match="not known whether") as caught:
            patched.setattr(sa.Connection, "commit", commit_and_vanish)
            write_to_aeries(run, NEW)
    finally:
        sa.event.remove(sa.Engine, "begin", no_more)
    assert f"--undo {run.folder}" in str(caught.value)
    assert states(run) == ["begun", "unknown"]
    assert take_back(run.settings, run.folder).students == (NEW if arrived else 0)
    assert dump(folder) == before


@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_folder_that_cannot_be_written_takes_everything_back(folder, write, monkeypatch):
    """1 is the undo file, 2 and 3 the record before the first change and before the commit."""
    before, run = dump(folder), run_language(settings_of(folder))
    monkeypatch.setattr("senrkit.language.record.write_whole", failing_from(write))
    with pytest.raises(InputError, match="No room. Everything was taken back"):
        write_to_aeries(run, NEW)
    assert dump(folder) == before


def test_a_record_that_cannot_be_finished_says_that_the_changes_are_in(folder, monkeypatch):
    before, run = dump(folder), run_language(settings_of(folder))
    with monkeypatch.context() as patched, pytest.raises(InputError, match="The changes are in Aeries, but No room"):
        patched.setattr("senrkit.language.record.write_whole", failing_from(4))
        write_to_aeries(run, NEW)
    assert take_back(run.settings, run.folder).students == NEW
    assert dump(folder) == before


def failing_from(number):
    written = []

    def write(path, content):
        written.append(path)
        if len(written) >= number:
            raise InputError("No room.", "Make room.")
        path.write_text(content)

    return write


# Which database, and how many


def test_the_number_must_be_that_of_the_plan(folder):
    before, run = dump(folder), run_language(settings_of(folder))
    for wrong in (None, 0, NEW - 1, NEW + 1):
        with pytest.raises(UsageError, match=f"--confirm {NEW}"):
            write_to_aeries(run, wrong)
    write_to_aeries(run, NEW)
    with pytest.raises(UsageError, match=f"wrote {NEW} students, not 2"):
        take_back(run.settings, run.folder, confirm=2)
    take_back(run.settings, run.folder, confirm=NEW)
    assert dump(folder) == before


REFUSED = {
    "no write_source": ('write_source = "sqlite:///aeries.db?timeout=0.1"\n', "", UsageError, "No database is named"),
    "not on the list": ('["aeries"]', '["DST26000Demo"]', UsageError, 'write_databases = \\["aeries"\\]'),
    "no list": ('write_databases = ["aeries"]\n', "", UsageError, "not one that may be written to"),
    "a folder": ('"sqlite:///aeries.db?timeout=0.1"', '"exports"', UsageError, "no database that senrkit can write"),
    "the API": ('"sqlite:///aeries.db?timeout=0.1"', '"https://x.example/"', UsageError, "no database that senrkit"),
    "no such file": ("aeries.db?timeout=0.1", "none.db", InputError, "There is no database file"),
    "another kind of file": ("aeries.db?timeout=0.1", "SELA_ODS.txt", InputError, "no SQLite database"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_database_that_may_not_be_written_to(folder, what):
    old, new, kind, said = REFUSED[what]
    if what == "another kind of file":
        settings_of(folder, list=('["aeries"]', '["SELA_ODS"]'))
    run = run_language(settings_of(folder, it=(old, new)))
    before = dump(folder)
    with pytest.raises(kind, match=said):
        write_to_aeries(run, NEW)
    assert dump(folder) == before
    assert not (folder / "none.db").exists()


@pytest.mark.parametrize("prior", ["name", "enrollments"])
def test_a_database_of_another_year_is_refused(folder, prior):
    settings_of(folder, it=("aeries.db?timeout=0.1", "DST25000Demo.db"), list=('["aeries"]', '["DST25000Demo"]'))
    run = run_language(load_settings(folder / "senrkit.toml"))
    shutil.copy(folder / "aeries.db", folder / "DST25000Demo.db")
    if prior == "enrollments":
        settings_of(folder, it=("DST25000Demo.db", "copy.db"), list=('["DST25000Demo"]', '["copy"]'))
        run = run_language(load_settings(folder / "senrkit.toml"))
        with sqlite3.connect(folder / "aeries.db") as old:
            old.execute("DELETE FROM ENR WHERE YR = 2026")
        old.close()
        shutil.copy(folder / "aeries.db", folder / "copy.db")
    name = "DST25000Demo.db" if prior == "name" else "copy.db"
    before = dump(folder, name)
    with pytest.raises(Stopped, match="the run is for 2026-2027"):
        write_to_aeries(run, NEW)
    assert dump(folder, name) == before


def test_reading_a_database_of_another_year_is_refused_too(folder):
    change(folder, "DELETE FROM ENR WHERE YR = 2026")
    with pytest.raises(Stopped, match="newest enrollments of 2025"):
        run_language(settings_of(folder))
    assert not (folder / "runs").exists()


def test_undo_needs_the_database_that_was_written_to(folder):
    run = run_language(settings_of(folder))
    write_to_aeries(run, NEW)
    shutil.copy(folder / "aeries.db", folder / "other.db")
    settings = settings_of(folder, it=("aeries.db?timeout=0.1", "other.db"), list=('["aeries"]', '["other"]'))
    with pytest.raises(UsageError, match="wrote to the database aeries"):
        take_back(settings, run.folder)


@pytest.mark.parametrize("content", [None, "", "{}", '{"changes": [1]}', "[]"])
def test_a_folder_without_a_whole_record(folder, content):
    if content is not None:
        (folder / RECORD).write_text(content)
    with pytest.raises(InputError, match="damaged" if content is not None else "Nothing was written to Aeries"):
        take_back(settings_of(folder), folder)


# The command


def call(*words):
    return CliRunner().invoke(main, [*words], standalone_mode=False)


def test_the_command_from_end_to_end(folder):
    before = dump(folder)
    settings = ["--settings", str(folder / "senrkit.toml")]
    planned = call("language", *settings, "--apply")
    assert planned.return_value == 2
    assert f"{NEW - 1} students become EL: STU.LF = 'L' and the day in LAC.SD" in planned.output
    assert dump(folder) == before
    applied = call("language", *settings, "--apply", "--confirm", str(NEW), "--out", str(folder / "run"), "--json")
    assert applied.return_value == 0
    answer = json.loads(applied.stdout)
    assert (answer["written"]["students"], answer["exit_code"]) == (NEW, 0)
    assert "90000003" not in planned.output + applied.output, "no SSID on the screen"
    again = call("language", *settings, "--apply")
    assert (again.return_value, "Nothing to write" in again.output) == (0, True)
    undone = call("language", *settings, "--undo", str(folder / "run"))
    assert undone.return_value == 0
    assert f"{NEW} students taken back from the database aeries" in undone.output
    assert dump(folder) == before


def test_the_run_folder_is_whole_and_private(folder):
    run = run_language(settings_of(folder), out=folder / "run")
    assert sorted(path.name for path in run.folder.iterdir()) == [
        "aeries_import_LAC.csv", "aeries_import_STU.csv", "language.csv", "language.json", "language.xlsx",
    ]  # fmt: skip
    write_to_aeries(run, NEW)
    modes = {oct(path.stat().st_mode & 0o777) for path in run.folder.iterdir()}
    assert modes == {"0o600"} or os.name != "posix"
    with pytest.raises(UsageError, match="holds files already"):
        run_language(settings_of(folder), out=folder / "run")


@pytest.mark.parametrize(
    "words",
    [["--undo", "x", "--apply"], ["--undo", "x", "--out", "y"], ["--confirm", "3"], ["--apply", "--confirm", "-1"]],
    ids=" ".join,
)
def test_options_that_do_not_go_together(words):
    assert call("language", *words).return_value == 2


def test_errors_are_of_the_family():
    assert issubclass(Stopped, SenrkitError) and Stopped.exit_code == 4


def query(folder, statement):
    connection = sqlite3.connect(folder / "aeries.db")
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()
