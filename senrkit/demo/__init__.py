"""A made-up district with every known trap in it: `make` writes one and `make_county` several."""

from __future__ import annotations

from senrkit.demo.breaks import BREAKS
from senrkit.demo.district import SMALLEST, DemoDistrict, make, make_county
from senrkit.demo.traps import all_traps
from senrkit.demo.write import claim

__all__ = ["BREAKS", "SMALLEST", "DemoDistrict", "all_traps", "claim", "make", "make_county"]
