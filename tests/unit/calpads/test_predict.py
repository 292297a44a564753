"""Prediction: files in order, students who would sink one left out, the rest looked at as if they had posted."""

from __future__ import annotations

from types import SimpleNamespace

from senrkit.calpads.predict import predict
from senrkit.frames.pandas_door import to_pandas
from tests.tables import context, records, store
from tests.text_tables import ssid

HELD = """
    student  school_code  start_date
    1        0199901      20260812
    2        0199901      20260812
    3        0199901      20260812
    """


def file(name: str, table: str) -> SimpleNamespace:
    return SimpleNamespace(name=name, records=records(table))


def plan(*tables: str) -> list[SimpleNamespace]:
    return [file(f"{number:02d}.txt", table) for number, table in enumerate(tables, start=1)]


TRANSFER = (
    "student school_code exit_date exit_reason\n1 0199901 20261101 T160\n2 0199901 20261101 T160",
    "student school_code start_date\n1 0199902 20261102\n2 0199902 20261102",
)


def test_files_in_the_right_order_post():
    found = predict(plan(*TRANSFER), store(HELD), context())
    assert found.held.is_empty()
    rows = to_pandas(found.final_store.rows)
    assert sorted(zip(rows["ssid"].str[-1], rows["school_code"], rows["exit_date"], strict=True)) == [
        ("1", "0199901", "20261101"), ("1", "0199902", ""),
        ("2", "0199901", "20261101"), ("2", "0199902", ""),
        ("3", "0199901", ""),
    ]  # fmt: skip


def test_files_in_the_wrong_order_hold_the_students():
    found = predict(plan(*reversed(TRANSFER)), store(HELD), context())
    fatal = found.findings.filter(severity="fatal")
    assert set(fatal["rule"]) == {"SENR0027"}
    assert set(fatal["file"]) == {"01.txt"}
    assert found.held["ssid"].to_list() == [ssid("1"), ssid("2")]


def test_one_student_at_fault_does_not_make_the_next_file_look_wrong():
    exits = "student school_code exit_date exit_reason\n1 0199901 20261101 T160\n2 0199901 20261101 ZZZZ"
    found = predict(plan(exits, TRANSFER[1]), store(HELD), context())
    assert set(found.held["ssid"]) == {ssid("2")}
    assert set(found.held["rule"]) == {"GERR0002"}
    assert set(found.findings.filter(severity="fatal")["file"]) == {"01.txt"}
    rows = to_pandas(found.final_store.rows)
    assert rows.loc[rows["ssid"] == ssid("2"), "school_code"].tolist() == ["0199901"]


def test_a_position_is_that_in_the_file_as_it_stands():
    exits = "student school_code exit_date exit_reason\n1 0199901 20261101 ZZZZ"
    entries = "student school_code start_date grade\n1 0199902 20261102 05\n3 0199901 20260812 ZZ"
    found = predict(plan(exits, entries), store(HELD), context()).findings
    assert found.filter(file="02.txt").select("rule", "row").rows() == [("GERR0002", 1)]


def test_a_last_record_is_sent_with_a_word_of_doubt():
    found = predict(plan("student school_code transaction\n1 0199901 D"), store(HELD), context())
    assert found.held.is_empty()
    assert found.findings.select("rule", "severity").rows() == [("SENR0180", "unknown")]
    assert ssid("1") not in set(found.final_store.rows["ssid"])


def test_the_look_ahead_is_of_the_state_after_the_last_file():
    half = "student school_code exit_date exit_reason\n1 0199901 20261101 E150"
    rest = "student school_code start_date\n1 0199901 20261102"
    assert "CERT114" in set(predict(plan(half), store(HELD), context()).findings["rule"])
    assert predict(plan(half, rest), store(HELD), context()).findings.is_empty()


def test_no_file_no_finding():
    found = predict([], store(HELD), context())
    assert found.findings.is_empty() and found.held.is_empty()
    assert len(found.final_store.rows) == 3


def test_records_of_different_files_are_not_held_against_each_other():
    """One key deleted and sent anew, one school left and another entered: within one file both would be faults."""
    apart = (
        "student school_code transaction exit_date exit_reason\n1 0199901 D - -\n2 0199901 A 20261101 T160",
        "student school_code start_date grade\n1 0199901 20260812 06\n2 0199902 20261101 05",
    )
    together = "student school_code transaction start_date grade\n1 0199901 D 20260812 05\n1 0199901 A 20260812 06"
    found = predict(plan(*apart), store(HELD), context()).findings
    assert not set(found["rule"]) & {"IVR0034", "local-exit-and-entry-one-file"}
    assert "IVR0034" in set(predict(plan(together), store(HELD), context()).findings["rule"])
