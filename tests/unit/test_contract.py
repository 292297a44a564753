"""Which room imports which: the contract of import-linter in `pyproject.toml` is kept, and it bites."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINTER = "from importlinter.cli import lint_imports_command as lint; lint()"


def linted(folder):
    command = [sys.executable, "-c", LINTER, "--no-cache", "--no-logo", str(folder / "pyproject.toml")]
    env = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, encoding="utf-8", check=False)


@pytest.fixture
def copy(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "senrkit", tmp_path / "senrkit", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_contract_is_kept():
    done = linted(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line", "said"),
    [
        ("spells/build.py", "from senrkit.engine import run", "senrkit.spells is not allowed to import senrkit.engine"),
        ("app/desk.py", "import senrkit.notebook", "senrkit.app is not allowed to import senrkit.notebook"),
        ("errors.py", "from senrkit.frames import text", "senrkit.errors is not allowed to import senrkit.frames"),
        ("lonely.py", "", "senrkit.lonely"),
    ],
    ids=["upward", "from door to door", "the ground", "a module without a place"],
)
def test_a_forbidden_import_is_refused(copy, module, line, said):
    with (copy / "senrkit" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    done = linted(copy)
    assert done.returncode == 1
    assert said in done.stdout
