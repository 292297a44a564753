"""Over random districts (closed_loop.md 10): all posted, all arrived; one refused, exactly its records, and again."""

from __future__ import annotations

import datetime as dt
import random

import polars as pl
import pytest

from senrkit import demo
from senrkit.demo.calpads import VARIANTS, Error
from senrkit.engine import run
from senrkit.loop import words
from senrkit.loop.overview import look
from senrkit.settings.settings import load_settings
from tests.loop.conftest import World

SEEDS = (2, 3, 5)


def a_world(folder, seed: int) -> World:
    """A district of its own seed and day."""
    day = dt.date(2026, 10, 1) + dt.timedelta(days=random.Random(seed).randrange(200))
    made = demo.make(folder / "district", 300, seed, day)
    world = World(folder / "district")
    world.day = load_settings(made.settings_file).as_of
    run(world.settings, person="somebody")
    return world


def sent_by(folder) -> set[tuple[str, ...]]:
    table = pl.read_csv(folder / "proposal.csv", infer_schema=False, empty_string_is_null=False)
    return set(table.filter(pl.col("sequence") != "").select("ssid", "school_code", "start_key", "action").rows())


@pytest.mark.parametrize("seed", SEEDS)
def test_all_posted_all_arrived_and_an_empty_proposal(tmp_path, seed):
    world = a_world(tmp_path, seed)
    sent = sent_by(world.run_folder)
    for number, path in enumerate(world.files, start=1):
        words.sent(world.settings, None, [number])
        world.calpads.post(path.read_bytes(), world.day)
        words.posted(world.settings, None, [number])
    world.passes()
    world.new_extract()
    records = look(world.settings).document()["records"]
    assert sent and {one["state"] for one in records} == {"arrived"} and len(records) == len(sent)
    assert not sent & sent_by(world.runs())


@pytest.mark.parametrize("seed", SEEDS)
def test_any_one_refused_its_records_are_refused_or_dragged_down_and_go_again(tmp_path, seed):
    world = a_world(tmp_path, seed)
    chance = random.Random(seed)
    refused = chance.randrange(len(world.files))
    for number, path in enumerate(world.files[:refused], start=1):
        words.sent(world.settings, None, [number])
        world.calpads.post(path.read_bytes(), world.day)
        words.posted(world.settings, None, [number])
    data, number = world.files[refused].read_bytes(), refused + 1
    rows = data.count(b"\r\n")
    lines = set(chance.sample(range(1, rows + 1), min(rows, 3)))
    name, made = VARIANTS[chance.choice([*VARIANTS])]
    errors = tmp_path / name
    errors.write_bytes(made(data, [Error(line, "SENR0178") for line in sorted(lines)]))
    words.sent(world.settings, None, [number])
    told, _ = words.rejected(world.settings, None, number, errors=[errors])
    states = {one["local_record_id"]: one["state"] for one in told.document()["records"] if one["number"] == number}
    ids = [line.split("^")[2] for line in data.decode().splitlines()]
    assert states == {id: "refused" if at in lines else "dragged down" for at, id in enumerate(ids, start=1)}
    kept = sent_by(world.run_folder)
    file = pl.read_csv(world.run_folder / "proposal.csv", infer_schema=False, empty_string_is_null=False)
    of_file = file.filter(pl.col("local_record_id").is_in(ids)).select("ssid", "school_code", "start_key", "action")
    world.passes()
    world.new_extract()
    again = sent_by(world.runs())
    assert set(of_file.rows()) <= kept & again
