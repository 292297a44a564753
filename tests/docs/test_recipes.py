"""The recipes, run as they stand on the page; each answer is reckoned once more, from the files themselves."""

from __future__ import annotations

import ast
import csv
import datetime as dt
import re
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from senrkit.cli.weeks import first_day, play
from senrkit.demo import make
from senrkit.engine import run as run_engine
from senrkit.reference import ODS_FIELDS
from senrkit.settings.settings import load_settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "recipes.md"
LAST_DAY = dt.date(2026, 11, 30)
SETUP = "Recipes: ten questions, three lines each"
QUESTIONS = 10
BESIDES = ("What another setting would change", "Without settings")


def recipes() -> dict[str, list[str]]:
    """Heading → its blocks of Python."""
    chapters = re.split(r"(?m)^#+ (.*)\n", PAGE.read_text(encoding="utf-8"))[1:]
    return {
        heading: re.findall(r"```python\n(.*?)```", body, re.DOTALL)
        for heading, body in zip(chapters[::2], chapters[1::2], strict=True)
    }


def evaluated(code: str, names: dict[str, Any]) -> Any:
    """Run the lines; give what the last of them is worth."""
    *lines, last = ast.parse(code).body
    exec(compile(ast.Module(lines, []), str(PAGE), "exec"), names)
    if not isinstance(last, ast.Expr):
        exec(compile(ast.Module([last], []), str(PAGE), "exec"), names)
        return None
    return eval(compile(ast.Expression(last.value), str(PAGE), "eval"), names)


@pytest.fixture(scope="module")
def district(tmp_path_factory) -> Path:
    """Four weeks of a district, and a run of the year before."""
    folder = tmp_path_factory.mktemp("recipes")
    made = make(folder, 300, 1, first_day(LAST_DAY, 4))
    list(play(made, 4))
    run_engine(load_settings(make(folder / "last_year", 300, 1, dt.date(2025, 11, 24)).settings_file))
    return folder


@pytest.fixture(scope="module")
def answers(district) -> dict[str, Any]:
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(district)
        found = {heading: [evaluated(block, names) for block in blocks] for heading, blocks in recipes().items()}
    return {heading: values[-1] if values else None for heading, values in found.items()} | {"run": names["run"]}


@pytest.fixture(scope="module")
def folder(answers) -> Path:
    return answers["run"].folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def extract(district: Path) -> list[dict[str, str]]:
    lines = (district / "SENR_ODS.txt").read_text(encoding="utf-8").splitlines()
    return [dict(zip(ODS_FIELDS, line.split("^"), strict=True)) for line in lines]


def asked(district: Path, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(district / "aeries.db")) as aeries:
        return aeries.execute(question).fetchall()


def test_there_are_ten_of_at_most_three_lines():
    found = recipes()
    questions = [heading for heading in found if heading not in (SETUP, *BESIDES)]
    assert len(questions) == QUESTIONS
    assert [code for blocks in found.values() for code in blocks if len(code.strip().splitlines()) > 4] == []
    assert [question for question in questions if len(found[question]) != 1] == []
    assert all(len(found[question][0].strip().splitlines()) <= 3 for question in questions)


def test_t160_in_august(answers, district):
    found = answers["T160 exits in August, by school, on both sides"]
    state = Counter(
        row["school_code"]
        for row in extract(district)
        if row["exit_reason"] == "T160"
        and row["exit_date"].startswith("202608")
        and row["academic_year"] == "2026-2027"
    )
    assert found["CALPADS"].sum() == sum(state.values()) > 0
    assert {code: count for code, count in found["CALPADS"].items() if count} == dict(state)
    assert found["Aeries"].sum() > 0


def test_deleted_last_year_and_back(answers, district):
    found = answers["Students who were deleted last year and came back"]
    (before,) = (district / "last_year" / "runs").glob("*/proposal.csv")
    deleted = {row["ssid"] for row in rows(before) if row["action"] == "delete"}
    here = {
        str(ssid)
        for (ssid,) in asked(
            district, "SELECT STU.CID FROM STU JOIN ENR ON ENR.ID = STU.ID WHERE ENR.YR = 2026 AND ENR.DEL = 0"
        )
    }
    assert 0 < found.sum() <= len(deleted & here)


def test_holds_older_than_two_weeks(answers, folder):
    found = answers["Holds older than two weeks"]
    limit = (LAST_DAY - dt.timedelta(days=14)).isoformat()
    old = [row for row in rows(folder / "proposal.csv") if row["action"] == "hold" and row["first_seen"] < limit]
    assert found["holds"].sum() == len(old) > 0
    assert found["oldest"].max() == 21


def test_students_whose_ssid_changed(answers, district):
    found = answers["Students whose SSID changed"]
    state = {(row["local_id"], row["ssid"]) for row in extract(district)}
    ours = {(str(id), str(ssid)) for id, ssid in asked(district, "SELECT ID, CID FROM STU WHERE DEL = 0")}
    for local_id, old, new in found.to_numpy():
        assert (local_id, old) in state and (local_id, new) in ours and old != new
    assert len(found) > 0


def test_what_is_new(answers, folder):
    found = answers["What is new since the last run"]
    key = ("school_code", "ssid", "start_date")
    runs = sorted(folder.parent.glob("2026-*/proposal.csv"))
    every = [
        {tuple(row[name] for name in key) for row in rows(run) if row["action"] in ("add", "update", "delete", "hold")}
        for run in runs
    ]
    assert found.sum() == len(every[-1] - set.union(*every[:-1]))
    since = answers["run"].compare()["state"].value_counts()
    assert since["open"] == len(every[-1] & every[-2]) > 0
    assert since["solved"] == len(every[-2] - every[-1]) > 0


def test_rates(answers, folder):
    found = answers["The rate of discrepancies, school by school"]
    first = found.iloc[0]
    counted = Counter(
        row["school_name"]
        for row in rows(folder / "proposal.csv")
        if row["action"] in ("add", "update", "delete", "hold")
    )
    assert first["to_do"] == counted[first["school_name"]]
    assert first["rate"] == first["to_do"] / first["enrollments"] == found["rate"].max()


def test_grade_nine_on_census_day(answers, district):
    found = answers["Grade 9 on census day, before and after"]
    open_then = [
        row
        for row in extract(district)
        if row["grade"] == "09"
        and row["start_date"] <= "20261007"
        and (not row["exit_date"] or row["exit_date"] >= "20261007")
        and not (row["exit_reason"] == "N470" and row["exit_date"] <= row["start_date"])
        and row["reporting_lea"] == "1999990"
        and row["academic_year"] == "2026-2027"
    ]
    assert found["now"] == len(open_then) > 0 and found["aeries"] > 0 and found["after"] > 0


def test_one_student(answers, folder):
    found = answers["One student, with everything"]
    first = rows(folder / "proposal.csv")[0]
    kept = [row for row in rows(folder / "enrollments.csv") if row["ssid"] == first["ssid"]]
    assert found["side"].tolist() == [row["side"] for row in kept]
    assert found["start_date"].dt.strftime("%Y-%m-%d").tolist() == [row["start_date"] for row in kept]


def test_a_work_list(answers, district):
    found = pd.read_csv(district / "work_list.csv", dtype=str)
    assert len(found) == answers["run"].schools["to_do"].max()


def test_never_came(answers, district):
    found = answers["Last year's E155 who never came"]
    promised = {
        row["ssid"] for row in extract(district) if row["exit_reason"] == "E155" and row["exit_date"] >= "20260501"
    }
    here = {
        str(ssid)
        for (ssid,) in asked(
            district, "SELECT STU.CID FROM STU JOIN ENR ON ENR.ID = STU.ID WHERE ENR.YR = 2026 AND ENR.DEL = 0"
        )
    }
    assert found.sum() >= len(promised - here) > 0
    assert found.sum() == len(promised - set(answers["run"].spells.query("not canceled")["ssid"]))


def test_another_setting(answers):
    """What it answers is looked at in tests/unit/analysis/test_what_if.py."""
    assert answers[BESIDES[0]].index.names == ["action", "action_then"]


def test_an_extract_without_settings(answers):
    assert answers["Without settings"] is not None
