"""What a worker does with one LEA: it says how it went, whatever happens, and never does the same work twice."""

from __future__ import annotations

import dataclasses
import pickle

import pytest

import senrkit
from senrkit import engine
from senrkit.batch.dispatch import Job
from senrkit.batch.worker import run_lea
from tests.batch.conftest import LEAS
from tests.batch.test_engines import assert_same_run

LEA = LEAS[0]
PUPIL = "9000000001 Rowan Alderton"


@pytest.fixture
def job(county, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "batch.json").write_text("{}")
    (tmp_path / ".in-progress").touch()
    settings = str(county / LEA / "senrkit.toml")
    return Job(LEA, settings, "", "", "2026-11-23", str(tmp_path), str(tmp_path / ".in-progress"), senrkit.__version__)


def done(job: Job, **changed) -> dict:
    """As it travels: the job goes and the answer comes as bytes."""
    asked = pickle.loads(pickle.dumps(dataclasses.asdict(dataclasses.replace(job, **changed))))
    return pickle.loads(pickle.dumps(run_lea(asked)))


def test_a_run_like_any_other(job, tmp_path, singles):
    assert done(job)["state"] == "done"
    assert_same_run(tmp_path / "runs" / LEA, singles[LEA])


def test_what_a_worker_had_finished_before_it_died_is_not_done_again(job, tmp_path):
    first = done(job)
    before = (tmp_path / "runs" / LEA / "manifest.json").read_bytes()
    again = done(job)
    assert (tmp_path / "runs" / LEA / "manifest.json").read_bytes() == before
    assert {**again, "seconds": 0, "peak_mib": 0} == {**first, "seconds": 0, "peak_mib": 0}


def test_nor_what_another_worker_finished_meanwhile(job, tmp_path, monkeypatch, singles):
    """One that was taken for lost may come back: both write, one of them first."""
    run = engine.run

    def slower(settings, **asked):
        run(settings, **asked)
        return run(settings, **asked)

    monkeypatch.setattr(engine, "run", slower)
    assert done(job)["state"] == "done"
    assert_same_run(tmp_path / "runs" / LEA, singles[LEA])


def test_a_folder_of_something_else_is_not_taken_for_the_run(job, tmp_path):
    (tmp_path / "runs" / LEA).mkdir()
    (tmp_path / "runs" / LEA / "mine.txt").write_text("mine")
    answer = done(job)
    assert (answer["state"], answer["exit_code"], answer["elsewhere"]) == ("failed", 2, False)
    assert "holds files already" in answer["message"]


def test_when_nobody_waits_any_more_it_stops(job, tmp_path):
    (tmp_path / ".in-progress").unlink()
    assert done(job)["state"] == "waiting"
    assert list((tmp_path / "runs").iterdir()) == []


def test_settings_that_name_another_lea_by_now(job):
    answer = done(job, lea=LEAS[1])
    assert (answer["state"], answer["exit_code"]) == ("failed", 2)
    assert f"now names the LEA {LEA}" in answer["message"]


def test_another_worker_may_fare_better(job, tmp_path):
    assert done(job, version="0.0.1")["elsewhere"]
    (tmp_path / "batch.json").unlink()
    assert done(job)["elsewhere"]


def test_too_little_memory_is_no_fault_of_senrkit(job, monkeypatch):
    monkeypatch.setattr(engine, "run", raising(MemoryError))
    answer = done(job)
    assert (answer["state"], answer["exit_code"], answer["elsewhere"]) == ("failed", 3, True)


def test_a_fault_of_senrkit_is_told_without_a_pupil(job, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "run", raising(ValueError))
    answer = done(job)
    assert (answer["state"], answer["exit_code"]) == ("fault", 1)
    (log,) = tmp_path.glob("senrkit-fault-*.log")
    assert str(log) in answer["cure"]
    told = log.read_text("utf-8") + repr(answer)
    assert [word for word in PUPIL.split() if word in told] == []


def raising(kind: type[Exception]):
    def run(settings, **asked):
        raise kind(PUPIL)

    return run
