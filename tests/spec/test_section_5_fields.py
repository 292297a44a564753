"""Section 5: fields compared, and what goes out."""

import pytest

from senrkit.frames.pandas_door import to_pandas
from tests import rulebook
from tests.rulebook import actions, aeries, settings, state


def changed(sis, ods, chosen=None):
    proposal, _, _ = rulebook.run(sis if not isinstance(sis, str) else aeries(sis), state(ods), chosen or settings())
    return [
        (row.changed, row.before, row.after)
        for row in to_pandas(proposal.actions).itertuples()
        if row.action == "update"
    ]


@pytest.mark.parametrize(
    ("sis", "ods", "said"),
    [
        ("program\n1 C", "status\n1 10", ("status", "status=10", "status=20")),
        ("grade\n1 6", "grade\n1 05", ("grade", "grade=05", "grade=06")),
        ("transfer\n1 D", "transfer\n1 -", ("transfer_code", "transfer_code=", "transfer_code=1")),
        (
            "residence\n1 19649990000000",
            "residence\n1 1964988",
            ("residence_district", "residence_district=1964988", "residence_district=1964999"),
        ),
        ("next\n1 2", "receiver\n1 -", ("receiver_school", "receiver_school=", "receiver_school=1990002")),
        (
            "exit reason\n1 2026-10-02 160",
            "exit reason\n1 - -",
            ("exit_date|exit_reason", "exit_date=|exit_reason=", "exit_date=20261002|exit_reason=T160"),
        ),
    ],
)
def test_compared(sis, ods, said):
    assert changed(f"student {sis}", f"student {ods}") == [said]


@pytest.mark.parametrize("field", ["first_name", "middle_name", "gender", "birth_date", "birth_city"])
def test_demographics_are_not_compared_a_difference_is_information(field):
    proposal, _, _ = rulebook.run(aeries("student\n1"), state(f"student {field}\n1 M"), settings())
    assert to_pandas(proposal.actions)["action"].tolist() == ["same"]
    said = to_pandas(proposal.information).query("kind == 'demographics-differ'")["detail"].tolist()
    assert len(said) == 1 and field.replace("_", " ") in said[0]


def test_graduate_fields_only_with_completion_100():
    sis = aeries("student exit reason grade\n1 2026-10-02 GRD 12", stu="student HSG GEX\n1 G Y")
    row = "student exit reason grade completion graduation_exemption\n1 2026-10-02 E230 12"
    assert changed(sis, f"{row} 100 N") == [
        ("graduation_exemption", "graduation_exemption=N", "graduation_exemption=Y")
    ]
    promoted = aeries("student exit reason grade\n1 2026-10-02 GRD 8", stu="student HSG GEX\n1 P Y")
    assert actions(promoted, "student exit reason grade completion\n1 2026-10-02 E230 08 480")[0][0] == "same"


def test_what_aeries_does_not_know_is_not_compared_and_keeps_the_states_value():
    sis = aeries("student grade\n1 6", lacking=("ENR.IT", "ENR.ITD", "ENR.NS"))
    ods = state("student transfer residence receiver uc_csu transition_status\n1 1 1964999 1990002 Y N")
    proposal, _, _ = rulebook.run(sis, ods, settings())
    assert to_pandas(proposal.actions)["changed"].tolist() == ["grade"]
    record = to_pandas(proposal.records).iloc[0]
    assert record[
        ["transfer_code", "residence_district", "receiver_school", "uc_csu", "transition_status"]
    ].tolist() == ["1", "1964999", "1990002", "", "N"]


def test_the_replacement_of_a_moved_row_carries_its_unknown_values():
    proposal, _, _ = rulebook.run(
        aeries("student start\n1 2026-08-17", lacking=("ENR.IT",)),
        state("student start transfer\n1 2026-08-12 1"),
        settings(),
    )
    added = to_pandas(proposal.records)[to_pandas(proposal.records)["transaction"] == "A"]
    assert added["transfer_code"].tolist() == ["1"]


def test_compare_narrows_the_list():
    chosen = settings('compare = ["exit_date"]')
    assert actions("student grade\n1 6", "student\n1", chosen)[0][0] == "same"
    assert changed("student exit reason grade\n1 2026-10-02 160 6", "student\n1", chosen)[0][0] == "exit_date"


def test_a_row_that_goes_out_is_a_whole_record():
    proposal, _, _ = rulebook.run(
        aeries("student grade\n1 6"), state("student first_name local_id\n1 Old 77"), settings()
    )
    record = to_pandas(proposal.records).iloc[0]
    sent = {name: value for name, value in record.items() if value}
    assert sent == {
        "record_type": "SENR", "transaction": "A", "reporting_lea": "1999990", "school_code": "1990001",
        "academic_year": "2026-2027", "ssid": "9000000001", "local_id": "1001", "first_name": "Given1",
        "last_name": "Family1", "birth_date": "20150302", "gender": "F", "birth_country": "US",
        "start_date": "20260812", "status": "10", "grade": "06",
    }  # fmt: skip


def test_a_delete_carries_the_state_row():
    proposal, _, _ = rulebook.run(aeries(""), state("student local_record_id grade\n1 tag-7 05"), settings())
    record = to_pandas(proposal.records).iloc[0]
    assert record[["record_type", "transaction", "local_record_id", "ssid", "start_date", "grade"]].tolist() == [
        "SENR", "D", "tag-7", "9000000001", "20260812", "05",
    ]  # fmt: skip
