"""Export and Start with the ledger, without a browser: what is shown, what is told, what is refused."""

from __future__ import annotations

import datetime as dt
import html
import re
import shutil

import pytest

from senrkit import demo
from senrkit.app import jobs
from senrkit.demo.calpads import VARIANTS, Error
from senrkit.engine import run
from senrkit.ledger.journal import Journal
from senrkit.loop import words
from senrkit.progress import NoProgress
from senrkit.settings.settings import load_settings
from tests.dashboard.desks import Clerk
from tests.students import ssids_shown

AS_OF = dt.date(2026, 11, 23)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    home = tmp_path_factory.mktemp("sending") / "home"
    made = demo.make(home / "demo", 300, 1, AS_OF)
    run(load_settings(made.settings_file), person="somebody")
    return home


@pytest.fixture
def home(finished, tmp_path):
    """A copy; where things are stands in the manifest and in the ledger."""
    shutil.copytree(finished, tmp_path / "home")
    for path in (*(tmp_path / "home").rglob("manifest.json"), *(tmp_path / "home").rglob("ledger.jsonl")):
        path.write_text(path.read_text().replace(str(finished), str(tmp_path / "home")))
    return tmp_path / "home"


@pytest.fixture
def clerk(home):
    """Somebody who goes on at Export, from Start's panel."""
    clerk = Clerk(home)
    clerk.do("start/waiting", arg="0")
    return clerk


@pytest.fixture
def settings(home):
    return load_settings(home / "demo" / "senrkit.toml")


def run_folder(home):
    return next((home / "demo" / "runs").glob("*/manifest.json")).parent


def say(clerk, number, what, **values):
    clerk.do("export/form", arg=f"{number}|{what}")
    clerk.do("export/tell", **{"on": "2026-11-24", **values})


def upload(clerk, name, data):
    clerk.send({"t": "upload", "name": name, "size": len(data)})
    clerk.send({"t": "slice"}, data)


def errors_of(home, number, errors):
    _, made = VARIANTS["list"]
    sent = sorted((run_folder(home) / "submission").glob("SENR_*.txt"))[number - 1]
    return made(sent.read_bytes(), errors)


def told(settings):
    return [event["event"] for event in Journal.open(settings.output.runs).events if event["event"] != "run"]


def files(clerk):
    """The part with the files, or the whole screen, whichever was shown last."""
    wanted = ("export-files", "main")
    regions = (message.get("regions", {}) for message in reversed(clerk.messages))
    return next(shown[name] for shown in regions for name in wanted if name in shown)


def seen(clerk):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", files(clerk))).split())


def button(clerk, number, what):
    return re.search(rf'<button[^>]*id="tell-{what}-{number}"[^>]*>', files(clerk))[0]


# ---- jobs


def test_a_look_writes_nothing_and_shows_every_file(home, settings):
    ledger = settings.output.runs / "ledger" / "ledger.jsonl"
    before = ledger.read_bytes()
    folder = run_folder(home)
    loop = jobs.loop_of(NoProgress(), str(settings.file), folder.name, "")
    assert [one["state"] for one in loop["files"].values()] == ["prepared"] * len(loop["files"])
    assert [one["waits_for"] for one in loop["files"].values()] == [0, *[1] * (len(loop["files"]) - 1)]
    assert ledger.read_bytes() == before


@pytest.mark.parametrize(("made", "replaced"), [("2020-01-01", True), ("2099-01-01", False)])
def test_a_run_that_the_ledger_does_not_know_comes_not_before_a_newer_one(settings, made, replaced):
    loop = jobs.loop_of(NoProgress(), str(settings.file), "2020-01-01_0000000", made)
    assert (loop["files"], loop["replaced"]) == ({}, replaced)


def test_what_waits_is_told_without_a_student_and_a_broken_ledger_with_its_cure(home, settings):
    told = jobs.waiting(NoProgress(), [str(settings.file)])
    assert [one["number"] for one in told[0]["files"]] == [1, 2, 3, 4, 5, 6]
    assert ssids_shown(repr(told), home / "demo") == set()
    ledger = settings.output.runs / "ledger" / "ledger.jsonl"
    ledger.write_text('{"v": 99, "event": "run"}\n')
    assert "newer senrkit" in jobs.waiting(NoProgress(), [str(settings.file)])[0]["wrong"]


# ---- Export


def test_only_the_first_file_can_be_uploaded_and_the_next_waits(clerk):
    assert 'aria-disabled="true"' not in button(clerk, 1, "sent")
    assert 'data-why="Wait until file 1 has posted."' in button(clerk, 2, "sent")
    clerk.do("export/form", arg="2|sent")
    assert clerk.hears() == "Wait until file 1 has posted."
    assert 'id="telling"' not in files(clerk)


def test_uploaded_posted_and_the_next_one_opens(clerk, settings):
    say(clerk, 1, "sent", job="4711234")
    assert "Uploaded 24 Nov 2026 · job 4711234" in seen(clerk)
    assert clerk.hears() == "File 1: uploaded."
    say(clerk, 1, "posted", on="2026-11-25")
    assert "Posted 25 Nov 2026 · job 4711234" in seen(clerk)
    assert 'aria-disabled="true"' not in button(clerk, 2, "sent")
    assert told(settings) == ["sent", "posted"]


def test_the_day_is_that_of_the_settings_and_the_form_closes_again(clerk):
    clerk.do("export/form", arg="1|sent")
    assert 'name="on" value="2026-11-23" min="2026-11-23"' in files(clerk)
    clerk.do("export/form", arg="1|sent")
    assert 'id="telling"' not in files(clerk)


def test_a_day_before_the_run_is_refused_with_its_cure_and_the_form_stays(clerk, settings):
    say(clerk, 1, "sent", on="2026-11-01")
    assert 'id="notice"' in clerk.regions["main"] and "before the day of run" in seen(clerk)
    assert 'id="telling"' in clerk.regions["main"]
    assert told(settings) == []


def test_a_refused_file_says_how_many_and_leads_to_each_student(clerk, home, settings):
    say(clerk, 1, "sent")
    clerk.do("export/form", arg="1|rejected")
    upload(clerk, "SubmissionErrors.csv", errors_of(home, 1, [Error(2, "SENR0178"), Error(3, "SENR0286E3", "W")]))
    assert "SubmissionErrors.csv" in seen(clerk)
    clerk.do("export/tell", on="2026-11-25")
    shown = seen(clerk)
    rows = clerk.desk.session.run.manifest["files"][0]["rows"]
    assert "1 record is refused" in shown
    assert f"{rows - 1} {'was' if rows == 2 else 'were'} dragged down" in shown
    assert "(SENR0178)" in shown and "An error" not in shown
    assert ssids_shown(repr(clerk.messages), home / "demo") == set()
    assert list((home / "uploads").iterdir()) == []
    clerk.do("export/student", arg=re.search(r'data-do="export/student" data-arg="(\d+)"', clerk.regions["main"])[1])
    assert clerk.desk.session.step == "review" and "<dialog" in clerk.regions["dialog"]
    assert clerk.desk.session.proposal.rows[clerk.desk.student]["sequence"] == "2"


def test_lines_about_none_of_the_records_are_told_by_their_number(clerk, home):
    say(clerk, 1, "sent")
    clerk.do("export/form", arg="1|rejected")
    data = errors_of(home, 1, [Error(1, "SENR0178"), Error(2, "SENR0178")])
    name = re.search(rb"\d{7}-2\b", data)[0]
    upload(clerk, "Errors.csv", data.replace(name, name[:-1] + b"99999"))
    clerk.do("export/tell", on="2026-11-25")
    assert "Errors.csv: line 3." in seen(clerk)
    assert "1 record is refused" in seen(clerk)


def test_an_error_file_of_others_is_refused_and_not_kept(clerk, home, settings):
    say(clerk, 1, "sent")
    clerk.do("export/form", arg="1|rejected")
    upload(clerk, "Errors.csv", b"no error file\r\n")
    clerk.do("export/tell", on="2026-11-25")
    assert 'id="notice"' in clerk.regions["main"]
    assert list((home / "uploads").iterdir()) == []
    assert told(settings) == ["sent"]


def test_the_error_file_may_come_later(clerk, home):
    say(clerk, 1, "sent")
    say(clerk, 1, "rejected")
    assert "Nobody knows yet which records" in seen(clerk)
    say(clerk, 1, "rejected")
    assert clerk.hears() == "Give CALPADS' error file first."
    upload(clerk, "Errors.csv", errors_of(home, 1, [Error(2, "SENR0178")]))
    clerk.do("export/tell", on="2026-11-24")
    assert "1 record is refused" in seen(clerk)


@pytest.mark.parametrize("action", ["export/form-close", "step/review", "step/start"])
def test_an_error_file_is_let_go_when_the_form_is_left(clerk, home, action):
    say(clerk, 1, "sent")
    clerk.do("export/form", arg="1|rejected")
    upload(clerk, "Errors.csv", b"anything")
    clerk.do(action)
    assert list((home / "uploads").iterdir()) == []


def test_a_wrong_posted_is_taken_back_with_a_reason(clerk, settings):
    say(clerk, 1, "sent")
    say(clerk, 1, "posted")
    say(clerk, 1, "undo", because="That was last week's")
    assert clerk.hears() == "File 1: uploaded."
    assert told(settings) == ["sent", "posted", "posted-undone"]


def test_a_button_of_a_moment_ago_does_nothing(clerk, settings):
    say(clerk, 1, "sent")
    clerk.do("export/form", arg="1|sent")
    assert clerk.hears() == "That cannot be said of the file any more."
    clerk.do("export/tell", on="2026-11-24")
    assert told(settings) == ["sent"]


def test_what_was_told_elsewhere_is_seen_at_the_next_beat(clerk, settings):
    words.sent(settings, None, [1], job="99")
    clerk.send({"t": "ping"})
    assert "job 99" in seen(clerk)


def test_files_under_way_stay_when_decisions_were_made_since(clerk):
    say(clerk, 1, "sent")
    clerk.desk.session.decisions_file.write_text("ssid,school_code,start_date\n")
    clerk.do("step/export")
    assert "Make them again" in seen(clerk)
    assert 'data-why="Decisions were made since these files.' in button(clerk, 2, "sent")
    assert 'aria-disabled="true"' not in button(clerk, 1, "posted")


# ---- Start


def test_start_says_what_is_on_its_way_and_nothing_where_nothing_is(home, settings, tmp_path):
    words.sent(settings, None, [1], job="4711234")
    clerk = Clerk(home)
    shown = html.unescape(clerk.sees("on-its-way"))
    assert "File 1 was uploaded on 23 Nov 2026, job 4711234: wait for CALPADS' answer." in shown
    assert "Files 2 to 6 wait until file 1 has posted." in shown
    clerk.do("step/start")
    assert "Files 2 to 6 wait" in clerk.sees("main")
    words.rejected(settings, None, 1, errors=[])
    assert "Do not upload files 2 to 6" in Clerk(home).sees("on-its-way")
    assert "On its way" not in seen(Clerk(tmp_path / "new"))
