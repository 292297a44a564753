"""Bytes of submission files, and what holds for every plan."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from senrkit.frames.pandas_door import to_pandas, to_polars
from senrkit.reference import SENR_FIELDS
from senrkit.results.files import decode, encode, encode_files, unsendable
from tests.submissions import plan_of, proposal

GOLDEN = Path(__file__).parents[2] / "golden" / "SENR_1999990_20261123_02_update.txt"
BREAKS_A_LINE = "^\r\n\0"
# Frames are slow to make; the first one loads libraries.
few = settings(max_examples=30, deadline=None)


def one_record(**values: str) -> pd.DataFrame:
    return to_pandas(proposal("student action\n1 add").records).assign(**values).astype("str")


def shows_no_other_error(error: BaseException) -> bool:
    """A library's own error quotes a pupil's line, so none may show through."""
    return error.__suppress_context__ or error.__context__ is None


def test_a_submission_file_has_exactly_these_bytes():
    plan = plan_of("""
        student school action start    exit     grade marks
        2       A      update 20260812 20261009 KN    shortens
        1       B      update 20260812 -        11    -
        1       A      update 20260812 20261009 11    shortens
        3       A      update 20260817 20261120 05    shortens
    """)
    assert encode_files(plan)[0].data == GOLDEN.read_bytes()


def test_a_record_is_35_fields_without_quotes_mark_or_heading_and_ends_with_cr_lf():
    data = encode(one_record(first_name='Ana "Nita"', last_name="Peña"))
    assert data.startswith(b"SENR^A^")
    assert data.endswith(b"^\r\n")
    assert data.count(b"^") == 34
    assert 'Ana "Nita"^^Peña^'.encode() in data


def test_no_records_are_no_bytes():
    nothing = one_record().iloc[:0]
    assert encode(nothing) == b""
    assert decode(b"").equals(to_polars(nothing[list(SENR_FIELDS)]))


@pytest.mark.parametrize("sign", BREAKS_A_LINE)
def test_a_value_that_would_break_its_line_is_refused_without_being_quoted(sign):
    records = one_record(last_name=f"Gar{sign}cia")
    assert unsendable(records).to_list() == [True]
    with pytest.raises(ValueError, match="^1 records hold an unknown value, a caret, a line end or a NUL.$") as refused:
        encode(records)
    assert shows_no_other_error(refused.value)


def test_an_unknown_value_is_refused():
    records = one_record()
    records["grade"] = pd.Series([float("nan")], index=records.index, dtype="str")
    assert unsendable(records).to_list() == [True]
    with pytest.raises(ValueError, match="unknown value"):
        encode(records)


def test_a_state_row_is_no_record_to_send():
    with pytest.raises(ValueError, match="SENR records only"):
        encode(one_record(record_type="SENR-R"))


@pytest.mark.parametrize(
    "fault",
    [
        lambda good: good[:-2],
        lambda good: good.replace(b"\r\n", b"\n"),
        lambda good: b"\xef\xbb\xbf" + good,
        lambda good: b"^10^^".join(good.rsplit(b"^10^", 1)).replace(b"^2026-2027", b"2026-2027", 1),
        lambda good: good + b"\r\n",
        lambda good: good.replace("Zoë".encode(), "Zoë".encode("latin-1")),
        lambda good: good.replace(b"Brien", b"Br\0en"),
        lambda good: b"SENR^" + good,
    ],
    ids="cut-off lf-only mark-in-front fields-shifted blank-line latin-1 nul another-field".split(),
)
def test_bytes_that_encode_does_not_write_are_refused_without_being_quoted(fault):
    good = encode(proposal("student action\n1 add\n2 add").records)
    with pytest.raises(ValueError, match="^These bytes are not lines of 35 fields [a-zA-Z^0-9 -]*[.]$") as refused:
        decode(fault(good))
    assert shows_no_other_error(refused.value)


VALUES = st.text(st.characters(exclude_characters=BREAKS_A_LINE, exclude_categories=["Cs"]), max_size=6)


@few
@given(st.lists(st.lists(VALUES, min_size=34, max_size=34), max_size=4))
def test_decode_is_the_inverse_of_encode(rows):
    records = pd.DataFrame([["SENR", *row] for row in rows], columns=list(SENR_FIELDS), dtype="str")
    assert decode(encode(records)).equals(to_polars(records))


ROWS = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.sampled_from("AB"),
        st.sampled_from(["add", "update", "delete", "same"]),
        st.integers(20260801, 20260828),
        st.sampled_from(["-", "shortens", "at-risk"]),
    ),
    min_size=1,
    max_size=25,
    unique_by=lambda row: (row[0], row[1], row[3]),
)


@few
@given(ROWS, st.sampled_from(["", 'submission_mode = "single"']))
def test_every_action_that_is_sent_is_in_exactly_one_file_and_no_other_is(rows, process):
    plan = plan_of(_table(rows), process)
    actions = to_pandas(plan.actions)
    sent = [row for file in plan.files for row in file.rows]
    assert sorted(sent) == actions.index[actions["transaction"] != ""].tolist()
    assert actions.loc[sent, "sequence"].tolist() == list(range(1, len(sent) + 1))
    for file in plan.files:
        theirs = actions.loc[file.rows.to_list()]
        assert theirs["file"].unique().tolist() == [file.name]
        assert theirs["ssid"].tolist() == file.records["ssid"].to_list()
        assert theirs["start_date"].tolist() == file.records["start_date"].to_list()


@few
@given(ROWS)
def test_no_file_but_one_of_deletes_holds_a_student_twice_and_no_file_mixes_steps(rows):
    for file in plan_of(_table(rows)).files:
        if not file.step.startswith("delete"):
            assert file.records["ssid"].is_unique().all()
        assert file.records["transaction"].n_unique() == 1


@few
@given(ROWS)
def test_a_student_is_never_added_before_the_students_deletes(rows):
    actions = to_pandas(plan_of(_table(rows)).actions)
    last_delete = actions[actions["action"] == "delete"].groupby("ssid")["file_number"].max()
    first_add = actions[actions["action"] == "add"].groupby("ssid")["file_number"].min()
    both = last_delete.index.intersection(first_add.index)
    assert (last_delete[both] < first_add[both]).all()


def _table(rows) -> str:
    lines = [" ".join(map(str, row)) for row in rows]
    return "\n".join(["student school action start marks", *lines])
