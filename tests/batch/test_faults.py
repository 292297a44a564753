"""Workers, schedulers, disks and inputs break on purpose: one LEA's fault is that LEA's line, and nothing is lost."""

from __future__ import annotations

import subprocess

import pytest

from senrkit.batch import run_batch
from senrkit.errors import InputError, UsageError
from tests.batch.clusters import Command, Gate, batch, killed
from tests.batch.conftest import LEAS

FINISHED = {"done", "held"}
TWO = LEAS[:2]
NOBODY = "tcp://127.0.0.1:9"


class TestAWorkerKilledMidway:
    """The LEA it had is run again elsewhere; the others do not notice."""

    def test_of_this_machine(self, copies, singles, tmp_path):
        source = copies()
        gate = Gate(source / LEAS[1])
        command = Command(source, tmp_path / "out")
        gate.kill()
        self.assert_all_done(command.finished(), singles)

    def test_of_a_cluster(self, copies, singles, tmp_path, dask):
        workers = {dask.start_worker().pid, dask.start_worker().pid}
        source = copies()
        gate = Gate(source / LEAS[1])
        command = Command(source, tmp_path / "out", "--scheduler", dask.address)
        assert gate.kill().pid in workers
        self.assert_all_done(command.finished(), singles)

    def assert_all_done(self, finished, singles):
        assert finished.code == 0
        assert finished.attempts() == dict.fromkeys(LEAS, 1) | {LEAS[1]: 2}
        assert set(finished.states().values()) <= FINISHED
        for lea, single in singles.items():
            assert_same_files(finished.folder / "runs" / lea, single)

    def test_again_and_again_is_that_leas_line(self, copies, tmp_path):
        source = copies(*TWO)
        gate = Gate(source / LEAS[1])
        command = Command(source, tmp_path / "out", "--retries", "1")
        killed(gate.wait())
        killed(gate.wait())
        finished = command.finished()
        gate.open()
        assert finished.code == 3
        assert finished.states()[LEAS[1]] == "failed"
        assert finished.attempts()[LEAS[1]] == 2
        assert f"{LEAS[1]}: The worker that ran this LEA was lost 2 times" in finished.said
        assert {state for lea, state in finished.states().items() if lea != LEAS[1]} <= FINISHED


class TestTheSchedulerIsGone:
    def test_midway_the_batch_is_interrupted_and_goes_on_with_a_new_one(self, copies, singles, tmp_path, dask):
        dask.start_worker()
        source = copies(*TWO)
        gate = Gate(source / LEAS[1])
        words = (source, tmp_path / "out", "--scheduler", dask.address)
        command = Command(*words)
        gate.wait()
        dask.scheduler.kill()
        finished = command.finished()
        assert finished.code == 3
        assert f"The Dask scheduler at {dask.address} is gone." in finished.complained
        assert (finished.document["state"], finished.document["exit_code"]) == ("interrupted", None)
        assert finished.states()[LEAS[1]] == "waiting"
        gate.open()

        dask.start_scheduler()
        dask.start_worker()
        resumed = batch(*words)
        assert (resumed.code, resumed.document["state"]) == (0, "finished")
        for lea in TWO:
            assert_same_files(resumed.folder / "runs" / lea, singles[lea])

    def test_from_the_beginning(self, county, tmp_path):
        with pytest.raises(InputError, match="No Dask scheduler answers at tcp://127.0.0.1:9."):
            run_batch(county, out=tmp_path / "out", scheduler=NOBODY)

    @pytest.mark.parametrize("address", ["leas", "tcp://leas", "tls://127.0.0.1:9", "ftp://127.0.0.1:9"])
    def test_an_address_that_is_none(self, county, tmp_path, address):
        with pytest.raises(UsageError, match=address):
            run_batch(county, out=tmp_path / "out", scheduler=address)


def test_a_disk_that_is_full_on_one_worker_or_on_all(copies, singles, tmp_path, dask):
    """On all of them, the LEAs say so. On one, another does its LEAs."""
    source, out = copies(*TWO), tmp_path / "out"
    # The run folders' place is to be there before a worker has a small disk at it.
    with pytest.raises(InputError):
        run_batch(source, out=out, scheduler=NOBODY)
    dask.start_worker(with_small_disk_at(out / "runs"))
    words = (source, out, "--scheduler", dask.address)
    everywhere = batch(*words)
    assert everywhere.code == 3
    # Seen once on a busy computer: the worker was taken for lost. What Dask said of it then stands here.
    assert everywhere.attempts() == dict.fromkeys(TWO, 1), [log.read_text()[-4000:] for log in dask.logs]
    assert all("no room left on the disk" in entry["message"] for entry in everywhere.leas.values())
    assert everywhere.document["state"] == "finished"

    dask.start_worker()
    on_one = batch(*words)
    assert on_one.code == 0
    assert max(on_one.attempts().values()) == 3
    for lea in TWO:
        assert_same_files(out / "runs" / lea, singles[lea])


def with_small_disk_at(folder) -> tuple[str, ...]:
    """What makes a command see a disk of 16 KiB at the folder; where no disk can be made, files of 8 KiB at most."""
    mount = f"mount -t tmpfs -o size=16k tmpfs '{folder}'"
    asked = subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True)
    if asked.returncode == 0:
        return ("unshare", "-rm", "sh", "-c", f'{mount} && exec "$@"', "sh")
    return ("prlimit", "--fsize=8192")


class TestAWorkerThatDoesNotFit:
    def test_another_senrkit(self, county, tmp_path, dask):
        package = tmp_path / "old" / "senrkit-0.0.1.dist-info"
        package.mkdir(parents=True)
        (package / "METADATA").write_text("Metadata-Version: 2.1\nName: senrkit\nVersion: 0.0.1\n")
        dask.start_worker(path=package.parent)
        finished = batch(county, tmp_path / "out", "--scheduler", dask.address)
        assert finished.code == 3
        assert "has senrkit 0.0.1 instead of" in finished.complained
        assert set(finished.states().values()) == {"waiting"}


def assert_same_files(one, other) -> None:
    """As `assert_same_run`, for runs on copies of the district: the manifest names other paths."""
    for path in other.rglob("*"):
        if path.is_file() and path.name not in ("manifest.json", "report.xlsx", "sources.json"):
            assert (one / path.relative_to(other)).read_bytes() == path.read_bytes()
