"""What CALPADS would say to a SELA file: EO, TBD and RFEP may go, EL and IFEP never. Tables as in `tests/tables.py`."""

from __future__ import annotations

import datetime as dt
import string

import pandas as pd
import pytest

from senrkit.calpads.rules.language import (
    ENROLMENT_RULES,
    FILE_RULES,
    STATE_RULES,
    check_language,
    unchecked,
)
from senrkit.errors import InputError, UsageError
from senrkit.frames.pandas_door import to_pandas
from senrkit.inputs.extract.sela import sela_fields, sela_layouts
from senrkit.reference import PACKAGED
from senrkit.validation import PASSED, REJECTED, validate, validate_in_order, write_clean
from tests.extracts import state_row, write_extract
from tests.tables import AS_OF
from tests.text_tables import rows_of, ssid

ORDINARY = {
    "record_type": "SELA", "reporting_lea": "1999990", "school_code": "0199901", "academic_year": "2026-2027",
    "first_name": "Tansy", "last_name": "Quillfeather", "birth_date": "20150304", "gender": "F", "local_id": "000101",
    "elas": "TBD", "elas_date": "20260812", "primary_language": "spa",
}  # fmt: skip


def sela(table: str) -> pd.DataFrame:
    rows = []
    for number, row in enumerate(rows_of(table), start=1):
        own = {name: value for name, value in row.items() if name not in ("says", "student")}
        who = {} if "ssid" in own else {"ssid": ssid(row.get("student", str(number)))}
        rows.append(dict.fromkeys(sela_layouts()[18].columns, "") | ORDINARY | who | own)
    return pd.DataFrame(rows, dtype="str")


def enrolled(table: str) -> pd.DataFrame:
    rows = [(ssid(row.pop("student")), row) for row in rows_of(table)]
    return pd.DataFrame([state_row(ssid=who, **row) for who, row in rows], dtype="str")


def assert_rule(rule: str, table: str, held: str | None = None, enrollments: str | None = None, as_of: dt.date = AS_OF):
    """The rule finds exactly the rows that the `says` column names, with that severity; both kinds of row are there."""
    expected = [row["says"] for row in rows_of(table)]
    assert "fine" in expected and set(expected) - {"fine"}
    state = None if held is None else sela(held)
    spans = None if enrollments is None else enrolled(enrollments)
    found = to_pandas(check_language(sela(table)[list(sela_fields())], as_of, state, spans))
    found = found[found["rule"] == rule]
    said = dict(zip(found["row"], found["severity"], strict=True))
    assert [said.get(row, "fine") for row in range(len(expected))] == expected


FILE_TABLES = {
    "FRMT0002": """
        elas_date   birth_date  says
        20260812    20150304    fine
        20260931    20150304    fatal
        8/12/2026   20150304    fatal
        20260812    11172013    fatal
        """,
    "GERR0001": """
        ssid        elas  elas_date  school_code  says
        9000000001  EO    20260812   0199901      fine
        9000000001  -     20260812   0199901      fatal
        9000000001  EO    -          0199901      fatal
        -           EO    20260812   0199901      fatal
        9000000001  EO    20260812   -            fatal
        """,
    "GERR0002": """
        elas  says
        TBD   fine
        ADEL  fine
        FEP   fatal
        L     fatal
        """,
    "GERR0008": """
        transaction  says
        -            fine
        A            fine
        D            fine
        U            fatal
        """,
    "SELA0280": """
        elas  primary_language  says
        EO    eng               fine
        EO    ase               fine
        TBD   spa               fine
        TBD   eng               fatal
        RFEP  00                fatal
        RFEP  ase               fatal
        """,
    "SELA0326": """
        student  elas  elas_date  says
        1        TBD   20260812   fatal
        1        EO    20260812   fatal
        2        TBD   20260812   fine
        2        RFEP  20261001   fine
        """,
    "SELA0520": """
        elas  elas_date  correction_reason  says
        EO    20260812   -                  fine
        TBD   20260812   -                  fine
        RFEP  20260812   -                  fine
        EL    20260812   -                  fatal
        IFEP  20200701   -                  fatal
        IFEP  20260812   3                  fatal
        EL    20260812   1                  unknown
        EL    20200630   -                  unknown
        """,
}


@pytest.mark.parametrize("rule", FILE_TABLES)
def test_the_file_against_itself(rule):
    assert_rule(rule, FILE_TABLES[rule])


STATE_TABLES = {
    "SELA0255": (
        """
        student  elas  elas_date  says
        1        RFEP  20261001   fine
        2        EO    20261001   fatal
        3        RFEP  20261001   fatal
        4        EO    20261001   fine
        5        EO    20261001   fatal
        6        EO    20261001   fine
        7        RFEP  20261001   fatal
        """,
        """
        student  elas  elas_date
        1        TBD   20240812
        1        EL    20241014
        2        EL    20241014
        3        IFEP  20241014
        4        TBD   20260812
        5        RFEP  20241014
        """,
    ),
    "SELA0281": (
        """
        student  elas  elas_date  correction_reason  says
        1        TBD   20261001   -                  fine
        2        TBD   20261001   -                  fatal
        3        TBD   20261001   -                  fatal
        3        TBD   20261001   1                  fine
        4        TBD   20261001   -                  fine
        """,
        """
        student  elas  elas_date
        1        TBD   20260812
        2        RFEP  20260812
        3        EO    20260812
        """,
    ),
    "SELA0283": (
        """
        student  elas  elas_date  says
        1        EO    20260812   fine
        1        EO    20260813   fatal
        2        TBD   20261001   fine
        3        EO    20261001   fine
        """,
        """
        student  elas  elas_date
        1        EO    20260812
        2        TBD   20260812
        3        TBD   20260812
        """,
    ),
    "SELA0285": (
        """
        student  elas  elas_date  says
        1        RFEP  20261015   fine
        1        RFEP  20261014   fatal
        1        RFEP  20261001   fatal
        2        RFEP  20261001   fine
        """,
        """
        student  elas  elas_date
        1        TBD   20260812
        1        EL    20261014
        """,
    ),
    "SELA0324": (
        """
        student  elas  correction_reason  says
        1        TBD   1                  fine
        2        TBD   1                  fatal
        3        TBD   -                  fine
        """,
        """
        student  elas  elas_date
        1        EO    20240812
        2        TBD   20240812
        """,
    ),
    "SELA0326": (
        """
        student  elas  elas_date  says
        1        EO    20260812   fatal
        1        TBD   20260813   fine
        2        TBD   20260812   fine
        """,
        """
        student  elas  elas_date
        1        TBD   20260812
        2        TBD   20260812
        """,
    ),
    "SELA0629": (
        """
        student  elas  elas_date  correction_reason  says
        1        EL    20261001   2                  fine
        2        EL    20261001   2                  fatal
        """,
        """
        student  elas  elas_date
        1        TBD   20260812
        """,
    ),
}


@pytest.mark.parametrize("rule", STATE_TABLES)
def test_the_file_against_what_calpads_holds(rule):
    table, held = STATE_TABLES[rule]
    assert_rule(rule, table, held=held)


def test_a_status_starts_inside_an_enrollment_or_in_this_summer():
    assert_rule(
        "GERR0005",
        """
        student  elas  elas_date  says
        1        EO    20260812   fine
        1        EO    20260811   fine
        1        EO    20260630   fatal
        1        EO    20250815   fatal
        1        RFEP  20260811   fatal
        1        RFEP  20261001   fine
        2        RFEP  20261001   fatal
        2        RFEP  20260930   fine
        3        EO    20261001   unknown
        """,
        enrollments="""
        student  start_date  exit_date
        1        20260812    -
        2        20260812    20260930
        """,
    )


def test_tbd_of_the_summer_is_not_after_today():
    assert_rule(
        "GERR0005",
        """
        student  elas  elas_date  says
        1        TBD   20260720   fine
        1        TBD   20260721   fatal
        """,
        enrollments="student start_date\n1 20260812",
        as_of=dt.date(2026, 7, 20),
    )


def test_every_rule_has_a_table_and_is_of_the_catalog():
    assert set(FILE_TABLES) == set(FILE_RULES)
    assert set(STATE_TABLES) == set(STATE_RULES)
    catalog = {row["id"]: row for row in PACKAGED.rows("calpads_rules")}
    assert {*FILE_RULES, *STATE_RULES, *ENROLMENT_RULES} <= set(catalog)
    language = {id for id, row in catalog.items() if row["family"] == "language" and not row["last_date"]}
    listed = {
        *FILE_RULES,
        *STATE_RULES,
        *ENROLMENT_RULES,
        *unchecked(AS_OF, with_state=True, with_enrollments=True)["id"],
    }
    assert language <= listed


def test_what_was_not_asked_says_why():
    because = to_pandas(unchecked(AS_OF, with_state=False, with_enrollments=False)).set_index("id")["because"]
    assert because["SELA0283"] == "needs the SELA ODS extract"
    assert because["GERR0005"] == "needs the SENR ODS extract"
    assert "SELA0326" not in because
    assert "SELA0525" not in because, "switched off in November 2023"


def test_a_deletion_is_not_judged_by_what_it_says():
    gone = sela("transaction elas elas_date\nD EL 20261014")[list(sela_fields())]
    assert len(check_language(gone, AS_OF, sela("student elas\n1 RFEP"))) == 0


def test_no_message_quotes_what_is_no_code():
    odd = sela("elas transaction\nQuillfeather Tansy")[list(sela_fields())]
    messages = to_pandas(check_language(odd, AS_OF))["message"]
    assert len(messages) == 2 and not messages.str.contains("Tansy|Quillfeather").any()
    held = check_language(sela("elas\nRFEP")[list(sela_fields())], AS_OF, sela("student elas\n1 EO"))
    assert held["message"][0] == "RFEP may not follow EO, which CALPADS holds."
    for rule in (*FILE_RULES, *STATE_RULES, *ENROLMENT_RULES):
        sentence = next(row["sentence"] for row in PACKAGED.rows("calpads_rules") if row["id"] == rule)
        holes = {hole for _, hole, _, _ in string.Formatter().parse(sentence) if hole}
        assert holes <= {"field", "value", "elas", "current_elas"}


# `senrkit validate` on a SELA file


def written(folder, table, name="vendor.txt", fields=None):
    path = folder / name
    rows = sela(table)[list(fields or sela_fields())]
    path.write_bytes("".join("^".join(row) + "\r\n" for row in rows.itertuples(index=False)).encode())
    return path


def test_a_vendors_file_is_known_by_its_record_type(tmp_path):
    found = validate(written(tmp_path, "elas elas_date\nTBD 20260812\nEL 20261014\nIFEP 20261014"), as_of=AS_OF)
    assert found.exit_code == REJECTED
    assert found.causes().select("rule", "rows", "first_line").rows() == [("SELA0520", 2, 2)]
    assert "rules about language status cannot be checked here" in found.text()
    assert found.document()["would_be_rejected"]
    fine = validate(written(tmp_path, "elas\nTBD\nEO"), as_of=AS_OF)
    assert fine.exit_code == PASSED


def test_extracts_of_both_kinds_are_told_apart(tmp_path):
    held = written(tmp_path, "record_type student elas\nSELA-R 1 RFEP", "SELA_ODS.txt", sela_layouts()[18].columns)
    held.write_bytes(held.read_bytes().replace(b"^^\r\n", b"^20260820^20260820\r\n"))
    enrolled = write_extract(tmp_path / "SENR_ODS.txt", [state_row(ssid=ssid("1"), start_date="20260901")])
    path = written(tmp_path, "student elas elas_date\n1 TBD 20260901\n1 EO 20260615")
    found = validate_in_order([path], as_of=AS_OF, extract=[held, enrolled])[0]
    assert set(found.findings["rule"]) == {"SELA0281", "SELA0255", "GERR0005", "SELA0285"}
    assert not set(found.unchecked()["because"]) & {"needs the SELA ODS extract", "needs the SENR ODS extract"}


def test_lines_that_are_no_record_are_told(tmp_path):
    path = written(tmp_path, "elas\nTBD\nEO")
    path.write_bytes(path.read_bytes() + b"SELA^A^short\r\n")
    found = validate(path, as_of=AS_OF)
    assert found.file.faults == ("1 lines do not have 16 fields, first line 3.",)
    assert (found.exit_code, found.file.unread) == (REJECTED, (3,))
    path.write_bytes(b"SELA^A^short\r\n")
    with pytest.raises(InputError, match="most lines have 3 fields; a SELA file has 16"):
        validate(path, as_of=AS_OF)


def test_a_sela_file_is_not_cleaned_as_if_it_were_senr(tmp_path):
    found = validate(written(tmp_path, "elas\nEL"), as_of=AS_OF)
    with pytest.raises(UsageError, match="Only a SENR file"):
        write_clean(found, tmp_path / "clean.txt")
