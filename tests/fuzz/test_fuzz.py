"""A small part of the night (`python -m tests.fuzz --inputs 20000`), always the same inputs."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.fuzz import fuzz, targets, world

INPUTS, SEED = 10, 20261123


@pytest.mark.parametrize("name", targets.TARGETS)
def test_any_bytes_end_in_a_known_way_and_name_nobody(name):
    codes = fuzz.asked(name, INPUTS, SEED)
    assert sum(codes.values()) >= INPUTS


@pytest.mark.parametrize(
    ("name", "words", "code"),
    [
        ("extract", ("run", "--settings", "@senrkit.toml", "--decisions", "@decisions.csv"), 5),
        ("extract", ("run", "--settings", "@exports.toml"), 5),
        ("extract", ("language", "--settings", "@senrkit.toml"), 0),
        ("workbook", ("check", "--settings", "@exports.toml"), 0),
        ("error file", ("answers", "@runs/first", "@errors.csv", "--settings", "@senrkit.toml"), 0),
        ("submission", ("validate", "@submission.txt", "--extract", "@SENR_ODS.txt"), 0),
        ("api", ("sources", "--settings", "@api.toml"), 0),
    ],
)
def test_what_is_not_spoilt_goes_through(name, words, code):
    """Else everything would be refused at the door, and nothing tried."""
    with world.made() as folder, ExitStack() as stack:
        fuzz.complete(name, folder, stack)
        assert world.asked(folder, *targets.placed(words, folder)) == code


def test_a_name_or_a_number_that_is_shown_is_noticed():
    assert world.shown(f"line 3, {world.ssid(2)} is twice") == {world.ssid(2)}
    assert world.shown("9000000001.5 and 90000000011") == {world.ssid(1)}
