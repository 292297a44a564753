"""Every notebook by papermill: on the demo district, on one that is stopped, and where there is nothing to change."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from functools import cache
from pathlib import Path

import nbformat
import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from senrkit.engine import run as run_engine
from senrkit.errors import InputError, UsageError
from senrkit.notebook.runner import Executed, run_notebook
from senrkit.results.folder import RunFolder, run_folders
from senrkit.settings.settings import load_settings
from tests.notebooks.conftest import ROOT, District, agreed_district
from tests.notebooks.test_stored import NAMES
from tests.patience import PATIENCE
from tests.students import ssids_shown

MAKES_A_RUN = ("01_load", "scheduled_run")
SAYS = {"demo": "items are held", "stopped": "Stopped before anything was decided", "agreed": "Nothing to change"}


@pytest.fixture(params=["demo", "stopped", "agreed"])
def district(request) -> District:
    return request.getfixturevalue(request.param)


@cache
def executed(name: str, district: District) -> Executed:
    """The notebook on the district's run, or, when it makes one itself, on a new run; done once."""
    given = {"settings": str(district.settings)}
    return run_notebook(name, given | ({} if name in MAKES_A_RUN else {"run": str(district.run)}))


def texts(notebook: Path) -> str:
    """Everything that the executed notebook holds, sources and outputs."""
    return notebook.read_text(encoding="utf-8")


def shown(page: Path) -> str:
    """The page without its scripts: plotly's own has ten-digit numbers of its own."""
    return re.sub(r"(?s)<script>.*?</script>", "", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_every_notebook_runs_and_leaves_itself_and_its_page_in_the_run_folder(request, district, name):
    done = executed(name, district)
    # A notebook that only looks at a run ends well, though students are held in it.
    looks = name not in MAKES_A_RUN and district.exit_code == 5
    assert (done.exit_code, done.run_exit_code) == (0 if looks else district.exit_code, district.exit_code)
    assert (done.folder == district.run) == (name not in MAKES_A_RUN)
    assert {path.name for path in done.folder.glob("notebooks/.*")} == set()
    page = shown(done.page)
    assert "<h1" in page and "Traceback" not in page
    assert not re.search(r"<(?:script|link|img)\b[^>]*\b(?:src|href)=", page)
    assert SAYS[request.node.callspec.params["district"]] in page
    assert ssids_shown(page + texts(done.notebook), district.settings.parent) == set()


def test_language_shows_what_the_command_finds(demo, stopped, agreed):
    from senrkit.language.work import read_and_compare

    _, found = read_and_compare(load_settings(demo.settings))
    new = found["class"].is_in(["new-el", "new-ifep"]).sum()
    page = shown(executed("05_language", demo).page)
    assert new == 9 and f"{new} students are newly EL or IFEP" in page
    for said in ("New English learner", "Refused", "Different status", "Who waits for a test"):
        assert said in page
    assert "students are newly EL or IFEP" in shown(executed("05_language", stopped).page)
    assert "The settings name no SELA extract." in shown(executed("05_language", agreed).page)


def test_language_shows_students_when_asked_for(demo):
    from senrkit.language.work import read_and_compare

    _, found = read_and_compare(load_settings(demo.settings))
    ssid = found.filter(found["class"] == "new-el")["ssid"][0]
    given = {"settings": str(demo.settings), "run": str(demo.run)}
    assert ssid not in texts(run_notebook("05_language", given).notebook)
    assert ssid in texts(run_notebook("05_language", given | {"show_students": "true"}).notebook)


def test_a_stopped_run_says_why_first(stopped):
    done = executed("scheduled_run", stopped)
    first = re.search(r'class="box (\w+)".*?</div>', shown(done.page), flags=re.DOTALL)
    assert first[1] == "stopped" and "P09" in first[0] and "What to do:" in first[0]
    assert nbformat.read(done.notebook, 4).cells[0].source.startswith("# Scheduled run"), (
        "no banner of papermill before it"
    )


def test_plain_papermill_works_and_fails_when_the_run_is_stopped(tmp_path, demo, stopped):
    notebook = ROOT / "notebooks" / "scheduled_run.ipynb"
    papermill.execute_notebook(
        notebook,
        tmp_path / "done.ipynb",
        {"settings": str(demo.settings), "out": str(tmp_path / "run")},
        progress_bar=False,
    )
    assert RunFolder.open(tmp_path / "run").exit_code == 5
    with pytest.raises(PapermillExecutionError, match="Stopped by P09"):
        papermill.execute_notebook(
            notebook, tmp_path / "stopped.ipynb", {"settings": str(stopped.settings)}, progress_bar=False
        )
    kept = nbformat.read(tmp_path / "stopped.ipynb", 4)
    (error,) = [
        output
        for cell in kept.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "error"
    ]
    assert error.traceback == [error.evalue], "a sentence, no traceback"


def test_the_three_doors_give_the_same_bytes(tmp_path):
    from senrkit.demo import SMALLEST, make

    doors = {}
    for door in ("command line", "04_export", "scheduled_run"):
        settings = make(tmp_path / door, SMALLEST).settings_file
        if door == "command line":
            out = tmp_path / "out"
            asked = [sys.executable, "-m", "senrkit", "run", "--settings", str(settings), "--out", str(out), "--quiet"]
            assert subprocess.run(asked, check=False).returncode == 5
        else:
            out = run_notebook(door, {"settings": str(settings)}).folder
        files = [out / "proposal.csv", *sorted((out / "submission").glob("*.txt"))]
        doors[door] = {path.name: path.read_bytes() for path in files}
    assert len(doors["command line"]) > 5
    assert doors["04_export"] == doors["command line"] == doors["scheduled_run"]


def test_the_summary_carries_no_student(demo):
    folder = executed("scheduled_run", demo).folder
    summary, document = (folder / "summary.txt").read_text(), json.loads((folder / "summary.json").read_text())
    ids = set(RunFolder.open(folder).proposal[["ssid", "local_id"]].to_numpy().ravel()) - {""}
    assert summary.startswith("Exit code 5: done, but students are held.")
    assert document["exit_code"] == 5 and document["counts"]["action"]["hold"] > 0
    for told in (summary, json.dumps(document)):
        assert not ssids_shown(told, demo.settings.parent) and not ids & set(re.findall(r"\d+", told))


def test_students_are_shown_when_asked_for_and_their_number_is_not_kept_otherwise(demo):
    run = RunFolder.open(demo.run)
    ssid = run.proposal.loc[run.proposal["action"] == "delete", "ssid"].iloc[0]
    given = {"settings": str(demo.settings), "run": str(demo.run), "student": ssid}
    hidden = run_notebook("investigate_student", given)
    assert ssid not in texts(hidden.notebook) and ssid not in shown(hidden.page)
    assert f"•••••••{ssid[-3:]}" in shown(hidden.page)
    seen = run_notebook("investigate_student", given | {"show_students": "true"})
    assert ssid in texts(seen.notebook) and ssid in shown(seen.page)


@pytest.mark.skipif(os.name != "posix", reason="the system has no such modes")
def test_what_a_notebook_leaves_is_private(agreed):
    done = executed("04_export", agreed)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (done.notebook.parent, done.notebook, done.page)]
    assert modes == [0o700, 0o600, 0o600]


def test_links_lead_from_the_page_to_the_files(demo):
    done = executed("04_export", demo)
    links = re.findall(r'href="(\.\./[^"]+)"', shown(done.page))
    assert len(links) > 5 and all((done.page.parent / link).is_file() for link in links)


def test_a_secret_of_the_environment_is_in_nothing_that_stays(tmp_path, monkeypatch):
    secret = "Correct-Horse-77"
    monkeypatch.setenv("AERIES_PASSWORD", secret)
    settings = agreed_district(tmp_path)
    settings.write_text(settings.read_text().replace("[calpads]", 'password_env = "AERIES_PASSWORD"\n[calpads]'))
    done = run_notebook("scheduled_run", {"settings": str(settings)})
    kept = [path for path in done.folder.rglob("*") if path.is_file()]
    assert done.notebook in kept
    assert [path.name for path in kept if secret.encode() in path.read_bytes()] == []


def test_two_scheduled_runs_at_once_do_not_spoil_each_other(tmp_path):
    settings = agreed_district(tmp_path)
    asked = [sys.executable, "-m", "senrkit", "notebook", "scheduled_run", "-r", "settings", str(settings), "--quiet"]
    both = [subprocess.Popen(asked, cwd=ROOT) for _ in range(2)]
    assert [one.wait(PATIENCE) for one in both] == [0, 0]
    folders = run_folders(tmp_path / "runs")
    assert len(folders) == 2
    for folder in folders:
        assert RunFolder.open(folder).exit_code == 0
        assert sorted(path.name for path in (folder / "notebooks").iterdir()) == [
            "scheduled_run.html",
            "scheduled_run.ipynb",
        ]


def test_export_says_where_each_file_stands(tmp_path):
    from senrkit.demo import SMALLEST, make
    from senrkit.loop import words

    settings = make(tmp_path, SMALLEST).settings_file
    folder = run_engine(load_settings(settings)).folder
    words.sent(load_settings(settings), None, [1], job="4711234")
    page = shown(run_notebook("04_export", {"settings": str(settings), "run": str(folder)}).page)
    for said in (">sent</td>", ">4711234</td>", ">prepared</td>", "then say so: posted, or rejected"):
        assert said in page, said
    assert not ssids_shown(page, tmp_path)


def test_a_scheduled_run_says_what_is_new_since_the_run_before(tmp_path, agreed):
    from senrkit.demo import SMALLEST, make

    settings = make(tmp_path, SMALLEST).settings_file
    first = load_settings(settings)
    run_engine(first)
    later = (first.as_of + dt.timedelta(days=1)).isoformat()
    page = shown(run_notebook("scheduled_run", {"settings": str(settings), "as_of": later}).page)
    assert re.search(r"Since the run before: 0 new, [1-9]\d* still open, 0 back again, .* open for 1 day\.", page)
    assert "Since the run before" not in shown(executed("scheduled_run", agreed).page)


def test_what_if_shows_what_another_setting_would_change(demo):
    given = {"settings": str(demo.settings), "run": str(demo.run)}
    before = sorted(path.name for path in demo.run.parent.iterdir())
    page = shown(run_notebook("what_if", given).page)
    assert "With future_dates = send instead" in page and "Starts in the future" in page
    assert ssids_shown(page, demo.settings.parent) == set()
    nothing = shown(run_notebook("what_if", given | {"setting": "e150_gap_days", "value": "10"}).page)
    assert "Nothing changes in the proposal." in nothing
    assert sorted(path.name for path in demo.run.parent.iterdir()) == before, "nothing is written"
    with pytest.raises(UsageError, match="future_dates"):
        run_notebook("what_if", given | {"value": "perhaps"})


def test_a_click_lists_the_students_behind_a_bar(demo):
    """In the page that a report becomes, with the script of the page alone; masked."""
    from playwright.sync_api import sync_playwright

    page = executed("03_discrepancies_by_school", demo).page
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page()
        tab.goto(page.as_uri())
        behind = tab.locator(".behind").first
        assert "Click a bar" in behind.inner_text()
        tab.locator(".chart").first.locator(".point path").first.wait_for()
        tab.evaluate(CLICK)
        assert re.match(r"\d+ behind .+, \+ Add", behind.inner_text())
        assert "•••••••" in behind.inner_text() and ssids_shown(behind.inner_text(), demo.settings.parent) == set()
        browser.close()


# What plotly tells when the first bar of the first chart is clicked.
CLICK = """() => { const chart = document.querySelector('.chart'), trace = chart.data[0];
    const at = trace.x.findIndex(n => n > 0);
    chart.emit('plotly_click', {points: [{x: trace.x[at], y: trace.y[at], data: trace}]}) }"""


# ---- what goes wrong


def test_an_unknown_parameter_is_refused_before_anything_runs(demo, monkeypatch):
    monkeypatch.setattr(papermill, "execute_notebook", lambda *_, **__: pytest.fail("it ran"))
    with pytest.raises(UsageError, match="Did you mean settings") as refused:
        run_notebook("scheduled_run", {"setings": str(demo.settings)})
    assert refused.value.exit_code == 2


def test_identifiers_keep_their_leading_zeros(agreed):
    with pytest.raises(UsageError, match="nothing to say of that SSID or local id") as refused:
        run_notebook(
            "investigate_student", {"settings": str(agreed.settings), "run": str(agreed.run), "student": "0001001"}
        )
    assert "1001" not in str(refused.value)


def test_an_input_that_cannot_be_read_keeps_its_exit_code_and_leaves_only_the_summary(tmp_path):
    settings = agreed_district(tmp_path)
    (tmp_path / "SENR_ODS.txt").unlink()
    with pytest.raises(InputError, match="SENR_ODS"):
        run_notebook("scheduled_run", {"settings": str(settings)})
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["summary.json", "summary.txt"]
    assert (
        (tmp_path / "runs" / "summary.txt").read_text().startswith("Exit code 3: an input cannot be read.\nThere is no")
    )


def test_a_fault_tells_nothing_of_what_it_was_working_on(tmp_path, monkeypatch):
    from senrkit.notebook import library

    cell = nbformat.v4.new_code_cell("raise KeyError('9000000123 Canary')")
    parameters = nbformat.v4.new_code_cell('settings: str = ""  # none', metadata={"tags": ["parameters"]})
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# x"), parameters, cell]),
        tmp_path / "faulty.ipynb",
    )
    monkeypatch.setattr(library, "folder", lambda: tmp_path)
    with pytest.raises(RuntimeError, match="KeyError in the notebook") as fault:
        run_notebook("faulty", {})
    assert "Canary" not in str(fault.value) and "9000000123" not in str(fault.value)


def test_kernels_open_no_port(demo, monkeypatch):
    asked = {}

    def stand_in(path, output, parameters, **how):
        asked.update(how)
        raise RuntimeError("Kernel died before replying to kernel_info")

    monkeypatch.setattr(papermill, "execute_notebook", stand_in)
    with pytest.raises(UsageError, match="did not start, or ended before"):
        run_notebook("04_export", {"settings": str(demo.settings)})
    expected = "ipc" if os.name == "posix" else None
    assert asked["config"].get("KernelManager", {}).get("transport") == expected


def test_the_newest_run_is_opened_when_none_is_named(tmp_path):
    settings = agreed_district(tmp_path)
    older, newer = (run_engine(load_settings(settings)).folder for _ in range(2))
    assert older != newer
    assert run_notebook("05_language", {"settings": str(settings)}).folder == newer
