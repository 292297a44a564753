"""Figures for docs/dashboard.md: `python -m tests.dashboard.measure` prints them. No test asserts a time."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import psutil

from benchmarks.large import make_large
from tests.dashboard.servers import ROOT, browsing, checked, new_page, serving, settled

STATE_ROWS, SHARE = 100_000, 0.19
ENR_ROWS = 28_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, browsing() as browser:
        home = Path(folder) / "home"
        settings = make_large(home / "large", STATE_ROWS, ENR_ROWS, differences=SHARE)
        with serving(home) as server:
            cold = median(_opening(browser, server) for _ in range(3))
            say(f"first screen usable: {cold:.1f} s")
            _work(browser, server, settings)
        with serving(home, "--preheated", "2") as server:
            time.sleep(15)
            say(f"first screen usable, preheated kernel: {_opening(browser, server):.1f} s")


def _work(browser, server, settings: Path) -> None:
    page = new_page(browser, server)
    page.goto(server.address)
    checked(page)
    if page.locator("#deletes-P12").count():
        while page.locator("#deletes-after").count():
            shown = page.locator("#deletes tbody td").first.inner_text()
            page.locator("#deletes-after").click()
            page.locator("#deletes tbody tr:first-child td:first-child").filter(
                has_not_text=re.compile(rf"^{shown}$")
            ).wait_for()
        number = page.locator("#deletes tbody tr").last.locator("td").first.inner_text().replace(",", "")
        page.locator("#deletes-P12").fill(number)
        page.locator("#because-P12").fill("Looked at")
        page.get_by_role("button", name="Accept P12").click()
    else:
        number = ""
    page.locator("#next:not([aria-disabled])").wait_for()
    on_page = timed(lambda: (page.locator("#next").click(), page.locator(".tiles").wait_for()))
    command = [
        sys.executable,
        "-m",
        "senrkit",
        "run",
        "--settings",
        str(settings),
        "--quiet",
        "--out",
        str(settings.parent / "by_hand"),
    ]
    command += ["--accept-deletes", number] if number else []
    on_line = timed(lambda: subprocess.run(command, cwd=ROOT, check=False))
    say(
        f"evaluate {STATE_ROWS:,} rows: {on_page:.1f} s on the page, "
        f"{on_line:.1f} s on the command line, {on_page / on_line:.2f} times"
    )
    page.locator("#step-review").click()
    page.locator("#review-table tbody tr").first.wait_for()
    settled(page)
    rows = page.locator("#review-count").inner_text()
    answers = {
        "filter": lambda turn: page.locator("#filter-action input").nth(turn // 2).click(),
        "sort": lambda turn: page.locator("[data-keep=sort-school_name]").press("Enter"),
        "search": lambda turn: page.locator("#review-search").fill(("elementary", "grade", "")[turn % 3]),
        "next page": lambda turn: page.locator("[data-keep=following]").click(),
    }
    page.locator("#filter-action summary").click()
    for name, act in answers.items():
        say(f"{name} on a proposal of {rows}: {median(_answer(page, act, turn) for turn in range(6)) * 1000:.0f} ms")
    page.locator("[data-keep=all]").check()
    page.locator("#decision-hold").check()
    page.locator("#decide-reason").fill("Measured")
    page.locator("#decide-chosen").click()
    page.locator(".with-decisions").wait_for()
    again = median(_review(page) for _ in range(3))
    say(f"Review of {page.locator('#review-count').inner_text()} with their decisions: {again * 1000:.0f} ms")
    opening = timed(
        lambda: (page.locator("#review-table tbody tr").nth(3).click(), page.locator("dialog[open]").wait_for())
    )
    say(f"open a student: {opening * 1000:.0f} ms")
    for name, found in (("kernel", server.kernels()), ("worker", server.workers())):
        say(f"memory of the {name}: {', '.join(f'{one.memory_info().rss / 2**20:.0f} MiB' for one in found)}")
    say(f"memory of the server: {psutil.Process(server.process.pid).memory_info().rss / 2**20:.0f} MiB")
    page.close(run_before_unload=True)
    say(f"kernel and worker gone after the tab was closed: {timed(lambda: _until_gone(server)):.1f} s")
    page.context.close()


def _until_gone(server) -> None:
    while server.kernels() or server.workers():
        time.sleep(0.1)


def _review(page) -> float:
    page.locator("#step-evaluate").click()
    page.locator(".tiles").wait_for()
    settled(page)
    return timed(
        lambda: (
            page.locator("#step-review").click(),
            page.locator("#review-table tbody tr.decided").first.wait_for(),
            page.locator(".with-decisions").wait_for(),
        )
    )


def _answer(page, act: Callable[[int], object], turn: int) -> float:
    """Until other rows stand in the table. Of the search, 150 ms are the wait for the next letter."""
    page.evaluate("window.before = document.querySelector('#review-table > div')")
    return timed(
        lambda: (
            act(turn),
            page.wait_for_function("document.querySelector('#review-table > div') !== window.before", polling=20),
        )
    )


def _opening(browser, server) -> float:
    page = new_page(browser, server)
    seconds = timed(lambda: (page.goto(server.address), page.locator("#demo").wait_for()))
    # As a person closes a tab: what cuts it off leaves its kernel behind.
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    page.context.close()
    return seconds


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
