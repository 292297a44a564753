"""Old run folders: listed, asked about, removed; never the newest, never one that is on its way."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from click.testing import CliRunner

from senrkit.cli.main import main
from senrkit.errors import UsageError
from senrkit.loop import words
from senrkit.loop.overview import Loop
from senrkit.loop.prune import old_runs, years_over


@pytest.fixture
def five(world):
    """Five runs, a week apart by their own word."""
    for week in range(4):
        world.passes(7)
        folder = world.runs()
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["made"] = f"{world.day}T10:0{week}:00+00:00"
        (folder / "manifest.json").write_text(json.dumps(manifest))
    return world


def asked(world, *more: str, answer: str = ""):
    words = ["prune", "--settings", str(world.folder / "senrkit.toml"), *more]
    return CliRunner().invoke(main, words, input=answer)


def folders(world) -> list[str]:
    return sorted(path.parent.name for path in (world.folder / "runs").glob("*/manifest.json"))


def test_the_newest_stay(five):
    before = folders(five)
    done = asked(five, "--keep", "2", "--yes")
    assert done.exit_code == 0, done.output
    assert len(folders(five)) == 2 and set(folders(five)) < set(before)


def test_only_what_is_older(five):
    found = old_runs(five.settings, None, dt.timedelta(days=15))
    assert [one.made for one in found] == sorted(one.made for one in found)
    assert all(one.made < five.day - dt.timedelta(days=15) for one in found)


def test_what_is_on_its_way_stays(five):
    first = folders(five)[0]
    words.sent(five.settings, first, [1], out_of_order="tried")
    assert first not in [one.folder.name for one in old_runs(five.settings, 1, None)]
    words.posted(five.settings, first, [1])
    asked(five, "--keep", "1", "--yes")
    assert len(folders(five)) == 1
    assert Loop.open(five.settings).states.runs[first].files[1].state == "posted"


@pytest.mark.parametrize(("answer", "left"), [("n\n", 5), ("y\n", 1)])
def test_it_asks(five, answer, left):
    done = asked(five, "--keep", "1", answer=answer)
    assert len(folders(five)) == left and done.exit_code == (0 if left == 1 else 2)


@pytest.mark.parametrize("more", [[], ["--older-than", "soon"], ["--keep", "0"], ["--year", "--keep", "1"]])
def test_what_says_nothing_is_refused(world, more):
    assert asked(world, *more).exit_code == 2


def test_nothing_says_which_is_old(world):
    with pytest.raises(UsageError, match="Nothing says which runs are old"):
        old_runs(world.settings, None, None)


def test_a_year_that_is_over_leaves_the_ledger(world):
    words.sent(world.settings, None, [1])
    settings = (world.folder / "senrkit.toml").read_text()
    assert years_over(world.settings) == {}
    (world.folder / "senrkit.toml").write_text(
        settings.replace("2026-2027", "2027-2028").replace("as_of = 2026-11-23", "as_of = 2027-11-23")
    )
    world.day = dt.date(2027, 11, 23)
    (places,) = years_over(world.settings).values()
    assert places and asked(world, "--year", "--yes").exit_code == 0
    assert not any(place.exists() for place in places) and Loop.open(world.settings).journal.events
