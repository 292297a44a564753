"""What the README and the first pages of the documentation print, run as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


def test_the_demo_command_goes_from_nothing_to_files(tmp_path):
    done = subprocess.run(
        [ROOT / "scripts" / "demo.sh", tmp_path / "demo", "--students", "300"],
        cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"state rows read = .* in-scope", done.stdout)
    (package,) = (tmp_path / "demo" / "runs").glob("*/submission/SENR_1999990_*.zip")
    assert package.stat().st_size > 1_000


def test_the_printed_output_is_that_of_the_demo(tmp_path):
    """The counts that people read are those they will see: same seed, same day."""
    printed = re.search(
        r"```console\n\$ scripts/demo.sh (.*?)\n(.*?)```", (ROOT / "docs" / "start.md").read_text("utf-8"), re.DOTALL
    )
    done = subprocess.run(
        [ROOT / "scripts" / "demo.sh", tmp_path / "demo", *printed[1].split()],
        cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=PATIENCE,
    )  # fmt: skip
    counted = [line for line in printed[2].splitlines() if re.match(r"\s+[\d,]+ |  SENR_", line)]
    assert len(counted) > 15
    assert [line for line in counted if line not in done.stdout] == []


def test_the_printed_weeks_are_those_of_the_demo(tmp_path):
    """`demo --weeks`: the same seed and day, the same four weeks. Run numbers follow from the inputs."""
    said = (ROOT / "docs" / "after_the_upload.md").read_text("utf-8")
    words, expected = re.search(r"```console\n\$ senrkit (demo loop --weeks .*?)\n(.*?)```", said, re.DOTALL).groups()
    done = subprocess.run(
        [sys.executable, "-m", "senrkit", *words.split()],
        cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected
