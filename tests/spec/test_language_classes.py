"""EL and IFEP (interface.md; aeries_database.md 5.3): which class a student gets, and why.

`sela` is what CALPADS holds, oldest first; `lf` what Aeries says: T to be determined, E English only, L English
learner, I initially fluent, R reclassified, A adult English learner, `-` nothing. The run is of 23 November 2026.
"""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from senrkit.errors import InputError
from senrkit.frames.pandas_door import to_pandas, to_polars
from senrkit.language.classes import CLASSES
from senrkit.language.sides import aeries_statuses
from senrkit.language.tables import conflict_report, lac_import, language_table, proposals, stu_import, to_be_determined
from senrkit.reference import SchoolYear, elas
from senrkit.texts import wording
from tests.languages import AS_OF, classes, compared, district, says, sela_row, stu_row
from tests.rulebook import settings

YEAR = SchoolYear(2026)


def assert_classes(table, **more):
    assert classes(table, **more) == says(table)


def test_new_is_who_was_tested_and_is_to_be_determined_or_blank_in_aeries():
    assert_classes(
        """
        sela                            lf  class     reason
        TBD@2026-08-12,EL@2026-10-14    T   new-el    aeries-tbd
        TBD@2026-08-12,IFEP@2026-10-14  T   new-ifep  aeries-tbd
        EL@2026-10-14                   -   new-el    aeries-blank
        IFEP@2026-11-23                 -   new-ifep  aeries-blank
        EL@2026-10-14,TBD@2026-11-01    T   same      -
        """
    )


def test_same_status_since_the_same_day():
    assert_classes(
        """
        sela             lf  SD          IFD         RD1         AES         class          reason
        EL@2025-10-14    L   2025-10-14  -           -           -           same           -
        EL@2025-10-14    L   2025-10-15  -           -           -           conflict-date  days-differ
        EL@2025-10-14    L   -           -           -           -           conflict-date  aeries-day-blank
        IFEP@2025-10-14  I   -           2025-10-14  -           -           same           -
        IFEP@2025-10-14  I   2025-10-14  -           -           -           conflict-date  aeries-day-blank
        RFEP@2026-05-04  R   2024-10-14  -           2026-05-04  -           same           -
        RFEP@2026-05-04  R   2024-10-14  -           2026-05-05  -           conflict-date  days-differ
        ADEL@2025-10-14  A   -           -           -           2025-10-14  same           -
        EO@2025-08-12    E   -           -           -           -           same           -
        TBD@2026-08-12   T   -           -           -           -           same           -
        """
    )


def test_different_statuses_are_judged_by_the_table_of_transitions():
    assert_classes(
        """
        sela                           lf  class            reason
        EL@2024-10-14,RFEP@2026-05-04  L   conflict-status  aeries-behind
        EO@2025-08-12                  T   conflict-status  either-behind
        TBD@2026-08-12                 E   conflict-status  either-behind
        TBD@2026-08-12                 L   conflict-status  calpads-behind
        EO@2025-08-12                  L   conflict-status  correction-needed
        EO@2025-08-12                  R   conflict-status  no-way
        RFEP@2026-05-04                E   conflict-status  aeries-behind
        RFEP@2026-05-04                I   conflict-status  no-way
        ADEL@2025-10-14                L   conflict-status  aeries-behind
        EO@2025-08-12                  -   conflict-status  aeries-behind
        """
    )


def test_a_settled_status_in_aeries_is_never_changed():
    assert_classes(
        """
        sela             lf  class    reason
        EL@2026-10-14    E   refused  already-eo
        EL@2026-10-14    I   refused  already-ifep
        EL@2026-10-14    R   refused  already-rfep
        IFEP@2026-10-14  L   refused  already-el
        IFEP@2026-10-14  A   refused  already-adel
        """
    )


def test_a_day_that_cannot_be_is_refused():
    assert_classes(
        """
        sela             USS         STS         class    reason
        EL@2026-11-24    -           -           refused  day-in-future
        EL@2026-11-23    -           -           new-el   aeries-tbd
        EL@2015-03-11    -           -           refused  day-before-birth
        EL@2025-06-30    2025-08-12  -           refused  day-before-first-school
        EL@2025-08-12    2025-08-12  -           new-el   aeries-tbd
        EL@2025-06-30    2024-08-12  2025-08-12  new-el   aeries-tbd
        EL@2025-06-30    -           2025-08-12  refused  day-before-first-school
        EL@2025-08-11    soon        -           refused  aeries-date-error
        """
    )


def test_nothing_is_written_over_a_day_or_without_a_parent():
    assert_classes(
        """
        sela             lac  idn  SD          IFD         RD1         class     reason
        EL@2026-10-14    no   yes  -           -           -           new-el    aeries-tbd
        EL@2026-10-14    yes  no   -           -           -           new-el    aeries-tbd
        EL@2026-10-14    no   no   -           -           -           refused   no-parent
        EL@2026-10-14    yes  yes  2026-10-14  -           -           new-el    aeries-tbd
        EL@2026-10-14    yes  yes  2026-10-15  -           -           refused   lac-day-filled
        EL@2026-10-14    yes  yes  -           2026-10-14  -           refused   lac-day-filled
        IFEP@2026-10-14  yes  yes  -           -           2020-01-01  refused   lac-day-filled
        IFEP@2026-10-14  yes  yes  -           soon        -           refused   lac-day-filled
        """
    )


def test_aeries_own_copy_of_calpads_may_be_older_but_not_contradict():
    assert_classes(
        """
        sela             EAC   EAD         class    reason
        EL@2026-10-14    TBD   2026-08-12  new-el   aeries-tbd
        EL@2026-10-14    EL    2026-10-14  new-el   aeries-tbd
        EL@2026-10-14    EL    -           new-el   aeries-tbd
        EL@2026-10-14    EL    2026-10-13  refused  eac-contradicts
        EL@2026-10-14    IFEP  2026-10-14  refused  eac-contradicts
        EL@2026-10-14    EO    2025-08-12  refused  eac-contradicts
        """
    )


def test_what_is_in_doubt_is_refused():
    assert_classes(
        """
        sela                                       lf  class    reason
        TBD@2026-08-12,EL@2026-10-14,IFEP@2026-10-14  T   refused  two-newest-statuses
        EL@2026-10-14,EL@2026-10-14                T   new-el   aeries-tbd
        TBD@2026-08-12,NEP@2026-10-14              T   refused  status-unknown
        EL@2026-10-14                              Q   refused  local-code-unknown
        EO@2025-08-12                              Q   refused  local-code-unknown
        """
    )


def test_a_status_is_unknown_before_its_first_year():
    assert "ADEL" in elas.known(YEAR)
    assert "ADEL" not in elas.known(SchoolYear(2019))


def test_one_side_alone():
    assert_classes(
        """
        sela            lf    idn  class            reason
        EL@2026-10-14   none  no   only-in-calpads  ssid-not-in-aeries
        -               T     yes  only-in-aeries   no-status-in-calpads
        """
    )
    without = classes("sela lf lac\nEO@2025-08-12 E yes", stu=(stu_row("7", "T", CID=""),))
    assert without == [("only-in-aeries", "no-ssid"), ("same", "")]


@pytest.mark.parametrize(
    ("stu", "sela"),
    [
        pytest.param((stu_row("7", "T", CID="9000000001", BD="2016-01-01"),), (), id="two live students, one SSID"),
        pytest.param((stu_row("1", "T", SC="2", CID="9000000009"),), (), id="one live student, two SSIDs"),
    ],
)
def test_two_for_one_is_an_identity_conflict(stu, sela):
    found = classes("sela lf\nTBD@2026-08-12,EL@2026-10-14 T", stu=stu, sela=sela)
    assert set(found) == {("refused", "identity-conflict")}


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        pytest.param({"last_name": "Other", "birth_date": "20160101"}, "refused", id="name and birth date differ"),
        pytest.param({"last_name": "Other"}, "new-el", id="the name alone differs"),
        pytest.param({"birth_date": "20160101"}, "new-el", id="the birth date alone differs"),
        pytest.param(
            {"last_name": "fámily-1", "birth_date": "20160101"}, "new-el", id="only accents differ in the name"
        ),
    ],
)
def test_another_child_under_the_ssid(own, expected):
    found = classes("sela lf\n- T", sela=(sela_row("1", "EL", "2026-10-14", **own),))
    assert [kind for kind, _ in found] == [expected]


@pytest.mark.parametrize(
    ("own", "classes_found"),
    [
        pytest.param({}, ["refused", "refused"], id="local id of this LEA"),
        pytest.param(
            {"reporting_lea": "1234567", "last_name": "Other", "first_name": "Other"},
            ["same", "only-in-calpads"],
            id="local id of another LEA",
        ),
        pytest.param(
            {"local_id": "", "last_name": "Other"}, ["refused", "refused"], id="same birth date, first name and school"
        ),
        pytest.param(
            {"reporting_lea": "1234567", "local_id": ""}, ["refused", "refused"], id="same name and birth date"
        ),
        pytest.param(
            {"local_id": "", "last_name": "", "school_code": "1990002"},
            ["same", "only-in-calpads"],
            id="half a name is no name",
        ),
    ],
)
def test_a_retired_ssid_of_a_student_known_under_another(own, classes_found):
    retired = sela_row("1", "EL", "2026-10-14", ssid="9000000077", **own)
    found = classes("sela lf\nTBD@2026-08-12 T", sela=(retired,))
    assert [kind for kind, _ in found] == classes_found


def test_schools_that_disagree_are_refused():
    found = classes("sela lf\nTBD@2026-08-12,EL@2026-10-14 T", stu=(stu_row("1", "E", SC="2"),))
    assert found == [("refused", "two-statuses-in-aeries")]
    agreed = classes("sela lf\nTBD@2026-08-12,EL@2026-10-14 T", stu=(stu_row("1", "T", SC="2"),))
    assert agreed == [("new-el", "aeries-tbd")]


def test_two_lac_rows_are_refused():
    held, tables = district("sela\nEL@2026-10-14")
    doubled = pd.concat([tables.tables["LAC"]] * 2, ignore_index=True)
    found = compared(held, with_table(tables, "LAC", doubled), settings())
    assert found["reason"].tolist() == ["two-lac-rows"]


@pytest.mark.parametrize(
    ("translations", "expected"),
    [
        ('"L2" = "EL"', ("new-el", "aeries-tbd", "L2")),
        ('"L2" = "EL"\n"L3" = "EL"', ("refused", "no-local-code", "")),
        ('"=L" = "EL"', ("refused", "no-local-code", "")),
    ],
    ids=["the settings' code wins", "two codes", "a code that a spreadsheet would run"],
)
def test_the_local_code_is_the_one_that_means_the_status(translations, expected):
    held, tables = district("sela\nEL@2026-10-14")
    found = compared(held, tables, settings(more=f'[translations."STU.LF"]\n{translations}'))
    assert tuple(found.loc[0, ["class", "reason", "proposed_lf"]]) == expected


def test_a_day_column_that_the_source_lacks_is_not_compared():
    held, tables = district("sela lf RD1\nRFEP@2026-05-04 R 2026-05-04")
    found = compared(held, with_table(tables, "LAC", tables.tables["LAC"].drop(columns="RD1")), settings())
    assert found.loc[0, ["class", "reason"]].tolist() == ["same", "day-not-compared"]


def test_without_the_columns_of_language_nothing_can_be_said():
    _, tables = district("sela\nEL@2026-10-14")
    lacking = with_table(tables, "STU", tables.tables["STU"].drop(columns="LF"))
    lacking = dataclasses.replace(lacking, tables={k: v for k, v in lacking.tables.items() if k != "LAC"})
    with pytest.raises(InputError, match=r"lacks what language status needs: STU\.LF, LAC\.ID"):
        aeries_statuses(lacking, settings())


def test_a_day_is_never_written_into_a_column_that_the_source_cannot_see():
    """The Aeries API gives no IFD and no EAC: a new EL can be told, a new IFEP not."""
    held, tables = district("sela\nEL@2026-10-14\nIFEP@2026-10-14")
    seen = with_table(tables, "LAC", tables.tables["LAC"].drop(columns=["IFD", "AES", "EAC", "EAD"]))
    found = compared(held, seen, settings())
    assert found[["class", "reason"]].to_numpy().tolist() == [["new-el", "aeries-tbd"], ["refused", "lac-day-unknown"]]


def test_the_tables_of_the_run_folder():
    held, tables = district(
        """
        sela                            lf  lac  USS
        TBD@2026-08-12,EL@2026-10-14    T   yes  2026-08-12
        TBD@2026-08-12,IFEP@2026-10-15  -   no   -
        EL@2026-10-14                   E   yes  2026-08-12
        """,
        stu=(stu_row("1", "T", SC="2", SN="44"),),
    )
    found = compared(held, tables, settings())
    written = to_pandas(language_table(to_polars(found)))
    assert (
        list(written.columns)
        == (
            "ssid local_id school_code class calpads_status calpads_date aeries_status aeries_date proposed_lf"
            " proposed_column proposed_date reason warnings vendor_status vendor_date vendor proposed_from"
        ).split()
    )
    assert [",".join(row) for row in written.to_numpy()] == [
        "9000000001,1001,1990001,new-el,EL,2026-10-14,TBD,,L,SD,2026-10-14,aeries-tbd,,,,,calpads",
        "9000000002,1002,1990001,new-ifep,IFEP,2026-10-15,,,I,IFD,2026-10-15,aeries-blank,,,,,calpads",
        "9000000003,1003,1990001,refused,EL,2026-10-14,EO,,,,,already-eo,,,,,",
    ]
    proposed = proposals(to_polars(found))
    assert lac_import(proposed).to_dict(as_series=False) == {
        "ID": ["1001", "1002"], "SD": ["2026-10-14", ""], "IFD": ["", "2026-10-15"],
    }  # fmt: skip
    rows = to_pandas(stu_import(proposed, tables.tables["STU"])).to_numpy().tolist()
    assert rows == [["1", "1", "1001", "L"], ["2", "44", "1001", "L"], ["1", "2", "1002", "I"]]
    assert conflict_report(to_polars(found))["ssid"].to_list() == ["9000000003"]


def test_how_long_somebody_waits_for_the_test():
    held, tables = district(
        """
        sela            lf  class
        TBD@2026-10-24  T   30-days
        TBD@2026-10-23  T   31-days
        TBD@2026-08-26  T   89-days
        TBD@2026-08-25  T   90-days
        TBD@2025-08-25  none  left
        """
    )
    waiting = to_pandas(to_be_determined(to_polars(compared(held, tables, settings())), AS_OF))
    assert waiting[["days", "age"]].to_numpy().tolist() == [[90, "long-over"], [89, "over"], [31, "over"]]


def test_every_class_and_reason_has_words():
    assert set(wording.phrases("language-class")) == set(CLASSES)
    for phrase in wording.phrases("language-reason").values():
        assert phrase.title and phrase.sentence
    named = {f"already-{status.lower()}" for status in elas.known(YEAR) if status != "TBD"}
    judgements = {
        elas.judged(held, local, YEAR) for held in elas.known(YEAR) for local in elas.known(YEAR) if held != local
    }
    assert named | judgements <= set(wording.phrases("language-reason"))
    assert all(phrase.sentence for phrase in wording.phrases("language-warning").values())


def test_transitions_follow_the_official_table():
    assert elas.judged("EL", "RFEP", YEAR) == "calpads-behind"
    assert elas.judged("RFEP", "EL", YEAR) == "aeries-behind"
    assert elas.judged("EO", "EL", YEAR) == "correction-needed"
    assert elas.judged("EO", "EL", SchoolYear(2016)) == "calpads-behind", "allowed until 2017-2018"


def test_the_frames_given_are_not_changed():
    held, tables = district("sela lf\nEL@2026-10-14 T")
    before = held.copy(), {name: table.copy() for name, table in tables.tables.items()}
    compared(held, tables, settings())
    pd.testing.assert_frame_equal(held, before[0])
    for name, table in tables.tables.items():
        pd.testing.assert_frame_equal(table, before[1][name])


def with_table(tables, name, frame):
    return dataclasses.replace(tables, tables={**tables.tables, name: frame})


def test_a_row_that_the_api_made_up_proves_no_lac_row():
    held, tables = district("sela\n-\nTBD@2026-08-12,EL@2026-10-14")
    for inferred, reason in ((frozenset(), "aeries-tbd"), (frozenset({"LAC"}), "no-parent")):
        without_idn = {**tables.tables, "IDN": tables.tables["IDN"].iloc[:0]}
        from_source = dataclasses.replace(tables, tables=without_idn, inferred=inferred)
        found = compared(held, from_source, settings())
        assert found["reason"].tolist()[-1] == reason
        assert found["lac_rows"].tolist()[-1] == (0 if inferred else 1)
