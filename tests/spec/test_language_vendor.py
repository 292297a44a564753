"""The test vendor's file beside CALPADS and Aeries: what is on its way, what contradicts, and what may be proposed.

Columns as in `tests/languages.py`; `test` is the vendor's result and its day (`EL@2026-10-14`; a `?` behind it: not
finished), `vendor` what it means. The run is of 23 November 2026.
"""

from __future__ import annotations

import dataclasses

import pytest

from senrkit.errors import Stopped
from senrkit.frames.pandas_door import to_pandas, to_polars
from senrkit.inputs.elpac import read_elpac_file
from senrkit.language import work
from senrkit.language.tables import language_table, vendor_report
from senrkit.language.vendor import JUDGEMENTS, refuse_other_file, vendor_notes
from senrkit.texts import wording
from tests import vendor_files
from tests.languages import district
from tests.rulebook import settings
from tests.text_tables import rows_of


@pytest.fixture
def compare(tmp_path):
    """Every student of a table, with the rows of the vendor's file that its column `test` says, and further ones."""

    def comparing(table, source="calpads", more=()):
        rows = []
        for number, said in enumerate(rows_of(table), start=1):
            for test in filter(None, said.get("test", "").split(",")):
                finished, (result, day) = not test.endswith("?"), test.rstrip("?").split("@")
                changed = {name: said[name] for name in ("correction", "birth_date", "last_name") if said.get(name)}
                attempted = {} if finished else {"attemptedness": "P", "include_indicator": "T"}
                rows.append(vendor_files.row(said.get("student", str(number)), result, day, **changed, **attempted))
        (tmp_path / "vendor.csv").write_bytes(vendor_files.written([*rows, *more]))
        chosen = settings()
        calpads = dataclasses.replace(chosen.calpads, elpac_file=tmp_path / "vendor.csv", language_source=source)
        elpac = read_elpac_file(tmp_path / "vendor.csv")
        return to_pandas(
            work.compared(*district(table), dataclasses.replace(chosen, calpads=calpads), elpac)
        ).sort_values("ssid")

    return comparing


def assert_vendor(found, table):
    said = [(row["class"], row["vendor"]) for row in rows_of(table)]
    assert list(zip(found["class"], found["vendor"], strict=True)) == said


def test_what_a_result_means_beside_the_two_sides(compare):
    table = """
        sela                              lf    SD          test             class          vendor
        TBD@2026-08-12                    T     -           EL@2026-10-14    same           not-yet-in-calpads
        TBD@2026-08-12                    -     -           IFEP@2026-10-14  conflict-status  not-yet-in-calpads
        -                                 T     -           EL@2026-10-14    only-in-aeries  unknown-to-calpads
        TBD@2026-08-12                    L     2026-10-14  EL@2026-10-14    conflict-status  aeries-has-it
        TBD@2026-08-12                    E     -           EL@2026-10-14    conflict-status  aeries-contradicts
        TBD@2026-08-12,EL@2026-10-14      T     -           EL@2026-10-14    new-el         agrees
        TBD@2026-08-12,EL@2026-10-15      T     -           EL@2026-10-14    new-el         agrees-other-day
        TBD@2026-08-12,EL@2026-10-14      E     -           EL@2026-10-14    refused        agrees
        TBD@2026-08-12,IFEP@2026-10-14    T     -           EL@2026-10-14    new-ifep       calpads-contradicts
        EO@2026-08-12                     E     -           EL@2026-10-14    same           calpads-contradicts
        IFEP@2026-10-14,EL@2026-11-02/5   T     -           IFEP@2026-10-14  new-el         calpads-went-on
        EL@2026-10-14,RFEP@2026-11-02     T     -           EL@2026-10-14    conflict-status  calpads-went-on
        TBD@2026-08-12                    none  -           EL@2026-10-14    only-in-calpads  not-in-aeries
        TBD@2026-08-12                    T     -           EL@2026-10-14?   same           -
        TBD@2026-08-12                    T     -           -                same           -
        """
    assert_vendor(compare(table), table)


def test_nothing_is_proposed_from_it_unless_the_settings_say_so(compare):
    table = """
        sela                          lf  test             class            vendor
        TBD@2026-08-12                T   EL@2026-10-14    new-el           not-yet-in-calpads
        TBD@2026-08-12                T   IFEP@2026-07-20  new-ifep         not-yet-in-calpads
        TBD@2026-08-12                -   EL@2026-10-14    new-el           not-yet-in-calpads
        -                             T   EL@2026-10-14    only-in-aeries   unknown-to-calpads
        TBD@2026-08-12                E   EL@2026-10-14    conflict-status  aeries-contradicts
        TBD@2026-08-12                L   EL@2026-10-14    conflict-status  aeries-has-it
        TBD@2026-08-12,EL@2026-10-14  T   EL@2026-10-14    new-el           agrees
        TBD@2026-08-12                T   EL@2026-10-14?   same             -
        """
    found = compare(table, "vendor")
    assert_vendor(found, table)
    assert found["proposed_from"].tolist() == ["vendor"] * 3 + [""] * 3 + ["calpads", ""]
    # What CALPADS holds is told as it is, and the rows from the vendor are marked.
    assert found["calpads_status"].tolist()[:3] == ["TBD"] * 3
    assert found["proposed_status"].tolist()[:3] == ["EL", "IFEP", "EL"]
    marked = [warnings.startswith("The new status is the test vendor's:") for warnings in found["warnings"]]
    assert marked == [True] * 3 + [False] * 5
    written = to_pandas(language_table(to_polars(found)))
    assert list(written.columns[-4:]) == ["vendor_status", "vendor_date", "vendor", "proposed_from"]
    assert not compare(table)["proposed_from"].isin(["vendor"]).any()


def test_what_is_refused_of_calpads_is_refused_of_the_vendor(compare):
    table = """
        lf  USS         lac  idn  IFD         test           class    reason
        T   -           yes  yes  -           EL@2026-12-01  refused  day-in-future
        T   2026-11-20  yes  yes  -           EL@2026-07-20  refused  day-before-first-school
        T   -           no   no   -           EL@2026-10-14  refused  no-parent
        T   -           yes  yes  2026-10-01  EL@2026-10-14  refused  lac-day-filled
        """
    waiting = table.replace("lf  USS", "sela lf USS").replace("        T ", "        TBD@2026-08-12 T ")
    found = compare(waiting, "vendor")
    assert set(found["vendor"]) == {"not-yet-in-calpads"}
    assert list(zip(found["class"], found["reason"], strict=True)) == [
        (row["class"], row["reason"]) for row in rows_of(table)
    ]


def test_two_rows_are_one_result_only_when_they_say_the_same(compare):
    table = """
        sela            lf  test                           class   vendor
        TBD@2026-08-12  T   EL@2026-10-14,IFEP@2026-10-15  same    two-results
        TBD@2026-08-12  T   EL@2026-10-14,EL@2026-10-15    same    two-results
        TBD@2026-08-12  T   EL@2026-10-14,EL@2026-10-14    new-el  not-yet-in-calpads
        """
    assert_vendor(compare(table, "vendor"), table)


def test_a_result_of_another_child_or_with_a_correction_is_never_proposed(compare):
    table = """
        sela            lf  last_name  birth_date  correction  test           class  vendor
        TBD@2026-08-12  T   Sparrow    2014-01-02  -           EL@2026-10-14  same   whose-result
        TBD@2026-08-12  T   -          -           5           EL@2026-10-14  same   corrected-by-vendor
        """
    assert_vendor(compare(table, "vendor"), table)


def test_an_unlawful_history_is_not_made_lawful_by_a_test(compare):
    table = """
        sela                                          lf  test           class    vendor
        EL@2024-10-14,RFEP@2025-05-04,TBD@2026-08-12  T   EL@2026-10-14  refused  not-yet-in-calpads
        """
    found = compare(table, "vendor")
    assert_vendor(found, table)
    assert (found["reason"][0], found["proposed_from"][0]) == ("history-contradicts", "")


@pytest.mark.parametrize(
    ("changed", "pieces"),
    [
        ({"district_code": "19999820000000", "school_code": "19999821990009"}, "No row of .* is of LEA 1999990"),
        ({"day": "2025-10-14"}, "No result in .* is of 2026-2027; the newest is of 2025-10-14"),
    ],
)
def test_a_file_of_another_lea_or_year_stops(tmp_path, changed, pieces):
    (tmp_path / "vendor.csv").write_bytes(vendor_files.written([vendor_files.row("1", **changed)]))
    with pytest.raises(Stopped, match=pieces):
        refuse_other_file(read_elpac_file(tmp_path / "vendor.csv"), settings())


def test_single_rows_of_another_lea_or_year_are_left_out_and_counted(compare, tmp_path):
    table = """
        sela            lf  test           class  vendor
        TBD@2026-08-12  T   -              same   -
        TBD@2026-08-12  T   -              same   -
        TBD@2026-08-12  T   EL@2026-10-14  same   not-yet-in-calpads
        """
    elsewhere = {"district_code": "19999820000000", "school_code": "19999821990009"}
    more = [
        vendor_files.row("1", **elsewhere),
        vendor_files.row("2", day="2026-06-30"),
        vendor_files.row("44"),
    ]
    found = compare(table, more=more)
    assert_vendor(found, table)
    notes = vendor_notes(read_elpac_file(tmp_path / "vendor.csv"), to_polars(found), settings())
    assert [note.split(": ")[1][0] for note in notes] == ["1", "1", "1"]


def test_the_report_lists_what_a_person_should_look_at_first(compare):
    table = """
        sela                          lf    test           class  vendor
        TBD@2026-08-12,EL@2026-10-14  T     EL@2026-10-14  -      agrees
        TBD@2026-08-12                none  EL@2026-10-14  -      not-in-aeries
        TBD@2026-08-12                T     EL@2026-10-14  -      not-yet-in-calpads
        """
    assert vendor_report(to_polars(compare(table)))["vendor"].to_list() == ["not-yet-in-calpads", "not-in-aeries"]


def test_every_judgement_has_its_words():
    assert sorted(wording.phrases("language-vendor")) == sorted(JUDGEMENTS)
