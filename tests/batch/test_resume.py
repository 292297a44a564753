"""A batch in which everything is wrong that can be: each LEA has its own line; mended, the same command goes on."""

from __future__ import annotations

import csv
import datetime as dt
import json

import pytest

from senrkit.batch import run_batch
from senrkit.errors import InputError, UsageError
from tests.batch.clusters import batch
from tests.batch.conftest import LEAS

DONE, HELD = "done", "held"


@pytest.fixture
def source(copies, tmp_path):
    """A table, as a county office keeps it: with columns of its own, blank lines, and a file that is named twice."""
    leas = copies()
    stale = leas / LEAS[1] / "senrkit.toml"
    stale.write_text(stale.read_text("utf-8").replace("as_of = 2026-11-23", "as_of = 2027-01-23"), "utf-8")
    (leas / LEAS[2] / "SENR_ODS.txt").rename(leas / LEAS[2] / "gone.txt")
    (leas / "broken.toml").write_text('lea = "1980009"\nschool_yer = "2026-2027"\n', "utf-8")
    for name in ("a.toml", "b.toml"):
        text = (leas / LEAS[0] / "senrkit.toml").read_text("utf-8")
        (leas / name).write_text(text.replace(LEAS[0], "1980008"), "utf-8")
    table = tmp_path / "leas.csv"
    named = [f"leas/{lea}/senrkit.toml" for lea in LEAS]
    named += ["leas/broken.toml", "leas/a.toml", "leas/b.toml", named[0], ""]
    with table.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([["District", "Settings"], *(["Demo", one] for one in named)])
    return table


def test_each_has_its_line_and_what_is_mended_is_run_again(source, tmp_path):
    out, leas = tmp_path / "out", tmp_path / "leas"
    first = batch(source, out)
    assert first.code == 2
    found = [(entry["lea"], entry["state"], entry["exit_code"], entry["attempts"]) for entry in first.document["leas"]]
    assert found == [
        (LEAS[0], DONE, 0, 1),
        (LEAS[1], "stopped", 4, 1),
        (LEAS[2], "failed", 3, 1),
        ("", "failed", 2, 0),
        ("1980008", "twice", 2, 0),
        ("1980008", "twice", 2, 0),
    ]
    entries, seconds = first.document["leas"], first.document["seconds"]
    assert entries[1]["stopped_by"] == ["P08"] and entries[1]["message"].startswith("P08, ")
    assert "gone.txt" not in entries[2]["message"] and "SENR_ODS.txt" in entries[2]["message"]
    assert "school_yer" in entries[3]["message"]
    assert str(leas / "b.toml") in entries[4]["message"] and str(leas / "a.toml") in entries[5]["message"]
    for line in ("1 finished", "1 stopped by a precondition", "2 could not be run", "2 in two settings files"):
        assert line in first.said
    for entry in entries[1:]:
        assert entry["message"] in first.said and entry["cure"] in first.said
    assert sorted(path.name for path in (out / "runs").iterdir()) == [LEAS[0], LEAS[1]]
    assert {path.name for path in (out / "runs" / LEAS[1]).iterdir()} == {
        "manifest.json",
        "proposal.csv",
        "sources.json",
    }
    before = (out / "runs" / LEAS[0] / "manifest.json").read_bytes()

    settings = leas / LEAS[1] / "senrkit.toml"
    settings.write_text(settings.read_text("utf-8").replace("as_of = 2027-01-23", "as_of = 2026-11-23"), "utf-8")
    (leas / LEAS[2] / "gone.txt").rename(leas / LEAS[2] / "SENR_ODS.txt")
    (leas / LEAS[0] / "senrkit.toml").open("a", encoding="utf-8").write("\n# looked at\n")
    (leas / "b.toml").unlink()
    source.write_text("\n".join(["settings", *(f"leas/{lea}/senrkit.toml" for lea in LEAS)]), "utf-8")

    second = batch(source, out, "--json")
    document = json.loads(second.said)
    assert second.code == document["exit_code"] == 0
    assert second.states() == dict.fromkeys(LEAS, DONE)
    assert second.attempts() == {LEAS[0]: 1, LEAS[1]: 2, LEAS[2]: 2}
    assert (out / "runs" / LEAS[0] / "manifest.json").read_bytes() == before
    assert second.leas[LEAS[0]]["note"].startswith("The settings file has changed")
    assert f"senrkit: {LEAS[0]} Demo Unified: The settings file has changed" in second.complained
    assert [second.leas[lea]["note"] for lea in LEAS[1:]] == ["", ""]
    aside = sorted(path.name for path in (out / "runs").iterdir())
    assert aside == [LEAS[0], LEAS[1], f"{LEAS[1]}.1", LEAS[2]]
    assert document["seconds"] > seconds


def test_another_day_or_another_source_is_another_batch(copies, tmp_path):
    source, out, day = copies(LEAS[0]), tmp_path / "out", dt.date(2026, 11, 23)
    with pytest.raises(InputError):
        run_batch(source, out=out, as_of=day, scheduler="tcp://127.0.0.1:9")
    with pytest.raises(UsageError, match="speaks for 2026-11-23"):
        run_batch(source, out=out, as_of=day + dt.timedelta(days=1))
    with pytest.raises(UsageError, match="is of another source"):
        run_batch(source / LEAS[0], out=out)


def test_a_folder_that_holds_something_else(copies, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds files, and no batch"):
        run_batch(copies(LEAS[0]), out=tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
