"""The recipes of the page about scheduling, run as far as this system can."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from senrkit.demo import make
from senrkit.results.folder import run_folders
from tests.docs.pages import ROOT
from tests.patience import PATIENCE
from tests.students import ssids_shown

PAGE = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
HOME = "/srv/senrkit"
CRON = [re.split(r"\s+", line, maxsplit=6) for line in re.findall(r"(?m)^15 6 \* \* 1-5 .*$", PAGE)]
UNITS = dict(re.findall(r"`/etc/systemd/system/([\w.-]+)`[^`]*```ini\n(.*?)```", PAGE, re.DOTALL))
DAY = dt.date(2026, 11, 23)


@pytest.fixture
def server(tmp_path) -> Path:
    """What the page calls /srv/senrkit: an environment, a district and its settings."""
    made = make(tmp_path / "srv", 300, 1, DAY)
    made.settings_file.rename(tmp_path / "srv" / "district.toml")
    programs = tmp_path / "srv" / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "senrkit").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m senrkit "$@"\n')
    (programs / "senrkit").chmod(0o755)
    (tmp_path / "environment").write_text("AERIES_PASSWORD=none\n")
    return tmp_path / "srv"


def by_cron(server: Path, command: str) -> subprocess.CompletedProcess[str]:
    """As cron gives it: /bin/sh, a home folder, and next to nothing in the environment. The checkout is found as an
    installed senrkit would be."""
    line = command.replace(HOME, str(server)).replace("/etc/senrkit/environment", str(server.parent / "environment"))
    bare = {"HOME": str(server.parent), "LOGNAME": "senrkit", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        ["/bin/sh", "-c", line], cwd=server.parent, env=bare | {"PYTHONPATH": str(ROOT)}, capture_output=True,
        encoding="utf-8", timeout=PATIENCE,
    )  # fmt: skip


def test_there_are_two_lines_for_cron_and_three_units():
    assert [words[5] for words in CRON] == ["senrkit", "senrkit"]
    assert sorted(UNITS) == ["senrkit-failed.service", "senrkit.service", "senrkit.timer"]


def test_crons_line_runs_in_crons_environment_and_says_one_line_of_the_held(server):
    done = by_cron(server, CRON[0][6])
    assert done.returncode == 5, done.stderr
    assert re.fullmatch(r"senrkit: done; \d+ items are held\. See .*/notebooks/scheduled_run\.html\.\n", done.stdout)
    assert done.stderr == ""
    (folder,) = run_folders(server / "runs")
    assert (folder / "summary.txt").read_text() == (server / "runs" / "summary.txt").read_text()


@pytest.mark.parametrize(
    ("spoil", "code", "says"),
    [
        (lambda server: (server / "SENR_ODS.txt").unlink(), 3, "SENR_ODS.txt"),
        (lambda server: make(server / "broken", 300, 1, DAY, break_id="P09"), 4, "Stopped by P09"),
        (lambda server: (server / "district.toml").write_text("lea = 7"), 2, "district.toml"),
    ],
    ids=["an input is gone", "a precondition stops it", "the settings are wrong"],
)
def test_the_mail_never_shows_what_yesterday_said(server, spoil, code, says):
    yesterday = "Exit code 0: done.\n"
    (server / "runs").mkdir(exist_ok=True)
    (server / "runs" / "summary.txt").write_text(yesterday)
    spoil(server)
    if (server / "broken").exists():
        for file in ("SENR_ODS.txt", "aeries.db"):
            shutil.move(server / "broken" / file, server / file)
    done = by_cron(server, CRON[1][6])
    assert done.stdout.startswith(f"Exit code {code}: ") and says in done.stdout
    assert json.loads((server / "runs" / "summary.json").read_text())["exit_code"] == code
    if (server / "SENR_ODS.txt").exists():
        assert ssids_shown(done.stdout, server) == set()
    again = by_cron(server, CRON[0][6])
    assert again.returncode == code and again.stderr.startswith("senrkit: ") and again.stdout == ""


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_takes_the_units(server):
    user = subprocess.run(["id", "-un"], capture_output=True, encoding="utf-8", check=True).stdout.strip()
    for name, unit in UNITS.items():
        said = unit.replace(HOME, str(server)).replace("User=senrkit", f"User={user}")
        (server / name).write_text(said)
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(server / name) for name in UNITS)],
        capture_output=True, encoding="utf-8", timeout=PATIENCE,
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "senrkit" in line]
    assert (done.returncode, ours) == (0, [])


@pytest.mark.skipif(not shutil.which("crontab"), reason="there is no cron here")
def test_cron_takes_the_lines(tmp_path):
    """A person's own table has no user in it."""
    own = "\n".join(" ".join([*words[:5], words[6]]) for words in CRON)
    (tmp_path / "table").write_text(f"MAILTO=calpads@example.org\n{own}\n")
    done = subprocess.run(["crontab", "-n", tmp_path / "table"], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
