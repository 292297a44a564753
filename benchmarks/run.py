"""Time and memory of senrkit on districts of several sizes, beside floors and peers on the same files.

`python -m benchmarks.run` from the root of the repository; see `benchmarks/README.md`. Everything compared is measured
in the same call, turn by turn, each in a process of its own. The figures are printed as Markdown and kept in
`benchmarks/history.jsonl`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import contest, history, report
from benchmarks.data import DATA, district
from benchmarks.datacompy_environment import datacompy_python
from benchmarks.process import ROOT
from benchmarks.sizes import LARGE, LARGEST, SMALL, sizes_of
from benchmarks.tables import write_between

PAGES = {"benchmark": (ROOT / "README.md", report.short), "figures": (ROOT / "benchmarks" / "README.md", report.whole)}


def main() -> None:
    """Make the data when it is not there, measure, print, keep."""
    asked = _arguments()
    call = history.circumstances(history.RUN) | measured(asked)
    history.append(call, asked.history)
    print(report.whole(call))
    if asked.write_readme:
        for name, (page, text) in PAGES.items():
            write_between(page, name, text(call))


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    """The figures of every size and command."""
    asked.data.mkdir(parents=True, exist_ok=True)
    folders = {size: district(asked.data, size) for size in asked.sizes}
    datacompy = None if asked.without_datacompy else _datacompy(asked.data)
    with tempfile.TemporaryDirectory(dir=asked.data) as scratch:
        sizes = []
        for size, folder in folders.items():
            print(f"{size.label} state rows", file=sys.stderr, flush=True)
            here = asked.peers_everywhere or size <= LARGE
            peers = contest.Peers(datacompy if here else None, here)
            sizes.append(contest.of_size(folder, size, peers, Path(scratch), asked.turns))
        commands = {}
        if not asked.sizes_only:
            # The charts' target is about the large district's actions.
            charted = min(folders, key=lambda size: abs(size.state_rows - LARGE.state_rows))
            commands = contest.of_commands(folders[charted], Path(scratch), asked.turns)
    return {"turns": asked.turns, "sizes": sizes, "commands": commands}


def _datacompy(data: Path) -> Path | None:
    try:
        return datacompy_python(data)
    except RuntimeError as fault:
        print(f"datacompy takes no part: {fault}.", file=sys.stderr)
        return None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.run")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--sizes", type=sizes_of, default=(SMALL, LARGE), help="state rows: 100k,2M (the default)")
    sizes.add_argument("--all", dest="sizes", action="store_const", const=(SMALL, LARGE, LARGEST), help="20M too")
    parser.add_argument("--turns", type=int, default=3, help="how often each is measured; the best counts (default 3)")
    parser.add_argument("--peers-everywhere", action="store_true", help="datacompy and the loop above 2M rows too")
    parser.add_argument("--without-datacompy", action="store_true", help="where there is no network to install it from")
    parser.add_argument("--sizes-only", action="store_true", help="not the everyday commands")
    parser.add_argument("--write-readme", action="store_true", help="write the tables into README.md and benchmarks/")
    parser.add_argument("--data", type=Path, default=DATA, help="where the made data is kept")
    parser.add_argument("--history", type=Path, default=history.HISTORY, help="the file to which the figures are added")
    return parser.parse_args()


if __name__ == "__main__":
    main()
