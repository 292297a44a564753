"""The model of CALPADS' store: A, blank, D, R, and whole or not at all."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

from senrkit.calpads.predict import apply
from senrkit.calpads.store import Store
from senrkit.frames.pandas_door import to_pandas
from senrkit.reference import ODS_FIELDS
from tests.tables import context, records, store
from tests.text_tables import rows_of

HELD = """
    student  school_code  start_date  grade  upload_date  last_updated
    1        0199901      20260812    05     20260820     20260820
    2        0199901      20260812    05     20260820     20260820
    3        0199901      20250812    05     20250820     20260620
    3        0199902      20260812    05     20260820     20260820
    """


def shown(held: Store, *columns: str) -> list[tuple[str, ...]]:
    """Student, start and the columns asked for, in order."""
    rows = to_pandas(held.rows)
    rows = rows.assign(student=rows["ssid"].str[-1])
    return sorted(rows[["student", "start_date", *columns]].itertuples(index=False, name=None))


@pytest.mark.parametrize("transaction", ["A", "-", "_"])
def test_a_blank_and_a_space_update_the_enrollment_with_the_same_key(transaction):
    file = records(f"student transaction grade school_code\n1 {transaction} 06 0199901")
    answer = apply(store(HELD), file, context())
    assert answer.posted
    after = to_pandas(answer.store.rows).set_index("ssid").loc["9000000001"]
    assert after[["record_type", "transaction", "grade", "upload_date", "last_updated"]].tolist() == [
        "SENR-R", "", "06", "20260820", "20261123",
    ]  # fmt: skip
    assert len(answer.store.rows) == 4


def test_an_update_overwrites_with_blanks_too():
    held = store("student exit_date exit_reason\n1 20261101 T160")
    answer = apply(held, records("student\n1"), context())
    assert shown(answer.store, "exit_date", "exit_reason") == [("1", "20260812", "", "")]


def test_a_key_that_is_not_held_is_a_new_enrollment():
    answer = apply(store(HELD), records("student school_code\n9 0199901"), context())
    new = to_pandas(answer.store.rows).set_index("ssid").loc["9000000009"]
    assert new[["record_type", "upload_date", "last_updated"]].tolist() == ["SENR-R", "20261123", "20261123"]
    assert len(answer.store.rows) == 5


def test_a_delete_takes_that_enrollment_and_no_other():
    answer = apply(store(HELD), records("student transaction school_code\n3 D 0199902"), context())
    assert answer.posted
    assert shown(answer.store) == [("1", "20260812"), ("2", "20260812"), ("3", "20250812")]


def test_nonpublic_schools_are_told_apart_by_their_own_code():
    held = store("student school_code nps_code exit_date exit_reason\n1 0000001 0111111 20261001 T160")
    file = records("student school_code nps_code start_date\n1 0000001 0122222 20261002")
    assert len(apply(held, file, context()).store.rows) == 2


def test_records_without_ssid_are_new_students_each():
    answer = apply(store(HELD), records("ssid local_id\n- 000101\n- 000102"), context())
    assert answer.posted
    assert len(answer.store.rows) == 6
    again = apply(answer.store, records("ssid local_id\n- 000103"), context())
    assert len(again.store.rows) == 7


def test_a_replace_takes_the_place_of_the_years_only_enrollment_there():
    file = records("student transaction start_date school_code\n1 R 20260901 0199901")
    assert shown(store(HELD).posted(file, context()))[0] == ("1", "20260901")
    assert len(store(HELD).posted(file, context()).rows) == 4


def test_one_fatal_record_keeps_the_whole_file_out():
    before = store(HELD)
    file = records("student grade school_code\n1 06 0199901\n2 ZZ 0199901")
    answer = apply(before, file, context())
    assert not answer.posted
    assert answer.store is before
    assert shown(before, "grade") == [(row["student"], row["start_date"], row["grade"]) for row in rows_of(HELD)]
    assert answer.findings.filter(severity="fatal")["rule"].to_list() == ["GERR0002"]


def test_a_warning_lets_the_file_post():
    answer = apply(store(HELD), records("student gender school_code\n1 M 0199901"), context())
    assert answer.findings["rule"].to_list() == ["SENR0035"]
    assert answer.posted


def test_neither_the_extract_nor_the_file_is_changed():
    rows = to_pandas(store(HELD).rows)
    before, file = Store(rows), records("student grade school_code\n1 06 0199901")
    kept, kept_file = rows.copy(deep=True), file.copy(deep=True)
    apply(before, file, context())
    pd.testing.assert_frame_equal(rows, kept)
    pd.testing.assert_frame_equal(file, kept_file)
    assert list(before.rows.columns) == list(ODS_FIELDS)


def test_the_state_of_students_no_file_touches_is_never_copied():
    held = store(HELD)
    answer = apply(held, records("student grade school_code\n1 06 0199901"), context())
    assert answer.store._extract is held._extract
    assert set(answer.store._every["ssid"]) == {"9000000001"}


def test_what_is_set_apart_is_what_counts():
    held = store(HELD)
    opened = held.opened(held.rows)
    assert opened.rows.sort(ODS_FIELDS).equals(held.rows.sort(ODS_FIELDS))
    after = opened.posted(records("student transaction school_code\n2 D 0199901"), context())
    assert len(after.rows) == len(held.rows) - 1 and after.rows_of(pl.DataFrame({"ssid": ["9000000002"]})).is_empty()
    back = after.posted(records("student school_code\n2 0199901"), context())
    assert len(back.rows_of(held.rows)) == len(back.rows) == len(held.rows)
    assert back.where(pl.col("ssid") == "9000000002", ["ssid"])["ssid"].to_list() == ["9000000002"]


def test_files_in_a_row():
    """A moved start date: out, then in again, as two files sent one after the other."""
    held = store(HELD)
    gone = apply(held, records("student transaction school_code\n2 D 0199901"), context())
    back = apply(gone.store, records("student school_code start_date\n2 0199901 20260801"), context())
    assert gone.posted and back.posted
    assert ("2", "20260801") in shown(back.store)
    together = records("student transaction school_code start_date\n2 D 0199901 20260812\n2 A 0199901 20260801")
    assert not apply(held, together, context()).posted
