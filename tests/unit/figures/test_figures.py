"""Charts: what they show, their table, their sentence, and that nobody needs color or the network for them."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from senrkit import figures
from senrkit.figures.chart import COLORS, PATTERNS, SIGNS, chart_html, first_schools, label, table_html
from senrkit.results.folder import RunFolder
from senrkit.results.tables import PROPOSAL_COLUMNS
from tests.run_folders import run_folder, stopped_run
from tests.text_tables import ssid

MIXED = """
    student school action grade
    1       B      delete 05
    2       A      update 06
    3       A      add    06
    4       A      hold   KN
    5       A      update TK
    6       B      same   05
"""
FINDINGS = """
    rule     severity school
    SENR0180 unknown  A
    SENR0024 fatal    B
    SENR0024 fatal    A
"""
BOTH = """
    side    student school start    exit     reason
    calpads 1       A      20250813 20260605 E155
    calpads 1       B      20260812 -        -
    aeries  1       A      20260817 -        -
    calpads 2       A      20260812 -        -
"""
CHARTS = {
    "by_school": figures.by_school,
    "reasons_by_school": figures.reasons_by_school,
    "by_grade": figures.by_grade,
    "by_field": figures.by_field,
    "findings_by_school": figures.findings_by_school,
    "enrollment_counts": figures.enrollment_counts,
    "student_timeline": lambda run: figures.student_timeline(run, [ssid("1")]),
    "trend": lambda run: figures.trend([run]),
}


@pytest.fixture
def run(tmp_path) -> RunFolder:
    return run_folder(tmp_path / "7", MIXED, findings=FINDINGS, enrollments=BOTH)


def large_run(tmp_path, schools: int, actions: int) -> RunFolder:
    """A run with many schools, without its folder."""
    small = run_folder(tmp_path / "7", MIXED, findings=FINDINGS, enrollments=BOTH)
    school = np.arange(actions) % schools
    rows = {name: np.full(actions, "", dtype=object) for name in PROPOSAL_COLUMNS}
    turn = np.arange(actions) % 4
    rows |= {
        "action": np.array(["add", "update", "delete", "hold"], dtype=object)[turn],
        "reason": np.array(["missing-in-calpads", "exit", "not-in-aeries", "decision"], dtype=object)[turn],
        "school_code": [f"{1990000 + code}" for code in school], "grade": [f"{1 + code % 12:02d}" for code in school],
    }  # fmt: skip
    rows["changed"] = np.where(rows["action"] == "update", "grade|exit_date", "")
    rows["before"] = rows["after"] = np.where(rows["action"] == "update", "grade=05|exit_date=", "")
    counts: dict[str, dict[str, int]] = {}
    for (code, action), size in pd.DataFrame(rows).groupby(["school_code", "action"]).size().items():
        counts.setdefault(code, {})[action] = int(size)
    names = {code: f"School {code}" for code in counts}
    census = {
        code: {"school_name": names[code], "grades": {"05": {"now": 9, "aeries": 8, "after": 8}}} for code in counts
    }
    manifest = dict(small.manifest)
    manifest["counts"] = manifest["counts"] | {"school": counts, "school_name": names, "action": {"same": 1}}
    manifest["what_if"] = manifest["what_if"] | {"schools": census}
    made = RunFolder(small.folder, manifest)
    made.__dict__["proposal"] = pd.DataFrame(rows, dtype="str")
    made.__dict__["findings"] = pd.DataFrame(
        {"rule": [f"SENR{n:04d}" for n in range(40)], "severity": "warning", "school_code": "1990001"}, dtype="str"
    )
    return made


def drawn(chart: figures.Chart) -> dict:
    return chart.figure.to_plotly_json()


# What is to do there, of all enrollments of the school that were looked at.
RATES = ("100.0%", "50.0%")


# ---- what they show


def test_by_school_counts_every_action_and_names_the_first_school(run):
    chart = figures.by_school(run)
    assert chart.table.values.tolist() == [
        ["1990001", "Alder", 1, 2, 0, 1, 4, RATES[0]],
        ["1990002", "Birch", 0, 0, 1, 0, 1, RATES[1]],
    ]
    assert {bar.name: list(bar.x) for bar in chart.figure.data} == {
        "+ Add": [1, 0], "~ Update": [2, 0], "− Delete": [0, 1], "‖ Held back": [1, 0],
    }  # fmt: skip
    assert chart.sentence == "4 of 5 items at Alder; most there: update (2)."


def test_reasons_are_counted_by_school_under_their_action(run):
    chart = figures.reasons_by_school(run)
    assert chart.table.columns.tolist()[2:] == [
        "Add: Missing in CALPADS",
        "Update: Student left",
        "Delete: Not in Aeries",
        "Held back: Is it the same student?",
    ]
    assert chart.table.iloc[:, 2:].values.tolist() == [[1, 2, 0, 1], [0, 0, 1, 0]]
    assert "“Update: Student left”: 2 of 5 items" in chart.sentence


def test_grades_stand_in_the_order_in_which_pupils_pass_them(run):
    chart = figures.by_grade(run)
    assert chart.table["Grade"].tolist() == ["TK", "KN", "05", "06"]
    assert chart.sentence == "2 of 5 items in grade 06, more than in any other."


def test_by_field_counts_updates_with_an_example(run):
    chart = figures.by_field(run)
    assert chart.table.values.tolist() == [["exit date", 2, "(blank)", "2026-10-09"], ["grade", 2, "05", "06"]]
    assert chart.sentence == "All 2 updates change the exit date."


def test_findings_say_their_rule_in_words_with_its_number_and_severity_after(run):
    chart = figures.findings_by_school(run)
    assert chart.table.values.tolist() == [["1990001", "Alder", 1, 1], ["1990002", "Birch", 1, 0]]
    assert chart.table.columns.tolist()[2:] == [
        "Enrolled again after graduating in this LEA (SENR0024, fatal)",
        "Last enrollment of the student (SENR0180, unknown)",
    ]
    assert "2 would have CALPADS refuse a file" in chart.sentence


def test_a_finding_at_no_known_school_is_not_lost(run):
    run.__dict__["findings"] = run.findings.assign(school_code="")
    assert figures.findings_by_school(run).table.values.tolist() == [["", "No school", 2, 1]]


def test_counts_say_how_far_calpads_is_from_aeries(run):
    chart = figures.enrollment_counts(run)
    gaps = {trace.name: list(trace.x) for trace in chart.figure.data if trace.showlegend is False}
    assert gaps == {"CALPADS now": [-2, 0], "CALPADS after these files": [0, 0]}
    assert "27 open enrollments now and 29 after these files; Aeries counts 29" in chart.sentence
    assert "two primary enrollments on the same days: 1 in CALPADS now, 0 after, 0 in Aeries" in chart.sentence


def test_the_timeline_has_both_sides_calpads_first(run):
    chart = figures.student_timeline(run, [ssid("1")])
    assert chart.table[["Side", "School", "Start", "Exit", "Exit reason"]].values.tolist() == [
        ["CALPADS", "Alder", "2025-08-13", "2026-06-05", "E155"],
        ["CALPADS", "Birch", "2026-08-12", "open", ""],
        ["Aeries", "Alder", "2026-08-17", "open", ""],
    ]
    assert chart.sentence == (
        "CALPADS holds 2 enrollments, 1 of them in 2026-27, open at Birch; Aeries holds 1 enrollment of 2026-27, "
        "open at Alder. Earlier years of Aeries are not part of a run."
    )
    words = [note for note in chart.figure.layout.annotations if "→" in note.text]
    assert [note.text for note in words][:1] == ["2025-08-13 → 2026-06-05, E155"]
    assert all((note.x, note.xref, note.xanchor) == (1, "paper", "left") for note in words), "clear of the day line"
    calpads, aeries = chart.figure.data
    assert list(calpads.base) == ["2025-08-13", "2026-08-12"] and list(aeries.base) == ["2026-08-17"]
    day = 86_400_000
    assert calpads.x[0] == 297 * day, "exit day included"
    assert aeries.x[0] == 99 * day, "an open bar ends on the day of the run"


def test_the_trend_leaves_stopped_runs_to_the_table(tmp_path, run):
    chart = figures.trend([run_folder(tmp_path / "1", "student action\n1 add"), stopped_run(tmp_path / "2"), run])
    assert [list(line.y) for line in chart.figure.data] == [[1, 1], [0, 2], [0, 1], [0, 1]]
    assert chart.table["All"].tolist() == [1, "stopped", 5]
    assert chart.sentence == "5 items to do in the last run, 4 more than in the first of 2 runs."


def test_two_runs_of_one_minute_have_a_place_each(tmp_path):
    """The same inputs give the same number: run twice within a minute, one would lie on the other."""
    runs = [run_folder(tmp_path / name, "student action\n1 add") for name in ("1", "1_2")]
    assert len({run.manifest["made"][:16] + run.manifest["run_number"] for run in runs}) == 1
    assert [len(set(line.x)) for line in figures.trend(runs).figure.data] == [2] * 4


# ---- all of them


@pytest.mark.parametrize("name", CHARTS)
def test_a_stopped_run_says_why_there_is_nothing_to_show(tmp_path, name):
    chart = CHARTS[name](stopped_run(tmp_path / "7"))
    assert not chart.figure.data
    assert "stopped by P09" in chart.sentence


@pytest.mark.parametrize("name", [name for name in CHARTS if name not in ("enrollment_counts", "trend")])
def test_an_empty_proposal_is_a_result_not_an_empty_frame(tmp_path, name):
    chart = CHARTS[name](run_folder(tmp_path / "7", "student action\n1 same"))
    assert not chart.figure.data
    assert chart.sentence.endswith(".") and chart.table.empty


def test_nothing_to_change_says_on_how_much_both_sides_agree(tmp_path):
    chart = figures.by_school(run_folder(tmp_path / "7", "student action\n1 same\n2 same"))
    assert chart.sentence == "Nothing to change: CALPADS and Aeries agree on 2 enrollments."


@pytest.mark.parametrize("name", CHARTS)
def test_no_chart_tells_who(run, name):
    chart = CHARTS[name](run)
    for told in (chart.figure.to_json(), chart.table.to_csv(), chart.sentence):
        assert not re.search(r"900000\d{4}|\b100\d\b", told)


def test_charts_share_one_order_of_schools(run):
    orders = {
        tuple(chart.table["School"].drop_duplicates())
        for chart in (figures.by_school(run), figures.reasons_by_school(run), figures.findings_by_school(run))
    }
    assert orders == {("Alder", "Birch")}


def test_actions_differ_by_color_pattern_and_sign():
    assert all(len(set(looks.values())) == 4 for looks in (COLORS, PATTERNS, SIGNS))


def test_actions_differ_in_black_and_white():
    def luminance(color: str) -> float:
        red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    grays = sorted(luminance(COLORS[action]) for action in COLORS)
    plain = [action for action in PATTERNS if not PATTERNS[action]]
    assert grays[-1] - grays[0] > 60 and len(plain) == 1, "either the gray or the pattern tells them apart"


@pytest.mark.parametrize("schools", [1, 120])
@pytest.mark.parametrize("name", [name for name in CHARTS if name not in ("student_timeline", "trend")])
def test_one_school_or_a_hundred_and_twenty_fit_on_a_page(tmp_path, name, schools):
    chart = CHARTS[name](large_run(tmp_path, schools, 2_000))
    assert chart.figure.data
    assert 180 <= chart.figure.layout.height <= 1_200


def test_schools_that_do_not_fit_are_added_up_and_all_stand_in_the_table(tmp_path):
    chart = figures.by_school(large_run(tmp_path, 120, 2_000))
    places = chart.figure.data[0].y
    assert len(places) == 31 and places[-1] == "90 other schools: 1,490"
    assert sum(sum(bar.x) for bar in chart.figure.data) == 2_000 == chart.table["All"].sum()
    assert len(chart.table) == 120


def test_a_single_school_too_many_is_shown_instead_of_one_other():
    counts = pd.DataFrame({"add": range(31)}, index=[f"s{n}" for n in range(31)])
    assert first_schools(counts).equals(counts)


def test_two_schools_of_one_name_are_told_apart(tmp_path):
    run = large_run(tmp_path, 2, 8)
    run.manifest["counts"]["school_name"].update(dict.fromkeys(run.manifest["counts"]["school_name"], "Lincoln"))
    assert list(figures.by_school(run).figure.data[0].y) == ["Lincoln (1990000)", "Lincoln (1990001)"]


# ---- as a page


def test_a_page_needs_nothing_from_outside(run):
    page = figures.page("Charts", "".join(chart_html(chart(run)) for chart in CHARTS.values()))
    outside = r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)\s*="
    assert not re.search(outside, page) and "@import" not in page.partition("</style>")[0]
    assert page.count("Plotly.newPlot(e,") == len(CHARTS)
    assert page.count('role="img"') == len(CHARTS) and page.count("<details") == len(CHARTS)


def test_a_page_takes_names_as_text_whatever_is_in_them(tmp_path, run):
    evil = "</script><script>alert(1)</script>"
    run.manifest["counts"]["school_name"]["1990001"] = evil
    body = figures.page("x", "".join([chart_html(figures.by_school(run))]), charts=False)
    assert "alert(1)</script>" not in body
    assert label("<b>A & B</b>") == "&lt;b&gt;A &amp; B&lt;/b&gt;"


def test_a_long_table_is_cut_and_says_so():
    table = pd.DataFrame({"School": ["a"] * 2_001, "All": range(2_001)})
    assert "2,001 rows, the first 2,000 shown" in table_html(table)


# ---- the students behind a bar


@pytest.mark.parametrize("name", ["by_school", "reasons_by_school", "by_grade", "by_field", "findings_by_school"])
@pytest.mark.parametrize("large", [False, True])
def test_behind_every_bar_stand_as_many_rows_as_it_is_long(tmp_path, run, name, large):
    chart = getattr(figures, name)(large_run(tmp_path / "large", 60, 1_000) if large else run)
    counted = chart.behind.groupby(["place", "part"]).size().to_dict()
    drawn_here = {}
    for trace in chart.figure.data:
        if trace.type == "heatmap":
            cells = [
                (y, x, n) for y, line in zip(trace.y, trace.z, strict=True) for x, n in zip(trace.x, line, strict=True)
            ]
        elif trace.orientation == "h":
            cells = [(place, trace.name or "", n) for place, n in zip(trace.y, trace.x, strict=True)]
        else:
            cells = [(place, trace.name or "", n) for place, n in zip(trace.x, trace.y, strict=True)]
        drawn_here |= {(place, part): int(n) for place, part, n in cells if n}
    assert counted == drawn_here and drawn_here
