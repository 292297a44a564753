"""A made-up district with every known trap in it: `make` writes it, `make_large` writes one for benchmarks."""

from __future__ import annotations

from senrkit.demo.breaks import BREAKS
from senrkit.demo.district import SMALLEST, DemoDistrict, make
from senrkit.demo.large import make_large
from senrkit.demo.traps import all_traps

__all__ = ["BREAKS", "SMALLEST", "DemoDistrict", "all_traps", "make", "make_large"]
