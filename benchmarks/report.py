"""A call's figures as Markdown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.sizes import LARGE, LARGEST, Size
from benchmarks.tables import markdown
from benchmarks.targets import TARGETS, at, cpu_ratio, microseconds, ratio

_CONTENDERS = {
    "bytes": "the file's bytes are read, and its lines counted",
    "floor": "the floor: `pyarrow.csv` reads it as text, one thread",
    "run": "**`senrkit run`, from start to zip**",
    "datacompy": "datacompy {version} compares this year's rows",
    "polars": "Polars {version}: scan and join this year's rows",
    "duckdb": "DuckDB {version}: the same in SQL",
    "merge and loop": "pandas: merge, loop over the rows, write lines",
}
_LESS = (
    "datacompy, Polars, DuckDB and the loop do less than `senrkit run`: no preconditions, no question whether two rows "
    "are one child, no order of files, no prediction, no evidence, nothing read back."
)


def targets_table(call: Mapping[str, Any]) -> str:
    """Every target with what was measured."""
    rows = []
    for target in TARGETS:
        measured, verdict = target.verdict(call)
        rows.append((target.what, measured, f"{target.aim:,g} {target.unit}", verdict))
    return markdown(("target", "measured", "at most", ""), rows)


def sizes_table(call: Mapping[str, Any]) -> str:
    """One line for each size: the run beside floors and peers."""
    headings = (
        "state rows",
        "floor",
        "`senrkit run`",
        "ratio",
        "CPU ratio",
        "µs a row",
        "peak MiB",
        "datacompy",
        "loop",
    )
    rows = [
        (
            f"{size.state_rows:,}",
            _seconds(at(call, size, "floor")),
            _seconds(at(call, size, "run")) or call_failed(call, size, "run"),
            _number(ratio(call, size), ".1f"),
            _number(cpu_ratio(call, size), ".1f"),
            _number(microseconds(call, size), ".1f"),
            _number(at(call, size, "run").get("mib"), ",.0f"),
            _seconds(at(call, size, "datacompy")),
            _seconds(at(call, size, "merge and loop")),
        )
        for size in _sizes(call)
    ]
    return markdown(headings, rows)


def contenders_table(call: Mapping[str, Any], size: Size) -> str:
    """Everybody who was measured at one size."""
    rows = []
    for name, words in _CONTENDERS.items():
        found = at(call, size, name)
        if not found:
            failed = call_failed(call, size, name)
            rows += [(words.format(version=""), failed, "", "", "", "")] if failed else []
            continue
        said = words.format(version=found.get("said", {}).get("version", ""))
        times = _number(ratio(call, size, name), ".1f")
        more = _number(cpu_ratio(call, size, name), ".1f")
        rows.append((said, _seconds(found), times, f"{found['cpu']:.2f}", more, f"{found['mib']:,.0f}"))
    heading = f"{size.state_rows:,} state rows, {size.enr_rows:,} ENR rows"
    return markdown((heading, "seconds", "x the floor", "CPU seconds", "x its CPU", "peak MiB"), rows)


def stages_table(call: Mapping[str, Any]) -> str:
    """Seconds and peak MiB of each step of the run, one pair of columns a size."""
    said = {size: at(call, size, "stages").get("said", {}) for size in _sizes(call)}
    said = {size: one for size, one in said.items() if one}
    steps = list(dict.fromkeys(step for one in said.values() for step in one["stages"]))
    headings = ["step of `senrkit run`"] + [f"{size.label}: {unit}" for size in said for unit in ("s", "MiB")]
    rows = [
        [step]
        + [
            cell
            for one in said.values()
            for cell in (
                _number(one["stages"].get(step), ".2f"),
                _number(one.get("stages_mib", {}).get(step), ",.0f"),
            )
        ]
        for step in steps
    ]
    return markdown(headings, rows)


def agreement(call: Mapping[str, Any]) -> str:
    """What each found, and what the peers' time went into: equal counts show that the work is the same."""
    lines = []
    for size in _sizes(call):
        actions = at(call, size, "stages").get("said", {}).get("actions")
        if actions:
            three = ", ".join(f"{actions[name]:,} {name}" for name in ("delete", "add", "update"))
            lines.append(f"* {size.state_rows:,} rows: senrkit proposes {three} and holds {actions['hold']:,}.")
        for name in ("datacompy", "polars", "duckdb", "merge and loop"):
            said = at(call, size, name).get("said", {})
            if said:
                counts = ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in said["found"].items())
                spent = ", ".join(f"{what} {seconds:.2f} s" for what, seconds in said["stages"].items())
                lines.append(f"* {size.state_rows:,} rows: {name} finds {counts} ({spent}).")
    return "\n".join(lines)


def circumstances(call: Mapping[str, Any]) -> str:
    """One sentence: machine, versions, day."""
    made, versions = dt.datetime.fromisoformat(call["made"]), call["versions"]
    named = ", ".join(f"{name} {found}" for name, found in versions.items())
    machine = call["machine"]
    return (
        f"Made-up data; {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}, Python "
        f"{machine['python']}, {named}; best of {call['turns']} turns, {made:%-d %B %Y}, commit {call['commit']}."
    )


def verdict(call: Mapping[str, Any]) -> str:
    """One sentence: how many targets are met, and which are not."""
    verdicts = {target: target.verdict(call)[1] for target in TARGETS}
    missed = [f"{target.what} ({said})" for target, said in verdicts.items() if said.startswith("missed")]
    measured = [said for said in verdicts.values() if said != "not measured"]
    if not missed:
        return f"All {len(measured)} targets measured are met."
    return f"{len(measured) - len(missed)} of {len(measured)} targets measured are met. Missed: {'; '.join(missed)}."


def short(call: Mapping[str, Any]) -> str:
    """What the README shows: three figures that people care about, and on what they were measured."""
    runs = (
        ("a district of 2,000 students", call["commands"].get("small run", {})),
        ("the largest district: 2,000,000 state rows", at(call, LARGE, "run")),
        ("a county: 20,000,000 state rows", at(call, LARGEST, "run")),
    )
    rows = [(what, _seconds(found), _number(found.get("mib"), ",.0f")) for what, found in runs if found]
    return markdown(("`senrkit run`, from start to zip", "seconds", "peak MiB"), rows) + "\n\n" + circumstances(call)


def whole(call: Mapping[str, Any]) -> str:
    """Everything."""
    tables = [contenders_table(call, size) for size in _sizes(call)]
    parts = [circumstances(call), verdict(call), targets_table(call), sizes_table(call), *tables, _LESS]
    return "\n\n".join(part for part in (*parts, agreement(call), stages_table(call)) if part)


def call_failed(call: Mapping[str, Any], size: Size, contender: str) -> str:
    """How a contender ended that did not end well; blank when it did, or was not asked."""
    figures = next((one["figures"] for one in call["sizes"] if one["state_rows"] == size.state_rows), {})
    return figures.get(contender, {}).get("failed", "")


def _sizes(call: Mapping[str, Any]) -> Sequence[Size]:
    return [Size(one["state_rows"]) for one in call["sizes"]]


def _seconds(found: Mapping[str, Any]) -> str:
    return _number(found.get("seconds"), ".2f")


def _number(value: float | None, how: str) -> str:
    return "" if value is None else format(value, how)
