"""The demo district: deterministic, fictional, and every trap in it comes out as the rule book says."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3

import pandas as pd
import pytest

from benchmarks.large import make_large
from senrkit import demo
from senrkit.demo.days import Calendar
from senrkit.errors import InputError, UsageError
from senrkit.reference import ODS_FIELDS
from tests.students import ssids_shown

NOVEMBER = dt.date(2026, 11, 23)
FILES = [
    *".senrkit-demo Initial_ELPAC.csv SELA_ODS.txt SENR_ODS.txt aeries.db".split(),
    *"demo.json demo_expectations.csv pubschls.txt senrkit.toml".split(),
]
KEY = ["school_code", "nps_code", "ssid", "start_date"]
ACTIONS = set("same add update delete hold settled-no-show settled-completion left-as-is future-dated".split())
OTHER = {"left-out", "out-of-scope", "information", "language"}


def read_extract(folder, name="SENR_ODS.txt", columns=ODS_FIELDS):
    return pd.read_csv(
        folder / name,
        sep="^",
        header=None,
        names=list(columns),
        dtype="str",
        keep_default_na=False,
        quoting=3,
        index_col=False,
    )


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    return demo.make(tmp_path_factory.mktemp("demo"), 600, 1, NOVEMBER)


@pytest.fixture(scope="module")
def extract(district):
    return read_extract(district.folder)


@pytest.fixture(scope="module")
def expected(district):
    return pd.read_csv(district.folder / "demo_expectations.csv", dtype="str", keep_default_na=False)


@pytest.fixture(scope="module")
def aeries(district):
    connection = sqlite3.connect(district.folder / "aeries.db")
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    tables = {name: pd.read_sql(f'SELECT * FROM "{name}"', connection) for name in names}
    connection.close()
    return tables


def test_writes_these_files_and_nothing_unfinished(district):
    assert sorted(path.name for path in district.folder.iterdir()) == FILES


def test_whoever_makes_a_demo_it_may_be_made_again_in_its_folder(district):
    """The mark was left to the callers, and the dashboard left none."""
    demo.claim(district.folder)


def test_same_seed_and_day_give_the_same_bytes(district, tmp_path):
    demo.make(tmp_path, 600, 1, NOVEMBER)
    assert [(tmp_path / name).read_bytes() for name in FILES] == [
        (district.folder / name).read_bytes() for name in FILES
    ]


def test_another_seed_gives_other_people(district, tmp_path):
    demo.make(tmp_path, 600, 2, NOVEMBER)
    assert (tmp_path / "SENR_ODS.txt").read_bytes() != (district.folder / "SENR_ODS.txt").read_bytes()


def test_every_line_has_37_columns_and_ends_with_cr_lf(district):
    lines = (district.folder / "SENR_ODS.txt").read_bytes().split(b"\r\n")
    assert lines.pop() == b""
    assert {line.count(b"^") for line in lines} == {36}
    assert not any(b"\r" in line or b"\n" in line for line in lines)


def test_sela_has_18_columns(district):
    lines = (district.folder / "SELA_ODS.txt").read_bytes().split(b"\r\n")
    assert {line.count(b"^") for line in lines[:-1]} == {17}


def days_of(column: pd.Series) -> pd.Series:
    return pd.to_datetime(column, format="%Y%m%d", errors="coerce")


def test_every_date_is_a_date(extract):
    for field in ("birth_date", "start_date", "upload_date", "last_updated"):
        assert days_of(extract[field]).notna().all(), field
    exits = extract.loc[extract["exit_date"] != "", "exit_date"]
    assert len(exits) and days_of(exits).notna().all()


def test_academic_year_follows_from_the_start(extract):
    start = days_of(extract["start_date"])
    first = start.dt.year - (start.dt.month < 7)
    assert (extract["academic_year"].str[:4] == first.astype("str")).all()


def test_no_key_twice(extract):
    assert not extract.duplicated(KEY).any()


def test_ssids_are_invented(extract, aeries):
    assert extract["ssid"].str.fullmatch(r"9\d{9}").all()
    odd = aeries["STU"].loc[~aeries["STU"]["CID"].str.fullmatch(r"9\d{9}"), "CID"]
    assert set(odd) == {"", "90000000"}


def test_last_year_is_closed_out(extract):
    before = extract["start_date"] < "20260701"
    assert before.sum() > 1000
    assert (extract.loc[before, "exit_date"] != "").all()


def test_history_reaches_back_ten_years(extract):
    assert extract["start_date"].min() <= "20160701"


def test_at_least_forty_traps_each_planted(district):
    traps = json.loads((district.folder / "demo.json").read_text(encoding="utf-8"))["traps"]
    assert len({trap["name"] for trap in traps}) == len(traps) >= 40
    assert all(trap["count"] >= 1 and trap["sentence"].endswith(".") and trap["expected"] for trap in traps)


def test_manifest_names_no_student(district, extract):
    text = (district.folder / "demo.json").read_text(encoding="utf-8")
    assert ssids_shown(text, district.folder) == set()
    assert not any(f'"{name}"' in text for name in set(extract["last_name"]))


def test_expectations_are_about_rows_that_exist(expected, extract):
    assert set(expected["expected_action"]) <= ACTIONS | OTHER
    about_state = expected[expected["expected_action"].isin(["update", "delete", "settled-no-show", "out-of-scope"])]
    rows = about_state[about_state["rejected_by"] == ""].merge(extract, on=["ssid", "school_code", "start_date"])
    assert len(rows) == len(about_state[about_state["rejected_by"] == ""])
    adds = expected[expected["expected_action"] == "add"]
    assert len(adds) and not len(adds.merge(extract, on=["ssid", "school_code", "start_date"]))


def test_each_trap_has_students_of_its_own(expected):
    mine = expected[expected["local_id"] != ""].groupby("local_id")["trap"].nunique()
    assert (mine == 1).all()


@pytest.mark.parametrize(
    "reason",
    "no-ssid secondary-no-show tag-skipped program-skipped future-dated school-not-reported "
    "school-not-selected".split(),
)
def test_every_left_out_reason_is_planted(expected, reason):
    assert ((expected["expected_action"] == "left-out") & (expected["expected_reason"] == reason)).any()


@pytest.mark.parametrize(
    "reason",
    "identity-conflict aeries-overlap aeries-date-error ambiguous-pair left-out-in-aeries predicted-rejection".split(),
)
def test_every_hold_is_planted(expected, reason):
    assert ((expected["expected_action"] == "hold") & (expected["expected_reason"] == reason)).any()


def test_names_that_readers_mistake_for_blanks_are_there(extract):
    assert {"Null", "NA", "True"} <= set(extract["last_name"])
    assert {
        len(name) for name in extract.loc[extract["last_name"].str.startswith("Bramblewoodstone-"), "last_name"]
    } == {50}


def test_deletes_stay_far_from_the_limit():
    traps = demo.all_traps(Calendar.of(NOVEMBER))
    for students in (300, 999, 1000, 1999, 2000, 5000, 20_000, 100_000):
        deletes = sum(
            trap.copies(students) * sum(row.gives.startswith("delete") for row in trap.state) for trap in traps
        )
        assert deletes <= max(25, students * 0.015), students


def test_every_local_code_is_translated_or_translates_itself(aeries):
    known = aeries["XRF"].groupby(["TC1", "FC1"])["CD1"].agg(set)
    self_evident = {"", "440", "260"}
    this_year = aeries["ENR"][aeries["ENR"]["YR"] == 2026]
    assert set(this_year["ER"]) <= known["ATT", "RS"] | self_evident
    assert set(this_year["PR"]) <= known["STU", "SP"] | {""}
    assert set(this_year["IT"]) <= known["STU", "IT"] | {""}
    assert set(aeries["STU"]["HSG"]) <= known["STU", "HSG"] | {""}


def test_aeries_holds_dates_as_date_times_and_blanks_as_null(aeries):
    entered = aeries["ENR"]["ED"]
    assert entered.str.fullmatch(r"\d{4}-\d\d-\d\d 00:00:00").all()
    assert aeries["ENR"]["LD"].isna().any()


def test_directory_has_the_schools_of_the_extract(district, extract):
    directory = pd.read_csv(district.folder / "pubschls.txt", sep="\t", dtype="str", keep_default_na=False)
    listed = set(directory["CDSCode"].str[7:])
    assert set(extract["school_code"]) - listed == {"0000001", "0000002"}
    assert directory["District"].isin(["Demo Unified", "Neighbor Unified"]).all()


@pytest.mark.parametrize(
    ("day", "as_of", "year"),
    [
        (dt.date(2026, 11, 23), dt.date(2026, 11, 23), 2026),
        (dt.date(2027, 3, 1), dt.date(2027, 3, 1), 2026),
        (dt.date(2027, 6, 20), dt.date(2027, 6, 20), 2026),
        (dt.date(2027, 7, 15), dt.date(2027, 6, 20), 2026),
        (dt.date(2026, 8, 1), dt.date(2026, 8, 1), 2026),
        (dt.date(2026, 9, 10), dt.date(2026, 9, 10), 2026),
    ],
)
def test_any_day_has_a_month_of_school_before_it(day, as_of, year):
    calendar = Calendar.of(day)
    assert (calendar.as_of, calendar.year) == (as_of, year)
    assert dt.date(year, 7, 1) <= calendar.first <= as_of - dt.timedelta(days=31)


@pytest.mark.parametrize("day", [dt.date(2026, 8, 1), dt.date(2027, 7, 1), dt.date(2027, 6, 20)])
def test_early_and_late_in_the_year_every_planted_day_is_in_the_run_year(day, tmp_path):
    made = demo.make(tmp_path, 300, 1, day)
    expected = pd.read_csv(tmp_path / "demo_expectations.csv", dtype="str", keep_default_na=False)
    other_year = (expected["trap"] == "start-in-another-year") | (expected["expected_action"] == "out-of-scope")
    starts = expected.loc[(expected["start_date"] != "") & ~other_year, "start_date"]
    first = made.manifest["school_year"][:4]
    assert starts.between(f"{first}0701", f"{int(first) + 1}0630").all()


BROKEN = {
    "P01": lambda x, enr, settings: "as_of = 2027-07-05" in settings,
    "P02": lambda x, enr, settings: enr["YR"].max() == 2027,
    "P04": lambda x, enr, settings: set(x["reporting_lea"]) == {"1999990", "1999982"},
    "P05": lambda x, enr, settings: (enr.loc[enr["SC"] == 75, "HS"] == 0).all(),
    "P06": lambda x, enr, settings: (x["exit_date"] == "").all() and len(x) > 50,
    "P07": lambda x, enr, settings: x["start_date"].min() > "20250701",
    "P08": lambda x, enr, settings: x["last_updated"].max() == "20261024",
    "P09": lambda x, enr, settings: ((x["start_date"] < "20260701") & (x["exit_date"] == "")).sum() == 7,
    "P10": lambda x, enr, settings: (enr["PR"] == "X").sum() == 3,
    "P11": lambda x, enr, settings: (
        enr.loc[enr["YR"] == 2026, "ID"].nunique() < 0.4 * (x["start_date"] > "20260701").sum()
    ),
    "P12": lambda x, enr, settings: (x["last_name"] == "Strayfield").sum() > 25,
    "P13": lambda x, enr, settings: x.duplicated(KEY).sum() == 1,
    "P14": lambda x, enr, settings: "20210701" <= x["start_date"].min() < "20250701",
}


@pytest.mark.parametrize("break_id", list(BROKEN))
def test_each_break_breaks_what_it_says(break_id, tmp_path):
    made = demo.make(tmp_path, 300, 1, NOVEMBER, break_id)
    with sqlite3.connect(tmp_path / "aeries.db") as connection:
        enr = pd.read_sql("SELECT * FROM ENR", connection)
    assert BROKEN[break_id](read_extract(tmp_path), enr, made.settings_file.read_text(encoding="utf-8"))
    assert made.manifest["break"]["id"] == break_id
    if break_id != "P13":
        assert not read_extract(tmp_path).duplicated(KEY).any()


def test_p03_cuts_one_line(tmp_path):
    demo.make(tmp_path, 300, 1, NOVEMBER, "P03")
    counts = [line.count(b"^") for line in (tmp_path / "SENR_ODS.txt").read_bytes().split(b"\r\n")[:-1]]
    assert [count for count in counts if count != 36] == [19]


def test_breaks_cover_every_precondition():
    assert list(demo.BREAKS) == [f"P{number:02d}" for number in range(1, 17)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"students": 299}, "at least 300"), ({"break_id": "P99"}, "no break P99")],
)
def test_impossible_wishes_are_refused(arguments, said, tmp_path):
    with pytest.raises(UsageError, match=said):
        demo.make(tmp_path / "demo", **{"as_of": NOVEMBER, **arguments})
    assert not (tmp_path / "demo").exists()


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        demo.make(tmp_path / "taken", 300, 1, NOVEMBER)


def test_large_has_exactly_the_rows_asked_for(tmp_path):
    make_large(tmp_path, 3000, 500, seed=1, differences=0.2)
    extract = read_extract(tmp_path)
    with sqlite3.connect(tmp_path / "aeries.db") as connection:
        enr = pd.read_sql("SELECT * FROM ENR", connection)
    assert (len(extract), len(enr)) == (3000, 500)
    assert not extract.duplicated(KEY).any()
    assert set(enr["YR"]) == {2026}


def test_large_refuses_an_extract_shorter_than_the_year(tmp_path):
    with pytest.raises(UsageError, match="this year"):
        make_large(tmp_path, 100, 500)
