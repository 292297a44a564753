"""What a batch asks the ledger of an LEA, also where several LEAs keep theirs in one place."""

from __future__ import annotations

from senrkit.batch.document import WEEKS
from senrkit.batch.worker import weeks_of
from senrkit.ledger import journal
from senrkit.ledger.weeks import ITEMS_FILE

COLUMNS = "sequence,action,reason,hold_detail,school_code,ssid,local_id,start_key"


def a_run(runs, lea: str, day: str, items: str) -> dict:
    """A run of which `items` are letters, each an update; what its manifest says."""
    run = f"{lea}-{day}"
    event = {
        "event": "run", "run": run, "number": "1", "as_of": day, "lea": lea, "school_year": "2026-2027", "files": [],
        "extract": [], "folder": "", "made": f"{day}T10:00:00+00:00",
    }  # fmt: skip
    lines = [f",update,exit,,1990001,{ord(item):010d},{ord(item)},20260817" for item in items]
    kept = {(run, ITEMS_FILE): "\n".join([COLUMNS, *lines, ""]).encode()}
    journal.append(runs, lambda _: [event], kept, by="somebody")
    return {"run_id": run, "lea": lea, "as_of": day, "settings": {"output": {"runs": str(runs)}}}


def told(manifest) -> tuple[int, ...]:
    found = weeks_of(manifest)
    return tuple(found[name] for name in WEEKS)


def test_new_open_back_solved_and_the_oldest(tmp_path):
    a_run(tmp_path, "1999990", "2026-11-02", "ABC")
    a_run(tmp_path, "1999990", "2026-11-09", "B")
    assert told(a_run(tmp_path, "1999990", "2026-11-16", "ABD")) == (1, 1, 1, 0, 0, 14)
    assert told(a_run(tmp_path, "1999990", "2026-11-23", "D")) == (0, 1, 0, 0, 2, 7)


def test_another_lea_in_the_same_ledger_counts_for_nothing(tmp_path):
    a_run(tmp_path, "1999990", "2026-11-02", "AB")
    a_run(tmp_path, "1999991", "2026-11-03", "XYZ")
    assert told(a_run(tmp_path, "1999990", "2026-11-09", "AC")) == (1, 1, 0, 0, 1, 7)


def test_what_the_ledger_does_not_know_is_not_known(tmp_path):
    manifest = a_run(tmp_path, "1999990", "2026-11-02", "A")
    assert weeks_of(manifest | {"run_id": "another"}) is None
    assert weeks_of({"run_id": "old", "lea": "1999990", "as_of": "2026-11-02"}) is None
    (tmp_path / "ledger" / "ledger.jsonl").write_text('{"v": 99, "event": "run"}\n')
    assert weeks_of(manifest) is None
