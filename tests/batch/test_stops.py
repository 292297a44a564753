"""Ctrl-C, a second command, and the next day: a batch goes on where it was."""

from __future__ import annotations

import json
import signal
import urllib.request

import psutil

from tests.batch.clusters import Command, Finished, Gate, batch
from tests.batch.conftest import LEAS
from tests.patience import PATIENCE

FINISHED = {"done", "held"}


def test_ctrl_c_and_then_the_same_command(copies, tmp_path):
    source, out = copies(), tmp_path / "out"
    gate = Gate(source / LEAS[1])
    command = Command(source, out)
    stopped = interrupted(command, gate)
    assert f"To go on: senrkit batch {source} --out {out}" in stopped.complained
    assert stopped.states()[LEAS[1]] == "waiting"
    kept = {lea: made(out, lea) for lea, state in stopped.states().items() if state in FINISHED}
    assert kept

    gate.open()
    resumed = batch(source, out)
    assert (resumed.code, resumed.document["state"]) == (0, "finished")
    assert set(resumed.states().values()) <= FINISHED
    assert {lea: made(out, lea) for lea in kept} == kept
    assert f"{len(kept)}/{len(LEAS)} are done already" in resumed.complained


def test_ctrl_c_stops_workers_of_our_own(copies, tmp_path):
    source = copies(*LEAS[:2])
    gate = Gate(source / LEAS[1])
    interrupted(Command(source, tmp_path / "out", "--workers", "2"), gate)


def interrupted(command, gate) -> Finished:
    """Ctrl-C when one LEA is done and another in the middle of it: the batch says so, and no process is left."""
    gate.wait()
    command.told(r"\d/\d ")
    children = command.children()
    command.interrupt()
    stopped = command.finished()
    assert (stopped.code, stopped.document["state"]) == (130, "interrupted")
    assert psutil.wait_procs(children, timeout=PATIENCE)[1] == []
    return stopped


def test_two_commands_on_one_folder(copies, tmp_path):
    source, out = copies(LEAS[0]), tmp_path / "out"
    gate = Gate(source / LEAS[0])
    first = Command(source, out)
    gate.wait()
    second = batch(source, out)
    assert second.code == 2
    assert "Another senrkit works on the batch" in second.complained
    gate.open()
    assert first.finished().code == 0


def test_stopping_the_service_stops_the_work_on_a_cluster(copies, tmp_path, dask):
    """And while it runs, nobody who looks at the cluster sees a pupil."""
    worker = dask.start_worker()
    source, out = copies(), tmp_path / "out"
    gate = Gate(source / LEAS[1])
    command = Command(source, out, "--scheduler", dask.address)
    assert gate.wait().pid == worker.pid
    seen = looked_at(dask, tmp_path)
    assert f"senrkit-lea-{LEAS[1]}" in seen
    command.process.send_signal(signal.SIGTERM)
    stopped = command.finished()
    assert stopped.code == 143
    assert stopped.document["state"] == "interrupted"
    gate.open()

    resumed = batch(source, out, "--scheduler", dask.address)
    assert resumed.code == 0
    seen += looked_at(dask, tmp_path) + "".join(log.read_text("utf-8") for log in dask.logs)
    seen += stopped.complained + resumed.complained + resumed.said + json.dumps(resumed.document)
    pupils = {word for lea in LEAS for word in pupils_of(source / lea)}
    assert len(pupils) > 100
    assert [word for word in pupils if word in seen] == []


def made(out, lea) -> str:
    return json.loads((out / "runs" / lea / "manifest.json").read_text("utf-8"))["made"]


def looked_at(dask, folder) -> str:
    """All that a cluster tells who asks: its state as Dask dumps it, events, logs, stacks, times, and its pages."""
    from distributed import Client

    with Client(dask.address, set_as_default=False) as client:
        told = [client.get_task_stream(start=0), client.call_stack(), client.profile(), client.get_events()]
        told += [client.get_scheduler_logs(), client.get_worker_logs(), client.scheduler_info(n_workers=-1)]
        client.dump_cluster_state(str(folder / "state"), write_from_scheduler=False, format="yaml")
        port = client.scheduler_info()["services"]["dashboard"]
    pages = ("info/main/workers.html", "info/main/logs.html", "json/counts.json", "metrics")
    shown = [urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}").read().decode("utf-8") for page in pages]
    return repr(told) + "".join(shown) + (folder / "state.yaml").read_text("utf-8")


def pupils_of(district) -> set[str]:
    """SSIDs, and names long enough to be no part of another word."""
    rows = [line.split("^") for line in (district / "SENR_ODS.txt").read_text("utf-8").splitlines()]
    return {row[7] for row in rows} | {row[column] for row in rows for column in (9, 11) if len(row[column]) > 5}
