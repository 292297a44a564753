"""The desk without a browser: what is shown, what is refused, what is kept."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import errno
import re
import shutil

import pytest

from senrkit.app import screens
from senrkit.app.proposal import ProposalTable
from senrkit.app.steps import check, export
from senrkit.app.steps.review import COLUMNS
from senrkit.app.workroom import Answer
from senrkit.demo import make
from senrkit.engine import run
from senrkit.reconciliation import decisions
from senrkit.results import masking
from senrkit.settings.settings import load_settings
from tests.dashboard.desks import Clerk, Here


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    folder = tmp_path_factory.mktemp("district") / "demo"
    make(folder, 300, 1, None)
    return folder


@pytest.fixture
def home(district, tmp_path):
    shutil.copytree(district, tmp_path / "home" / "demo")
    return tmp_path / "home"


@pytest.fixture
def clerk(home):
    return Clerk(home)


@pytest.fixture(scope="module")
def ran(district, tmp_path_factory):
    """A home in which the district was evaluated once; the tests share the run, and each has its own decisions."""
    home = tmp_path_factory.mktemp("ran") / "home"
    shutil.copytree(district, home / "demo")
    clerk = Clerk(home)
    for action in ("start/demo", "load/named", "step/check", "step/evaluate"):
        clerk.do(action)
    return clerk


@pytest.fixture
def evaluated(ran):
    runs, made = ran.desk.session.runs_folder, ran.desk.session.run.folder
    for left in runs.iterdir():
        if left != made:
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    clerk = Clerk(ran.desk.places.home)
    clerk.desk.session.open_run(ran.desk.session.run)
    clerk.desk.session.charts = ran.desk.session.charts
    clerk.do("step/evaluate")
    return clerk


def decisions_of(clerk):
    return clerk.desk.session.runs_folder / "decisions.csv"


def rows_of(clerk, first=0, number=200):
    clerk.send({"t": "rows", "first": first, "number": number})
    return clerk.last("rows")


def choose(clerk, action, how_many):
    clerk.do("step/review")
    clerk.do("review/narrow", action=[action])
    places = [row["place"] for row in rows_of(clerk)["rows"] if row["decidable"]][:how_many]
    clerk.do("review/choose", places=places, on=True)
    return places


# ---- steps in their order


def test_each_step_opens_when_the_one_before_is_done(clerk):
    for step in ("load", "check", "evaluate", "review", "export"):
        clerk.do(f"step/{step}")
        assert "<h1" in clerk.regions["main"] and ">Start<" in clerk.regions["main"], step
    clerk.do("start/demo")
    assert "Load the extract" in clerk.sees()
    clerk.do("step/check")
    assert "Load the extract" in clerk.sees()


def test_evaluate_shows_the_balance_of_the_manifest(evaluated):
    counts = evaluated.desk.session.run.manifest["counts"]["action"]
    seen = evaluated.sees()
    for action, word in (("delete", "Delete"), ("update", "Update"), ("add", "Add"), ("hold", "Held back")):
        assert re.search(rf"{counts[action]} \S {word}", seen), action


def test_another_extract_closes_the_run_that_was_open(evaluated):
    evaluated.do("step/load")
    evaluated.do("load/named")
    session = evaluated.desk.session
    assert (session.run, session.proposal, session.checked, session.confirmed) == (None, None, None, None)


def test_the_address_opens_the_run_again_at_the_same_step(evaluated):
    evaluated.do("step/review")
    again = Clerk(evaluated.desk.places.home)
    address = next(message["hash"] for message in reversed(evaluated.messages) if message.get("hash"))
    again.send({"t": "hello", "hash": address})
    assert again.desk.session.step == "review"
    assert again.desk.session.run.folder == evaluated.desk.session.run.folder


def test_the_address_names_row_and_filters_and_nobody(evaluated):
    evaluated.do("step/review")
    table = evaluated.desk.session.proposal
    evaluated.do("review/narrow", action=["update", "add"], search=table.rows[0]["ssid"])
    evaluated.do("review/clear")
    evaluated.do("review/narrow", action=["update", "add"])
    place = table.view[0]
    evaluated.do("review/open", arg=str(place))
    address = evaluated.last_address()
    assert (
        address == f"#run={evaluated.desk.session.run.folder.name}&step=review&student={place}&action=update&action=add"
    )
    assert not [one for one in evaluated.messages if table.rows[0]["ssid"] in one.get("hash", "")]
    again = Clerk(evaluated.desk.places.home)
    again.send({"t": "hello", "hash": address})
    assert (again.desk.student, again.desk.session.proposal.view) == (place, table.view)
    assert "student-title" in again.regions["dialog"] and again.last_address() == address


@pytest.mark.parametrize("end", ["student=999999", "student=-1", "student=x", "student=²", "action=nothing&field=<b>"])
def test_an_address_that_names_no_row_opens_the_rest(evaluated, end):
    run = evaluated.desk.session.run.folder.name
    again = Clerk(evaluated.desk.places.home)
    again.send({"t": "hello", "hash": f"#run={run}&step=review&{end}"})
    assert (again.desk.session.step, again.desk.student) == ("review", None)


@pytest.mark.parametrize("step", ["load", "check"])
@pytest.mark.parametrize("dropped", [False, True])
def test_the_extract_is_found_again_after_a_reload(clerk, step, dropped):
    home = clerk.desk.places.home
    clerk.do("start/settings", settings="0")
    if dropped:
        (home / "drop").mkdir(exist_ok=True)
        shutil.copy(home / "demo" / "SENR_ODS.txt", home / "drop" / "mine.txt")
        clerk.do("load/refresh")
        clerk.do("load/dropped", dropped="0")
    else:
        clerk.do("load/named")
    clerk.do(f"step/{step}")
    again = Clerk(home)
    again.send({"t": "hello", "hash": clerk.last_address()})
    session = again.desk.session
    assert (session.step, session.extract) == (step, str(home / "drop" / "mine.txt") if dropped else "")
    assert again.last_address() == clerk.last_address() and again.sees() == clerk.sees()


@pytest.mark.parametrize("extract", ["../../etc/passwd", "gone.txt", "demo"])
def test_an_extract_that_is_not_there_is_not_taken_up(clerk, extract):
    again = Clerk(clerk.desk.places.home)
    again.send({"t": "hello", "hash": f"#settings=demo/senrkit.toml&extract={extract}&step=check"})
    assert (again.desk.session.step, again.desk.session.recognized) == ("load", None)


def test_back_and_forth_between_places(evaluated):
    places = []
    for action, values in [("step/review", {}), ("review/open", {"arg": "1"}), ("step/evaluate", {})]:
        evaluated.do(action, **values)
        places.append(evaluated.last_address())
    drawn = evaluated.regions["main"]
    for place, (step, student) in zip(reversed(places[:-1]), [("review", 1), ("review", None)], strict=True):
        evaluated.send({"t": "visit", "hash": place})
        assert (evaluated.desk.session.step, evaluated.desk.student) == (step, student)
        assert evaluated.last_address() == place
    assert set(evaluated.messages[-1]["regions"]) == {"dialog"}, "only the window closes; the table stays"
    evaluated.send({"t": "visit", "hash": places[-1]})
    assert evaluated.desk.session.step == "evaluate" and evaluated.regions["main"] == drawn


def test_before_there_is_a_run_the_address_names_the_settings(home):
    clerk = Clerk(home)
    clerk.send({"t": "hello", "hash": "#settings=demo/senrkit.toml&step=check"})
    assert (clerk.desk.session.step, clerk.desk.session.settings_file) == ("load", home / "demo" / "senrkit.toml")
    assert clerk.last_address() == "#settings=demo%2Fsenrkit.toml&step=load"


@pytest.mark.parametrize(
    "address",
    [
        "#settings=../other/senrkit.toml&step=load",
        "#run=../../etc&step=review",
        "#step=nowhere",
        "#run=unknown&step=export",
        "garbage",
    ],
)
def test_an_address_that_leads_nowhere_opens_the_start(home, address):
    clerk = Clerk(home)
    clerk.send({"t": "hello", "hash": address})
    assert clerk.desk.session.step == "start"


# ---- faults


def test_a_fault_is_a_sentence_with_a_reference_and_the_trace_is_in_the_log(clerk, home):
    clerk.do("no/such-action")
    reference = re.search(r"Reference number (\w{8})", clerk.sees())[1]
    log = (home / f"senrkit-fault-{reference}.log").read_text()
    assert "KeyError" in log
    assert "Traceback" not in clerk.regions["main"] and "KeyError" not in clerk.regions["main"]


def test_a_fault_of_the_worker_is_told_by_its_reference(home):
    class Broken(Here):
        def ask(self, request):
            request.ended(Answer(fault="abcd1234"))

    clerk = Clerk(home, Broken())
    clerk.do("start/demo")
    clerk.do("load/named")
    assert "Reference number abcd1234" in clerk.sees()


def test_a_fault_in_what_a_quiet_answer_leads_to_is_told_too(evaluated, monkeypatch):
    def broken(desk, **words):
        raise KeyError("rules")

    monkeypatch.setattr(export, "_show_files", broken)
    evaluated.do("step/export")
    assert "Something went wrong inside senrkit" in evaluated.sees() and "Reference number" in evaluated.sees()


def test_a_refusal_is_told_with_its_cure_and_nothing_is_under_way_after_it(clerk, home):
    clerk.do("start/demo")
    (home / "demo" / "SENR_ODS.txt").write_bytes(b"no extract at all\n")
    clerk.do("load/named")
    assert clerk.desk.doing == ""
    assert 'id="notice"' in clerk.regions["main"]
    assert clerk.desk.session.recognized is None


def test_what_was_canceled_leaves_no_run(home):
    class Canceled(Here):
        def ask(self, request):
            if request.job == "run":
                request.ended(Answer(canceled=True))
            else:
                super().ask(request)

    clerk = Clerk(home, Canceled())
    for action in ("start/demo", "load/named", "step/check", "step/evaluate"):
        clerk.do(action)
    assert "Canceled" in clerk.sees()
    assert clerk.desk.session.run is None
    assert not list((home / "demo" / "runs").glob("*"))


# ---- check


def test_a_soft_stop_needs_a_reason_and_can_be_taken_back(clerk, home):
    settings = home / "demo" / "senrkit.toml"
    settings.write_text(settings.read_text().replace("max_extract_age_days = 14", "max_extract_age_days = 0"))
    for action in ("start/demo", "load/named", "step/check"):
        clerk.do(action)
    assert [one["id"] for one in clerk.desk.session.stops] == ["P08"]
    clerk.do("check/accept", id="P08", because="  ")
    assert clerk.desk.session.stops
    clerk.do("step/evaluate")
    assert clerk.desk.session.step == "check"
    clerk.do("check/accept", id="P08", because="CALPADS was down")
    assert clerk.desk.session.stops == []
    clerk.do("check/withdraw", arg="P08")
    assert clerk.desk.session.stops
    clerk.do("check/accept", id="P08", because="CALPADS was down")
    clerk.do("step/evaluate")
    assert clerk.desk.session.run.manifest["accepted"][0]["because"] == "CALPADS was down"


def test_a_hard_stop_cannot_be_accepted(clerk, home):
    settings = home / "demo" / "senrkit.toml"
    settings.write_text(settings.read_text().replace('lea = "1999990"', 'lea = "1999991"'))
    for action in ("start/demo", "load/named", "step/check"):
        clerk.do(action)
    hard = [one["id"] for one in clerk.desk.session.stops if one["kind"] == "hard"]
    assert "P04" in hard
    clerk.do("check/accept", id="P04", because="I want to go on")
    assert "P04" in [one["id"] for one in clerk.desk.session.stops]


@pytest.fixture(scope="module")
def many_deletes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many_deletes") / "demo"
    make(folder, 300, 1, None, "P12")
    return folder


@pytest.fixture
def stopped_by_deletes(many_deletes, tmp_path):
    shutil.copytree(many_deletes, tmp_path / "home" / "demo")
    clerk = Clerk(tmp_path / "home")
    for action in ("start/demo", "load/named", "step/check"):
        clerk.do(action)
    return clerk


def test_deletes_are_shown_before_their_number_is_asked_and_the_number_stands_in_the_list_alone(stopped_by_deletes):
    clerk = stopped_by_deletes
    p12 = clerk.desk.session.stops[0]
    number = sum(p12["by_school"].values())
    shown = clerk.regions["main"]
    part = shown[shown.index('id="precondition-P12"') :].partition("</li>")[0]
    table, form = re.search(r"<table[^>]*><caption.*?</table>", part, re.S), part.index("<form")
    assert table[0].count("<tr") == 1 + number and table.end() < form
    assert [title for _, title in COLUMNS if f">{title}</th>" not in table[0]] == []
    outside = re.sub(r"<table[^>]*>.*?</table>", "", part, flags=re.S)
    assert not re.search(rf"\b{number}\b", re.sub(r"<[^>]+>", " ", outside))
    assert "--accept" not in part and "proposal.csv" not in part
    at_risk = sum(row["at_risk"] == "true" for row in clerk.desk.session.deletes.rows)
    assert at_risk and table[0].count("Last record") == at_risk
    assert "Last record" in table[0].split("<tr")[2]
    assert "Aeries has no enrollment row" in table[0]


def test_the_deletes_of_p12_are_hidden_and_shown_like_all_students(stopped_by_deletes):
    clerk = stopped_by_deletes
    ssids = {row["ssid"] for row in clerk.desk.session.deletes.rows}
    assert ssids and not [ssid for ssid in ssids if ssid in repr(clerk.messages)]
    clerk.do("names/toggle")
    assert all(f"SSID {ssid}" in clerk.regions["main"] for ssid in ssids)
    assert "Strayfield, " in clerk.sees()


def test_deletes_are_accepted_by_their_number_and_a_reason_which_the_run_keeps(stopped_by_deletes):
    clerk = stopped_by_deletes
    number = str(sum(clerk.desk.session.stops[0]["by_school"].values()))
    for given, said in (
        ({"number": "1", "because": "They moved away"}, "not the number"),
        ({"number": number, "because": " "}, "Write down why"),
    ):
        clerk.do("check/deletes", **given)
        assert said in clerk.last("form-error")["text"] and clerk.last("form-error")["form"] == "accept-P12"
        assert clerk.desk.session.stops
    clerk.do("check/deletes", number=number, because="They moved away")
    assert "They moved away" in clerk.sees() and clerk.desk.session.stops == []
    clerk.do("check/withdraw", arg="P12")
    assert clerk.desk.session.stops
    clerk.do("check/deletes", number=number, because="They moved away")
    clerk.do("step/evaluate")
    assert [(one["id"], one["because"]) for one in clerk.desk.session.run.manifest["accepted"]] == [
        ("P12", "They moved away")
    ]
    again = Clerk(clerk.desk.places.home)
    again.do("start/open", arg="0")
    again.do("step/check")
    assert "They moved away" in again.sees() and 'id="deletes"' in again.regions["main"]


def test_a_run_that_deletes_stopped_shows_them_when_it_is_opened(stopped_by_deletes):
    home = stopped_by_deletes.desk.places.home
    run(load_settings(home / "demo" / "senrkit.toml"))
    clerk = Clerk(home)
    clerk.do("start/open", arg="0")
    assert clerk.desk.session.proposal is None
    assert clerk.regions["main"].count("Last record</small>") > 0 and 'id="deletes-P12"' in clerk.regions["main"]


def test_a_run_of_the_command_line_shows_none_of_its_options(stopped_by_deletes):
    clerk = stopped_by_deletes
    number = sum(clerk.desk.session.stops[0]["by_school"].values())
    run(load_settings(clerk.desk.session.settings_file), accept_deletes=number)
    clerk.do("step/start")
    clerk.do("start/open", arg="0")
    clerk.do("step/check")
    assert "The exact number of deletes was given" in clerk.sees() and "--accept" not in clerk.regions["main"]


def test_a_long_list_of_deletes_is_turned_page_by_page_and_the_last_has_the_number(stopped_by_deletes, monkeypatch):
    monkeypatch.setattr(check, "DELETES_A_PAGE", 20)
    clerk = stopped_by_deletes
    clerk.do("step/start")
    clerk.do("step/check")
    number = len(clerk.desk.session.deletes.rows)
    seen = []
    for _ in range(number):
        seen += map(int, re.findall(r'<td class="number">(\d+)</td><td', clerk.regions["main"]))
        further = re.search(r'id="deletes-after" data-do="check/turn" data-arg="(\d+)"', clerk.regions["main"])
        if not further:
            break
        clerk.do("check/turn", arg=further[1])
    assert seen == list(range(1, number + 1))


# ---- review and export


def test_a_hold_is_appended_and_its_student_is_in_no_file(evaluated):
    place = choose(evaluated, "delete", 1)[0]
    ssid = evaluated.desk.session.proposal.rows[place]["ssid"]
    expires = str(evaluated.desk.session.settings.as_of + dt.timedelta(days=200))
    evaluated.do("review/decide", decision="hold", reason="Ask the school", expires=expires)
    with decisions_of(evaluated).open(newline="") as lines:
        kept = list(csv.DictReader(lines))
    assert [(one["ssid"], one["action"], one["decision"], one["expires"]) for one in kept] == [
        (ssid, "delete", "hold", expires)
    ]
    evaluated.do("step/export")
    assert "not in the files yet" in evaluated.sees()
    evaluated.do("export/make")
    sent = b"".join(path.read_bytes() for path in (evaluated.desk.session.run.folder / "submission").glob("SENR_*.txt"))
    assert sent and ssid.encode() not in sent


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"decision": "hold", "reason": " "}, "Write down why"),
        ({"decision": "", "reason": "Ask the school"}, "Choose Send"),
        ({"decision": "delete-all", "reason": "Ask the school"}, "Choose Send"),
        ({"decision": "send", "reason": "Looked at both"}, "Type how many: 2"),
        ({"decision": "send", "reason": "Looked at both", "number": "3"}, "Type how many: 2"),
    ],
)
def test_an_unfinished_decision_is_not_kept(evaluated, given, said):
    choose(evaluated, "delete", 2)
    evaluated.do("review/decide", **given)
    assert said in evaluated.last("form-error")["text"]
    assert not decisions_of(evaluated).exists()


def test_to_send_deletes_their_exact_number_is_typed(evaluated):
    choose(evaluated, "delete", 2)
    evaluated.do("review/decide", decision="send", reason="Looked at both", number="2")
    assert decisions_of(evaluated).read_text().count(",send,") == 2


def test_a_decision_taken_back_leaves_its_lines_and_counts_no_more(evaluated):
    place = choose(evaluated, "update", 1)[0]
    evaluated.do("review/decide", decision="not-an-error", reason="The code is right")
    assert evaluated.desk.session.proposal.decided_as(place) == "not-an-error"
    evaluated.do("review/open", arg=place)
    evaluated.do("review/take-back", arg=named(evaluated, "dialog", "review/take-back"))
    assert evaluated.desk.session.proposal.decided_as(place) == ""
    assert len(decisions_of(evaluated).read_text().splitlines()) == 3


def named(clerk, region, action):
    """What the button of this action names."""
    return re.search(rf'data-do="{action}" data-arg="(\w+)"', clerk.regions[region])[1]


def replacing(clerk, region="main"):
    """The box that replaces just the decisions that are shown."""
    return re.search(r'name="replace" value="(\w+)"', clerk.regions[region])[1]


def somebody_else(clerk, person="Bo"):
    """A colleague who has the same run open."""
    other = Clerk(clerk.desk.places.home)
    other.desk.places = dataclasses.replace(other.desk.places, person=person)
    other.desk.session.open_run(clerk.desk.session.run)
    other.do("step/review")
    return other


def test_the_second_to_decide_is_told_who_decided_and_replaces_only_by_saying_so(evaluated):
    place = choose(evaluated, "update", 1)[0]
    other = somebody_else(evaluated)
    other.do("review/choose", places=[place], on=True)
    other.do("review/decide", decision="hold", reason="Asked the school")
    before = decisions_of(evaluated).read_bytes()
    # The page does not know of it yet.
    evaluated.do("review/decide", decision="send", reason="It is right")
    assert "decided already" in evaluated.last("form-error")["text"]
    assert re.search(r"Hold: “Asked the school”, Bo, \d{1,2} \w{3} \d{4}", evaluated.sees())
    assert decisions_of(evaluated).read_bytes() == before
    for not_it in ({}, {"replace": ""}, {"replace": "on"}):
        evaluated.do("review/decide", decision="send", reason="It is right", **not_it)
        assert decisions_of(evaluated).read_bytes() == before
    evaluated.do("review/decide", decision="send", reason="It is right", replace=replacing(evaluated))
    assert evaluated.desk.session.proposal.decided_as(place) == "send"


def test_to_replace_what_was_seen_is_not_to_replace_what_came_since(evaluated):
    place = choose(evaluated, "update", 1)[0]
    evaluated.do("review/decide", decision="hold", reason="The first reason")
    evaluated.do("review/open", arg=place)
    seen = replacing(evaluated, "dialog")
    other = somebody_else(evaluated)
    other.do("review/open", arg=place)
    other.do("review/decide", decision="not-an-error", reason="Asked the school", replace=replacing(other, "dialog"))
    evaluated.do("review/decide", decision="send", reason="The second reason", replace=seen)
    assert "Asked the school" in evaluated.sees("dialog") and replacing(evaluated, "dialog") != seen
    assert evaluated.desk.session.proposal.decided_as(place) == "not-an-error"


@pytest.mark.parametrize("what", ["decide", "take-back"])
def test_who_is_overtaken_while_it_is_written_is_told_and_nothing_is_written(evaluated, monkeypatch, what):
    place = choose(evaluated, "update", 1)[0]
    evaluated.do("review/decide", decision="hold", reason="The first reason")
    evaluated.do("review/open", arg=place)
    given = {"arg": named(evaluated, "dialog", "review/take-back"), "replace": replacing(evaluated, "dialog")}
    mine = evaluated.desk.session.decided[0]
    append = decisions.append

    def overtaken(path, *made, look):
        monkeypatch.setattr(decisions, "append", append)
        append(path, decisions.Decision(**mine | {"author": "Bo", "reason": "Asked the school"}))
        return append(path, *made, look=look)

    monkeypatch.setattr(decisions, "append", overtaken)
    evaluated.do(f"review/{what}", decision="send", reason="The second reason", **given)
    assert [(one["author"], one["decision"]) for one in evaluated.desk.session.decided] == [("Bo", "hold")]
    assert len(decisions_of(evaluated).read_text().splitlines()) == 3
    assert "Asked the school" in evaluated.sees("dialog")


def test_a_take_back_ends_only_the_decision_that_it_names(evaluated):
    place = choose(evaluated, "update", 1)[0]
    evaluated.do("review/decide", decision="hold", reason="The first reason")
    evaluated.do("review/open", arg=place)
    first = named(evaluated, "dialog", "review/take-back")
    other = somebody_else(evaluated)
    other.do("review/open", arg=place)
    other.do("review/decide", decision="send", reason="Asked the school", replace=replacing(other, "dialog"))
    evaluated.do("review/take-back", arg=first)
    assert "does not stand any more" in evaluated.hears()
    assert evaluated.desk.session.proposal.decision_on(place)["author"] == "Bo"


def test_all_decisions_are_listed_with_what_became_of_them(evaluated):
    place = choose(evaluated, "delete", 1)[0]
    evaluated.do("review/decide", decision="hold", reason="Ask about 9000000123 first", expires="")
    evaluated.do("review/choose-none")
    assert "All decisions (1)" in evaluated.sees() and "In force" in evaluated.sees()
    assert "9000000123" not in evaluated.regions["main"]
    evaluated.do("review/take-back", arg=named(evaluated, "main", "review/take-back"))
    assert "Taken back by" in evaluated.sees() and "In force" not in evaluated.sees()
    assert 'id="all-decisions" tabindex="-1" open' in evaluated.regions["main"]
    other = somebody_else(evaluated)
    other.do("review/open", arg=place)
    other.do("review/decide", decision="hold", reason="The second reason")
    assert "All decisions (2)" in other.sees() and "Bo" in other.sees()
    ssid = evaluated.desk.session.proposal.rows[place]["ssid"]
    assert ssid not in repr(evaluated.messages) + repr(other.messages)


def test_what_was_just_decided_can_be_undone(evaluated):
    places = choose(evaluated, "delete", 2)
    evaluated.do("review/decide", decision="hold", reason="=Ask   the\nschool")
    assert 'data-do="review/undo"' in evaluated.regions["main"]
    evaluated.do("review/undo")
    assert [evaluated.desk.session.proposal.decided_as(place) for place in places] == ["", ""]
    written = decisions_of(evaluated).read_bytes()
    evaluated.do("review/undo")
    assert decisions_of(evaluated).read_bytes() == written


def test_to_undo_a_replacement_brings_back_what_was_replaced(evaluated):
    place = choose(evaluated, "delete", 1)[0]
    other = somebody_else(evaluated)
    other.do("review/open", arg=place)
    other.do("review/decide", decision="hold", reason="Asked the school")
    before = other.desk.session.decided
    evaluated.do("review/open", arg=place)
    evaluated.do("review/decide", decision="not-an-error", reason="It is right")
    evaluated.do("review/decide", decision="not-an-error", reason="It is right", replace=replacing(evaluated, "dialog"))
    assert evaluated.desk.session.proposal.decided_as(place) == "not-an-error"
    evaluated.do("review/undo")
    assert evaluated.desk.session.decided == before


def in_conflict(clerk, case):
    """The first row that is held by this case of a conflict of identity; it is open."""
    clerk.do("step/review")
    rows = clerk.desk.session.proposal.rows
    place = next(at for at, row in enumerate(rows) if row["hold_detail"] == f"identity-conflict/{case}")
    clerk.do("review/open", arg=place)
    return place


def test_who_looked_at_both_says_that_the_ssids_are_right_and_the_rows_go_on(evaluated):
    place = next(
        at for at, row in enumerate(evaluated.desk.session.proposal.rows)
        if row["hold_detail"] == "identity-conflict/b" and row["concerned"]
    )  # fmt: skip
    row = evaluated.desk.session.proposal.rows[place]
    evaluated.do("step/review")
    evaluated.do("review/open", arg=place)
    shown = evaluated.sees("dialog")
    assert f"The other student: SSID •••••••{row['concerned'][-3:]}" in shown and "Are the SSIDs right?" in shown
    evaluated.do("review/identity", reason="Two birth certificates")
    table = evaluated.desk.session.proposal
    theirs = [at for at, one in enumerate(table.rows) if one["ssid"] in (row["ssid"], row["concerned"])]
    assert len(theirs) >= 2 and {table.decided_as(at) for at in theirs} == {"identity-checked"}
    assert "Identity checked: “" in evaluated.sees("dialog") and "Are the SSIDs right?" not in evaluated.sees("dialog")
    said = repr(evaluated.messages)
    assert row["ssid"] not in said and row["concerned"] not in said
    evaluated.do("step/export")
    evaluated.do("export/make")
    held = {one["ssid"] for one in evaluated.desk.session.proposal.rows if one["reason"] == "identity-conflict"}
    assert held and not held & {row["ssid"], row["concerned"]}


@pytest.mark.parametrize("given", [{"reason": " "}, {"reason": "Seen", "expires": "2001-01-01"}])
def test_that_the_ssids_are_right_needs_a_reason_and_a_day_to_come(evaluated, given):
    in_conflict(evaluated, "a")
    evaluated.do("review/identity", **given)
    assert evaluated.last("form-error")["text"] and not decisions_of(evaluated).exists()


def test_that_the_ssids_are_right_can_be_undone_and_taken_back(evaluated):
    place = in_conflict(evaluated, "a")
    evaluated.do("review/identity", reason="Married name")
    evaluated.do("review/undo")
    assert evaluated.desk.session.proposal.decided_as(place) == ""
    evaluated.do("review/identity", reason="Married name")
    evaluated.do("review/take-back", arg=named(evaluated, "dialog", "review/take-back"))
    assert evaluated.desk.session.proposal.decided_as(place) == ""
    assert "Are the SSIDs right?" in evaluated.sees("dialog")


def test_of_two_who_say_that_the_ssids_are_right_the_second_is_told(evaluated, monkeypatch):
    place = in_conflict(evaluated, "a")
    append = decisions.append

    def after_another(path, *lines, **more):
        append(path, *(dataclasses.replace(one, author="Bo") for one in lines))
        return append(path, *lines, **more)

    monkeypatch.setattr(decisions, "append", after_another)
    evaluated.do("review/identity", reason="Married name")
    assert decisions_of(evaluated).read_text().count("identity-checked") == 1
    assert evaluated.desk.session.proposal.decision_on(place)["author"] == "Bo"
    evaluated.do("review/identity", reason="Married name")
    assert decisions_of(evaluated).read_text().count("identity-checked") == 1


def test_a_run_of_an_older_senrkit_names_nobody_else_and_asks_nothing(evaluated):
    row = evaluated.desk.session.proposal.rows[in_conflict(evaluated, "b")]
    assert ProposalTable([row]).is_identity(0)
    assert not ProposalTable([{name: value for name, value in row.items() if name != "concerned"}]).is_identity(0)


def test_two_students_under_one_ssid_cannot_be_said_to_be_right(evaluated):
    in_conflict(evaluated, "d")
    assert "Are the SSIDs right?" not in evaluated.sees("dialog")
    evaluated.do("review/identity", reason="Both are right")
    assert not decisions_of(evaluated).exists()


def test_a_decision_that_would_be_over_already_is_refused(evaluated):
    choose(evaluated, "update", 1)
    as_of = evaluated.desk.session.settings.as_of
    evaluated.desk.today = lambda: as_of + dt.timedelta(days=3)
    for expires in (as_of - dt.timedelta(days=1), as_of + dt.timedelta(days=2), "31/31/2026"):
        evaluated.do("review/decide", decision="hold", reason="Ask the school", expires=str(expires))
        assert "“Until” is" in evaluated.last("form-error")["text"]
        assert not decisions_of(evaluated).exists()
    evaluated.do("review/decide", decision="hold", reason="Ask", expires=str(as_of + dt.timedelta(days=3)))
    assert len(evaluated.desk.session.decided) == 1


def test_in_a_run_of_an_earlier_year_only_its_own_day_says_what_is_over(evaluated):
    choose(evaluated, "update", 1)
    as_of = evaluated.desk.session.settings.as_of
    evaluated.desk.today = lambda: as_of + dt.timedelta(days=800)
    evaluated.do("review/decide", decision="hold", reason="Ask", expires=str(as_of))
    assert len(evaluated.desk.session.decided) == 1


def test_a_students_last_record_is_marked_and_can_be_filtered_and_each_row_has_its_evidence(evaluated):
    evaluated.do("step/review")
    rows = evaluated.desk.session.proposal.rows
    at_risk = [place for place, row in enumerate(rows) if row["at_risk"] == "true"]
    evaluated.do("review/narrow", at_risk=["true"])
    shown = rows_of(evaluated)["rows"]
    assert at_risk and [row["place"] for row in shown] == at_risk
    assert all(row["cells"][0][1].endswith("Last record") for row in shown)
    evaluated.do("review/clear")
    shown = rows_of(evaluated)["rows"]
    assert sum(bool(row["cells"][0][1]) for row in shown) == len(at_risk)
    for row in shown:
        assert row["cells"][1][1] == screens.with_days(masking.masked_text(rows[row["place"]]["evidence"], False))


def test_rows_that_senrkit_holds_cannot_be_chosen(evaluated):
    evaluated.do("step/review")
    evaluated.do("review/narrow", action=["hold"])
    evaluated.do("review/choose", all=True, on=True)
    assert evaluated.desk.session.proposal.chosen == set()


def test_no_ssid_reaches_the_browser_while_names_are_hidden(evaluated):
    evaluated.do("step/review")
    for row in rows_of(evaluated)["rows"]:
        evaluated.do("review/open", arg=row["place"])
    told = repr([message for message in evaluated.messages if message["t"] != "chart"])
    ssids = {row["ssid"] for row in evaluated.desk.session.proposal.rows} - {""}
    assert ssids
    assert [ssid for ssid in ssids if ssid in told] == []


def test_names_are_shown_when_asked_for(evaluated):
    evaluated.do("step/review")
    evaluated.do("names/toggle")
    cells = rows_of(evaluated)["rows"][0]["cells"]
    assert re.fullmatch(r"SSID \d{10}", cells[3][1])
    assert ", " in cells[3][0]


def test_names_that_were_switched_on_elsewhere_are_shown_in_review(evaluated):
    evaluated.do("step/language")
    evaluated.do("names/toggle")
    evaluated.do("step/review")
    assert ", " in rows_of(evaluated)["rows"][0]["cells"][3][0]


def test_files_are_handed_out_only_for_the_exact_number_of_deletes(evaluated):
    evaluated.do("step/export")
    name = evaluated.desk.session.run.manifest["files"][0]["name"]
    evaluated.do("export/download", arg=name)
    assert not [message for message in evaluated.messages if message["t"] == "download"]
    deletes = sum(one["transactions"].get("D", 0) for one in evaluated.desk.session.run.manifest["files"])
    evaluated.do("step/export")
    evaluated.do("export/confirm", number=str(deletes + 1))
    assert evaluated.desk.session.confirmed is None
    evaluated.do("export/confirm", number=str(deletes))
    evaluated.do("export/download", arg=name)
    offered = evaluated.last("download")
    evaluated.send({"t": "download", "ticket": offered["ticket"], "at": 0})
    assert evaluated.pieces[-1] == (evaluated.desk.session.run.folder / "submission" / name).read_bytes()


def test_a_download_of_any_other_file_is_a_fault(evaluated):
    evaluated.do("step/export")
    deletes = sum(one["transactions"].get("D", 0) for one in evaluated.desk.session.run.manifest["files"])
    evaluated.do("export/confirm", number=str(deletes))
    before = len(evaluated.pieces)
    for name in ("../manifest.json", "/etc/passwd", "proposal.csv"):
        evaluated.do("export/download", arg=name)
        assert "Reference number" in evaluated.sees(), name
    evaluated.send({"t": "download", "ticket": "guessed", "at": 0})
    assert len(evaluated.pieces) == before


def test_a_number_in_a_charts_table_leads_to_its_rows(evaluated):
    chart = next(one for one in evaluated.desk.session.charts if one["id"] == "by_school")
    column = next(place for place, name in enumerate(chart["columns"]) if "Update" in name)
    line = next(place for place, row in enumerate(chart["rows"]) if row[column] not in ("0", ""))
    evaluated.do("evaluate/pick", arg=f"by_school|{line}|{column}")
    assert rows_of(evaluated)["total"] == int(chart["rows"][line][column])


@pytest.mark.parametrize("name", ["by_school", "by_grade"])
def test_a_bar_leads_to_the_rows_of_its_line_and_the_bar_of_all_others_to_those_of_its_action(evaluated, name):
    chart = next(one for one in evaluated.desk.session.charts if one["id"] == name)
    trace = next(one for one in chart["figure"]["data"] if "Update" in one["name"])
    numbers = trace["x" if trace["orientation"] == "h" else "y"]
    assert chart["drawn"] == len(chart["rows"]) == len(numbers)
    for line, number in enumerate(numbers):
        if number:
            evaluated.do("evaluate/pick", chart=name, line=line, series=trace["name"])
            assert rows_of(evaluated)["total"] == number
    evaluated.do("evaluate/pick", chart=name, line=chart["drawn"], series=trace["name"])
    assert rows_of(evaluated)["total"] == sum(numbers)


def test_every_reason_in_the_heat_map_leads_to_its_rows(evaluated):
    chart = next(one for one in evaluated.desk.session.charts if one["id"] == "reasons_by_school")
    for line, row in enumerate(chart["rows"]):
        for column, number in enumerate(row):
            if column > 1 and number not in ("0", ""):
                evaluated.do("evaluate/pick", arg=f"reasons_by_school|{line}|{column}")
                assert rows_of(evaluated)["total"] == int(number), (row[1], chart["columns"][column])


def test_an_empty_proposal_is_a_result(evaluated):
    evaluated.desk.session.proposal = ProposalTable([])
    evaluated.do("step/review")
    assert "Nothing to change" in evaluated.sees()


# ---- upload


def test_an_upload_has_its_name_only_once_it_is_whole(clerk, home):
    clerk.do("start/demo")
    data = (home / "demo" / "SENR_ODS.txt").read_bytes()
    clerk.send({"t": "upload", "name": "..\\..\\my extract.txt", "size": len(data)})
    clerk.send({"t": "slice"}, data[:1000])
    assert not list((home / "uploads").rglob("*.txt"))
    clerk.send({"t": "slice"}, data[1000:])
    kept = list((home / "uploads").rglob("*.txt"))
    assert [path.name for path in kept] == ["my_extract.txt"]
    assert kept[0].read_bytes() == data
    assert clerk.desk.session.extract == str(kept[0])


def test_a_canceled_upload_leaves_nothing(clerk, home):
    clerk.do("start/demo")
    clerk.send({"t": "upload", "name": "SENR.txt", "size": 5000})
    clerk.send({"t": "slice"}, b"x" * 1000)
    clerk.send({"t": "upload-stopped"})
    clerk.send({"t": "slice"}, b"x" * 4000)
    assert list((home / "uploads").iterdir()) == []


def upload(clerk, name, data):
    clerk.send({"t": "upload", "name": name, "size": len(data)})
    if data:
        clerk.send({"t": "slice"}, data)


def test_a_refused_upload_ends_its_progress_and_lets_go_of_the_extract_before(clerk, home):
    clerk.do("start/demo")
    clerk.do("load/named")
    assert clerk.desk.session.may_open("check")
    for data in (b"", b"no extract at all\n"):
        clerk.do("load/named")
        before = len(clerk.messages)
        upload(clerk, "SENR.txt", data)
        kinds = [message["t"] for message in clerk.messages[before:]]
        # Over before the refusal is shown: the page would draw its progress anew.
        assert "upload-over" in kinds and kinds[-1] == "show"
        assert 'id="notice"' in clerk.regions["main"] and "Recognized" not in clerk.sees()
        assert not clerk.desk.session.may_open("check")
    assert list((home / "uploads").iterdir()) == []


def test_an_upload_that_begins_says_nothing_of_the_one_refused_before(clerk, home):
    clerk.do("start/demo")
    upload(clerk, "SENR.txt", b"")
    assert "The file is empty" in clerk.sees()
    clerk.send({"t": "upload", "name": "SENR.txt", "size": 5000})
    assert "The file is empty" not in clerk.sees()


def test_a_disk_that_becomes_full_under_an_upload_is_a_sentence_and_nothing_is_left(clerk, home):
    class Full:
        def write(self, piece):
            raise OSError(errno.ENOSPC, "full")

        def close(self):
            raise OSError(errno.ENOSPC, "full")

    clerk.do("start/demo")
    clerk.send({"t": "upload", "name": "SENR.txt", "size": 5000})
    clerk.desk.incoming._file.close()
    clerk.desk.incoming._file = Full()
    clerk.send({"t": "slice"}, b"x" * 1000)
    assert "not enough room" in clerk.sees()
    assert list((home / "uploads").iterdir()) == []


def test_a_slice_that_comes_after_its_upload_was_canceled_asks_for_no_other(clerk):
    clerk.do("start/demo")
    clerk.send({"t": "upload", "name": "SENR.txt", "size": 5000})
    clerk.send({"t": "upload-stopped"})
    before = len(clerk.messages)
    clerk.send({"t": "slice"}, b"x" * 1000)
    assert clerk.messages[before:] == []


@pytest.fixture
def of_another_lea(clerk, home):
    settings = home / "demo" / "senrkit.toml"
    settings.write_text(settings.read_text().replace('lea = "1999990"', 'lea = "1999991"'))
    clerk.do("start/demo")
    clerk.do("load/named")
    return clerk


def test_an_extract_of_another_lea_is_a_warning_with_a_cure(of_another_lea):
    assert "Not of your LEA" in of_another_lea.sees() and "What to do" in of_another_lea.sees()
    assert "Recognized" not in of_another_lea.sees()
    assert 'class="panel warn" id="recognized"' in of_another_lea.regions["main"]
    of_another_lea.do("step/start")
    assert 'class="needs-you"' in of_another_lea.regions["rail"]


def test_the_counts_of_stops_are_those_of_the_list_and_nothing_says_none(of_another_lea):
    clerk = of_another_lea
    clerk.do("step/check")
    found = clerk.desk.session.checked["preconditions"]
    stops = [one for one in found if one["state"] == "stopped"]
    assert {"hard", "soft"} == {one["kind"] for one in stops}
    assert f"{len(stops)} of {len(found)} preconditions stop the run" in clerk.sees()
    hard = sum(one["kind"] == "hard" for one in stops)
    assert f"{hard} of them cannot be accepted" in clerk.sees()
    assert clerk.regions["main"].count('<li class="stopped"') == len(stops)
    unanswered = sum(one["evidence"].startswith("Not checked") for one in found)
    assert clerk.regions["main"].count('<li class="not-checked"') == unanswered
    shown = [region for message in clerk.messages for region in message.get("regions", {}).values()]
    assert [region for region in shown if re.search(r"\bNone\b", region)] == []


# ---- set-up


def test_a_new_set_up_tests_each_answer_and_writes_settings(clerk, home):
    clerk.do("setup/open")
    clerk.do("setup/answer", name="../escape")
    assert "letters, digits" in clerk.sees()
    clerk.do("setup/answer", lea="12345")
    assert "The LEA" in clerk.sees()
    clerk.do("setup/answer", name="Our district")
    clerk.do("setup/answer", lea="1999990")
    year = load_settings(home / "demo" / "senrkit.toml").school_year.text
    clerk.do("setup/answer", school_year=year)
    clerk.do("setup/answer", source=str(home / "nowhere"))
    clerk.do("setup/save")
    assert not (home / "Our district").exists()
    clerk.do("setup/answer", source=f"sqlite:///{home / 'demo' / 'aeries.db'}")
    assert "Aeries answers" in clerk.sees()
    clerk.do("setup/save")
    assert clerk.desk.session.settings.lea == "1999990"
    assert "Load the extract" in clerk.sees()


@pytest.mark.parametrize("code", ["²", "9²", "-1", ""])
def test_a_school_code_that_is_no_number_is_no_fault(clerk, home, code):
    clerk.do("setup/open")
    year = load_settings(home / "demo" / "senrkit.toml").school_year.text
    source = f"sqlite:///{home / 'demo' / 'aeries.db'}"
    given = {"name": "Odd", "lea": "1999990", "school_year": year, "source": source}
    for answer in [*({name: value} for name, value in given.items()), {"schools": "some", "picked": [code]}]:
        clerk.do("setup/answer", **answer)
    clerk.do("setup/save")
    assert "Reference number" not in clerk.sees()
    assert not (home / "Odd").exists()
