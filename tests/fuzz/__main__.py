"""A night of it: `python -m tests.fuzz --inputs 20000`.

Every target in turn, in as many processes as are asked for; ends with 1 when one broke.
"""

from __future__ import annotations

import argparse
import multiprocessing
import secrets
import sys
import time

from tests.fuzz.fuzz import portion
from tests.fuzz.targets import TARGETS

# How many inputs make one portion: small, so that all targets have had their turn when somebody stops it.
_PORTION = 100


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=20_000, help="how many inputs, over all targets")
    parser.add_argument("--target", choices=TARGETS, action="append", help="only this one; repeatable")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, help="begin no more portions after this time")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31), help="to do a night again")
    given = parser.parse_args(words)
    names = given.target or list(TARGETS)
    each = -(-given.inputs // len(names))
    jobs = [
        (name, min(_PORTION, each - done), given.seed + done)
        for done in range(0, each, _PORTION)
        for name in names
    ]  # fmt: skip
    began, total, broken = time.monotonic(), 0, 0
    codes: dict[str, dict[int, int]] = {name: {} for name in names}
    sys.stdout.write(f"seed {given.seed}, {each * len(names):,} inputs\n")
    with multiprocessing.get_context("spawn").Pool(given.processes, maxtasksperchild=20) as pool:
        for name, seed, found, failure in pool.imap_unordered(portion, jobs):
            total += sum(found.values())
            broken += bool(failure)
            for code, count in found.items():
                codes[name][code] = codes[name].get(code, 0) + count
            if failure:
                sys.stdout.write(f"\n{name}, seed {seed}:\n{failure}\n")
                sys.stdout.flush()
            if given.seconds and time.monotonic() - began > given.seconds:
                pool.terminate()
                break
    for name, found in codes.items():
        said = ", ".join(f"{count:,} with {code}" for code, count in sorted(found.items()))
        sys.stdout.write(f"{name}: {said}\n")
    sys.stdout.write(f"{total:,} inputs in {time.monotonic() - began:,.0f} s; broken: {broken}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
