"""Both sides read in one go, and each file once: what the manifest says was read is what was understood."""

from __future__ import annotations

import hashlib

import pytest

from senrkit import engine
from senrkit.demo import SMALLEST, make
from senrkit.errors import LayoutError
from senrkit.inputs.load import DIRECTORY, SELA, SENR, load
from senrkit.reconciliation.decisions import COLUMNS
from senrkit.settings.settings import load_settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return load_settings(make(tmp_path_factory.mktemp("demo"), SMALLEST).settings_file)


def test_only_what_is_asked_for_is_read(settings):
    aeries = load(settings)
    assert aeries.senr is aeries.sela is aeries.directory is aeries.begun is None
    assert {entry["role"] for entry in aeries.digests} == {"aeries"}
    all_of_it = load(settings, SENR, SELA, DIRECTORY, begin=lambda tables, _: len(tables.tables["STU"]))
    assert list(dict.fromkeys(entry["role"] for entry in all_of_it.digests)) == [SENR, SELA, DIRECTORY, "aeries"]
    assert all_of_it.begun.result() == len(aeries.tables.tables["STU"])
    assert all_of_it.without_rows().tables.source == aeries.tables.source


def test_the_school_directory_is_that_of_the_digest_whatever_becomes_of_the_file(settings):
    path = settings.calpads.school_directory
    before = path.read_bytes()
    inputs = load(settings, DIRECTORY)
    try:
        path.write_bytes(b"")
        assert len(inputs.school_directory().rows)
    finally:
        path.write_bytes(before)
    said = next(entry["sha256"] for entry in inputs.digests if entry["role"] == DIRECTORY)
    assert said == hashlib.sha256(before).hexdigest()


def test_the_decisions_kept_with_a_run_are_those_that_it_went_by(settings, tmp_path, monkeypatch):
    file = tmp_path / "decisions.csv"
    file.write_text(",".join(COLUMNS) + "\n")

    def while_reading(*names, **more):
        file.write_text("no longer a decisions file\n")
        return load(*names, **more)

    monkeypatch.setattr(engine, "load", while_reading)
    done = engine.run(settings, out=tmp_path / "run", decisions=file)
    assert (done.folder / "decisions.csv").read_text() == ",".join(COLUMNS) + "\n"


def test_a_refused_extract_is_told_when_it_is_asked_for(settings, tmp_path):
    (tmp_path / "SENR_ODS.txt").write_text("no extract\n")
    inputs = load(load_settings(settings.file, extract=[tmp_path / "SENR_ODS.txt"]), SENR)
    assert isinstance(inputs.senr, LayoutError)
    with pytest.raises(LayoutError):
        inputs.extract()
