"""The demo district and a made-up CALPADS beside it."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from pathlib import Path

import pytest

from senrkit import demo
from senrkit.demo.calpads import Calpads
from senrkit.engine import run
from senrkit.settings.settings import Settings, load_settings

AS_OF = dt.date(2026, 11, 23)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A district of 300 students with one finished run; copied for each test."""
    folder = tmp_path_factory.mktemp("loop") / "district"
    made = demo.make(folder, 300, 1, AS_OF)
    run(load_settings(made.settings_file), person="somebody")
    return folder


class World:
    """A district, its runs, and what CALPADS holds; days pass."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.day = folder, AS_OF
        self.calpads = Calpads.of_extract(folder / "SENR_ODS.txt")

    @property
    def settings(self) -> Settings:
        return load_settings(self.folder / "senrkit.toml", as_of=self.day)

    @property
    def run_folder(self) -> Path:
        return max((self.folder / "runs").glob("*/manifest.json"), key=lambda path: path.stat().st_mtime_ns).parent

    @property
    def files(self) -> list[Path]:
        """The submission files of the newest run, in order."""
        return sorted((self.run_folder / "submission").glob("SENR_*.txt"))

    def passes(self, days: int = 1) -> None:
        self.day += dt.timedelta(days=days)

    def new_extract(self, written: str = r"\1\2\3") -> None:
        """CALPADS shows what it holds today; the days of last update are written so, of year, month and day."""
        shown = self.calpads.extract(self.day).decode()
        shown = re.sub(r"\^(\d{4})(\d\d)(\d\d)(?=\r\n)", rf"^{written}", shown)
        (self.folder / "SENR_ODS.txt").write_bytes(shown.encode())

    def runs(self) -> Path:
        return run(self.settings, person="somebody").folder


@pytest.fixture
def world(finished, tmp_path) -> World:
    shutil.copytree(finished, tmp_path / "district")
    return World(tmp_path / "district")
