"""senrkit as people get it without the clone: the wheel, installed in an environment of its own.

The packages that it stands on are lent by the environment of the tests, by a path alone: what is installed there as a
checkout does not come along.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from senrkit.texts.wording import meanings
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
# What the extra `lab` brings, as senrkit imports it.
LAB = (
    "jupyterlab", "ipykernel", "tornado", "ipywidgets", "voila", "plotly", "anywidget", "itables", "papermill",
    "nbconvert", "nbformat", "IPython", "traitlets", "jinja2",
)  # fmt: skip
WITHOUT = """
import importlib.util
import sys

gone = {gone!r}
there = importlib.util.find_spec


class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in gone:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Gone())
importlib.util.find_spec = lambda name, package=None: None if name in gone else there(name, package)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The programs of a clean environment with the wheel in it."""
    made = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", made],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = made.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made / "env"], check=True)
    programs = made / "env" / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--python",
         programs / "python", wheel],
        check=True, capture_output=True, cwd=made,
    )  # fmt: skip
    site = sysconfig.get_path("purelib", vars={"base": str(made / "env")})
    (Path(site) / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    # Jupyter's packages keep templates and pages beside the environment's libraries.
    (made / "env" / "share").symlink_to(Path(sys.prefix) / "share")
    return programs


@pytest.fixture
def asked(installed, tmp_path):
    """Give a command in an empty folder, with nothing of the clone in the environment."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def ask(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        program, *rest = words
        return subprocess.run(
            [installed / program, *rest], cwd=tmp_path, env=bare | {"HOME": str(tmp_path)} | more,
            capture_output=True, encoding="utf-8", timeout=PATIENCE,
        )  # fmt: skip

    return ask


def test_it_is_the_wheel_that_is_asked(asked, installed):
    where = asked("python", "-c", "import senrkit; print(senrkit.__file__)").stdout
    assert where.startswith(str(installed.parent)) and str(ROOT) not in where


def test_the_words_of_the_dashboard_are_those_of_the_glossary(asked):
    done = asked("python", "-c", "from senrkit.texts.wording import meanings; print(meanings())")
    assert done.stdout.strip() == repr(meanings()), done.stderr


def test_demo_notebook_and_python_work_without_the_clone(asked, tmp_path):
    done = asked("senrkit", "demo", "--students", "300", "--as-of", "2026-11-23")
    assert done.returncode == 0, done.stderr
    assert "state rows read" in done.stdout
    looked = asked("senrkit", "notebook", "04_export", "-r", "settings", "demo/senrkit.toml")
    assert looked.returncode == 0, looked.stderr
    assert "04_export.html is ready to read." in looked.stdout
    python = "import senrkit; run = senrkit.open_run('demo/senrkit.toml'); print(len(run.held), len(run.state) > 0)"
    assert asked("python", "-c", python).stdout.split()[1:] == ["True"]
    assert "what_if" in asked("senrkit", "notebook").stdout


@pytest.mark.parametrize("door", ["lab", "dashboard"])
def test_lab_and_dashboard_open_without_the_clone(installed, tmp_path, door):
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    served = subprocess.Popen(
        [installed / "senrkit", door, "--no-browser", "--quiet"], cwd=tmp_path, env=bare, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        said = served.stdout.readline()
        assert "127.0.0.1" in said or "localhost" in said, served.stderr.read() if served.poll() is not None else said
    finally:
        served.terminate()
        served.wait(PATIENCE)
    assert door == "dashboard" or (tmp_path / "notebooks" / "01_load.ipynb").is_file()


def test_without_the_extra_lab_there_are_the_engine_the_command_line_and_frames(asked, tmp_path):
    """`pip install senrkit` alone: what it lacks is said in a sentence."""
    (tmp_path / "light").mkdir()
    (tmp_path / "light" / "sitecustomize.py").write_text(WITHOUT.format(gone=set(LAB)))
    light = {"PYTHONPATH": str(tmp_path / "light")}
    done = asked("senrkit", "demo", "--students", "300", "--as-of", "2026-11-23", **light)
    assert done.returncode == 0, done.stderr
    settings = ("--settings", "demo/senrkit.toml")
    assert asked("senrkit", "run", *settings, "--quiet", **light).returncode == 5
    assert asked("senrkit", "language", *settings, "--quiet", **light).returncode in (0, 5)
    file = next((tmp_path / "demo" / "runs").glob("*/submission/SENR_*_01_*.txt"))
    assert asked("senrkit", "validate", str(file), **light).returncode in (0, 4)
    python = "import senrkit; run = senrkit.open_run('demo/senrkit.toml'); print(len(run.spells) > 0); run.figure()"
    frames = asked("python", "-c", python, **light)
    assert frames.stdout == "True\n" and "A chart needs Python packages" in frames.stderr
    for words in (("notebook", "04_export"), ("notebook",), ("lab",), ("dashboard",)):
        refused = asked("senrkit", *words, **light)
        assert refused.returncode == 2 and 'pip install "senrkit[lab]"' in refused.stderr, refused.stderr
