"""The image of a worker, as far as it can be looked at without a container engine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINES = (ROOT / "scripts" / "Containerfile").read_text("utf-8")


def test_everything_that_it_copies_is_there():
    named = [word for line in re.findall(r"^COPY (.+) \S+$", LINES, re.MULTILINE) for word in line.split()]
    assert named and all((ROOT / name).exists() for name in named)
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {name.split("/")[0] for name in wheel["only-include"]} <= set(named)


def test_it_installs_what_the_tests_run_with():
    """The same pins, so that what was tried is what runs; and what batches and s3:// need."""
    pins = {
        name: dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / name).read_text("utf-8"), re.MULTILINE))
        for name in ("requirements-worker.lock", "requirements-test.lock")
    }
    worker, tests = pins.values()
    assert {"distributed", "s3fs", "polars", "hatchling"} <= worker.keys()
    assert worker.items() <= tests.items()


def test_no_secret_and_no_root():
    assert not re.search(r"(?i)password|secret|token|key", re.sub(r"^#.*$", "", LINES, flags=re.MULTILINE))
    assert LINES.index("USER senrkit") < LINES.index("ENTRYPOINT")
