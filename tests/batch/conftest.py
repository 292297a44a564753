"""Small districts, made once, what single runs make of them, and a cluster."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import senrkit
from benchmarks.large import make_large
from tests.batch.clusters import Dask

LEAS = ("1980001", "1980002", "1980003")
STATE_ROWS, ENROLLMENTS = 240, 60


@pytest.fixture(scope="session")
def county(tmp_path_factory) -> Path:
    """A folder with the districts, each in a folder of its own; to be read only."""
    folder = tmp_path_factory.mktemp("county")
    for seed, lea in enumerate(LEAS):
        make_large(folder / lea, STATE_ROWS, ENROLLMENTS, seed, differences=0.3, lea=lea)
    return folder


@pytest.fixture(scope="session")
def singles(county, tmp_path_factory) -> dict[str, Path]:
    """The run folder of each district, made by a run of its own."""
    folder = tmp_path_factory.mktemp("singles")
    for lea in LEAS:
        senrkit.run(senrkit.load_settings(county / lea / "senrkit.toml"), out=folder / lea)
    return {lea: folder / lea for lea in LEAS}


@pytest.fixture
def copies(county, tmp_path) -> Callable[..., Path]:
    """Makes a folder with copies of districts (default: all) that a test may spoil."""

    def make(*leas: str) -> Path:
        for lea in leas or LEAS:
            shutil.copytree(county / lea, tmp_path / "leas" / lea)
        return tmp_path / "leas"

    return make


@pytest.fixture
def dask(tmp_path) -> Iterator[Dask]:
    """A scheduler without workers."""
    cluster = Dask(tmp_path / "dask")
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory) -> Iterator[Dask]:
    """A scheduler with two workers, for tests that leave them as they were."""
    cluster = Dask(tmp_path_factory.mktemp("dask"))
    cluster.start_worker()
    cluster.start_worker()
    yield cluster
    cluster.close()
