"""Second edition of EL and IFEP (interface.md): histories, stale copies, the summer before school, warnings, who waits.

The cases 24 to 28 of the field, each with its near misses. Columns as in `tests/languages.py`; `warns` lists what the
column `warnings` says, in its order. The run is of 23 November 2026.
"""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from senrkit.frames.pandas_door import to_pandas, to_polars
from senrkit.language.tables import language_table, to_be_determined
from senrkit.reference import SchoolYear, elas
from tests.languages import AS_OF, SELA_COLUMNS, classes, compared, district, says, sela_row, stu_row
from tests.rulebook import settings
from tests.text_tables import rows_of

OTHER = "1234567"


def waiting_in(found, as_of=AS_OF):
    return to_pandas(to_be_determined(to_polars(found), as_of))


WARNINGS = {
    "HL-blank": "STU.HL is blank:",
    "HL-unknown": "STU.HL says no language",
    "HL-english": "STU.HL is English:",
    "HL-sign": "STU.HL is American Sign Language:",
    "USS-blank": "LAC.USS is blank:",
    "USS-suspect": "LAC.USS (LAC.STS where it is blank) is suspect.",
    "ITF": "LAC.ITF says",
    "correction": "CALPADS holds a correction, reason",
}


def assert_classes(table):
    assert classes(table) == says(table)


def found_in(table, **more):
    held, tables = district(table, **more)
    return compared(held, tables, settings()).sort_values("ssid")


def assert_warnings(table):
    found = found_in(table)
    expected = [(row["class"], row["warns"].split(",") if row["warns"] else []) for row in rows_of(table)]
    said = [[name for name in WARNINGS if WARNINGS[name] in sentences] for sentences in found["warnings"]]
    assert [(kind, sorted(names)) for kind, names in zip(found["class"], said, strict=True)] == [
        (kind, sorted(names)) for kind, names in expected
    ]


# Case 24 and its kind.


def test_the_summer_before_school_is_no_time_before_school():
    """From 1 July of the school year of the first school day, at most 60 days before it."""
    assert_classes(
        """
        sela             USS         class    reason
        EL@2026-07-20    2026-08-17  new-el   aeries-tbd
        IFEP@2026-07-20  2026-08-17  new-ifep  aeries-tbd
        EL@2026-07-01    2026-08-17  new-el   aeries-tbd
        EL@2026-06-30    2026-08-17  refused  day-before-first-school
        EL@2026-08-16    2026-10-15  new-el   aeries-tbd
        EL@2026-08-15    2026-10-15  refused  day-before-first-school
        EL@2025-12-13    2026-02-11  new-el   aeries-tbd
        EL@2025-12-12    2026-02-11  refused  day-before-first-school
        EL@2025-07-20    2026-08-17  refused  day-before-first-school
        """
    )


def test_the_first_school_day_is_suspect_when_another_lea_has_tested_before_it():
    assert_warnings(
        f"""
        sela                            lf  USS         STS         lea      class            warns
        EL@2024-10-14                   T   2026-08-17  -           {OTHER}  refused          USS-suspect
        EL@2024-10-14                   T   2026-08-17  -           1999990  refused          -
        EL@2026-07-20                   T   2026-08-17  -           {OTHER}  new-el           USS-suspect
        EL@2026-08-17                   T   2026-08-17  -           {OTHER}  new-el           -
        EL@2024-10-14                   T   -           2026-08-17  {OTHER}  refused          USS-suspect
        EL@2018-09-03,RFEP@2024-05-20   T   2026-08-17  -           {OTHER}  conflict-status  USS-suspect
        """
    )


# Case 25 and its kind.


def test_a_history_that_contradicts_itself_proposes_nothing():
    assert_classes(
        """
        sela                                        lf  class     reason
        EL@2019-09-10,RFEP@2023-05-20,EL@2026-10-14   T   refused   history-contradicts
        EL@2019-09-10,RFEP@2023-05-20,EL@2026-10-14   -   refused   history-contradicts
        IFEP@2019-09-10,EL@2026-10-14                 T   refused   history-contradicts
        EL@2019-09-10,IFEP@2026-10-14                 T   refused   history-contradicts
        IFEP@2019-09-10,EL@2026-10-14/5               T   new-el    aeries-tbd
        IFEP@2019-09-10,EL@2026-10-14/2               T   new-el    aeries-tbd
        IFEP@2019-09-10,EL@2026-10-14/1               T   refused   history-contradicts
        EL@2019-09-10,IFEP@2026-10-14/5               T   new-ifep  aeries-tbd
        RFEP@2023-05-20,EL@2026-10-14/5               T   refused   history-contradicts
        EO@2019-09-10,EL@2026-10-14                   T   refused   history-contradicts
        EO@2019-09-10,EL@2026-10-14/1                 T   new-el    aeries-tbd
        EO@2019-09-10,TBD@2026-08-12,EL@2026-10-14    T   new-el    aeries-tbd
        TBD@2026-08-12,EL@2026-10-14                  T   new-el    aeries-tbd
        """
    )


def test_a_step_is_judged_by_the_table_of_its_own_school_year():
    assert_classes(
        """
        sela                           lf  class    reason
        EO@2015-08-20,EL@2015-09-20    T   new-el   aeries-tbd
        EO@2018-08-20,EL@2018-09-20    T   refused  history-contradicts
        """
    )


def test_whoever_stays_what_they_are_takes_no_step():
    assert_classes(
        """
        sela                                        lf  class    reason
        TBD@2026-08-12,TBD@2026-09-01,EL@2026-10-14   T   new-el   aeries-tbd
        EL@2026-09-01,EL@2026-10-14                   T   new-el   aeries-tbd
        """
    )


def test_a_row_that_stands_twice_counts_with_its_correction_reason():
    assert_classes(
        """
        sela                                                        lf  class   reason
        IFEP@2019-09-10,EL@2026-10-14/5,EL@2026-10-14               T   new-el  aeries-tbd
        IFEP@2019-09-10,IFEP@2019-09-10,EL@2026-10-14/5             T   new-el  aeries-tbd
        """
    )


def test_the_order_of_the_file_does_not_count():
    held, tables = district("sela\nEL@2019-09-10,RFEP@2023-05-20,EL@2026-10-14")
    turned = held.iloc[::-1].reset_index(drop=True).assign(line=held["line"])
    assert compared(turned, tables, settings())["reason"].tolist() == ["history-contradicts"]


def test_a_step_without_a_readable_day_has_no_place_in_the_order():
    undated = sela_row("1", "TBD", "")
    assert found_in("sela\nEL@2026-10-14", sela=(undated,))["reason"].tolist() == ["history-contradicts"]
    alone = found_in("sela lf\n- T", sela=(sela_row("1", "EL", "2026-02-30"),))
    assert alone[["class", "reason"]].to_numpy().tolist() == [["refused", "history-contradicts"]]


def test_a_history_says_nothing_of_a_status_that_is_settled_or_the_same():
    assert_classes(
        """
        sela                                        lf  SD          class    reason
        EL@2019-09-10,RFEP@2023-05-20,EL@2026-10-14   E   -           refused  already-eo
        EL@2019-09-10,RFEP@2023-05-20,EL@2026-10-14   L   2026-10-14  same     -
        """
    )


def test_aeries_own_copy_may_be_an_older_row():
    assert_classes(
        """
        sela                             EAC   EAD         class    reason
        IFEP@2025-09-10,EL@2026-10-14/5  IFEP  2025-09-10  new-el   aeries-tbd
        IFEP@2025-09-10,EL@2026-10-14/5  IFEP  -           new-el   aeries-tbd
        IFEP@2025-09-10,EL@2026-10-14/5  IFEP  2025-09-11  refused  eac-contradicts
        IFEP@2025-09-10,EL@2026-10-14/5  EL    2025-09-10  refused  eac-contradicts
        EO@2025-09-10,EL@2026-10-14/1    EO    2025-09-10  new-el   aeries-tbd
        TBD@2025-09-10,EL@2026-10-14     EO    2025-09-10  refused  eac-contradicts
        EL@2025-09-10,EL@2026-10-14      EL    2025-09-10  new-el   aeries-tbd
        """
    )


# Case 26 and its kind.


def test_what_would_sink_the_other_files_of_a_new_english_learner_is_said():
    assert_warnings(
        """
        sela             HL  USS         class     warns
        EL@2026-10-14    00  2026-08-12  new-el    HL-english
        EL@2026-10-14    37  2026-08-12  new-el    HL-sign
        EL@2026-10-14    -   2026-08-12  new-el    HL-blank
        EL@2026-10-14    99  2026-08-12  new-el    HL-unknown
        EL@2026-10-14    77  2026-08-12  new-el    HL-unknown
        EL@2026-10-14    01  2026-08-12  new-el    -
        EL@2026-10-14    01  -           new-el    USS-blank
        EL@2026-10-14    00  -           new-el    HL-english,USS-blank
        IFEP@2026-10-14  00  -           new-ifep  -
        EL@2026-11-24    00  -           refused   -
        """
    )


def test_the_language_of_the_extract_is_not_the_one_of_aeries():
    english = sela_row("1", "EL", "2026-10-14", primary_language="eng")
    for code, words in (("00", "STU.HL is English"), ("01", "")):
        found = found_in(f"sela lf USS HL\n- T 2026-08-12 {code}", sela=(english,))
        assert found["class"].tolist() == ["new-el"]
        assert found["warnings"].tolist()[0].startswith(words) and bool(found["warnings"].tolist()[0]) == bool(words)


def test_an_initial_result_that_says_otherwise_is_said():
    assert_warnings(
        """
        sela             USS         ITF   class     warns
        EL@2026-10-14    2026-08-12  IFEP  new-el    ITF
        EL@2026-10-14    2026-08-12  I     new-el    ITF
        EL@2026-10-14    2026-08-12  EL    new-el    -
        EL@2026-10-14    2026-08-12  L     new-el    -
        EL@2026-10-14    2026-08-12  el    new-el    -
        EL@2026-10-14    2026-08-12  3     new-el    -
        IFEP@2026-10-14  2026-08-12  EL    new-ifep  ITF
        """
    )


def test_a_column_that_the_source_lacks_is_not_blank():
    held, tables = district("sela\nEL@2026-10-14")
    without = {
        name: frame.drop(columns=[code for code in ("HL", "USS", "ITF") if code in frame])
        for name, frame in tables.tables.items()
    }
    found = compared(held, dataclasses.replace(tables, tables=without), settings())
    assert found[["class", "warnings"]].to_numpy().tolist() == [["new-el", ""]]


def test_without_any_translation_a_language_stands_for_itself():
    """The API gives no XRF: then only what is English as it stands is said."""
    held, tables = district("sela HL USS\nEL@2026-10-14 eng 2026-08-12\nEL@2026-10-14 spa 2026-08-12")
    xrf = tables.tables["XRF"]
    untranslated = tables.tables | {"XRF": xrf[xrf["FC1"] != "HL"]}
    found = compared(held, dataclasses.replace(tables, tables=untranslated), settings())
    assert [bool(said) for said in found["warnings"]] == [True, False]


# Case 27 and its kind.


def test_overdue_is_who_is_here_and_tested_in_the_grade():
    table = """
    sela             GR  TG  LD          age
    TBD@2026-08-12   0   -   -           long-over
    TBD@2026-08-12   -1  -   -           exempt
    TBD@2026-08-12   -2  -   -           -
    TBD@2026-08-12   -3  -   -           -
    TBD@2026-08-12   IN  -   -           long-over
    TBD@2026-08-12   18  -   -           -
    TBD@2026-08-12   5   I   -           -
    TBD@2026-08-12   5   -   2026-11-20  -
    TBD@2026-08-12   5   -   2026-11-23  long-over
    TBD@2026-10-14   5   -   -           over
    TBD@2026-10-14   -1  -   -           exempt
    TBD@2026-10-24   5   -   -           -
    """
    waiting = waiting_in(found_in(table)).set_index("local_id")["age"]
    expected = {str(1000 + at): row["age"] for at, row in enumerate(rows_of(table), start=1) if row["age"]}
    assert waiting.to_dict() == expected


def test_the_grade_stands_in_the_list_as_the_state_calls_it():
    waiting = waiting_in(found_in("sela GR\nTBD@2026-08-12 -1\nTBD@2026-08-12 12"))
    assert waiting["grade"].tolist() == ["TK", "12"]


def test_a_child_who_is_here_at_another_school_has_not_left():
    moved = stu_row("1", "T", SC="2", SN="44", TG="")
    waiting = waiting_in(found_in("sela TG\nTBD@2026-08-12 I", stu=(moved,)))
    assert waiting["age"].tolist() == ["long-over"]


def test_transitional_kindergarten_is_exempt_since_2024():
    found = found_in("sela GR\nTBD@2023-08-12 -1")
    for day, age in ((AS_OF.replace(year=2024, month=6, day=30), "long-over"), (AS_OF, "exempt")):
        assert waiting_in(found, day)["age"].tolist() == [age]


# Case 28 and its kind.


def test_a_correction_in_calpads_is_named():
    table = """
    sela                             lf  class            warns       reason
    IFEP@2026-09-10,EL@2026-10-14/5  I   refused          correction  corrected-in-calpads
    EL@2026-09-10,IFEP@2026-10-14/5  L   refused          correction  corrected-in-calpads
    EL@2026-09-10,EO@2026-10-14/3    L   conflict-status  correction  corrected-in-calpads
    IFEP@2026-09-10,EL@2026-10-14/5  R   refused          correction  already-rfep
    IFEP@2026-09-10,EL@2026-10-14    I   refused          -           already-ifep
    IFEP@2026-09-10,EL@2026-10-14/7  I   refused          correction  already-ifep
    EL@2026-09-10,EO@2026-10-14      L   conflict-status  -           correction-needed
    """
    assert_warnings(table)
    assert_classes(table)
    said = found_in("sela lf USS\nIFEP@2026-09-10,EL@2026-10-14/5 I 2026-08-12")["warnings"].tolist()
    assert said == ["CALPADS holds a correction, reason 5 (Evidence for EL or IFEP), of 2026-10-14: EL after IFEP."]


def test_a_correction_that_is_brought_in_is_named_too():
    assert_warnings(
        """
        sela                             USS         class     warns
        IFEP@2026-09-10,EL@2026-10-14/5  2026-08-12  new-el    correction
        EL@2026-09-10,IFEP@2026-10-14/5  2026-08-12  new-ifep  correction
        IFEP@2026-09-10,EL@2026-10-14/5,RFEP@2026-11-02  2026-08-12  conflict-status  -
        """
    )


def test_aeries_may_be_behind_by_more_than_one_step():
    assert_classes(
        """
        sela                                        lf  class            reason
        RFEP@2024-05-20                               T   conflict-status  aeries-behind
        EL@2018-09-03,RFEP@2024-05-20                 T   conflict-status  aeries-behind
        RFEP@2024-05-20                               -   conflict-status  aeries-behind
        RFEP@2024-05-20                               I   conflict-status  no-way
        IFEP@2017-09-03,EL@2018-09-03/5,RFEP@2024-05-20  I   conflict-status  aeries-behind
        IFEP@2017-09-03,EL@2018-09-03,RFEP@2024-05-20    I   conflict-status  no-way
        TBD@2026-08-12                                R   conflict-status  no-way
        TBD@2026-08-12,EO@2026-09-10                  T   conflict-status  aeries-behind
        """
    )


def test_what_can_be_reached_follows_the_official_table():
    assert elas.reachable("TBD", SchoolYear(2026)) == {"EO", "TBD", "EL", "IFEP", "RFEP", "ADEL"}
    assert elas.reachable("IFEP", SchoolYear(2026)) == {"IFEP"}
    assert elas.reachable("RFEP", SchoolYear(2026)) == {"RFEP"}


def test_a_warning_names_nobody():
    table = "sela lf HL USS ITF lea\nIFEP@2026-07-10,EL@2026-07-20/5 T 00 2026-08-17 I 1234567"
    written = to_pandas(language_table(to_polars(found_in(table))))
    said = written.loc[0, "warnings"]
    assert said.count(".") > 4 and not any(word in said for word in ("9000000001", "1001", "Given", "Family"))
    assert list(written.columns)[12] == "warnings"


@pytest.mark.parametrize("rows", [0, 1])
def test_an_extract_of_no_rows_or_one(rows):
    held, tables = district("sela lf\n- T")
    one = pd.DataFrame([sela_row("1", "TBD", "2026-08-12")][:rows], columns=SELA_COLUMNS).astype("str")
    found = compared(one.assign(line=pd.RangeIndex(1, rows + 1)), tables, settings())
    assert found["class"].tolist() == (["same"] if rows else ["only-in-aeries"])
