"""Ask a target so many times, each time in a district of its own, and keep what Hypothesis shrinks a failure to."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from senrkit.cli.main import main
from senrkit.inputs.aeries import api
from tests.databases.api_server import CERTIFICATE
from tests.fuzz import targets, world

_PHASES = (Phase.explicit, Phase.generate, Phase.shrink)


def asked(name: str, inputs: int, seed: int | None = None) -> dict[int, int]:
    """So many inputs for one target; gives how often each exit code came. Raises what broke, with the smallest input.

    With a seed always the same ones.
    """
    from hypothesis import seed as seeded

    codes: dict[int, int] = {}

    def one(data: st.DataObject) -> None:
        with world.made() as folder, ExitStack() as stack:
            complete(name, folder, stack)
            words = targets.TARGETS[name](data, folder)
            code = world.asked(folder, *words)
        codes[code] = codes.get(code, 0) + 1

    test = given(st.data())(one)
    test = settings(
        max_examples=inputs, deadline=None, database=None, phases=_PHASES, print_blob=True, derandomize=False,
        suppress_health_check=list(HealthCheck),
    )(test)  # fmt: skip
    (seeded(seed)(test) if seed is not None else test)()
    return codes


def portion(job: tuple[str, int, int]) -> tuple[str, int, dict[int, int], str]:
    """Target, inputs and seed; gives target, seed, exit codes and, where something broke, what."""
    name, inputs, seed = job
    try:
        return name, seed, asked(name, inputs, seed), ""
    except BaseException:  # noqa: BLE001 - whatever it is, the main process tells it
        return name, seed, {}, traceback.format_exc(limit=-3)


def complete(name: str, folder: Path, stack: ExitStack) -> None:
    """What only one target needs."""
    if name == "workbook":
        (folder / "exports" / "STU.csv").unlink()
        (folder / "exports" / "STU.xlsx").write_bytes(world.workbook("STU"))
    elif name == "submission":
        lines = [line.split("^")[:35] for line in world.senr().decode().splitlines()[-5:]]
        made = ["^".join(["SENR", "A", *line[2:]]) for line in lines]
        (folder / "submission.txt").write_text("".join(f"{line}\r\n" for line in made), newline="")
    elif name == "error file":
        # What CALPADS gives back is about a file that was sent.
        settings_file = str(folder / "senrkit.toml")
        for words in (["run", "--out", str(folder / "runs" / "first")], ["sent", str(folder / "runs" / "first"), "2"]):
            CliRunner().invoke(main, [*words, "--settings", settings_file])
        (sent,) = (folder / "runs" / "first" / "submission").glob("*_update.txt")
        head = "Local Record ID,SSID,School,Start Date,Error Code,Error Severity"
        fields = [line.split("^") for line in sent.read_text().splitlines()]
        rows = [f"{one[2]},{one[7]},{one[4]},{one[20]},SENR0178,Fatal" for one in fields]
        (folder / "errors.csv").write_text("".join(f"{line}\r\n" for line in [head, *rows]), newline="")
    elif name == "api":
        os.environ["AERIES_CERT"] = CERTIFICATE
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
        # A server that says "later" is asked again at once.
        stack.enter_context(_no_waiting())
        stack.enter_context(targets.serving(folder))


@contextmanager
def _no_waiting() -> Iterator[None]:
    kept = api.read_api.__defaults__
    api.read_api.__defaults__ = (lambda seconds: None,)
    try:
        yield
    finally:
        api.read_api.__defaults__ = kept
