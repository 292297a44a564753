"""`senrkit demo --leas`: what a county office tries first."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.batch.clusters import ENVIRONMENT


def test_several_districts_and_a_batch_over_them(tmp_path):
    asked = ["demo", str(tmp_path / "county"), "--leas", "2", "--students", "300", "--as-of", "2026-11-23", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "senrkit", *asked], env=ENVIRONMENT, capture_output=True, encoding="utf-8"
    )
    document = json.loads(done.stdout)
    assert done.returncode == document["exit_code"] == 5
    assert [(entry["lea"], entry["state"]) for entry in document["leas"]] == [("1980001", "held"), ("1999990", "held")]
    first, second = (
        [(tmp_path / "county" / lea / name).read_bytes() for name in ("SENR_ODS.txt", "aeries.db", "pubschls.txt")]
        for lea in ("1980001", "1999990")
    )
    assert all(one != other for one, other in zip(first, second, strict=True))
    assert b"1999990" not in first[0] and b"1980001" in first[0]


def test_each_has_a_code_of_its_own_and_the_first_is_the_demo_district(tmp_path):
    from senrkit.demo import make, make_county

    alone = make(tmp_path / "alone", 300, 7)
    first, second = make_county(tmp_path / "county", 2, 300, 7)
    assert second.manifest["lea"] == "1980001"
    for path in alone.folder.iterdir():
        assert (first.folder / path.name).read_bytes() == path.read_bytes()
