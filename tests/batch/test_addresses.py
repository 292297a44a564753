"""A batch without a shared folder: a real scheduler, workers in folders of their own, an S3 server on loopback.

Settings, extracts, Aeries, decisions and ledger lie at addresses; the workers' environment has what logs them in.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from senrkit.batch.earlier import with_before
from senrkit.batch.home import FolderHome, home_of
from senrkit.batch.run import run_batch
from senrkit.errors import InputError, UsageError
from senrkit.ledger.journal import Journal
from tests.batch import clusters
from tests.batch.clusters import Dask, batch, free_port, waited
from tests.batch.conftest import LEAS
from tests.batch.test_faults import assert_same_files

KEYS = {"AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "canary-of-a-key", "AWS_DEFAULT_REGION": "us-west-2"}
BUCKET = "county"


@pytest.fixture(scope="module")
def s3(tmp_path_factory) -> Iterator[dict[str, str]]:
    """The environment in which `s3://county` is to be had."""
    port, log = free_port(), tmp_path_factory.mktemp("s3") / "log.txt"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=stream, stderr=stream
        )
    address = f"http://127.0.0.1:{port}"
    try:
        waited(lambda: _answers(address))
        environment = KEYS | {"AWS_ENDPOINT_URL": address}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr(clusters, "ENVIRONMENT", clusters.ENVIRONMENT | environment)
            urllib.request.urlopen(urllib.request.Request(f"{address}/{BUCKET}", method="PUT"))
            yield environment
    finally:
        server.kill()
        server.wait()


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@pytest.fixture
def county_there(s3, county, tmp_path) -> Iterator[tuple[Path, str]]:
    """A table of this machine that names settings at addresses; and the address of their folder."""
    at = f"s3://{BUCKET}/{tmp_path.name}/leas"
    home = home_of(at)
    for lea in LEAS:
        for path in (county / lea).iterdir():
            if path.is_file():
                home.write(f"{lea}/{path.name}", path.read_bytes())
    table = tmp_path / "leas.csv"
    table.write_text("\n".join(["settings", *(f"{at}/{lea}/senrkit.toml" for lea in LEAS)]), encoding="utf-8")
    yield table, at


@pytest.fixture
def apart(s3, tmp_path) -> Iterator[Dask]:
    """A scheduler and two workers, each in a folder of its own, who share nothing but the store."""
    cluster = Dask(tmp_path / "dask")
    for number in range(2):
        own = tmp_path / f"worker{number}"
        own.mkdir()
        cluster.start_worker(folder=own)
    yield cluster
    cluster.close()


def copied(at: str, folder: Path) -> Path:
    """What is at an address, as a folder of this machine."""
    home = home_of(at)
    for name in home.files(""):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(home.read(name))
    return folder


def test_workers_that_share_no_folder_leave_the_same_files(county_there, apart, singles, tmp_path):
    table, at = county_there
    out = f"s3://{BUCKET}/{tmp_path.name}/batches/monday"
    done = batch(table, out, "--scheduler", apart.address, "--as-of", "2026-11-23")
    assert done.code == 0, done.complained
    here = copied(out, tmp_path / "out")
    document = json.loads((here / "batch.json").read_text("utf-8"))
    assert (document["state"], document["states"]["done"], document["workers"]) == ("finished", len(LEAS), 2)
    assert {"summary.xlsx", "tables", "charts", "runs"} <= {path.name for path in here.iterdir()}
    assert not [path for path in here.rglob("*") if path.name.startswith(".")]
    for lea, single in singles.items():
        assert_same_files(here / "runs" / lea, single)
        manifest = json.loads((here / "runs" / lea / "manifest.json").read_text("utf-8"))
        assert manifest["settings"]["output"]["runs"] == f"{at}/{lea}/runs"
    # The ledger lies beside the settings, as on a disk, and tells the weeks.
    ledger = copied(f"{at}/{LEAS[0]}/runs", tmp_path / "kept")
    assert [event["event"] for event in Journal.open(ledger).events].count("run") == 1
    assert document["leas"][0]["counts"]["weeks"]["new"] > 0
    # Nothing of it stayed on the workers, and no key in what the batch wrote.
    assert not [path for number in range(2) for path in (tmp_path / f"worker{number}").rglob("*.csv")]
    assert not [path for path in here.rglob("*") if path.is_file() and b"canary-of-a-key" in path.read_bytes()]

    again = batch(table, out, "--scheduler", apart.address, "--json")
    after = json.loads(again.said)
    assert again.code == 0 and after["exit_code"] == 0
    assert [entry["attempts"] for entry in after["leas"]] == [1] * len(LEAS)
    assert [entry["counts"] for entry in after["leas"]] == [entry["counts"] for entry in document["leas"]]


def test_decisions_at_the_address_count(county_there, singles, tmp_path):
    table, at = county_there
    with (singles[LEAS[0]] / "proposal.csv").open(encoding="utf-8", newline="") as lines:
        row = next(row for row in csv.DictReader(lines) if row["action"] == "update")
    line = f"{row['ssid']},{row['school_code']},{row['start_key']},update,hold,asked,somebody,2026-11-23,,"
    heading = "ssid,school_code,start_date,action,decision,reason,author,made,expires,taken_back"
    home_of(f"{at}/{LEAS[0]}").write("runs/decisions.csv", f"{heading}\n{line}\n".encode())
    done = run_batch(table, out=tmp_path / "out")
    assert {entry["lea"]: entry["state"] for entry in done.document["leas"]}[LEAS[0]] == "held"


def test_decisions_that_cannot_be_read_stop_the_lea(county_there, tmp_path):
    table, at = county_there
    home_of(f"{at}/{LEAS[0]}").write("runs/decisions.csv", b"PK\x03\x04 a workbook")
    done = run_batch(table, out=tmp_path / "out")
    entry = done.document["leas"][0]
    assert (entry["state"], entry["exit_code"]) == ("failed", 3) and "workbook" in entry["message"]


class TestTheHomeAtAnAddress:
    @pytest.fixture
    def at(self, s3, tmp_path):
        return f"s3://{BUCKET}/{tmp_path.name}/batch"

    def test_half_a_run_is_none_and_makes_room(self, at):
        home = home_of(at)
        home.write("runs/1999990/proposal.csv", b"half")
        home.put_aside("1999990")
        assert home.files("") == []

    def test_a_stopped_run_is_put_aside_whole(self, at):
        home = home_of(at)
        for number in range(2):
            home.write("runs/1999990/manifest.json", b"%d" % number)
            home.write("runs/1999990/proposal.csv", b"%d" % number)
            home.put_aside("1999990")
        names = [f"runs/1999990.{number}/{name}" for number in (1, 2) for name in ("manifest.json", "proposal.csv")]
        assert home.files("") == names
        assert [home.read(name) for name in names] == [b"0", b"0", b"1", b"1"]

    def test_a_run_that_fails_leaves_nothing(self, at):
        home = home_of(at)
        with pytest.raises(ZeroDivisionError), home.run_folder("1999990") as folder:
            folder.mkdir()
            (folder / "manifest.json").write_text("{}")
            raise ZeroDivisionError
        assert home.files("") == []

    def test_who_comes_later_takes_the_batch_over(self, at):
        first, second = home_of(at), home_of(at)
        with first.claimed(), first.in_progress() as mark:
            first.write("batch.json", b"first")
            with second.claimed(), second.in_progress():
                assert not first.has(mark)
                with pytest.raises(InputError, match="has taken the batch"):
                    first.write("batch.json", b"again")
                second.write("batch.json", b"second")
        assert home_of(at).read("batch.json") == b"second"
        assert home_of(at).files("") == ["batch.json"]

    def test_something_else_lies_there(self, at):
        home_of(at).write("letter.txt", b"mine")
        with pytest.raises(UsageError, match="holds files, and no batch"), home_of(at).claimed():
            raise AssertionError

    def test_a_bucket_that_is_not_there_is_a_sentence_and_is_not_made(self, s3):
        with pytest.raises(InputError):
            home_of("s3://nobodys/batch").write("batch.json", b"{}")
        assert not home_of("s3://nobodys/batch").has("batch.json")

    def test_without_the_right_to_write(self, at, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        with pytest.raises(InputError) as refused:
            home_of(at).write("batch.json", b"{}")
        assert KEYS["AWS_SECRET_ACCESS_KEY"] not in str(refused.value)


def test_a_folder_by_its_address_is_a_folder(tmp_path):
    assert isinstance(home_of(f"file://{tmp_path}"), FolderHome)


@pytest.mark.parametrize("kind", ["folder", "address"])
def test_the_batch_before_and_who_has_not_run(kind, request, tmp_path):
    """Beside the batch of Monday lie those of two weeks before and of another source."""
    request.getfixturevalue("s3") if kind == "address" else None
    root = f"s3://{BUCKET}/{tmp_path.name}/batches" if kind == "address" else str(tmp_path / "batches")

    def kept(name: str, day: str, source: str, leas: dict[str, int | None]) -> dict:
        entries = [
            {
                "lea": lea, "as_of": day if count is not None else "", "state": "failed" if count is None else "done",
                "counts": None if count is None else {"action": {"add": count}},
            }
            for lea, count in leas.items()
        ]  # fmt: skip
        document = {"format": 1, "source": source, "as_of": day, "began": f"{day}T05:00:00-08:00", "leas": entries}
        home_of(f"{root}/{name}").write("batch.json", json.dumps(document).encode())
        return document

    kept("a", "2026-11-09", "/leas", {"1": 9, "2": 4, "3": 5})
    kept("b", "2026-11-16", "/leas", {"1": 7, "2": None, "3": 2})
    kept("c", "2026-11-20", "/others", {"1": 1})
    kept("e", "2026-11-30", "/leas", {"1": 1})
    home_of(f"{root}/broken").write("batch.json", b"{")
    now = kept("d", "2026-11-23", "/leas", {"1": 3, "2": None, "3": 6})
    told = with_before(now, home_of(f"{root}/d"))
    assert told["before"]["as_of"] == "2026-11-16" and told["before"]["home"].endswith("/b")
    assert [(one["lea"], one["to_do_before"], one["last_done"]) for one in told["leas"]] == [
        ("1", 7, "2026-11-23"),
        ("2", None, "2026-11-09"),
        ("3", 2, "2026-11-23"),
    ]
