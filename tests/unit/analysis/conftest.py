"""One district and one run of it, on a fixed day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import senrkit
from senrkit.demo import make

AS_OF = dt.date(2026, 11, 23)


@pytest.fixture(scope="session")
def district(tmp_path_factory) -> Path:
    """The folder of a demo district."""
    return make(tmp_path_factory.mktemp("district"), 300, 1, AS_OF).folder


@pytest.fixture(scope="session")
def run(district) -> senrkit.Run:
    return senrkit.run(district / "senrkit.toml")
