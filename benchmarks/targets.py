"""What senrkit is to reach, and whether a call's figures reach it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.sizes import LARGE, LARGEST, SMALL, Size

PREDICTING = "predicting"
# The same work at another hour of the same machine differs by as much.
_FLAT = 1.1


@dataclass(frozen=True)
class Target:
    """`what`, measured in `unit`, is to be at most `aim`; `of` finds it in a call, `None` when it was not measured."""

    what: str
    aim: float
    unit: str
    of: Callable[[Mapping[str, Any]], float | None]

    def verdict(self, call: Mapping[str, Any]) -> tuple[str, str]:
        """What was measured, and `met`, `missed by …` or `not measured`."""
        value = self.of(call)
        if value is None:
            return "", "not measured"
        shown = f"{value:,.2f}" if value < 100 else f"{value:,.0f}"
        return f"{shown} {self.unit}", "met" if value <= self.aim else f"missed by {value / self.aim - 1:.0%}"


def at(call: Mapping[str, Any], size: Size, contender: str) -> Mapping[str, Any]:
    """One contender's figure at one size; empty when there is none, or it failed."""
    figures = next((one["figures"] for one in call["sizes"] if one["state_rows"] == size.state_rows), {})
    found = figures.get(contender, {})
    return found if "seconds" in found else {}


def ratio(call: Mapping[str, Any], size: Size, contender: str = "run") -> float | None:
    """How many times as long as the floor a contender takes."""
    return _over(at(call, size, contender).get("seconds"), at(call, size, "floor").get("seconds"))


def cpu_ratio(call: Mapping[str, Any], size: Size, contender: str = "run") -> float | None:
    """How many times the floor's CPU seconds a contender takes."""
    return _over(at(call, size, contender).get("cpu"), at(call, size, "floor").get("cpu"))


def microseconds(call: Mapping[str, Any], size: Size) -> float | None:
    """Of `senrkit run` for each state row."""
    seconds = at(call, size, "run").get("seconds")
    return None if seconds is None else seconds / size.state_rows * 1e6


def growth(call: Mapping[str, Any]) -> float | None:
    """Time per row at the largest size measured, beside the least at any smaller size: 1 or less is flat.

    `None` unless `SMALL` and `LARGEST` were both measured.
    """
    if microseconds(call, SMALL) is None or microseconds(call, LARGEST) is None:
        return None
    smaller = [microseconds(call, size) for size in (SMALL, LARGE)]
    return _over(microseconds(call, LARGEST), min(one for one in smaller if one is not None))


def prediction(call: Mapping[str, Any]) -> float | None:
    """The step of prediction beside the rest of the same run, at the largest size up to `LARGE`."""
    for size in (LARGE, SMALL):
        stages = at(call, size, "stages").get("said", {}).get("stages", {})
        if stages:
            own = sum(seconds for text, seconds in stages.items() if text.startswith(PREDICTING))
            return own / (sum(stages.values()) - own)
    return None


def _over(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else value / base


def _mib(size: Size) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda call: at(call, size, "run").get("mib")


def _times(size: Size) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda call: ratio(call, size)


def _seconds(command: str) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda call: call["commands"].get(command, {}).get("seconds")


def _notebook(call: Mapping[str, Any]) -> float | None:
    whole, *others = (_seconds(one)(call) for one in ("notebook", "small run", "bare kernel"))
    return None if whole is None or None in others else whole - sum(others)


def _validate(call: Mapping[str, Any]) -> float | None:
    return _over(_seconds("validate")(call), _seconds("polars")(call))


def _cpu_times(size: Size) -> Callable[[Mapping[str, Any]], float | None]:
    return lambda call: cpu_ratio(call, size)


def _beside_datacompy(call: Mapping[str, Any]) -> float | None:
    return _over(at(call, LARGE, "run").get("seconds"), at(call, LARGE, "datacompy").get("seconds"))


TARGETS = (
    Target("`senrkit run`, 2,000,000 state rows", 3, "x the floor", _times(LARGE)),
    Target("its CPU seconds", 4.5, "x the floor's", _cpu_times(LARGE)),
    Target("the same, beside datacompy's comparing alone", 1, "x datacompy", _beside_datacompy),
    Target("its peak memory at 2,000,000", 1.5 * 1024, "MiB", _mib(LARGE)),
    Target("its peak memory at 20,000,000", 5 * 1024, "MiB", _mib(LARGEST)),
    Target("time per row at 20,000,000, beside the least at 100,000 and 2,000,000", _FLAT, "x", growth),
    Target("`senrkit --help`", 0.1, "s", _seconds("help")),
    Target("`senrkit run` on 2,000 students", 1, "s", _seconds("small run")),
    Target("`senrkit demo --students 2000`", 5, "s", _seconds("demo")),
    Target("prediction, beside the rest of the run", 0.5, "x", prediction),
    Target("a notebook that makes this run, over the run itself and an empty notebook", 3, "s", _notebook),
    Target("slowest chart for 120 schools, 20,000 actions", 1, "s", _seconds("charts")),
    Target("`senrkit validate` of 100,000 records", 6, "x Polars' reading", _validate),
)
