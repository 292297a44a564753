"""Places, the worker process, the server's settings: what keeps one person's things from another's, and cancels."""

from __future__ import annotations

import csv
import os
import socket
import threading
import time

import pytest

from senrkit.app.places import DROP, HOME, USER_HEADER, Places, safe_name
from senrkit.app.proposal import ProposalTable
from senrkit.app.screens import _environment
from senrkit.app.server import FIRST_PORT, Options, configuration, notebook, serve
from senrkit.app.workroom import Request, Workroom
from senrkit.errors import UsageError
from senrkit.jupyter.door import Door, taken_port
from senrkit.jupyter.gate import Guard
from senrkit.jupyter.world import World
from senrkit.results import masking
from senrkit.results.tables import PROPOSAL_COLUMNS
from tests.patience import PATIENCE

SIGNED_ON = {HOME: "/srv/senrkit", DROP: "", USER_HEADER: "X-Forwarded-User"}
HEADER = "HTTP_X_FORWARDED_USER"


# ---- places


@pytest.mark.parametrize(
    "one, other",
    [("ana", "bo"), ("a.b", "a-b"), ("Ana", "ana"), ("../bo", "bo"), ("bo/", "bo"), ("a" * 60 + "1", "a" * 60 + "2")],
)
def test_two_people_never_share_a_home(one, other):
    homes = [Places.of_environment({**SIGNED_ON, HEADER: person}).home for person in (one, other)]
    assert homes[0] != homes[1]
    assert all(str(home.resolve()).startswith("/srv/senrkit/") for home in homes)


def test_who_comes_without_the_sign_on_gets_nobodys_home():
    with pytest.raises(UsageError, match="did not say who you are"):
        Places.of_environment(SIGNED_ON)


def test_uploads_of_long_ago_are_thrown_away(tmp_path):
    places = Places(tmp_path, tmp_path / "drop")
    places.prepare()
    for name, days in (("old", 31), ("new", 29)):
        (places.uploads / name).mkdir()
        (places.uploads / name / "SENR.txt").write_text("x")
        os.utime(places.uploads / name, (time.time() - days * 86400,) * 2)
    places.prepare()
    assert [path.name for path in places.uploads.iterdir()] == ["new"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\SENR ODS.txt", "SENR_ODS.txt"),
        ("...", "extract.txt"),
        ("<b>.txt", "b_.txt"),
    ],
)
def test_a_name_from_a_browser_is_made_safe(given, kept):
    assert safe_name(given) == kept


# ---- the proposal


def test_the_dashboard_hides_students_by_the_one_rule():
    assert _environment().filters["masked"] is masking.masked_identifier
    assert _environment().filters["hiding"] is masking.masked_text


ROW = dict.fromkeys(PROPOSAL_COLUMNS, "")
TWO = [
    ROW
    | {
        "action": "update",
        "reason": "exit",
        "ssid": "9000000001",
        "school_code": "1111111",
        "start_date": "2026-08-17",
        "start_key": "20260817",
        "changed": "exit_date|grade",
    },
    ROW
    | {
        "action": "add",
        "reason": "missing-in-calpads",
        "ssid": "9000000001",
        "school_code": "2222222",
        "start_date": "2026-10-01",
        "start_key": "20261001",
    },
]
HOLD = {
    "ssid": "9000000001",
    "school_code": "1111111",
    "start_date": "20260817",
    "action": "update",
    "decision": "hold",
}


@pytest.mark.parametrize(
    ("decision", "update_is", "add_is"),
    [
        ({}, "hold", "with-student"),
        ({"decision": "not-an-error"}, "not-an-error", "with-student"),
        ({"decision": "send"}, "send", ""),
        ({"action": "delete"}, "", ""),
        ({"start_date": "20260818"}, "", ""),
    ],
)
def test_a_decision_holds_the_whole_student_and_fits_only_its_own_action(decision, update_is, add_is):
    table = ProposalTable(TWO)
    table.take_decisions([HOLD | decision])
    assert (table.decided_as(0), table.decided_as(1)) == (update_is, add_is)


def test_a_rule_is_named_only_of_its_own_enrollment(tmp_path):
    """Another school, another day and another student have it not."""
    finding = {"ssid": "9000000001", "school_code": "1111111", "start_date": "2026-08-17", "rule": "SENR0178"}
    misses = [{"school_code": "2222222"}, {"start_date": "2026-08-18"}, {"ssid": "9000000002"}]
    rows = [ROW | {"action": "update", "before": "", "after": "", **finding, **miss} for miss in ({}, *misses)]
    for name, lines in (("proposal.csv", rows), ("findings.csv", [finding])):
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as opened:
            writer = csv.DictWriter(opened, list(lines[0]))
            writer.writeheader()
            writer.writerows(lines)
    table = ProposalTable.read(tmp_path)
    assert [row["rules"] for row in table.rows] == ["SENR0178", "", "", ""]
    table.filter("rule", ["SENR0178"])
    assert table.view == [0]


def test_filters_and_search_narrow_together():
    table = ProposalTable(TWO)
    table.filter("field", ["grade"])
    assert table.view == [0]
    table.filter("field", ["grade", "no such field"])
    assert table.view == [0]
    table.find("no such word")
    assert table.view == []
    table.clear()
    assert table.view == [0, 1]
    with pytest.raises(KeyError):
        table.filter("ssid", ["9000000001"])


# ---- the worker


@pytest.fixture
def workroom(tmp_path):
    room = Workroom(tmp_path, lambda function, *given: function(*given))
    yield room
    room.close()


def asked(room, job, **given):
    over, answers = threading.Event(), []
    room.ask(Request(job, given, lambda answer: (answers.append(answer), over.set())))
    assert over.wait(PATIENCE)
    return answers[0]


def test_a_refusal_comes_back_with_its_cure_and_a_fault_with_its_reference(workroom, tmp_path):
    refused = asked(workroom, "recognize", files=[str(tmp_path / "nothing")], lea="1999990", as_of="2026-11-23")
    assert refused.refused and refused.cure
    fault = asked(workroom, "recognize", files=[], lea="1999990", as_of="not a day")
    assert fault.refused or (tmp_path / f"senrkit-fault-{fault.fault}.log").is_file()
    assert asked(workroom, "no such job").fault


def test_a_cancel_ends_the_work_at_once_and_the_next_request_is_served(workroom, tmp_path):
    over, answers = threading.Event(), []
    workroom.start()
    first = workroom.process_id
    demo = {"folder": str(tmp_path / "demo"), "students": 20_000}
    workroom.ask(Request("make_demo", demo, lambda answer: (answers.append(answer), over.set())))
    workroom.cancel()
    assert over.wait(PATIENCE)
    assert [answer.canceled for answer in answers] == [True]
    assert workroom.process_id != first
    assert asked(workroom, "waiting", settings_files=[]).done == []


def test_a_worker_that_dies_is_a_sentence_and_not_a_page_that_waits_for_ever(workroom, tmp_path):
    over, answers = threading.Event(), []
    workroom.start()
    demo = {"folder": str(tmp_path / "demo"), "students": 20_000}
    workroom.ask(Request("make_demo", demo, lambda answer: (answers.append(answer), over.set())))
    os.kill(workroom.process_id, 9)
    assert over.wait(PATIENCE)
    assert "cut off" in answers[0].refused


# ---- the server


def test_the_server_listens_here_behind_a_token_and_hands_out_no_file(tmp_path):
    with taken_port(None, FIRST_PORT) as taken:
        made = configuration(Options(tmp_path), Guard(Door(taken, token="secret")), World(tmp_path))
    assert made.Voila.ip == "127.0.0.1" and "secret" not in repr(made)
    assert made.VoilaConfiguration.file_allowlist == [r"(?!)"]
    assert made.VoilaConfiguration.strip_sources and not made.VoilaConfiguration.show_tracebacks
    assert made.MappingKernelManager.cull_idle_timeout == 600


def test_the_notebook_is_found_and_holds_no_output():
    assert '"outputs": []' in notebook().read_text()


def test_a_port_that_is_taken_and_a_warm_kernel_for_nobody_are_refused(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="in use"):
            serve(Options(tmp_path, port=taken.getsockname()[1]), print)
    with pytest.raises(UsageError, match="cannot know whose"):
        serve(Options(tmp_path, user_header="X-User", preheated=1), print)
