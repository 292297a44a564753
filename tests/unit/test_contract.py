"""Which room imports which: the contract of import-linter in `pyproject.toml` is kept, and it bites; few modules stand
beside the rooms, and no import goes in a circle, inside a room either."""

from __future__ import annotations

import graphlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_AT_THE_TOP = 10
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
        ("errors.py", "from senrkit.frames import days", "senrkit.errors is not allowed to import senrkit.frames"),
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


def test_few_modules_stand_beside_the_rooms():
    assert len(list((ROOT / "senrkit").glob("*.py"))) <= MOST_AT_THE_TOP


def test_no_import_goes_in_a_circle():
    """Imports inside functions count too: they hide a circle, and do not break it."""
    graph = grimp.build_graph("senrkit", exclude_type_checking_imports=True, cache_dir=None)
    imported = {module: graph.find_modules_directly_imported_by(module) - {module} for module in graph.modules}
    try:
        graphlib.TopologicalSorter(imported).prepare()
    except graphlib.CycleError as circle:
        pytest.fail(" imports ".join(reversed(circle.args[1])))
