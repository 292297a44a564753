"""The demo and every notebook on days that are not today: what people are shown may not hang on the calendar."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from senrkit.demo import SMALLEST
from senrkit.notebook.runner import run_notebook
from senrkit.results.folder import run_folders
from tests.notebooks.conftest import ROOT
from tests.notebooks.test_notebooks import MAKES_A_RUN, shown, texts
from tests.notebooks.test_stored import NAMES
from tests.students import ssids_shown

# On 29 November a bar of the line of time is as many thousandths of a second long as look like an SSID.
DAYS = ("2026-11-29", "2026-12-31", "2028-02-29")


@pytest.fixture(scope="module", params=DAYS)
def district(request, tmp_path_factory) -> Path:
    """Made and reconciled by `senrkit demo` as people type it, on that day by the clock of the process."""
    clock = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if clock is None:
        pytest.skip("needs Debian's libfaketime: scripts/test.sh installs it")
    folder = tmp_path_factory.mktemp("day") / "demo"
    words = [sys.executable, "-m", "senrkit", "demo", str(folder), "--students", str(SMALLEST), "--quiet"]
    # Time that only counts how long something takes must not be faked: whoever waits would wait for ever.
    faked = {"LD_PRELOAD": str(clock), "FAKETIME": f"@{request.param} 10:00:00", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    done = subprocess.run(words, cwd=ROOT, env=os.environ | faked, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"as_of = {request.param}" in (folder / "senrkit.toml").read_text()
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_shows_no_student_on_any_day(district, name):
    (run, *_) = run_folders(district / "runs")
    given = {"settings": str(district / "senrkit.toml")} | ({} if name in MAKES_A_RUN else {"run": str(run)})
    done = run_notebook(name, given)
    assert done.run_exit_code == 5 and done.exit_code == (5 if name in MAKES_A_RUN else 0)
    assert ssids_shown(shown(done.page) + texts(done.notebook), district) == set()
