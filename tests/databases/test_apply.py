"""`senrkit language --apply` and `--undo` on real databases: all of it or nothing, whatever happens in between.

The demo district has `NEW` students to bring in. "As it was" always means every table, byte for byte. SQLite and
PostgreSQL run everything; SQL Server's wire, behind which there is no SQL Server, what drivers and statements decide.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

from senrkit.errors import InputError, Stopped, UsageError
from senrkit.frames.pandas_door import to_pandas
from senrkit.language.apply import write_to_aeries
from senrkit.language.record import RECORD, UNDO
from senrkit.language.undo import take_back
from senrkit.language.work import run_language
from senrkit.progress import NoProgress
from senrkit.settings.settings import load_settings
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
SQLITE, POSTGRES, SQL_SERVER = "sqlite", "postgresql", "sql server"
EVERY, ENGINES = (SQLITE, POSTGRES, SQL_SERVER), (SQLITE, POSTGRES)
# A change of STU and one of LAC for each student.
NEW, HALF = 9, 9
STEPS = (
    "reading the rows to be changed",
    "writing the undo file",
    "writing to Aeries",
    "advance 1",
    f"advance {HALF}",
    f"advance {2 * NEW}",
    "reading back",
    "committing",
    "looking once more",
)


def over(*kinds):
    return pytest.mark.parametrize("home", kinds, indirect=True)


def planted(home, trap):
    expectations = pd.read_csv(home.folder / "demo_expectations.csv", dtype="str", keep_default_na=False)
    chosen = (expectations["trap"] == trap) & (expectations["expected_action"] == "language")
    return expectations.loc[chosen, "local_id"].item()


def record(run):
    return json.loads((run.folder / RECORD).read_text())


def states(run):
    return [step["state"] for step in record(run)["history"]]


def assert_silent(error, run):
    said = f"{error!r} {error}"
    assert "Noor" not in said and "9000000307" not in said and "p;w" not in said
    assert not [ssid for ssid in run.proposed["ssid"] if ssid in said]


class At(NoProgress):
    """Does something when a step of the work is reached."""

    def __init__(self, step, act):
        self.reached, self.met, self.advanced = {step: act}, [], 0

    def step(self, text, total=None):
        self.met.append(text)
        self.reached.pop(text, lambda: None)()

    def advance(self, parts=1):
        self.advanced += 1
        self.step(f"advance {self.advanced}")


# The whole way


@over(*EVERY)
def test_from_end_to_end(home):
    expectations = pd.read_csv(home.folder / "demo_expectations.csv", dtype="str", keep_default_na=False)
    new = expectations[expectations["expected_reason"].isin(["new-el", "new-ifep"])]
    assert len(new) == NEW
    settings, before = home.settings(), home.dump()

    run = run_language(settings)
    found = to_pandas(run.found)
    found = found[found["class"].isin(["new-el", "new-ifep"])]
    assert dict(zip(found["ssid"], found["class"], strict=True)) == dict(
        zip(new["ssid"], new["expected_reason"], strict=True)
    )
    assert home.dump() == before, "without --apply nothing is written"

    written = write_to_aeries(run, NEW, person="ana")
    assert (written.students, written.rows, written.database) == (NEW, {"STU": NEW, "LAC": NEW}, home.name)
    assert home.dump() != before
    assert run_language(settings).document["counts"]["proposed"] == 0, "a second run finds nothing"

    back = take_back(settings, run.folder, person="ben")
    assert (back.students, back.state) == (NEW, "taken-back")
    assert home.dump() == before
    kept = record(run)
    assert [(step["state"], step["by"]) for step in kept["history"]] == [
        ("begun", "ana"), ("applied", "ana"), ("taking-back", "ben"), ("taken-back", "ben"),
    ]  # fmt: skip
    assert all(dt.datetime.fromisoformat(step["at"]).tzinfo for step in kept["history"])
    assert "p;w" not in json.dumps(kept) + (run.folder / UNDO).read_text()
    with pytest.raises(UsageError, match="nothing to take back"):
        take_back(settings, run.folder)


@over(*EVERY)
def test_null_and_blank_are_told_apart(home):
    home.change(f'UPDATE "STU" SET "LF" = NULL WHERE "ID" = {planted(home, "new-el-blank")}')
    before, settings = home.dump(), home.settings()
    run = run_language(settings)
    write_to_aeries(run, NEW)
    take_back(settings, run.folder)
    assert home.dump() == before


@over(*EVERY)
def test_a_missing_lac_row_is_inserted_and_taken_out_again(home):
    student = planted(home, "new-el")
    home.change(f'DELETE FROM "LAC" WHERE "ID" = {student}')
    before, settings = home.dump(), home.settings()
    run = run_language(settings)
    write_to_aeries(run, NEW)
    day = run.proposed["proposed_day"][0]
    [(inserted, deleted)] = home.query(f'SELECT "SD", "DEL" FROM "LAC" WHERE "ID" = {student}')
    assert str(inserted)[:10] == str(day) and not deleted
    take_back(settings, run.folder)
    assert home.dump() == before


@over(*ENGINES)
def test_an_inserted_row_that_somebody_filled_is_not_taken_out(home):
    student = planted(home, "new-el")
    home.change(f'DELETE FROM "LAC" WHERE "ID" = {student}')
    settings = home.settings()
    run = run_language(settings)
    write_to_aeries(run, NEW)
    home.change(f'UPDATE "LAC" SET "PR" = \'301\' WHERE "ID" = {student}')
    before = home.dump()
    with pytest.raises(Stopped, match="a row is not as the run left it"):
        take_back(settings, run.folder)
    assert home.dump() == before


@over(*EVERY)
def test_all_rows_of_a_student_at_two_schools(home):
    student = planted(home, "new-el")
    home.change(
        f'CREATE TABLE "twin" AS SELECT * FROM "STU" WHERE "ID" = {student}',
        'UPDATE "twin" SET "SC" = "SC" + 1, "SN" = 9999',
        'INSERT INTO "STU" SELECT * FROM "twin"',
        'DROP TABLE "twin"',
    )
    before, settings = home.dump(), home.settings()
    run = run_language(settings)
    assert write_to_aeries(run, NEW).rows == {"STU": NEW + 1, "LAC": NEW}
    assert home.query(f'SELECT DISTINCT "LF" FROM "STU" WHERE "ID" = {student}') == [("L",)]
    take_back(settings, run.folder)
    assert home.dump() == before


# Killed in the middle

KILLED = """
    import os, signal, sys
    from pathlib import Path
    from senrkit.language.apply import write_to_aeries
    from senrkit.language.work import run_language
    from senrkit.progress import NoProgress
    from senrkit.settings.settings import load_settings
    from tests.databases import odbc_dialects

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

    odbc_dialects.register()
    folder = Path(sys.argv[1])
    run = run_language(load_settings(folder / "senrkit.toml"), out=folder / "run")
    write_to_aeries(run, len(run.proposed), progress=Killer())
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is of Unix")
@pytest.mark.parametrize(
    ("home", "step"),
    [
        *((kind, step) for kind in ENGINES for step in STEPS),
        (SQL_SERVER, "advance 4"),
        (SQL_SERVER, "looking once more"),
    ],
    indirect=["home"],
)
def test_killed_at_a_step_nothing_is_half_applied(home, step):
    before, folder = home.dump(), home.folder
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(folder), step]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False, timeout=PATIENCE)
    assert done.returncode == -signal.SIGKILL, "the step was reached"
    home.settle()
    after, settings = home.dump(), load_settings(folder / "senrkit.toml")
    committed = step == "looking once more"
    assert (after == before) != committed
    if committed:
        assert home.query(f'SELECT "LF" FROM "STU" WHERE "ID" = {planted(home, "new-ifep")}') == [("I",)]
    if (folder / "run" / RECORD).exists():
        assert (folder / "run" / UNDO).exists(), "the undo file comes first"
        assert take_back(settings, folder / "run").students == (NEW if committed else 0)
    else:
        assert step in STEPS[:2]
    assert home.dump() == before
    assert run_language(settings).document["counts"]["proposed"] == NEW


@over(SQLITE)
def test_the_steps_are_those_that_are_killed_at(home):
    seen = At("", None)
    write_to_aeries(run_language(home.settings()), NEW, progress=seen)
    assert set(STEPS) <= set(seen.met)
    assert set(seen.met) - set(STEPS) == {
        "checking the database to write to",
        *(f"advance {number}" for number in range(2, 2 * NEW) if number != HALF),
    }


# The server hangs up


@over(POSTGRES, SQL_SERVER)
@pytest.mark.parametrize("step", ["writing the undo file", "advance 4", "reading back", "committing"])
def test_a_server_that_hangs_up_has_taken_everything_back(home, step):
    before, run = home.dump(), run_language(home.settings())
    with pytest.raises(InputError, match=r"the connection broke\. Everything was taken back") as caught:
        write_to_aeries(run, NEW, progress=At(step, home.cut))
    assert_silent(caught.value, run)
    home.settle()
    assert home.dump() == before
    assert not (run.folder / RECORD).exists() or states(run) == ["begun", "rolled-back"]
    assert write_to_aeries(run_language(run.settings), NEW).state == "applied", "afterwards it goes through"


@over(POSTGRES, SQL_SERVER)
def test_a_server_that_hangs_up_after_the_commit_changes_nothing(home):
    run = run_language(home.settings())
    assert write_to_aeries(run, NEW, progress=At("looking once more", home.cut)).state == "applied"
    assert states(run) == ["begun", "applied"]


@over(POSTGRES, SQL_SERVER)
def test_an_undo_whose_server_hangs_up_can_be_done_again(home):
    before, settings = home.dump(), home.settings()
    run = run_language(settings)
    write_to_aeries(run, NEW)
    applied = home.dump()
    with pytest.raises(InputError, match="Nothing was undone: what the run wrote is in Aeries still"):
        take_back(settings, run.folder, progress=At("advance 4", home.cut))
    home.settle()
    assert home.dump() == applied
    assert take_back(settings, run.folder).students == NEW
    assert home.dump() == before


# What is not as it was, or does not become what it should

CHANGED = {
    "the status": """UPDATE "STU" SET "LF" = 'E' WHERE "ID" = {el}""",
    "the SSID": """UPDATE "STU" SET "CID" = '9999999999' WHERE "ID" = {el}""",
    "the school": """UPDATE "STU" SET "SC" = "SC" + 1 WHERE "ID" = {el}""",
    "the last name": """UPDATE "STU" SET "LN" = 'Otherfield' WHERE "ID" = {el}""",
    "the birth date": """UPDATE "STU" SET "BD" = '2001-01-01' WHERE "ID" = {el}""",
    "a second row": """INSERT INTO "STU" ("ID", "SC", "SN", "CID", "LF", "DEL") VALUES ({el}, 777, 1, '', 'T', '0')""",
    "a second live student": """INSERT INTO "STU" ("ID", "SC", "SN", "CID", "DEL")
        SELECT 1, 777, 1, "CID", "DEL" FROM "STU" WHERE "ID" = {el}""",
    "a row deleted": """UPDATE "STU" SET "DEL" = '1' WHERE "ID" = {el}""",
    "a day filled": """UPDATE "LAC" SET "SD" = '2026-01-01 00:00:00' WHERE "ID" = {el}""",
    "another day filled": """UPDATE "LAC" SET "RD1" = '2026-01-01 00:00:00' WHERE "ID" = {el}""",
    "the LAC row deleted": """DELETE FROM "LAC" WHERE "ID" = {el}""",
    "a second LAC row": """INSERT INTO "LAC" SELECT * FROM "LAC" WHERE "ID" = {el}""",
    "the same row twice": """INSERT INTO "STU" SELECT * FROM "STU" WHERE "ID" = {el}""",
}


@pytest.mark.parametrize(
    ("home", "what"),
    [
        *((kind, what) for kind in ENGINES for what in CHANGED),
        (SQL_SERVER, "the status"),
        (SQL_SERVER, "a second live student"),
    ],
    indirect=["home"],
)
def test_a_change_since_it_was_read_stops_everything(home, what):
    run = run_language(home.settings())
    home.change(CHANGED[what].format(el=planted(home, "new-el")))
    before = home.dump()
    with pytest.raises(Stopped, match="Aeries is as it was") as caught:
        write_to_aeries(run, NEW)
    assert_silent(caught.value, run)
    assert home.dump() == before
    assert not (run.folder / RECORD).exists()


# None sets itself off again for ever, as it would in PostgreSQL.
TRIGGERS = {
    "alters the status": ("LF", "STU", """UPDATE "STU" SET "LF" = 'T' WHERE "ID" = NEW."ID" AND "LF" <> 'T'"""),
    "alters another column": ("SD", "LAC", """UPDATE "LAC" SET "PR" = '1' WHERE "ID" = NEW."ID" """),
    "takes out the row": ("IFD", "LAC", """DELETE FROM "LAC" WHERE "ID" = NEW."ID" """),
    "adds a student": (
        "LF",
        "STU",
        """INSERT INTO "STU" ("ID", "SC", "SN", "CID") VALUES (1, 2, NEW."SN", NEW."CID")""",
    ),
}


@pytest.mark.parametrize(
    ("home", "what"),
    [*((kind, what) for kind in ENGINES for what in TRIGGERS), (SQL_SERVER, "alters another column")],
    indirect=["home"],
)
def test_a_trigger_that_alters_a_value_takes_everything_back(home, what):
    column, table, body = TRIGGERS[what]
    home.trigger(f'AFTER UPDATE OF "{column}"', table, body)
    before = home.dump()
    run = run_language(home.settings())
    with pytest.raises(Stopped, match=r"a trigger of the database altered a value\. .*Aeries is as it was") as caught:
        write_to_aeries(run, NEW)
    assert_silent(caught.value, run)
    assert home.dump() == before
    assert states(run) == ["begun", "rolled-back"]
    with pytest.raises(UsageError, match="nothing to take back"):
        take_back(run.settings, run.folder)


@pytest.mark.parametrize(
    ("home", "of_others"),
    [(kind, where) for kind in ENGINES for where in ("live ones", "deleted ones", "a day of theirs")],
    indirect=["home"],
)
def test_a_trigger_that_alters_other_students_is_noticed(home, of_others):
    """Nobody asked for it: the whole of both tables is compared, save the students' own rows."""
    body = {
        "live ones": """UPDATE "STU" SET "LF" = 'E' WHERE "LF" = 'R' """,
        "deleted ones": """UPDATE "STU" SET "CID" = '9999999999' WHERE "DEL" = '1' """,
        "a day of theirs": """UPDATE "LAC" SET "RD1" = '2020-01-01 00:00:00' WHERE "RD1" IS NOT NULL""",
    }[of_others]
    if of_others == "deleted ones":
        home.change("""UPDATE "STU" SET "DEL" = '1' WHERE "ID" = (SELECT max("ID") FROM "STU" WHERE "LF" = 'E')""")
    run = run_language(home.settings())
    home.trigger('AFTER UPDATE OF "LF"', "STU", body)
    before = home.dump()
    with pytest.raises(Stopped, match="Rows of other students changed with it: a trigger") as caught:
        write_to_aeries(run, NEW)
    assert_silent(caught.value, run)
    assert home.dump() == before and states(run) == ["begun", "rolled-back"]


@over(*EVERY)
def test_a_trigger_that_forbids_takes_everything_back(home):
    home.trigger('BEFORE UPDATE OF "IFD"', "LAC", "refuse")
    before = home.dump()
    run = run_language(home.settings())
    with pytest.raises(InputError, match=r"one of its triggers refuses a row\. Everything was taken back") as caught:
        write_to_aeries(run, NEW)
    assert_silent(caught.value, run)
    assert home.dump() == before


@over(*EVERY)
def test_a_trigger_that_swallows_an_update_is_counted(home):
    home.trigger('BEFORE UPDATE OF "IFD"', "LAC", "swallow")
    before = home.dump()
    run = run_language(home.settings())
    with pytest.raises(Stopped, match="met 0 rows instead of one"):
        write_to_aeries(run, NEW)
    assert home.dump() == before


@over(*ENGINES)
def test_an_undo_that_fails_can_be_done_again(home):
    before, settings = home.dump(), home.settings()
    run = run_language(settings)
    write_to_aeries(run, NEW)
    column, table, body = TRIGGERS["alters another column"]
    home.trigger(f'AFTER UPDATE OF "{column}"', table, body)
    with pytest.raises(Stopped, match="trigger"):
        take_back(settings, run.folder)
    home.drop_trigger(table)
    assert states(run)[-1] == "applied"
    take_back(settings, run.folder)
    assert home.dump() == before


@over(*ENGINES)
def test_an_undo_of_rows_changed_since_takes_back_nothing(home):
    settings = home.settings()
    run = run_language(settings)
    write_to_aeries(run, NEW)
    home.change(f'UPDATE "STU" SET "LF" = \'R\' WHERE "ID" = {planted(home, "new-el")}')
    before = home.dump()
    with pytest.raises(Stopped, match=rf"not as the run left it\..*{UNDO}"):
        take_back(settings, run.folder)
    assert home.dump() == before


# Others who write at the same time


@over(*ENGINES)
def test_another_program_that_writes_is_waited_for_and_then_said(home):
    run = run_language(home.settings())
    with home.busy(), pytest.raises(InputError, match="another program is writing to the database") as caught:
        write_to_aeries(run, NEW)
    assert_silent(caught.value, run)
    assert write_to_aeries(run, NEW).state == "applied"


@over(*ENGINES)
@pytest.mark.parametrize("step", ["writing the undo file", "committing"])
def test_nobody_else_can_write_between_comparing_and_committing(home, step):
    run, refused = run_language(home.settings()), []
    write_to_aeries(run, NEW, progress=At(step, lambda: refused.append(home.is_locked())))
    assert refused == [True]
    assert not home.is_locked()


@over(POSTGRES)
def test_a_login_that_may_only_read(home):
    from tests.databases.postgres import USER

    home.change(
        "DROP ROLE IF EXISTS looker",
        f"CREATE ROLE looker LOGIN PASSWORD '{home.password}'",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker",
    )
    address = f'write_source = "postgresql+pyodbc://{USER}@'
    run = run_language(home.settings(who=(address, address.replace(USER, "looker"))))
    before = home.dump()
    with pytest.raises(InputError, match="the login may not write there"):
        write_to_aeries(run, NEW)
    assert home.dump() == before
