"""A dashboard that runs, and browsers that look at it; everything that is not loopback is blocked and written down."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from senrkit.cli.main import main
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
BROWSER_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
]


@dataclass
class Server:
    """`address` has the token in it. `strayed` is every request that was not for this computer."""

    process: subprocess.Popen[str]
    address: str
    home: Path
    strayed: list[str] = field(default_factory=list)

    @property
    def origin(self) -> str:
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    def kernels(self) -> list[psutil.Process]:
        return [one for one in self._children() if "senrkit.jupyter.kernel" in " ".join(one.cmdline())]

    def workers(self) -> list[psutil.Process]:
        return [one for one in self._children() if "senrkit.app.worker" in " ".join(one.cmdline())]

    def _children(self) -> list[psutil.Process]:
        found = []
        for one in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.cmdline()
                found.append(one)
        return found


@contextlib.contextmanager
def serving(home: Path, *options: str) -> Iterator[Server]:
    """`senrkit dashboard`, as a person starts it, without its browser."""
    command = [sys.executable, "-m", "senrkit", "dashboard", str(home), "--no-browser", *options]
    with (home.parent / f"{home.name}.log").open("w") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=ROOT, env=dict(os.environ, PYTHONUNBUFFERED="1")
        )
        try:
            yield Server(process, process.stdout.readline().split()[-1], home)
        finally:
            children = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGINT)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
            for child in children:
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()


@contextlib.contextmanager
def serving_demo(home: Path, *options: str) -> Iterator[Server]:
    """With a small district in the home, evaluated once, on a day of its own."""
    home.mkdir()
    asked = ["demo", str(home / "demo"), "--students", "300", "--as-of", "2026-11-23", "--quiet"]
    main(asked, standalone_mode=False)
    with serving(home, *options) as running:
        yield running


@contextlib.contextmanager
def browsing() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER_OPTIONS)
        yield browser
        browser.close()


def new_page(browser, server: Server, width: int = 1280, height: int = 720, **options):
    """A page of somebody of their own. What leads away from this computer is blocked, and remembered."""

    def only_here(route) -> None:
        if route.request.url.startswith((server.origin, "data:", "blob:")):
            route.continue_()
        else:
            server.strayed.append(route.request.url)
            route.abort()

    context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **options)
    context.route("**/*", only_here)
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    return page


def narrow(page, name: str, *values: str) -> None:
    """Choose these values, and no others, in a filter of Review."""
    picker = page.locator(f"#filter-{name}")
    if picker.get_attribute("open") is None:
        picker.locator("summary").click()
    for box in picker.locator("input").all():
        box.set_checked(box.get_attribute("value") in values)
    picker.locator("summary").click()


def open_conflict(page) -> None:
    """In Review, a student who may be the same as another: who has looked can say that the SSIDs are right."""
    narrow(page, "reason", "hold/identity-conflict")
    page.locator("#review-table tbody tr", has_text="Case b").first.locator("td.school_name").click()
    page.locator("#identity-checked").wait_for()


def settled(page) -> None:
    """No work under way."""
    page.wait_for_function("!document.querySelector('.busy')")


def checked(page) -> None:
    """From Start to a Check that has looked at the settings' own extract."""
    page.get_by_role("button", name="Use these").click()
    page.locator("#use-named").click()
    page.locator("#recognized").wait_for()
    settled(page)
    go_on(page, "Check: may the two be compared?")
    page.locator(".preconditions").first.wait_for(state="attached")
    settled(page)


def go_on(page, heading: str) -> None:
    """Press the one primary button; the next screen has this heading."""
    page.locator("#next").click()
    page.get_by_role("heading", level=1, name=heading).wait_for()
    settled(page)
