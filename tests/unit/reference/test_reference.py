"""The reference tables: their shape, their dates, and that facts change without code."""

import csv
import datetime as dt
import re
import shutil
import string
import subprocess
import sys
from pathlib import Path

import pytest

from senrkit import reference
from senrkit.errors import UsageError
from senrkit.frames.pandas_door import to_pandas
from senrkit.reference import ODS_FIELDS, PACKAGED, SENR_FIELDS, SchoolYear, Tables

YEARS = [SchoolYear(first) for first in range(2019, 2028)]
THIS_YEAR = SchoolYear(2026)
TODAY = dt.date(2026, 11, 23)

# table: its columns, and those that identify a row
SHAPES = {
    "senr_fields": ("number field title type max_length max_length_certainty required code_set code_list first_year"
                    " last_year notes", "field"),
    "senr_layouts": ("layout fields position field title part first_year last_year", "layout position"),
    "code_sets": ("code_set code name official_name first_year last_year doubtful_from notes", "code_set code"),
    "exit_reason_grade": ("exit_reason grade first_year last_year certainty notes", "exit_reason grade"),
    "exit_reason_completion": ("exit_reason completion_status first_year last_year certainty notes",
                               "exit_reason completion_status"),
    "completion_grade": ("completion_status grade first_year last_year certainty notes", "completion_status grade"),
    "state_country": ("birth_state birth_country first_year last_year certainty notes", "birth_state birth_country"),
    "elas_transitions": ("current_elas submitted_elas first_year last_year", "current_elas submitted_elas"),
    "elas_corrections": ("current_elas submitted_elas correction_code correction_name first_year last_year",
                         "current_elas submitted_elas correction_code"),
    "calpads_rules": ("id title severity severity_certainty kind needs family fields sentence why fix evidence source"
                      " first_date last_date checkable", "id"),
    "aeries_columns": ("table column need width kind heading alternative without", "table column"),
    "directory_columns": ("column heading need", "heading"),
    "directory_grades": ("word grade rank", "word"),
    "initial_elpac_layouts": ("layout columns signs lacks kinds source", "layout"),
    "initial_elpac_headings": ("layout column heading source", "layout column heading"),
}  # fmt: skip
CHOICES = {
    "type": {"CS", "DT"}, "required": {"Y", "C", "N"}, "max_length_certainty": {"seen", "unconfirmed"},
    "code_list": {"", "complete", "incomplete"}, "part": {"submission", "ods"}, "certainty": {"seen", "inferred"},
    "severity": {"fatal", "warning", "unknown"}, "severity_certainty": {"seen", "inferred", "not-shown"},
    "kind": {"IVR", "DD", "CDD", "CVR", "anomaly", "local", "text", "int", "date", "flag"},
    "family": {"format", "identity", "dates", "status", "certification", "combination", "language"},
    "evidence": {"A", "B", "C", "D"}, "checkable": {"yes", "no"}, "need": {"needed", "optional"},
}  # fmt: skip
# Numbers that stand in no source, and numbers that were switched off before this product: never shown, never run.
NO_SUCH_NUMBER = {f"SENR{n:04d}" for n in (19, 20, 21, 23, 26, 29, 30, 31, 33, 190, 191, 239)} | {
    f"SENR{n:04d}" for n in (*range(38, 43), *range(163, 167), *range(168, 173))
}
HOLES = (set(SENR_FIELDS) - {
    "ssid", "local_id", "first_name", "middle_name", "last_name", "birth_date", "birth_city",
    "alias_first_name", "alias_middle_name", "alias_last_name",
}) | set("field value limit count days age lea grades opened closed other_school_code other_start_date other_exit_date"
         " elas current_elas".split())  # fmt: skip


def rule_rows():
    return PACKAGED.rows("calpads_rules")


# -- shape ---------------------------------------------------------------------------------------------------------


def test_every_table_has_a_shape_and_every_shape_a_table():
    assert {path.stem for path in PACKAGED.folder.glob("*.csv")} == set(SHAPES)


def test_the_readme_names_every_table():
    readme = (PACKAGED.folder / "README.md").read_text(encoding="utf-8")
    assert [name for name in SHAPES if f"`{name}.csv`" not in readme] == []


@pytest.mark.parametrize("table", SHAPES)
def test_columns_are_those_promised(table):
    rows = PACKAGED.rows(table)
    assert list(rows[0]) == SHAPES[table][0].split()
    assert all(None not in row and None not in row.values() for row in rows), "a row is too long or too short"


@pytest.mark.parametrize("table", SHAPES)
def test_keys_are_unique_and_filled(table):
    keys = [tuple(row[name] for name in SHAPES[table][1].split()) for row in PACKAGED.rows(table)]
    assert len(keys) == len(set(keys))
    # the blank current status means "no status yet"
    assert all(key[-1] for key in keys)


@pytest.mark.parametrize("table", SHAPES)
def test_cells_hold_no_stray_blanks_and_only_known_words(table):
    for row in PACKAGED.rows(table):
        assert all(value == value.strip() for value in row.values()), row
        assert all(value in CHOICES[name] for name, value in row.items() if name in CHOICES), row


@pytest.mark.parametrize("table", SHAPES)
def test_dates_parse_and_do_not_run_backwards(table):
    for row in PACKAGED.rows(table):
        for name in ("first_year", "last_year"):
            assert not row.get(name) or SchoolYear.parse(row[name])
        for name in ("first_date", "last_date"):
            assert not row.get(name) or dt.date.fromisoformat(row[name])
        for first, last in (("first_year", "last_year"), ("first_date", "last_date")):
            assert not row.get(last) or row[first] <= row[last], row


# -- school years --------------------------------------------------------------------------------------------------


def test_a_school_year_runs_from_july_to_june():
    year = SchoolYear.parse("2026-2027")
    assert (year.start, year.end) == (dt.date(2026, 7, 1), dt.date(2027, 6, 30))
    assert (year.text, year.short, year.previous.text) == ("2026-2027", "2026-27", "2025-2026")
    assert SchoolYear(1999).short == "1999-00"
    assert SchoolYear.of(dt.date(2027, 6, 30)) == year < SchoolYear.of(dt.date(2027, 7, 1))
    assert year.contains(dt.date(2026, 7, 1)) and not year.contains(dt.date(2026, 6, 30))
    assert year.contains(dt.datetime(2027, 6, 30, 23, 59))


@pytest.mark.parametrize("text", ["2026", "2026-27", "2026-2028", "2027-2026", "2026/2027", "", " 2026-2027"])
def test_a_school_year_that_is_none_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match="two consecutive years"):
        SchoolYear.parse(text)


# -- fields and layouts --------------------------------------------------------------------------------------------


def test_the_fields_are_the_35_of_the_file_in_order():
    assert len(SENR_FIELDS) == 35 and len(set(SENR_FIELDS)) == 35
    assert [SENR_FIELDS[at - 1] for at in (1, 5, 8, 22, 25, 26, 35)] == [
        "record_type", "school_code", "ssid", "start_date", "exit_date", "exit_reason", "graduation_exemption",
    ]  # fmt: skip
    assert ODS_FIELDS[35:] == ("upload_date", "last_updated")
    assert [row["number"] for row in PACKAGED.rows("senr_fields")] == [str(n) for n in range(1, 36)]


@pytest.mark.parametrize(
    ("columns", "fields", "lost", "blank"),
    [
        (37, 35, set(), 0),
        (36, 34, {"graduation_exemption"}, 0),
        (41, 39, {"graduation_exemption", "transition_status"}, 6),
    ],
)
def test_an_extract_is_known_by_its_column_count(columns, fields, lost, blank):
    layout = reference.layouts_by_column_count()[columns]
    assert layout.fields == fields and len(layout.columns) == columns
    assert set(ODS_FIELDS) - set(layout.columns) == lost
    assert layout.columns.count("") == blank
    assert layout.columns[-2:] == ("upload_date", "last_updated")
    # what follows start date stands in the same place in all of them
    assert layout.columns[21:33] == SENR_FIELDS[21:33]


def test_no_other_column_count_is_known():
    assert set(reference.layouts_by_column_count()) == {36, 37, 41}


@pytest.mark.parametrize(("first", "fields"), [(2019, 39), (2020, 34), (2022, 34), (2023, 35), (2026, 35), (2031, 35)])
def test_a_submission_has_the_layout_of_its_year(first, fields):
    assert reference.submission_layout(SchoolYear(first)).fields == fields


def test_a_year_without_a_layout_is_refused_with_a_cure():
    with pytest.raises(UsageError, match=r"2018-2019.*2019-2020"):
        reference.submission_layout(SchoolYear(2018))


def test_the_field_frame_is_typed_and_dated():
    frame = to_pandas(reference.fields(THIS_YEAR))
    assert tuple(frame["field"]) == SENR_FIELDS
    assert {name: str(kind) for name, kind in frame.dtypes.items() if kind != "str"} == {
        "number": "int64", "max_length": "int64",
    }  # fmt: skip
    assert "graduation_exemption" not in set(reference.fields(SchoolYear(2022))["field"])


def test_every_code_set_that_a_field_names_exists():
    for code_set in set(reference.fields(THIS_YEAR)["code_set"]) - {""}:
        assert reference.codes(code_set, THIS_YEAR)


# -- codes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("year", YEARS, ids=lambda year: year.text)
def test_every_code_set_is_filled_in_every_year(year):
    for code_set in {row["code_set"] for row in PACKAGED.rows("code_sets")}:
        names = reference.code_names(code_set, year)
        assert names and set(names) == reference.codes(code_set, year) <= reference.all_codes(code_set)
        assert all(names.values())


@pytest.mark.parametrize(
    ("code_set", "code", "first", "last"),
    [
        ("grade", "TK", 2023, None),
        ("grade", "UE", None, 2017),
        ("grade", "UU", None, 2015),
        ("status", "40", None, 2018),
        ("status", "50", 2019, None),
        ("gender", "X", 2019, None),
        ("exit_reason", "E150", 2014, None),
        ("exit_reason", "E155", 2013, None),
        ("exit_reason", "E156", 2021, None),
        ("exit_reason", "E490", None, 2013),
        ("exit_reason", "T460", None, 2017),
        ("completion_status", "104", None, 2013),
        ("completion_status", "106", None, 2014),
        ("completion_status", "485", 2020, None),
    ],
)
def test_a_code_is_in_force_only_in_its_years(code_set, code, first, last):
    if first:
        assert code in reference.codes(code_set, SchoolYear(first))
        assert code not in reference.codes(code_set, SchoolYear(first - 1))
    if last:
        assert code in reference.codes(code_set, SchoolYear(last))
        assert code not in reference.codes(code_set, SchoolYear(last + 1))
    assert code in reference.all_codes(code_set)


def test_codes_that_no_source_has_are_not_here():
    invented = {"E160", "E180", "E440", "E480", "N310", "N410", "N440", "N450", "N460"}
    assert not invented & reference.all_codes("exit_reason")


def test_three_digits_lead_to_one_current_exit_reason():
    # the translation of local codes (reconciliation 2.3) stands on this
    digits = [code[1:] for code in reference.codes("exit_reason", THIS_YEAR)]
    assert len(digits) == len(set(digits)) > 20


def test_names_are_for_people():
    names = reference.code_names("exit_reason", THIS_YEAR)
    assert names["T160"] == "Left for another California public school"
    assert not [name for name in names.values() if re.search(r"[a-z][A-Z]", name)], "an official run-together name"


def test_countries_are_the_249_of_iso_and_hold_those_of_the_state_list():
    countries = reference.codes("birth_country", THIS_YEAR)
    assert len(countries) == 249
    assert {country for _, country in reference.valid_pairs("state_country", THIS_YEAR)} <= countries


# -- combinations --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "pair", "year", "allowed"),
    [
        ("exit_reason_grade", ("E125", "07"), 2026, True),
        ("exit_reason_grade", ("E125", "06"), 2026, False),
        ("exit_reason_grade", ("E450", "PS"), 2026, True),
        ("exit_reason_grade", ("E450", "TK"), 2026, False),
        ("exit_reason_grade", ("E450", "03"), 2019, True),
        ("exit_reason_grade", ("E450", "03"), 2020, False),
        ("exit_reason_grade", ("E155", "TK"), 2023, True),
        ("exit_reason_grade", ("E155", "TK"), 2022, False),
        ("exit_reason_grade", ("E156", "12"), 2026, True),
        ("exit_reason_grade", ("E156", "11"), 2026, False),
        ("exit_reason_completion", ("E230", "100"), 2026, True),
        ("exit_reason_completion", ("T160", "100"), 2026, False),
        ("exit_reason_completion", ("E230", "104"), 2026, False),
        ("completion_grade", ("100", "12"), 2026, True),
        ("completion_grade", ("100", "09"), 2026, False),
        ("completion_grade", ("360", "12"), 2026, True),
        ("completion_grade", ("480", "08"), 2026, True),
        ("completion_grade", ("480", "12"), 2026, False),
        ("state_country", ("US-CA", "US"), 2026, True),
        ("state_country", ("US-PR", "PR"), 2026, True),
        ("state_country", ("US-CA", "MX"), 2026, False),
    ],
)
def test_what_may_go_together(table, pair, year, allowed):
    assert (pair in reference.valid_pairs(table, SchoolYear(year))) is allowed


@pytest.mark.parametrize("year", YEARS, ids=lambda year: year.text)
def test_current_codes_have_a_partner(year):
    reasons = {reason for reason, _ in reference.valid_pairs("exit_reason_grade", year)}
    assert reference.codes("exit_reason", year) <= reasons
    assert {grade for _, grade in reference.valid_pairs("exit_reason_grade", year)} == reference.codes("grade", year)
    for pairs in ("exit_reason_completion", "completion_grade"):
        at = 1 if pairs == "exit_reason_completion" else 0
        completions = {pair[at] for pair in reference.valid_pairs(pairs, year)}
        assert reference.codes("completion_status", year) <= completions


# -- rules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["title", "sentence", "why", "fix", "source", "fields", "needs", "evidence"])
def test_every_rule_tells_what_why_and_how(column):
    assert [row["id"] for row in rule_rows() if not row[column]] == []


@pytest.mark.parametrize("column", ["sentence", "why", "fix"])
def test_rule_texts_are_sentences(column):
    assert [row["id"] for row in rule_rows() if not re.search(r"^[A-Z{].*\.$", row[column])] == []


def test_holes_never_name_a_student():
    for row in rule_rows():
        holes = {hole for _, hole, _, _ in string.Formatter().parse(row["sentence"]) if hole is not None}
        assert holes <= HOLES, row["id"]


def test_rules_name_columns_that_exist():
    language = {"elas", "elas_date", "primary_language", "correction_reason"}
    for row in rule_rows():
        assert set(row["fields"].split()) <= {*SENR_FIELDS, "any"} | (
            language if row["family"] == "language" else set()
        ), row["id"]


def test_rules_say_which_data_they_need():
    for row in rule_rows():
        needs = row["needs"].split()
        assert set(needs) <= set("FOCSX")
        assert not ("X" in needs and row["checkable"] == "yes"), row["id"]


def test_numbers_that_no_source_has_are_not_in_the_catalog():
    ids = {row["id"] for row in rule_rows()}
    assert not ids & NO_SUCH_NUMBER
    assert not [name for name in ids if name.startswith("OERR")]
    shown = " ".join(" ".join(row.values()) for row in rule_rows())
    assert not NO_SUCH_NUMBER & set(re.findall(r"SENR\d{4}", shown))


@pytest.mark.parametrize("row", [row for row in rule_rows() if row["kind"] == "local"], ids=lambda row: row["id"])
def test_a_rule_without_a_number_carries_none(row):
    assert row["id"].startswith("local-") or row["id"] == "receiver-missing"
    assert not re.search(r"\b(SENR|IVR|GERR|CERT)\d", row["id"] + row["title"] + row["sentence"])


@pytest.mark.parametrize(
    ("rule", "day", "state"),
    [
        ("IVR0668", "2024-09-30", "off"),
        ("IVR0668", "2024-10-01", "on"),
        ("SENR0742", "2025-10-31", "off"),
        ("SENR0742", "2025-11-01", "on"),
        ("SENR0269", "2025-08-25", "off"),
        ("SENR0269", "2025-08-26", "on"),
        ("SENR0632", "2023-09-18", "off"),
        ("SENR0632", "2023-09-19", "on"),
        ("SENR0630", "2023-09-19", "on"),
        ("SENR0193", "2023-02-28", "cannot-check"),
        ("SENR0193", "2023-03-01", "off"),
        ("CERT003", "2014-06-30", "cannot-check"),
        ("CERT003", "2014-07-01", "off"),
        ("SENR0028", "2026-11-23", "cannot-check"),
        ("SENR0018", "2026-11-23", "on"),
        ("local-exit-pair", "2026-11-23", "on"),
    ],
)
def test_a_rule_is_on_only_in_its_time(rule, day, state):
    catalog = to_pandas(reference.rules(dt.date.fromisoformat(day))).set_index("id")
    assert catalog.loc[rule, "state"] == state


@pytest.mark.parametrize(
    ("rule", "severity", "why"),
    [
        ("SENR0018", "fatal", "seen on the manual page"),
        ("SENR0027", "fatal", "the usual cause of a rejected file"),
        ("SENR0180", "unknown", "fatal here would hold every delete that reconciliation 7 lets ride alone"),
        ("SENR0035", "warning", "fatal here would hold a student whose gender was corrected"),
        ("local-blank-ssid", "warning", "CALPADS accepts the record"),
    ],
)
def test_severities_that_decide_about_a_student(rule, severity, why):
    assert to_pandas(reference.rules(TODAY)).set_index("id").loc[rule, "severity"] == severity, why


# -- Aeries columns ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "needed"),
    [
        ("STU", "ID SC SN CID LN FN MN BD GN GR TG SP DEL"),
        ("ENR", "ID YR SC ED LD ER GR PR DEL"),
        ("LOC", "CD NM CC DC SC"),
        ("XRF", "TC SC TC1 FC1 CD1 CD"),
    ],
)
def test_the_needed_aeries_columns_are_those_of_the_interface(table, needed):
    frame = to_pandas(reference.aeries_columns())
    rows = frame[(frame["table"] == table) & (frame["need"] == "needed")]
    assert list(rows["column"]) == needed.split()


def test_codes_with_leading_zeros_have_a_width():
    frame = to_pandas(reference.aeries_columns())
    widths = {f"{t}.{c}": w for t, c, w in zip(frame["table"], frame["column"], frame["width"], strict=True) if w}
    assert widths == {"STU.CID": 10, "ENR.ITD": 14, "ENR.NPS": 7, "LOC.CC": 2, "LOC.DC": 5, "LOC.SC": 7}
    assert str(frame["width"].dtype) == "int64"


def test_a_heading_leads_to_one_column_of_a_table():
    frame = to_pandas(reference.aeries_columns())
    headed = frame[frame["heading"] != ""]
    assert len(headed) > 20 and not headed.duplicated(["table", "heading"]).any()


def test_gender_has_an_older_column():
    columns = to_pandas(reference.aeries_columns()).set_index(["table", "column"])
    assert columns.loc[("STU", "GN"), "alternative"] == "SX"


# -- the loader ----------------------------------------------------------------------------------------------------


@pytest.fixture
def copied(tmp_path: Path):
    """The tables in a folder of their own, with rows added, as someone would a year from now."""

    def copy(table: str, *added: dict[str, str]) -> Tables:
        for path in PACKAGED.folder.glob("*.csv"):
            shutil.copy(path, tmp_path)
        path = tmp_path / f"{table}.csv"
        with path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, SHAPES[table][0].split(), restval="", lineterminator="\n").writerows(added)
        return Tables(tmp_path)

    return copy


def test_a_new_code_is_a_row(copied):
    new = copied("code_sets", {"code_set": "exit_reason", "code": "E999", "name": "New", "first_year": "2027-2028"})
    assert "E999" in new.codes("exit_reason", SchoolYear(2027))
    assert "E999" not in new.codes("exit_reason", SchoolYear(2026))
    assert "E999" not in reference.codes("exit_reason", SchoolYear(2027))


def test_a_new_layout_is_rows(copied):
    added = [
        {"layout": "2027", "fields": "36", "position": str(at), "field": field, "first_year": "2027-2028"}
        for at, field in enumerate((*SENR_FIELDS, "new_field", "upload_date", "last_updated"), 1)
    ]
    new = copied("senr_layouts", *added)
    assert new.submission_layout(SchoolYear(2027)).fields == 36
    assert new.submission_layout(SchoolYear(2026)).fields == 35
    assert set(new.layouts_by_column_count()) == {36, 37, 38, 41}


def test_a_new_rule_is_a_row(copied):
    new = copied("calpads_rules", {"id": "SENR9999", "checkable": "yes", "first_date": "2027-07-01"})
    states = [new.rules(day).filter(id="SENR9999")["state"].item() for day in (TODAY, dt.date(2027, 7, 1))]
    assert states == ["off", "on"]


def test_a_new_combination_is_a_row(copied):
    new = copied("completion_grade", {"completion_status": "360", "grade": "11", "first_year": "2027-2028"})
    years = [SchoolYear(2026), SchoolYear(2027)]
    assert [("360", "11") in new.valid_pairs("completion_grade", year) for year in years] == [False, True]


@pytest.mark.parametrize("ask", [lambda: reference.codes("shoe_size", THIS_YEAR), lambda: PACKAGED.rows("shoes")])
def test_a_name_that_is_not_there_is_said_so(ask):
    with pytest.raises(KeyError, match="There is no"):
        ask()


def test_codes_and_fields_need_no_heavy_library():
    script = (
        "import sys; from senrkit.reference import SENR_FIELDS, SchoolYear, codes, valid_pairs;"
        "codes('grade', SchoolYear(2026)); valid_pairs('completion_grade', SchoolYear(2026));"
        "print(len(SENR_FIELDS), 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert done.stdout.split() == ["35", "False"], done.stderr
