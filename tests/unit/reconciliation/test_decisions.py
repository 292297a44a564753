"""What people decided: reading what they and their spreadsheets wrote, applying it, adding to it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import errno
import multiprocessing
import os
import stat
import sys

import pytest

from senrkit.errors import InputError
from senrkit.reconciliation import decisions
from senrkit.reconciliation.decisions import COLUMNS, Decision
from tests.submissions import SCHOOLS, proposal
from tests.text_tables import rows_of, ssid

AS_OF = dt.date(2026, 11, 23)
HEADING = ",".join(COLUMNS)
LINE = "9000000001,1990001,20260812,delete,hold,asked the school,pat,2026-11-20T10:00:00,,"
DECISION = Decision(*LINE.split(","))


def parsed(*lines: str, heading: str = HEADING):
    return decisions.parse("\r\n".join([heading, *lines, ""]).encode(), "decisions.csv")


def decided(table: str):
    """A decisions file from a table of `student school action start decision expires back`."""
    return parsed(
        *(
            f"{ssid(row['student'])},{SCHOOLS[row.get('school', 'A')][0]},{row.get('start', '20260812')},"
            f"{row['action']},{row['decision']},because,pat,2026-11-20,{row.get('expires', '')},{row.get('back', '')}"
            for row in rows_of(table)
        )
    )


def applied(table: str, actions: str):
    return decisions.apply(decided(table), proposal(actions).actions, AS_OF)


def test_a_missing_file_holds_no_decision(tmp_path):
    kept = decisions.read(tmp_path / "decisions.csv")
    assert (len(kept), list(kept.columns)) == (0, [*COLUMNS, "line"])
    assert not decisions.apply(kept, proposal("student action\n1 delete").actions, AS_OF).held.any()


def test_a_file_with_nothing_but_its_heading_holds_no_decision():
    assert len(parsed()) == 0
    assert len(decisions.parse(b"", "decisions.csv")) == 0


@pytest.mark.parametrize(
    ("line", "column", "value"),
    [
        (LINE.replace("20260812", "8/12/2026"), "start_date", "20260812"),
        (LINE.replace("20260812", "2026-08-12"), "start_date", "20260812"),
        (LINE.replace("1990001", "123"), "school_code", "0000123"),
        (LINE.replace(",,", ",1/5/2027,"), "expires", "2027-01-05"),
        (LINE.replace("delete,hold", "Delete,HOLD"), "decision", "hold"),
        (LINE.replace("asked the school", "'=SUM(A1)"), "reason", "=SUM(A1)"),
        (LINE.replace("asked the school", '"one\ntwo"'), "reason", "one two"),
        (LINE + ",,,", "decision", "hold"),
    ],
)
def test_what_a_spreadsheet_rewrote_is_understood(line, column, value):
    assert parsed(line)[column].to_list() == [value]


SAVED = {
    "semicolons": lambda text: text.replace(",", ";"),
    "a line sep=": lambda text: "sep=;\r\n" + text.replace(",", ";"),
    "tabs": lambda text: text.replace(",", "\t"),
    "a title line": lambda text: "Decisions of Heron Unified,,,,,,,,,\r\n\r\n" + text,
    "a two-digit year": lambda text: text.replace("20260812", "8/12/26"),
    "all of it": lambda text: "sep=;\r\nDecisions\r\n" + text.replace("20260812", "8/12/26").replace(",", ";"),
}


@pytest.mark.parametrize("how", SAVED)
def test_however_a_spreadsheet_saved_it(how, tmp_path):
    """Field case 34: read as it was meant; and what is added later is read, too."""
    path = tmp_path / "decisions.csv"
    path.write_bytes(SAVED[how](f"{HEADING}\r\n{LINE}\r\n").encode())
    kept = decisions.read(path)
    assert kept.select(COLUMNS).rows() == [tuple(LINE.split(","))]
    decisions.append(path, dataclasses.replace(DECISION, ssid="9000000002", reason="no, not; so\tfar"))
    assert decisions.read(path)["ssid"].to_list() == ["9000000001", "9000000002"]


def test_utf_16_is_read_and_nothing_is_added_to_it(tmp_path):
    path = tmp_path / "decisions.csv"
    path.write_bytes(f"{HEADING}\r\n{LINE}\r\n".replace(",", "\t").encode("utf-16"))
    before = path.read_bytes()
    assert len(decisions.read(path)) == 1
    with pytest.raises(InputError, match="UTF-16, to which nothing can be added"):
        decisions.append(path, DECISION)
    assert path.read_bytes() == before


def test_columns_may_be_moved_and_others_added():
    heading = "note,decision,action,start_date,school_code,ssid,reason,author,made,expires,taken_back"
    kept = parsed("x,hold,delete,20260812,1990001,9000000001,r,a,m,,", heading=heading)
    assert kept.select("ssid", "decision").to_numpy().tolist() == [["9000000001", "hold"]]


def test_a_spreadsheets_mark_code_page_and_blank_lines_are_understood():
    assert decisions.parse(f"\ufeff{HEADING}\n{LINE}\n,,,,,,,,,\n\n".encode(), "d.csv")["line"].to_list() == [2]
    of_windows = f"{HEADING}\n{LINE}\n".replace("pat", "Zoë").encode("cp1252")
    assert decisions.parse(of_windows, "d.csv")["author"].to_list() == ["Zoë"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            LINE.replace("hold", "maybe"),
            "decisions.csv, line 3: decision is not one of send, hold, identity-checked, not-an-error.",
        ),
        (LINE.replace("delete", "remove"), "decisions.csv, line 3: action is not one of add, update, delete."),
        (LINE.replace("9000000001", "9E+09"), "decisions.csv, line 3: ssid is not ten digits"),
        (LINE.replace("9000000001", "900000001"), "decisions.csv, line 3: ssid is not ten digits"),
        (LINE.replace("1990001", "19900012"), "decisions.csv, line 3: school_code is not a seven-digit code."),
        (LINE.replace("20260812", "20260231"), "decisions.csv, line 3: start_date is not a day"),
        (LINE.replace(",,", ",soon,"), "decisions.csv, line 3: expires is not a day"),
        ("9000000001", "decisions.csv, line 3: school_code is not a seven-digit code."),
    ],
)
def test_a_line_that_is_no_decision_is_refused_with_its_line_and_without_its_student(line, sentence):
    with pytest.raises(InputError) as refused:
        parsed(LINE, line)
    assert str(refused.value).startswith(sentence)
    assert "90000" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_missing_columns_are_named():
    with pytest.raises(InputError, match="decisions.csv has no column expires, no column taken_back"):
        parsed(heading=HEADING.replace(",expires,taken_back", ""))


def test_a_workbook_or_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a CSV file"):
        decisions.parse(b"PK\x03\x04\0\0", "decisions.xlsx")
    with pytest.raises(InputError, match="cannot be read"):
        decisions.read(tmp_path)


@pytest.mark.parametrize("decision", ["hold", "not-an-error"])
def test_hold_and_not_an_error_hold_everything_of_the_student(decision):
    found = applied(
        f"student action decision\n1 delete {decision}",
        """
        student action          start
        1       delete          20260812
        1       same            20261001
        1       add             20261010
        1       settled-no-show 20260801
        2       delete          20260812
        """,
    )
    assert found.held.to_list() == [True, True, True, False, False]
    assert found.fits["action_row"].to_list() == [0]
    assert len(found.no_longer_fits) == 0


def test_send_holds_nobody():
    found = applied("student action decision\n1 delete send", "student action\n1 delete")
    assert (found.held.to_list(), len(found.fits)) == ([False], 1)


def test_who_is_held_already_keeps_that_reason_and_the_decision_fits_what_was_intended():
    found = applied("student action decision\n1 delete hold", "student action intended\n1 hold delete")
    assert (found.held.to_list(), found.fits["action_row"].to_list()) == ([False], [0])


@pytest.mark.parametrize(
    ("decision", "actions", "why"),
    [
        ("1 A delete hold 20260812 -", "1 A update 20260812", "other-action"),
        ("1 A delete hold 20260812 -", "1 A delete 20260813", "not-proposed"),
        ("1 A delete hold 20260812 -", "1 B delete 20260812", "not-proposed"),
        ("1 A delete hold 20260812 -", "2 A delete 20260812", "not-proposed"),
        ("1 A delete hold 20260812 2026-11-22", "1 A delete 20260812", "expired"),
    ],
)
def test_a_decision_that_no_longer_fits_is_listed_and_not_applied(decision, actions, why):
    found = applied(
        f"student school action decision start expires\n{decision}", f"student school action start\n{actions}"
    )
    assert (found.held.to_list(), found.no_longer_fits["why"].to_list(), len(found.fits)) == ([False], [why], 0)


def test_a_decision_holds_through_the_day_on_which_it_expires():
    assert applied("student action decision expires\n1 delete hold 2026-11-23", "student action\n1 delete").held.all()


def test_a_later_line_wins():
    found = applied("student action decision\n1 delete hold\n1 delete send", "student action\n1 delete")
    assert (found.held.to_list(), found.fits["decision"].to_list()) == ([False], ["send"])


def test_a_later_line_about_another_action_leaves_the_earlier_one_standing():
    assert applied("student action decision\n1 delete hold\n1 update send", "student action\n1 delete").held.all()


def test_a_decision_that_was_taken_back_is_gone_and_so_is_what_it_had_replaced():
    found = applied(
        "student action decision back\n1 delete not-an-error -\n1 delete hold -\n1 delete hold 2026-11-22",
        "student action\n1 delete",
    )
    assert (found.held.to_list(), len(found.fits), len(found.no_longer_fits)) == ([False], 0, 0)


def test_applying_changes_neither_decisions_nor_actions():
    kept, actions = decided("student action decision\n1 delete hold"), proposal("student action\n1 delete").actions
    before = kept.clone(), actions.clone()
    decisions.apply(kept, actions, AS_OF)
    assert kept.equals(before[0])
    assert actions.equals(before[1])


def test_what_is_added_is_read_again(tmp_path):
    path = tmp_path / "runs" / "decisions.csv"
    decisions.append(path, DECISION)
    decisions.append(path, Decision("9000000002", "1990002", "20260812", "add", "send", '=1+1, "so"', "Zoë", "now"))
    kept = decisions.read(path)
    assert kept["reason"].to_list() == ["asked the school", '=1+1, "so"']
    assert b"=1+1" not in path.read_bytes().replace(b"'=1+1", b"")
    assert path.read_bytes().count(b"\r\n") == 3
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_without_a_last_line_end_and_with_moved_columns_is_added_to_in_its_own_order(tmp_path):
    path = tmp_path / "decisions.csv"
    moved = ["note", *reversed(COLUMNS)]
    path.write_bytes((",".join(moved) + "\r\n" + ",".join(["", *reversed(LINE.split(","))])).encode())
    before = path.read_bytes()
    decisions.append(path, DECISION)
    assert path.read_bytes().startswith(before + b"\r\n")
    assert decisions.read(path).select(COLUMNS).unique().shape == (1, len(COLUMNS))


def test_what_read_would_refuse_is_not_added(tmp_path):
    path = tmp_path / "decisions.csv"
    with pytest.raises(InputError, match="decision is not one of"):
        decisions.append(path, Decision(*LINE.replace("hold", "maybe").split(",")))
    assert not path.exists()


def test_a_line_that_finds_no_room_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "decisions.csv"
    decisions.append(path, DECISION)
    before, write = path.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:7]))
    with pytest.raises(InputError, match="no room left on the disk"):
        decisions.append(path, DECISION)
    assert path.read_bytes() == before


def test_a_read_only_file_is_refused_in_a_sentence(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InputError, match="read-only or not yours"):
        decisions.append(tmp_path / "decisions.csv", DECISION)


def _append_many(path, author):
    for _ in range(20):
        decisions.append(path, Decision(*LINE.replace("pat", author).split(",")))


@pytest.mark.skipif(sys.platform == "win32", reason="the test forks")
def test_two_programs_at_once_lose_no_line(tmp_path):
    path = tmp_path / "decisions.csv"
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_append_many, args=(path, author)) for author in ("pat", "sam")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert sorted(decisions.read(path)["author"]) == ["pat"] * 20 + ["sam"] * 20


def test_who_looks_before_a_line_is_added_sees_all_lines_and_may_refuse(tmp_path):
    path, seen = tmp_path / "decisions.csv", []
    for _ in range(2):
        decisions.append(path, DECISION, look=lambda lines: seen.append(len(lines)))

    def refuse(lines):
        raise LookupError

    before = path.read_bytes()
    with pytest.raises(LookupError):
        decisions.append(path, DECISION, look=refuse)
    assert (seen, path.read_bytes()) == ([0, 1], before)


def test_the_lines_that_were_added_come_back_as_they_are_read(tmp_path):
    path = tmp_path / "decisions.csv"
    typed = dataclasses.replace(DECISION, reason="=asked   the\nschool", expires="20270630")
    written = decisions.append(path, typed)
    assert written == decisions.read(path).drop("line").to_dicts()


def test_the_story_of_all_decisions_says_what_became_of_each():
    told = decisions.story(
        decided(
            """
            student action decision expires    back
            1       delete hold     -          -
            1       delete send     -          -
            2       delete hold     -          -
            2       delete hold     -          2026-11-21
            3       delete hold     2026-11-22 -
            4       update hold     2026-11-23 -
            """
        ),
        AS_OF,
    )
    assert told.select("ssid", "decision", "state", "ended_on").rows() == [
        (ssid("4"), "hold", "in-force", ""),
        (ssid("3"), "hold", "ended", ""),
        (ssid("2"), "hold", "taken-back", "2026-11-21"),
        (ssid("1"), "send", "in-force", ""),
        (ssid("1"), "hold", "replaced", "2026-11-20"),
    ]
    assert decisions.story(decisions.parse(None, "decisions.csv"), AS_OF).is_empty()
