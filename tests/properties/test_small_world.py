"""A fixed hundredth of the small world; `python -m tests.properties.small_world` walks through all of a million."""

from __future__ import annotations

from math import gcd

import pytest

from tests.properties import small_world

HUNDREDTH = 10_000
PARTS = 20


@pytest.mark.parametrize("part", range(PARTS))
def test_no_delete_in_doubt_every_file_posts_and_the_second_run_rests(part):
    share = HUNDREDTH // PARTS
    for students in small_world.walk(share, part * share):
        small_world.assert_promises(students)


def test_the_walk_meets_no_student_twice():
    assert gcd(small_world._STRIDE, small_world.SIZE) == 1


def test_a_delete_in_doubt_would_be_seen():
    """The walk meets deletes, doubts, and students of whom both would be."""
    students = [one for part in small_world.walk(2000) for one in part]
    assert sum(bool(small_world.doubts(one)) for one in students) > 100
    (few,) = small_world.walk(500)
    assert len(small_world.deleted(small_world.assert_promises(few))) > 20
