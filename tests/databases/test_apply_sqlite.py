"""`senrkit language --apply` and `--undo` on a real SQLite database: all of it or nothing, whatever happens in between.

The demo district has three students to bring in. "As it was" always means every table, byte for byte.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from senrkit.cli import main
from senrkit.demo import make
from senrkit.errors import InputError, SenrkitError, Stopped, UsageError
from senrkit.language import run_language, take_back, write_to_aeries
from senrkit.language.record import RECORD, UNDO
from senrkit.progress import NoProgress
from senrkit.settings import load_settings

AS_OF = dt.date(2026, 11, 23)
STEPS = (
    "reading the rows to be changed",
    "writing the undo file",
    "writing to Aeries",
    "advance 1",
    "advance 4",
    "advance 6",
    "reading back",
    "committing",
    "looking once more",
)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pristine") / "demo"
    make(folder, 300, 1, AS_OF)
    settings = (folder / "senrkit.toml").read_text()
    (folder / "senrkit.toml").write_text(
        settings.replace('write_source = "sqlite:///aeries.db"', 'write_source = "sqlite:///aeries.db?timeout=0.1"')
    )
    return folder


@pytest.fixture
def folder(pristine, tmp_path):
    return Path(shutil.copytree(pristine, tmp_path / "demo"))


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


def test_the_demo_district_from_end_to_end(folder):
    expectations = pd.read_csv(folder / "demo_expectations.csv", dtype="str", keep_default_na=False)
    new = expectations[expectations["expected_reason"].isin(["new-el", "new-ifep"])]
    assert len(new) == 3
    settings, before = settings_of(folder), dump(folder)

    run = run_language(settings)
    found = run.found[run.found["class"].isin(["new-el", "new-ifep"])]
    assert dict(zip(found["ssid"], found["class"], strict=True)) == dict(
        zip(new["ssid"], new["expected_reason"], strict=True)
    )
    assert dump(folder) == before, "without --apply nothing is written"

    written = write_to_aeries(run, 3, person="ana")
    assert (written.students, written.rows, written.database) == (3, {"STU": 3, "LAC": 3}, "aeries")
    assert dump(folder) != before
    assert run_language(settings).document["counts"]["proposed"] == 0, "a second run finds nothing"

    back = take_back(settings, run.folder, person="ben")
    assert (back.students, back.state) == (3, "taken-back")
    assert dump(folder) == before
    kept = record(run)
    assert [(step["state"], step["by"]) for step in kept["history"]] == [
        ("begun", "ana"), ("applied", "ana"), ("taking-back", "ben"), ("taken-back", "ben"),
    ]  # fmt: skip
    assert all(dt.datetime.fromisoformat(step["at"]).tzinfo for step in kept["history"])
    with pytest.raises(UsageError, match="nothing to take back"):
        take_back(settings, run.folder)


def test_every_language_trap_of_the_demo_gets_its_class(folder):
    expectations = pd.read_csv(folder / "demo_expectations.csv", dtype="str", keep_default_na=False)
    wanted = expectations[expectations["expected_action"] == "language"]
    found = run_language(settings_of(folder)).found.merge(wanted, on="ssid")
    assert len(found) == len(wanted) > 10
    assert found["class"].tolist() == found["expected_reason"].tolist()


def test_what_stands_in_aeries_afterwards(folder):
    run = run_language(settings_of(folder))
    write_to_aeries(run, 3)
    rows = {row[0]: row[1:] for row in query(folder, "SELECT s.ID, LF, SD, IFD FROM STU s JOIN LAC l ON s.ID = l.ID")}
    day = run.proposed["proposed_day"].iloc[0].date()
    assert rows[int(planted(folder, "new-el"))] == ("L", f"{day} 00:00:00", None)
    assert rows[int(planted(folder, "new-ifep"))] == ("I", None, f"{day} 00:00:00")


def test_the_undo_file_alone_takes_everything_back(folder):
    before = dump(folder)
    run = run_language(settings_of(folder))
    write_to_aeries(run, 3)
    connection = sqlite3.connect(folder / "aeries.db")
    connection.executescript((run.folder / UNDO).read_text())
    connection.close()
    assert dump(folder) == before


def test_null_and_blank_are_told_apart(folder):
    change(folder, f"UPDATE STU SET LF = NULL WHERE ID = {planted(folder, 'new-el-blank')}")
    change(folder, f"UPDATE LAC SET SD = '' WHERE ID = {planted(folder, 'new-el')}")
    before, settings = dump(folder), settings_of(folder)
    run = run_language(settings)
    write_to_aeries(run, 3)
    take_back(settings, run.folder)
    assert dump(folder) == before


def test_a_missing_lac_row_is_inserted_and_taken_out_again(folder):
    student = planted(folder, "new-el")
    change(folder, f"DELETE FROM LAC WHERE ID = {student}")
    before, settings = dump(folder), settings_of(folder)
    run = run_language(settings)
    write_to_aeries(run, 3)
    day = run.proposed["proposed_day"].iloc[0].date()
    assert query(folder, f"SELECT SD, DEL FROM LAC WHERE ID = {student}") == [(f"{day} 00:00:00", 0)]
    take_back(settings, run.folder)
    assert dump(folder) == before


def test_an_inserted_row_that_somebody_filled_is_not_taken_out(folder):
    student = planted(folder, "new-el")
    change(folder, f"DELETE FROM LAC WHERE ID = {student}")
    settings = settings_of(folder)
    run = run_language(settings)
    write_to_aeries(run, 3)
    change(folder, f"UPDATE LAC SET PR = '301' WHERE ID = {student}")
    before = dump(folder)
    with pytest.raises(Stopped, match="a row is not as the run left it"):
        take_back(settings, run.folder)
    assert dump(folder) == before


def test_all_rows_of_a_student_at_two_schools(folder):
    student = planted(folder, "new-el")
    change(
        folder,
        f"INSERT INTO STU SELECT * FROM STU WHERE ID = {student}",
        "UPDATE STU SET SC = SC + 1, SN = 9999 WHERE rowid = (SELECT max(rowid) FROM STU)",
    )
    before, settings = dump(folder), settings_of(folder)
    run = run_language(settings)
    assert write_to_aeries(run, 3).rows == {"STU": 4, "LAC": 3}
    assert query(folder, f"SELECT DISTINCT LF FROM STU WHERE ID = {student}") == [("L",)]
    take_back(settings, run.folder)
    assert dump(folder) == before


# Killed in the middle

KILLED = """
    import os, signal, sys
    from pathlib import Path
    from senrkit.language import run_language, write_to_aeries
    from senrkit.progress import NoProgress
    from senrkit.settings import load_settings

    class Killer(NoProgress):
        advanced = 0
        def step(self, text, total=None):
            self.reached(text)
        def advance(self, parts=1):
            self.advanced += 1
            self.reached(f"advance {self.advanced}")
        def reached(self, text):
            if text == sys.argv[2]:
                os.kill(os.getpid(), signal.SIGKILL)

    folder = Path(sys.argv[1])
    run = run_language(load_settings(folder / "senrkit.toml"), out=folder / "run")
    write_to_aeries(run, 3, progress=Killer())
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is of Unix")
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_nothing_is_half_applied(folder, step):
    before = dump(folder)
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(folder), step]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL, "the step was reached"
    after, settings = dump(folder), load_settings(folder / "senrkit.toml")
    committed = step == "looking once more"
    assert (after == before) != committed
    if committed:
        lf = query(folder, f"SELECT LF FROM STU WHERE ID = {planted(folder, 'new-ifep')}")
        assert lf == [("I",)]
    if (folder / "run" / RECORD).exists():
        assert (folder / "run" / UNDO).exists(), "the undo file comes first"
        assert take_back(settings, folder / "run").students == (3 if committed else 0)
    else:
        assert step in STEPS[:2]
    assert dump(folder) == before
    assert run_language(settings).document["counts"]["proposed"] == 3


def test_the_steps_are_those_that_are_killed_at(folder):
    met = []

    class Spy(NoProgress):
        def step(self, text, total=None):
            met.append(text)

        def advance(self, parts=1):
            met.append(f"advance {sum(text.startswith('advance') for text in met) + 1}")

    write_to_aeries(run_language(settings_of(folder)), 3, progress=Spy())
    assert set(STEPS) <= set(met)
    assert set(met) - set(STEPS) == {"checking the database to write to", "advance 2", "advance 3", "advance 5"}


# What is not as it was, or does not become what it should


CHANGED = {
    "the status": "UPDATE STU SET LF = 'E' WHERE ID = {el}",
    "the SSID": "UPDATE STU SET CID = '9999999999' WHERE ID = {el}",
    "the school": "UPDATE STU SET SC = SC + 1 WHERE ID = {el}",
    "a second row": "INSERT INTO STU (ID, SC, SN, CID, LF, DEL) VALUES ({el}, 777, 1, '', 'T', 0)",
    "a second live student": "INSERT INTO STU (ID, SC, SN, CID, DEL) SELECT 1, 777, 1, CID, 0 FROM STU WHERE ID = {el}",
    "a row deleted": "UPDATE STU SET DEL = 1 WHERE ID = {el}",
    "a day filled": "UPDATE LAC SET SD = '2026-01-01 00:00:00' WHERE ID = {el}",
    "another day filled": "UPDATE LAC SET RD1 = '2026-01-01 00:00:00' WHERE ID = {el}",
    "the LAC row deleted": "DELETE FROM LAC WHERE ID = {el}",
    "a second LAC row": "INSERT INTO LAC SELECT * FROM LAC WHERE ID = {el}",
    "the same row twice": "INSERT INTO STU SELECT * FROM STU WHERE ID = {el}",
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_change_since_it_was_read_stops_everything(folder, what):
    run = run_language(settings_of(folder))
    change(folder, CHANGED[what].format(el=planted(folder, "new-el")))
    before = dump(folder)
    with pytest.raises(Stopped, match="Aeries is as it was") as caught:
        write_to_aeries(run, 3)
    assert_silent(caught.value, run)
    assert dump(folder) == before
    assert not (run.folder / RECORD).exists()


TRIGGERS = {
    "alters the status": "AFTER UPDATE OF LF ON STU BEGIN UPDATE STU SET LF = 'T' WHERE rowid = NEW.rowid; END",
    "alters another column": "AFTER UPDATE OF SD ON LAC BEGIN UPDATE LAC SET PR = '1' WHERE rowid = NEW.rowid; END",
    "takes out the row": "AFTER UPDATE OF IFD ON LAC BEGIN DELETE FROM LAC WHERE rowid = NEW.rowid; END",
    "adds a student": "AFTER UPDATE OF LF ON STU BEGIN "
    "INSERT INTO STU (ID, SC, SN, CID) VALUES (1, 2, NEW.SN, NEW.CID); END",
}


@pytest.mark.parametrize("what", TRIGGERS)
def test_a_trigger_that_alters_a_value_takes_everything_back(folder, what):
    change(folder, f"CREATE TRIGGER district {TRIGGERS[what]}")
    before = dump(folder)
    run = run_language(settings_of(folder))
    with pytest.raises(Stopped, match=r"a trigger of the database altered a value\. .*Aeries is as it was") as caught:
        write_to_aeries(run, 3)
    assert_silent(caught.value, run)
    assert dump(folder) == before
    assert states(run) == ["begun", "rolled-back"]
    with pytest.raises(UsageError, match="nothing to take back"):
        take_back(run.settings, run.folder)


def test_a_trigger_that_forbids_takes_everything_back(folder):
    change(
        folder, "CREATE TRIGGER district BEFORE UPDATE OF IFD ON LAC BEGIN SELECT RAISE(ABORT, 'Noor 9000000307'); END"
    )
    before = dump(folder)
    run = run_language(settings_of(folder))
    with pytest.raises(InputError, match=r"one of its triggers refuses a row\. Everything was taken back") as caught:
        write_to_aeries(run, 3)
    assert "Noor" not in f"{caught.value!r}"
    assert dump(folder) == before


def test_a_trigger_that_swallows_an_update_is_counted(folder):
    change(folder, "CREATE TRIGGER district BEFORE UPDATE OF IFD ON LAC BEGIN SELECT RAISE(IGNORE); END")
    before = dump(folder)
    run = run_language(settings_of(folder))
    with pytest.raises(Stopped, match="met 0 rows instead of one"):
        write_to_aeries(run, 3)
    assert dump(folder) == before


def test_another_program_that_writes_is_waited_for_and_then_said(folder):
    run = run_language(settings_of(folder))
    other = sqlite3.connect(folder / "aeries.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(InputError, match="another program is writing to the database"):
        write_to_aeries(run, 3)
    other.execute("ROLLBACK")
    other.close()
    assert write_to_aeries(run, 3).state == "applied"


def test_nobody_else_can_write_between_comparing_and_committing(folder):
    run = run_language(settings_of(folder))
    refused = []

    class Meddler(NoProgress):
        def step(self, text, total=None):
            if text in ("writing the undo file", "reading back", "committing"):
                other = sqlite3.connect(folder / "aeries.db", timeout=0)
                with pytest.raises(sqlite3.OperationalError, match="locked"):
                    other.execute("UPDATE STU SET LF = 'X'")
                other.close()
                refused.append(text)

    write_to_aeries(run, 3, progress=Meddler())
    assert len(refused) == 3


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
            write_to_aeries(run, 3)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", break_off)
    assert "Noor" not in f"{caught.value!r}"
    assert dump(folder) == before
    assert states(run) == ["begun", "rolled-back"]


def test_a_commit_that_never_arrived_is_found_out(folder, monkeypatch):
    before, run = dump(folder), run_language(settings_of(folder))
    monkeypatch.setattr(sa.Connection, "commit", lost)
    with pytest.raises(InputError, match="Everything was taken back"):
        write_to_aeries(run, 3)
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
        assert write_to_aeries(run, 3).state == "applied"
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
            write_to_aeries(run, 3)
    finally:
        sa.event.remove(sa.Engine, "begin", no_more)
    assert f"--undo {run.folder}" in str(caught.value)
    assert states(run) == ["begun", "unknown"]
    assert take_back(run.settings, run.folder).students == (3 if arrived else 0)
    assert dump(folder) == before


def test_an_undo_that_fails_can_be_done_again(folder):
    before, settings = dump(folder), settings_of(folder)
    run = run_language(settings)
    write_to_aeries(run, 3)
    change(folder, f"CREATE TRIGGER district {TRIGGERS['alters another column']}")
    with pytest.raises(Stopped, match="trigger"):
        take_back(settings, run.folder)
    change(folder, "DROP TRIGGER district")
    assert states(run)[-1] == "applied"
    take_back(settings, run.folder)
    assert dump(folder) == before


def test_an_undo_of_rows_changed_since_takes_back_nothing(folder):
    settings = settings_of(folder)
    run = run_language(settings)
    write_to_aeries(run, 3)
    change(folder, f"UPDATE STU SET LF = 'R' WHERE ID = {planted(folder, 'new-el')}")
    before = dump(folder)
    with pytest.raises(Stopped, match=rf"not as the run left it\..*{UNDO}"):
        take_back(settings, run.folder)
    assert dump(folder) == before


@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_folder_that_cannot_be_written_takes_everything_back(folder, write, monkeypatch):
    """1 is the undo file, 2 and 3 the record before the first change and before the commit."""
    before, run = dump(folder), run_language(settings_of(folder))
    monkeypatch.setattr("senrkit.language.record.write_whole", failing_from(write))
    with pytest.raises(InputError, match="No room. Everything was taken back"):
        write_to_aeries(run, 3)
    assert dump(folder) == before


def test_a_record_that_cannot_be_finished_says_that_the_changes_are_in(folder, monkeypatch):
    before, run = dump(folder), run_language(settings_of(folder))
    with monkeypatch.context() as patched, pytest.raises(InputError, match="The changes are in Aeries, but No room"):
        patched.setattr("senrkit.language.record.write_whole", failing_from(4))
        write_to_aeries(run, 3)
    assert take_back(run.settings, run.folder).students == 3
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
    for wrong in (None, 0, 2, 4):
        with pytest.raises(UsageError, match="--confirm 3"):
            write_to_aeries(run, wrong)
    write_to_aeries(run, 3)
    with pytest.raises(UsageError, match="wrote 3 students, not 2"):
        take_back(run.settings, run.folder, confirm=2)
    take_back(run.settings, run.folder, confirm=3)
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
        write_to_aeries(run, 3)
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
        write_to_aeries(run, 3)
    assert dump(folder, name) == before


def test_reading_a_database_of_another_year_is_refused_too(folder):
    change(folder, "DELETE FROM ENR WHERE YR = 2026")
    with pytest.raises(Stopped, match="newest enrollments of 2025"):
        run_language(settings_of(folder))
    assert not (folder / "runs").exists()


def test_undo_needs_the_database_that_was_written_to(folder):
    run = run_language(settings_of(folder))
    write_to_aeries(run, 3)
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
    assert "2 students become EL: STU.LF = 'L' and the day in LAC.SD" in planned.output
    assert dump(folder) == before
    applied = call("language", *settings, "--apply", "--confirm", "3", "--out", str(folder / "run"), "--json")
    assert applied.return_value == 0
    answer = json.loads(applied.stdout)
    assert (answer["written"]["students"], answer["exit_code"]) == (3, 0)
    assert "90000003" not in planned.output + applied.output, "no SSID on the screen"
    again = call("language", *settings, "--apply")
    assert (again.return_value, "Nothing to write" in again.output) == (0, True)
    undone = call("language", *settings, "--undo", str(folder / "run"))
    assert undone.return_value == 0
    assert "3 students taken back from the database aeries" in undone.output
    assert dump(folder) == before


def test_the_run_folder_is_whole_and_private(folder):
    run = run_language(settings_of(folder), out=folder / "run")
    assert sorted(path.name for path in run.folder.iterdir()) == [
        "aeries_import_LAC.csv", "aeries_import_STU.csv", "language.csv", "language.json", "language.xlsx",
    ]  # fmt: skip
    write_to_aeries(run, 3)
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
