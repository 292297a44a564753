"""What all sources of Aeries share: the year that a database's name tells."""

from __future__ import annotations

import pytest

from senrkit.inputs.aeries.tables import year_in_name


@pytest.mark.parametrize(
    ("name", "year"),
    [
        ("DST26000Heron", 2026), ("dst25001", 2025), ("DST26000", 2026), ("DST2600", None), ("aeries", None),
        ("OldDST26000", None), ("", None),
    ],
)  # fmt: skip
def test_the_year_in_a_databases_name(name, year):
    assert year_in_name(name) == year
