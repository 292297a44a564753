"""The benchmarks' own arithmetic and tables, and one tiny call from end to end. No test measures time."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks import batch, history, peers, report, scaling, simulation, targets
from benchmarks.process import CONTENDERS, ROOT, Turn, figure, measure
from benchmarks.simulation import Costs
from benchmarks.sizes import LARGE, LARGEST, SMALL, Size, sizes_of
from benchmarks.tables import markdown, write_between
from senrkit.reference import ODS_FIELDS

FREE = Costs(lea_seconds=0, row_seconds=1, start_seconds=0, task_seconds=0, gap_seconds=0, row_bytes=0)


def run_call(**seconds):
    """A call with `floor` and `run` seconds at each size: `run_call(SMALL=(1, 3))`."""
    sizes = {"SMALL": SMALL, "LARGE": LARGE, "LARGEST": LARGEST}
    return {
        "kind": "run",
        "made": "2026-11-23T12:00:00+00:00",
        "commit": "abc1234",
        "machine": {"cores": 2, "memory_gib": 24, "system": "Linux", "python": "3.11.7"},
        "versions": {"pandas": "3.1.1"},
        "turns": 3,
        "commands": {"help": {"seconds": 0.1}},
        "sizes": [
            {
                "state_rows": sizes[name].state_rows,
                "enr_rows": sizes[name].enr_rows,
                "extract_bytes": sizes[name].state_rows * 160,
                "aeries_bytes": sizes[name].state_rows * 40,
                "figures": {
                    "floor": {"seconds": floor, "cpu": floor, "mib": 100.0},
                    "run": {"seconds": run, "cpu": 2 * run, "mib": sizes[name].state_rows / 1000},
                },
            }
            for name, (floor, run) in seconds.items()
        ],
    }


BATCH_CALL = {
    "kind": "batch",
    "made": "2026-11-23T13:00:00+00:00",
    "commit": "abc1234",
    "leas": 100,
    "state_rows": 20_000,
    "workers": 2,
    "task_ms": 2.0,
    "start_seconds": 5.0,
    "ways": [{"name": "scheduler", "median": 0.9, "overhead_per_lea": 0.3, "workers": 2}],
}


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("100k,2M", (SMALL, LARGE)),
        ("2m, 100K,2M", (SMALL, LARGE)),
        ("20_000", (Size(20_000),)),
    ],
)
def test_sizes_are_read_as_people_write_them(text, sizes):
    assert sizes_of(text) == sizes


@pytest.mark.parametrize("text", ["", "many", "2G", "7", "-1k"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="."):
        sizes_of(text)


def test_labels_of_sizes():
    assert [size.label for size in (SMALL, LARGE, Size(12_345))] == ["100k", "2M", "12345"]


def test_the_best_turn_counts_and_median_and_slowest_are_kept():
    turns = [Turn(3, 1, 30, {"found": 3}), Turn(1, 2, 20, {"found": 1}), Turn(2, 3, 10, {"found": 2})]
    kept = {"seconds": 1, "median": 2, "slowest": 3, "cpu": 1, "mib": 10, "said": {"found": 1}}
    assert figure(turns) == kept


def test_one_failed_turn_fails_the_figure():
    assert figure([Turn(1, 1, 1), Turn(1, 1, 1, failed="was killed by signal 9")]) == {
        "failed": "was killed by signal 9"
    }


def test_a_process_that_fails_is_told_not_raised():
    assert measure(("senrkit", "no-such-command")).failed == "ended with exit code 2"


def test_memory_of_children_counts(tmp_path, monkeypatch):
    child = "held = bytearray(80 << 20); import time; time.sleep(1)"
    (tmp_path / "parent.py").write_text(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert measure(("parent",)).mib > 80


def test_the_peers_know_where_the_fields_stand():
    assert {field: ODS_FIELDS.index(field) for field in peers.FIELDS} == peers.FIELDS
    assert len(ODS_FIELDS) == peers.STATE_COLUMNS


def test_targets_met_missed_and_not_measured():
    verdicts = [target.verdict(run_call(LARGE=(2, 7.5))) for target in targets.TARGETS]
    assert verdicts[0] == ("3.75 x the floor", "missed by 25%")
    assert verdicts[1] == ("7.50 x the floor's", "missed by 67%")
    assert verdicts[2] == ("", "not measured")
    assert verdicts[6] == ("0.10 s", "met")


@pytest.mark.parametrize(
    ("small", "large", "largest", "growth"),
    [
        (3, 10, 100, 1.0),  # 30, 5 and 5 microseconds a row
        (3, 10, 150, 1.5),
        (0.4, 10, 100, 1.25),  # 4, 5 and 5
    ],
)
def test_growth_is_beside_the_least_time_per_row(small, large, largest, growth):
    call = run_call(SMALL=(1, small), LARGE=(1, large), LARGEST=(1, largest))
    assert targets.growth(call) == pytest.approx(growth)


def test_growth_needs_the_smallest_and_the_largest_size():
    assert targets.growth(run_call(LARGE=(1, 10), LARGEST=(1, 100))) is None


def test_report_names_every_size_and_what_failed():
    call = run_call(SMALL=(0.1, 1), LARGE=(2, 7.5))
    call["sizes"][1]["figures"]["merge and loop"] = {"failed": "was killed by signal 9"}
    text = report.whole(call)
    assert "| 2,000,000 | 2.00 | 7.50 | 3.8 | 7.5 |" in text
    assert "| pandas: merge, loop over the rows, write lines | was killed by signal 9 |" in text
    assert "Missed: `senrkit run`, 2,000,000 state rows (missed by 25%)" in text
    assert "| the largest district: 2,000,000 state rows | 7.50 |" in report.short(call)


def test_history_is_added_to_and_read(tmp_path):
    file = tmp_path / "history.jsonl"
    assert history.read(file) == []
    for call in (run_call(LARGE=(2, 5)), BATCH_CALL, run_call(LARGE=(2, 4))):
        history.append(call, file)
    calls = history.read(file)
    assert history.newest(calls, "run") == run_call(LARGE=(2, 4))
    assert history.newest(calls, "batch") == BATCH_CALL
    assert history.table(calls).splitlines()[2:] == [
        "| 2026-11-23 | abc1234 | 2 | 2M | 5.00 | 2.5 | 2,000 |  |  |",
        "| 2026-11-23 | abc1234 | 2 | 2M | 4.00 | 2.0 | 2,000 |  |  |",
    ]


def test_history_does_not_name_the_machine():
    import platform

    kept = json.dumps(history.circumstances("run"))
    assert platform.node() not in kept.replace(platform.system(), "")


def test_only_what_stands_between_the_markers_is_written(tmp_path):
    page = tmp_path / "page.md"
    begin, end = "<!-- x: written by a command, see benchmarks/README.md -->", "<!-- end of x -->"
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    write_between(page, "x", "new")
    assert page.read_text() == f"before\n{begin}\nnew\n{end}\nafter\n"
    with pytest.raises(RuntimeError, match=r"page\.md has no line"):
        write_between(page, "y", "new")


def test_the_pages_have_their_markers():
    pages = [("README.md", "benchmark"), ("benchmarks/README.md", "figures"), ("docs/scaling.md", "scaling")]
    for page, name in pages:
        text = (ROOT / page).read_text()
        assert f"<!-- {name}: written by a command, see benchmarks/README.md -->" in text
        assert f"<!-- end of {name} -->" in text


def test_markdown_has_words_left_and_numbers_right():
    assert markdown(("a", "b"), [("x", 1)]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


@pytest.mark.parametrize(
    ("seconds", "workers", "ends"),
    [
        ([4, 3, 3, 2], 1, 12),
        ([4, 3, 3, 2], 2, 6),
        ([2, 3, 3, 4], 2, 6),  # the order in which they are given does not count
        ([9, 1, 1, 1], 4, 9),
        ([9, 1, 1, 1], 100, 9),
    ],
)
def test_longest_first(seconds, workers, ends):
    assert simulation.list_schedule(seconds, workers) == ends


def test_like_california():
    pupils = simulation.pupils_like_california(1_017)
    assert pupils == sorted(pupils, reverse=True)
    assert (pupils[0], pupils[-1]) == (596_937, 16)
    assert sum(pupils) == pytest.approx(6_162_800, rel=0.03)
    assert sum(simulation.rows_like_california(1_000, 60_000_000)) == pytest.approx(60_000_000, rel=0.001)


def test_the_slowest_of_three_counts():
    rows = [10, 10, 10, 10]
    assert simulation.point(rows, FREE, 2).seconds == 20
    slow_scheduler = Costs(0, 1, start_seconds=3, task_seconds=7, gap_seconds=0, row_bytes=0)
    assert simulation.point(rows, slow_scheduler, 2).seconds == 3 + 4 * 7
    reading = Costs(0, 1, start_seconds=0, task_seconds=0, gap_seconds=0, row_bytes=100)
    assert simulation.point(rows, reading, 2, storage=100).seconds == 40
    assert simulation.point(rows, reading, 2).bytes_per_second == 200
    assert simulation.point(rows, FREE, 8).efficiency == 0.5


def test_enough_workers_is_where_the_largest_task_decides():
    assert simulation.enough_workers([10] * 10, FREE) == 10
    assert simulation.enough_workers([50, 10, 10, 10, 10, 10], FREE) == 2


@pytest.mark.parametrize(("rows", "value"), [(100, 10), (150, 15), (200, 20), (300, 40), (400, 60), (50, 5)])
def test_between_measured_sizes_is_a_straight_line(rows, value):
    assert simulation.interpolated([(100, 10), (200, 20), (300, 40)], rows) == value


def test_costs_come_from_the_history():
    costs = scaling.costs_of(run_call(SMALL=(0.1, 1), LARGE=(2, 10.5)), BATCH_CALL)
    assert costs.row_seconds == pytest.approx(10e-6)
    assert costs.lea_seconds == pytest.approx(0.9 - 0.2)
    assert costs.gap_seconds == pytest.approx(0.3 - 0.1)
    assert (costs.start_seconds, costs.task_seconds, costs.row_bytes) == (5.0, 0.002, 200)


def test_the_page_says_what_is_measured_and_what_is_simulated():
    part = scaling.page_part(run_call(SMALL=(0.1, 1), LARGE=(2, 10.5)), BATCH_CALL)
    assert "### Measured" in part
    assert "### Simulated" in part
    assert "| 2,000,000 | 2,000 | measured |" in part
    assert "| 6,044,298 | 6,044 | extrapolated |" in part


def test_different_bytes_and_missing_files_are_found(tmp_path):
    for side, text in (("one", "a"), ("other", "b")):
        (tmp_path / side / "1900001" / "submission").mkdir(parents=True)
        (tmp_path / side / "1900001" / "submission" / "f.txt").write_text("same")
        (tmp_path / side / "1900001" / "proposal.csv").write_text(text)
    (tmp_path / "one" / "1900001" / "submission" / "g.txt").write_text("")
    found = batch.different_files(tmp_path / "one", tmp_path / "other")
    assert found == ["1900001/proposal.csv", "1900001/submission/g.txt"]


def test_figures_of_a_batch():
    leas = [{"seconds": 1.0, "attempts": 1, "peak_mib": 300}, {"seconds": 3.0, "attempts": 2, "peak_mib": 400}]
    waiting = {"seconds": None, "attempts": 0, "peak_mib": None}
    states = {"done": 2, "held": 0, "waiting": 1}
    found = batch.of_batch({"leas": [*leas, waiting], "states": states, "workers": 2}, Turn(3.0, 5.0, 100))
    assert (found["attempts"], found["median"], found["peak_mib"]) == (3, 2.0, 400)
    assert found["overhead_per_lea"] == (3.0 * 2 - 4.0) / 2
    assert found["states"] == {"done": 2, "waiting": 1}


def test_a_tiny_call_from_end_to_end(tmp_path):
    words = ("--sizes", "5k", "--turns", "1", "--sizes-only", "--without-datacompy")
    places = ("--data", str(tmp_path / "data"), "--history", str(tmp_path / "history.jsonl"))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", *words, *places], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (call,) = history.read(tmp_path / "history.jsonl")
    (size,) = call["sizes"]
    assert size["figures"]["bytes"]["said"] == {"lines": 5_000}
    assert set(size["figures"]) == {"bytes", "floor", "run", "stages", "merge and loop"}
    actions = size["figures"]["stages"]["said"]["actions"]
    assert size["figures"]["merge and loop"]["said"]["found"] == {
        "only_state": actions["delete"],
        "only_aeries": actions["add"],
        "different": actions["update"],
    }
    assert "| 5,000 |" in done.stdout
    assert "predicting what CALPADS will answer" in done.stdout


def test_the_contender_of_single_runs_tells_of_every_lea(tmp_path):
    leas = tmp_path / "leas"
    assert measure((CONTENDERS, "make_leas", str(leas), "2", "800", "100")).said == {"made": 2}
    assert measure((CONTENDERS, "make_leas", str(leas), "2", "800", "100")).said == {"made": 0}
    said = measure((CONTENDERS, "single_runs", str(leas), str(tmp_path / "runs"))).said
    assert len(said["lea_seconds"]) == len(said["lea_mib"]) == 2
    assert sorted(folder.name for folder in (tmp_path / "runs").iterdir()) == ["1900001", "1900002"]
