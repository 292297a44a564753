"""`identity-checked` in the decisions file clears cases a to c among the SSIDs that it names, until a value that was
compared changes; never case d (reconciliation 4.1)."""

from __future__ import annotations

import datetime as dt

import pytest

from senrkit.errors import InputError
from senrkit.reconciliation import decisions
from senrkit.reconciliation.proposal import reconcile
from senrkit.reconciliation.scope import scope_of
from senrkit.spells.build import build_spells
from tests.rulebook import aeries, settings, state
from tests.text_tables import ssid

HEADING = ",".join(decisions.COLUMNS)
STU = "student CID FN LN BD\n1 7 Ana Rivera 2015-03-02"
ODS = "student local_id first_name last_name birth_date\n5 99 Ana Rivera 20150302"
AS_OF = dt.date(2026, 11, 23)


def line(first: str, *others: str, expires: str = "", taken_back: str = "") -> str:
    named = " ".join(map(ssid, others))
    return f"{ssid(first)},,,,identity-checked,checked with {named},pat,2026-11-20T10:00:00,{expires},{taken_back}"


def held(folder, *lines: str, sis=None, ods: str = ODS) -> set[str]:
    """SSIDs, by number, that are held for identity; what was compared is kept, as after a run."""
    kept = decisions.parse("\r\n".join([HEADING, *lines]).encode(), "decisions.csv")
    checked = decisions.Checked.read(kept, AS_OF, folder)
    chosen = settings()
    spell_set = build_spells(sis or aeries("student\n1", stu=STU), chosen)
    proposal = reconcile(scope_of(state(ods), spell_set, chosen), spell_set, chosen, checked)
    checked.keep(proposal.conflicts, folder)
    return {str(int(one[-2:])) for one in proposal.holds.filter(hold_reason="identity-conflict")["ssid"]}


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (line("5", "7"), set()),
        (line("7", "5"), set()),  # either of the two may stand in the first column
        (line("5", "7", "9"), set()),
        (line("5"), {"5", "7"}),  # the other SSID is not named
        (line("5", "8"), {"5", "7"}),
        (line("5", "7", expires="2026-11-22"), {"5", "7"}),
        (line("5", "7", expires="2026-11-23"), set()),
        (line("5", "7", taken_back="2026-11-21"), {"5", "7"}),
        ("", {"5", "7"}),
    ],
)
def test_the_ssids_that_are_named_are_cleared(said, left, tmp_path):
    assert held(tmp_path, *([said] if said else [])) == left


@pytest.mark.parametrize(
    "changed",
    [
        {"ods": ODS.replace("Rivera", "Rivera-Jones")},
        {"ods": ODS.replace("99", "1001")},
        {"sis": aeries("student\n1", stu=STU.replace("2015-03-02", "-"))},
        {"sis": aeries("student\n1", stu=STU.replace("Rivera", "Rivera-Jones"))},
        # the everyday name alone, and the school in Aeries
        {
            "sis": aeries(
                "student\n1",
                stu=STU.replace("Rivera", "Quill"),
                lsi=[{"ID": "1001", "LFN": "Ana", "LMN": "", "LLN": "Rivera", "LSF": "", "GN": ""}],
            )
        },
        {
            "sis": aeries(
                "student school\n1 B", stu=STU.replace("student CID", "student school CID").replace("1 7", "1 B 7")
            )
        },
    ],
)
def test_it_holds_until_a_value_that_was_compared_changes(changed, tmp_path):
    assert held(tmp_path, line("5", "7")) == set()
    assert held(tmp_path, line("5", "7")) == set()
    assert held(tmp_path, line("5", "7"), **changed) == {"5", "7"}
    again = line("5", "7").replace("2026-11-20", "2026-11-22")  # somebody has looked once more
    assert held(tmp_path, line("5", "7"), again, **changed) == set()


def test_a_value_that_is_not_compared_may_change(tmp_path):
    assert held(tmp_path, line("5", "7")) == set()
    assert held(tmp_path, line("5", "7"), ods=f"{ODS.replace('birth_date', 'birth_date grade')} 06") == set()


def test_case_a_needs_its_own_ssid_alone(tmp_path):
    sis = aeries("student\n1", stu="student FN LN BD\n1 Ana Rivera 2015-03-02")
    ods = "student first_name last_name birth_date\n1 Ben Rivera 20160404"
    assert held(tmp_path, sis=sis, ods=ods) == {"1"}
    assert held(tmp_path, line("1"), sis=sis, ods=ods) == set()


def test_case_c(tmp_path):
    sis = aeries("student\n1", stu="student FN LN BD\n1 Ana Rivera 2015-03-02")
    ods = (
        "student local_id first_name last_name birth_date start exit reason\n"
        "5 99 Ana Rivera 20150302 2025-08-12 2026-06-05 E155"
    )
    assert held(tmp_path, sis=sis, ods=ods) == {"1"}
    assert held(tmp_path, line("1", "5"), sis=sis, ods=ods) == set()


def test_case_d_is_never_cleared(tmp_path):
    sis = aeries("student school\n1 A\n2 B", stu="student school CID\n2 B 1")
    assert held(tmp_path, line("1", "2"), sis=sis, ods="student\n1") == {"1"}


def test_what_is_kept_is_private_and_a_damaged_file_is_refused(tmp_path):
    held(tmp_path, line("5", "7"))
    file = tmp_path / decisions.CHECKED_FILE
    assert file.stat().st_mode & 0o077 == 0
    assert not any(value in file.read_text() for value in ("Ana", "Rivera", "2015"))
    file.write_bytes(b"no table at all")
    with pytest.raises(InputError, match="damaged"):
        held(tmp_path, line("5", "7"))
