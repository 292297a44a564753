"""Section 6: held. No record in any file, all actions shown as hold."""

import pandas as pd

from senrkit.frames.pandas_door import to_pandas
from senrkit.reconciliation.proposal import hold
from tests import rulebook
from tests.rulebook import actions, aeries, expected, settings, state


def test_every_action_of_a_held_student_is_a_hold():
    sis = """
        student school start      exit       reason
        1       A      2026-08-12 2026-10-02 160
        1       B      2026-10-01 -          -
        2       A      2026-08-12 -          -
    """
    assert actions(sis, "student school\n1 A\n2 A") == expected("""
        action reason         student school start      exit
        hold   aeries-overlap 1       A      2026-08-12 2026-10-02
        hold   aeries-overlap 1       B      2026-10-01 -
        same   -              2       A      2026-08-12 -
    """)


def test_a_settled_no_show_of_a_held_student_stays_settled():
    ods = "student start exit reason\n1 2026-08-10 2026-08-10 N470"
    sis = "student start exit reason\n1 2026-08-12 - 160"
    assert [row[0] for row in actions(sis, ods)] == ["settled-no-show", "hold"]


def test_the_first_reason_of_the_list_is_given():
    sis = "student start exit reason\n1 2026-08-12 2026-10-02 160\n1 2026-10-01 - 160"
    assert {row[1] for row in actions(sis, "")} == {"aeries-overlap"}
    other_child = aeries(sis, stu="student BD LN\n1 2001-01-01 Other")
    assert {row[1] for row in actions(other_child, "student\n1")} == {"identity-conflict"}


def test_prior_year_open_holds_when_asked_for():
    ods = "student start\n1 2025-08-13\n1 2026-08-12\n2 2026-08-12"
    sis = "student grade\n1 6\n2 6"
    assert [row[0] for row in actions(sis, ods)] == ["update", "update"]
    held = actions(sis, ods, settings('prior_year_open = "hold"'))
    assert [row[:3] for row in held] == [("hold", "prior-year-open", "1"), ("update", "values-changed", "2")]


def test_a_held_student_has_no_transaction_and_a_decision_is_such_a_hold():
    proposal, _, _ = rulebook.run(aeries("student grade\n1 6\n2 6"), state("student\n1\n2"), settings())
    decided = pd.DataFrame({"ssid": ["9000000002"], "hold_reason": ["decision"], "detail": ["x"]}).astype("str")
    held = to_pandas(hold(proposal, decided).actions)
    assert held[["action", "intended", "transaction", "hold_reason"]].values.tolist() == [
        ["update", "update", "A", ""],
        ["hold", "update", "", "decision"],
    ]
    assert to_pandas(proposal.actions)["action"].tolist() == ["update", "update"]  # the caller's frame is unchanged


def test_at_risk_deletes_and_the_last_record_setting():
    ods = (
        "student start exit reason\n1 2026-08-12 - -\n2 2025-08-13 2026-06-05 E155\n2 2026-08-12 - -\n3 2026-08-12 - -"
    )
    sis = "student start\n3 2026-08-17"
    proposal, _, _ = rulebook.run(aeries(sis), state(ods), settings())
    deletes = to_pandas(proposal.actions).query("action == 'delete'")
    assert dict(zip(deletes["ssid"].str[-1], deletes["at_risk"], strict=True)) == {"1": True, "2": False, "3": True}
    chosen = settings('last_record = "no-show"')
    proposal, _, _ = rulebook.run(aeries(sis), state(ods), chosen)
    first = to_pandas(proposal.actions).iloc[0]
    assert (first["action"], first["reason"], first["exit_date"]) == (
        "update",
        "no-current-year-enrollment",
        "20260811",
    )
    assert to_pandas(proposal.records).loc[0, ["transaction", "exit_date", "exit_reason"]].tolist() == [
        "A",
        "20260811",
        "N470",
    ]
    assert to_pandas(proposal.actions).query("ssid.str.endswith('3') and action == 'delete'")["at_risk"].tolist() == [
        True
    ]
