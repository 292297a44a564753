"""`senrkit demo --leas`: what a county office tries first."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.batch.clusters import ENVIRONMENT


def test_several_districts_and_a_batch_over_them(tmp_path):
    asked = ["demo", str(tmp_path / "county"), "--leas", "3", "--students", "300", "--as-of", "2026-11-23", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "senrkit", *asked], env=ENVIRONMENT, capture_output=True, encoding="utf-8"
    )
    document = json.loads(done.stdout)
    assert done.returncode == document["exit_code"] == 4
    assert [(entry["lea"], entry["name"], entry["state"]) for entry in document["leas"]] == [
        ("1980001", "Alder Valley Elementary", "held"),
        ("1980002", "Birch Creek Joint Unified", "stopped"),
        ("1999990", "Demo Unified", "held"),
    ]
    first, second = (
        [(tmp_path / "county" / lea / name).read_bytes() for name in ("SENR_ODS.txt", "aeries.db", "pubschls.txt")]
        for lea in ("1980001", "1999990")
    )
    assert all(one != other for one, other in zip(first, second, strict=True))
    assert b"1999990" not in first[0] and b"1980001" in first[0]


def test_each_has_a_code_of_its_own_and_the_first_is_the_demo_district(tmp_path):
    from senrkit.demo import make, make_county

    alone = make(tmp_path / "alone", 400, 7)
    districts = list(make_county(tmp_path / "county", 4, 400, 7))
    for path in alone.folder.iterdir():
        assert (districts[0].folder / path.name).read_bytes() == path.read_bytes()
    made = [one.manifest for one in districts]
    assert [one["lea"] for one in made] == ["1999990", "1980001", "1980002", "1980003"]
    assert len({one["district"] for one in made}) == 4
    assert len({one["students"] for one in made}) > 2
    assert [one["break"] and one["break"]["id"] for one in made] == [None, None, "P08", None]
