"""Whichever engine runs the LEAs, each has what a run of its own would have given it, to the byte."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from senrkit.results.manifest import of_inputs_alone
from tests.batch.clusters import batch
from tests.batch.conftest import LEAS

ENGINES = {"processes": [], "workers": ["--workers", "2"], "scheduler": ["--scheduler"]}


@pytest.fixture(scope="module", params=ENGINES)
def done(request, county, two_workers, tmp_path_factory):
    words = [*ENGINES[request.param], *([two_workers.address] if request.param == "scheduler" else [])]
    return request.param, batch(county, tmp_path_factory.mktemp("batch") / "out", *words)


def test_every_lea_has_the_files_of_a_single_run_byte_for_byte(done, singles):
    _, finished = done
    for lea, single in singles.items():
        assert_same_run(finished.folder / "runs" / lea, single)


def test_the_document_says_what_came_of_each(done):
    engine, finished = done
    document = finished.document
    assert (document["state"], document["engine"], document["exit_code"]) == ("finished", engine, finished.code)
    assert document["states"]["done"] + document["states"]["held"] == len(LEAS)
    assert finished.attempts() == dict.fromkeys(LEAS, 1)
    for lea, entry in finished.leas.items():
        manifest = json.loads((finished.folder / entry["folder"] / "manifest.json").read_text("utf-8"))
        assert entry["folder"] == f"runs/{lea}"
        assert entry["counts"]["action"] == manifest["counts"]["action"]
        assert entry["counts"]["records"] == sum(file["rows"] for file in manifest["files"]) > 0
        assert entry["seconds"] > 0 and entry["peak_mib"] > 50


def test_every_lea_has_a_line_of_progress(done):
    _, finished = done
    lines = [line for line in finished.complained.splitlines() if f"/{len(LEAS)} " in line]
    assert sorted(line.split(" ")[0] for line in lines) == [f"{n + 1}/{len(LEAS)}" for n in range(len(LEAS))]
    assert {line.split(" ")[1] for line in lines} == set(LEAS)
    assert all(" actions" in line for line in lines)


def test_the_batch_folder_is_private_and_holds_nothing_unfinished(done):
    _, finished = done
    for path in [finished.folder, *finished.folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    hidden = {path.name for path in finished.folder.rglob(".*")}
    assert hidden == {".lock"}


def test_it_ends_with_a_summary(done):
    _, finished = done
    assert f"senrkit batch · {len(LEAS)} LEAs" in finished.said
    assert str(finished.folder) in finished.said
    assert (finished.folder / "summary.xlsx").is_file()


def assert_same_run(one: Path, other: Path) -> None:
    """All files are equal to the byte, but for the workbook's and the manifest's clock."""
    names = sorted(str(path.relative_to(other)) for path in other.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(one)) for path in one.rglob("*") if path.is_file())
    assert "proposal.csv" in names and any(name.endswith(".zip") for name in names)
    for name in names:
        if name == "manifest.json":
            documents = [json.loads((folder / name).read_text("utf-8")) | {"made": ""} for folder in (one, other)]
            assert documents[0] == documents[1]
            assert of_inputs_alone(documents[0]) == of_inputs_alone(documents[1])
        elif name != "report.xlsx":
            assert (one / name).read_bytes() == (other / name).read_bytes(), name
