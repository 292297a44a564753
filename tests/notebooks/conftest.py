"""Three districts, each with one run: the demo, one that a precondition stops, and one where both sides agree."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from senrkit.demo import SMALLEST, make
from senrkit.engine import run
from senrkit.settings.settings import load_settings
from tests import districts, extracts, rulebook

ROOT = Path(__file__).resolve().parents[2]
_AGREED = """
    student start      exit       reason
    1       2016-07-01 2017-06-09 E155
    1       2026-08-12 -          -
"""


@dataclass(frozen=True)
class District:
    """A settings file, the folder of its one run, and the run's exit code."""

    settings: Path
    run: Path
    exit_code: int


@pytest.fixture(autouse=True, scope="session")
def kernels_find_this_checkout():
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(ROOT)
    yield
    os.environ.pop("PYTHONPATH")
    if before is not None:
        os.environ["PYTHONPATH"] = before


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> District:
    return reconciled(make(tmp_path_factory.mktemp("demo"), SMALLEST).settings_file)


@pytest.fixture(scope="session")
def stopped(tmp_path_factory) -> District:
    return reconciled(make(tmp_path_factory.mktemp("stopped"), SMALLEST, break_id="P09").settings_file)


@pytest.fixture(scope="session")
def agreed(tmp_path_factory) -> District:
    return reconciled(agreed_district(tmp_path_factory.mktemp("agreed")))


def agreed_district(folder: Path) -> Path:
    """One student, the same on both sides."""
    tables = rulebook.aeries("student\n1").tables
    rows = {name: table.assign(DEL="0", SN="1").to_dict("records") for name, table in tables.items()}
    districts.write_database(folder / "aeries.db", rows)
    state = rulebook.state(_AGREED).rows.drop(columns="line").to_dict("records")
    extracts.write_extract(folder / "SENR_ODS.txt", state)
    settings = folder / "senrkit.toml"
    settings.write_text(
        f'school_year = "2026-2027"\nlea = "{rulebook.LEA}"\nas_of = 2026-11-23\n[aeries]\nsource = "sqlite:///aeries.db"\n'
        '[calpads]\nsenr_extract = "SENR_ODS.txt"\n',
        encoding="utf-8",
    )
    return settings


def reconciled(settings: Path) -> District:
    done = run(load_settings(settings))
    return District(settings, done.folder, done.exit_code)
