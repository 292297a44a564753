"""From run to run (closed_loop.md 7): items of made-up runs, written into a ledger without any district."""

from __future__ import annotations

import datetime as dt

import pytest

from senrkit.ledger import journal, states, weeks
from senrkit.ledger.journal import Journal

FIRST = dt.date(2026, 11, 2)
COLUMNS = "sequence,action,reason,hold_detail,school_code,ssid,local_id,start_key"


def a_run(runs, week: int, items: str, sent: str = "") -> str:
    """A run of one week: `items` are letters, each an update; those in `sent` are its file, in that order."""
    run, day = f"run-{week}", FIRST + dt.timedelta(weeks=week)
    lines = [
        f"{sent.find(item) + 1 if item in sent else ''},update,exit,,1990001,{ord(item):010d},{ord(item)},20260817"
        for item in items
    ]
    files = [{"number": 1, "step": "update", "name": "one.txt", "sha256": "", "rows": len(sent)}] if sent else []
    event = {
        "event": "run", "run": run, "number": f"{week:07d}", "as_of": day.isoformat(), "lea": "1999990",
        "school_year": "2026-2027", "files": files, "extract": [], "folder": "", "made": f"{day}T10:00:00+00:00",
    }  # fmt: skip
    kept = {(run, weeks.ITEMS_FILE): "\n".join([COLUMNS, *lines, ""]).encode()}
    journal.append(runs, lambda _: [event], kept, by="somebody")
    return run


def tell(runs, event: str, run: str, **more) -> None:
    journal.append(
        runs, lambda _: [{"event": event, "run": run, "files": [1], "on": "2026-11-03", **more}], by="somebody"
    )


def stand(runs, week: int) -> dict[str, str]:
    """Letter → state and age in the run of a week."""
    found = Journal.open(runs)
    table = weeks.items(found, states.states(found, FIRST))
    own = table.filter(table["place"] == week)
    return {chr(int(row["ssid"])): f"{row['state']} {row['age']}" for row in own.sort("ssid").iter_rows(named=True)}


def test_new_open_solved_and_back_with_their_age(tmp_path):
    for week, items in enumerate(["AB", "AC", "ABC", "B"]):
        a_run(tmp_path, week, items)
    assert stand(tmp_path, 0) == {"A": "new 0", "B": "new 0"}
    assert stand(tmp_path, 1) == {"A": "open 7", "B": "solved 7", "C": "new 0"}
    assert stand(tmp_path, 2) == {"A": "open 14", "B": "back 14", "C": "open 7"}
    assert stand(tmp_path, 3) == {"A": "solved 21", "B": "open 21", "C": "solved 14"}


def test_what_was_sent_waits_until_it_has_arrived_or_was_refused(tmp_path):
    first = a_run(tmp_path, 0, "AB", sent="AB")
    tell(tmp_path, "sent", first)
    a_run(tmp_path, 1, "ABC")
    assert stand(tmp_path, 1) == {"A": "sent 7", "B": "sent 7", "C": "new 0"}
    tell(tmp_path, "rejected", first)
    assert stand(tmp_path, 1) == {"A": "open 7", "B": "open 7", "C": "new 0"}


def test_what_arrived_and_is_there_again_is_back(tmp_path):
    first = a_run(tmp_path, 0, "A", sent="A")
    tell(tmp_path, "posted", first)
    seen = {"event": "seen", "on": "2026-11-09", "extract": ["x"], "runs": {first: {"1": {"arrived": [1]}}}}
    journal.append(tmp_path, lambda _: [seen], by="somebody")
    a_run(tmp_path, 1, "B")
    a_run(tmp_path, 2, "A")
    assert stand(tmp_path, 1) == {"A": "solved 7", "B": "new 0"}
    assert stand(tmp_path, 2) == {"A": "back 14", "B": "solved 7"}


def test_counts_of_each_week_and_by_school(tmp_path):
    a_run(tmp_path, 0, "AB")
    a_run(tmp_path, 1, "AC")
    found = Journal.open(tmp_path)
    table = weeks.items(found, states.states(found, FIRST))
    assert weeks.counted(table).select(weeks.ITEM_STATES).rows() == [(2, 0, 0, 0, 0), (1, 1, 0, 0, 1)]
    assert weeks.counted(table, "school_code")["school_code"].to_list() == ["1990001", "1990001"]


def test_an_empty_ledger_has_no_items(tmp_path):
    found = Journal.open(tmp_path)
    assert weeks.items(found, states.states(found, FIRST)).is_empty()


def test_first_seen_is_the_first_run_that_had_it(tmp_path):
    for week, items in enumerate(["A", "", "AB"]):
        a_run(tmp_path, week, items)
    found = weeks.first_seen(Journal.open(tmp_path)).sort("ssid")
    assert found["first_seen"].to_list() == [FIRST, FIRST + dt.timedelta(weeks=2)]


def test_refused_is_what_calpads_refused_when_it_was_sent_last(tmp_path):
    first = a_run(tmp_path, 0, "ABC", sent="ABC")
    said = [{"sequence": 1, "rule": rule, "severity": "fatal"} for rule in ("SENR0178", "IVR0034")]
    said.append({"sequence": 2, "rule": "SENR0286E3", "severity": "warning"})
    tell(tmp_path, "sent", first)
    tell(tmp_path, "answer", first, file=1, lines=said)

    def told() -> dict[str, list[str]]:
        found = Journal.open(tmp_path)
        table = weeks.refused(found, states.states(found, FIRST))
        return {chr(int(row["ssid"])): row["rules"] for row in table.iter_rows(named=True)}

    assert told() == {"A": ["IVR0034", "SENR0178"]}
    second = a_run(tmp_path, 1, "ABC", sent="BA")
    # To be made again is not to be sent again.
    assert told() == {"A": ["IVR0034", "SENR0178"]}
    tell(tmp_path, "sent", second)
    assert told() == {}
    tell(tmp_path, "answer", second, file=1, lines=said[:1])
    assert told() == {"B": ["SENR0178"]}


class TestJournal:
    def test_a_line_that_a_crash_cut_off_is_passed_over_and_said(self, tmp_path):
        a_run(tmp_path, 0, "A")
        file = tmp_path / "ledger" / "ledger.jsonl"
        file.write_bytes(file.read_bytes() + b'{"v": 1, "event": "sent", "run": "run-0", "fi')
        a_run(tmp_path, 1, "A")
        found = Journal.open(tmp_path)
        assert [event["event"] for event in found.events] == ["run", "run"] and found.damaged == (2,)

    def test_a_newer_ledger_is_refused(self, tmp_path):
        a_run(tmp_path, 0, "A")
        file = tmp_path / "ledger" / "ledger.jsonl"
        file.write_text('{"v": 2, "event": "run"}\n')
        with pytest.raises(journal.InputError, match="newer senrkit"):
            Journal.open(tmp_path)

    def test_what_a_decision_refuses_is_not_written(self, tmp_path):
        a_run(tmp_path, 0, "A")
        before = (tmp_path / "ledger" / "ledger.jsonl").read_bytes()

        def refuse(_):
            raise ValueError

        with pytest.raises(ValueError):
            journal.append(tmp_path, refuse, {("run-0", "x"): b"x"})
        assert (tmp_path / "ledger" / "ledger.jsonl").read_bytes() == before
        assert not (tmp_path / "ledger" / "run-0" / "x").exists()

    def test_two_writers_at_once_lose_nothing(self, tmp_path):
        from concurrent.futures import ThreadPoolExecutor

        def one(number):
            journal.append(tmp_path, lambda _: [{"event": "note", "number": number}], by="somebody")

        with ThreadPoolExecutor(8) as many:
            list(many.map(one, range(40)))
        assert sorted(event["number"] for event in Journal.open(tmp_path).events) == list(range(40))

    def test_it_is_private(self, tmp_path):
        a_run(tmp_path, 0, "A")
        folder = tmp_path / "ledger"
        modes = {path.relative_to(folder): path.stat().st_mode & 0o777 for path in [folder, *folder.rglob("*")]}
        assert {mode for path, mode in modes.items() if (folder / path).is_dir()} == {0o700}
        assert {mode for path, mode in modes.items() if (folder / path).is_file()} == {0o600}


def test_the_chart_holds_every_number_and_no_student(tmp_path):
    from senrkit.figures import weeks as chart

    for week, items in enumerate(["AB", "AC", "ABC"]):
        a_run(tmp_path, week, items)
    found = Journal.open(tmp_path)
    table = weeks.items(found, states.states(found, FIRST))
    drawn = chart(weeks.counted(table, "school_code"))
    by_name = {trace.name: list(trace.y) for trace in drawn.figure.data}
    assert by_name["new"] == [2, 1, 0] and by_name["solved"] == [0, -1, 0] and by_name["back again"] == [0, 0, 1]
    assert drawn.table["Still open"].tolist() == [0, 1, 2]
    assert "3 enrollments differ: 0 are new, 1 are back again" in drawn.sentence
    assert str(ord("A")).zfill(10) not in drawn.figure.to_json()


def test_leas_that_share_a_ledger_do_not_meddle(tmp_path):
    """Settings files side by side share the `runs` folder: a run of one takes no place of another's."""
    first = a_run(tmp_path, 0, "AB", sent="AB")
    journal.append(
        tmp_path,
        lambda known: [{**known.events[0], "run": "run-other", "lea": "1980001", "as_of": "2026-11-09"}],
        by="somebody",
    )
    found = Journal.open(tmp_path)
    own = states.states(found.of("1999990"), FIRST)
    assert list(own.runs) == [first] and own.runs[first].files[1].state == "prepared"
    assert list(states.states(found.of("1980001"), FIRST).runs) == ["run-other"]


def test_an_old_run_that_the_ledger_is_told_of_later_is_still_the_old_one(tmp_path):
    a_run(tmp_path, 1, "A", sent="A")
    a_run(tmp_path, 0, "B", sent="B")
    found = Journal.open(tmp_path)
    now = states.states(found, FIRST)
    assert list(now.runs) == ["run-0", "run-1"]
    assert [run.files[1].state for run in now.runs.values()] == ["withdrawn", "prepared"]
