"""Pictures of every screen: `python -m tests.dashboard.pictures` draws those of the docs anew.

With a folder it draws, into that folder, every screen and dialog at 1440, 768 and 320 pixels, light and dark, names
hidden and shown, in forced colors, and as printed, and tells each that is wider than its window. The people are made
up.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from senrkit.demo import make
from tests.dashboard.servers import ROOT, browsing, go_on, new_page, open_conflict, serving, settled

DOCS = ROOT / "docs" / "images"
OF_THE_DOCS = ("start", "check", "evaluate", "review", "student", "export", "language", "history")
WIDTHS = {1440: 900, 768: 1024, 320: 480}
MODES = ("light", "dark")
# On a picture of the whole page, the bar at the foot would stand in its middle.
FOR_A_LONG_PICTURE = ".senr .next { position: static !important }"


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="every size and mode, in this folder")
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as place, browsing() as browser:
        home = Path(place) / "home"
        make(home / "demo", 2000, 1, None)
        with serving(home) as server:
            page = new_page(browser, server)
            page.goto(server.address)
            for name in screens(page):
                if folder is None:
                    if name in OF_THE_DOCS:
                        page.screenshot(path=DOCS / f"dashboard_{name}.png")
                else:
                    for wrong in every_look(page, folder, name):
                        sys.stdout.write(f"{wrong}\n")


def screens(page: Any) -> Iterator[str]:
    """Walk the demo; gives the name of each screen and dialog when it stands there."""
    page.locator("#demo").wait_for()
    yield "start"
    page.locator("#setup-open").click()
    page.locator("#setup-name").wait_for()
    yield "setup"
    page.locator("#change-settings").click()
    page.locator("#settings-lea").wait_for()
    yield "settings"
    page.locator("#settings-last_school_day").fill("2020-01-01")
    page.locator("#next").click()
    page.locator("#settings-last_school_day[aria-invalid]").wait_for()
    yield "settings_refused"
    page.locator("#settings-last_school_day").fill("")
    page.locator("#settings-other_leas").fill("1999982, 1999983")
    page.locator("#next").click()
    page.locator("#settings-lines").wait_for()
    yield "settings_lines"
    page.locator("#settings-back").click()
    page.locator("#settings-leave").click()
    page.get_by_role("button", name="Use these").click()
    page.get_by_role("heading", level=1, name="Load the extract").wait_for()
    settled(page)
    yield "load"
    page.locator("#use-named").click()
    page.locator("#recognized").wait_for()
    settled(page)
    yield "load_recognized"
    go_on(page, "Check: may the two be compared?")
    page.locator("#met").wait_for()
    settled(page)
    yield "check"
    go_on(page, "Evaluate: what differs")
    page.locator("[data-figure=by_school] .main-svg").first.wait_for()
    yield "evaluate"
    page.locator("#step-review").click()
    page.locator("#review-table tbody tr").first.wait_for()
    yield "review"
    page.locator("#review-table tbody tr").nth(1).locator("td").nth(3).click()
    page.locator("dialog[open]").wait_for()
    yield "student"
    page.locator("#student-close").click()
    open_conflict(page)
    yield "identity"
    page.locator("#student-close").click()
    page.locator("[data-do='review/clear']").first.click()
    settled(page)
    page.locator("#review-table tbody tr").nth(1).locator("input").check()
    page.locator("#decide-reason").wait_for()
    yield "decide"
    page.locator("#step-export").click()
    page.get_by_role("heading", level=1, name="Export").wait_for()
    page.locator("#confirm-number").wait_for()
    page.locator("[data-figure=enrollment_counts] .main-svg").first.wait_for()
    yield "export"
    page.locator("#step-language").click()
    page.get_by_role("heading", level=1, name="Language").wait_for()
    settled(page)
    yield "language_before"
    page.locator("#compare-language").click()
    page.locator("#found-title").wait_for()
    settled(page)
    yield "language"
    page.locator("#step-history").click()
    page.get_by_role("heading", level=1, name="History").wait_for()
    settled(page)
    yield "history"


def every_look(page: Any, folder: Path, name: str) -> Iterator[str]:
    """Photograph what stands there in every size and mode; gives a sentence for each in which something is cut."""
    folder.mkdir(parents=True, exist_ok=True)
    in_dialog = page.locator("dialog[open]").count()
    for is_shown in (False, True):
        if is_shown and not in_dialog:
            _toggle_names(page)
        for (width, height), mode in itertools.product(WIDTHS.items(), MODES):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=mode)
            label = f"{name}_{width}_{mode}{'_names' if is_shown else ''}"
            page.evaluate("new Promise(done => setTimeout(done, 400))" if page.locator(".main-svg").count() else "0")
            page.screenshot(path=folder / f"{label}.png", full_page=not in_dialog, style=FOR_A_LONG_PICTURE)
            wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            if wide > 0:
                yield f"{label}: {wide} pixels wider than its window"
        page.set_viewport_size({"width": 1280, "height": 720})
        if is_shown and not in_dialog:
            _toggle_names(page)
        if in_dialog:
            break
    for label, media in {"forced": {"forced_colors": "active"}, "print": {"media": "print"}}.items():
        page.emulate_media(color_scheme="light", **media)
        page.screenshot(path=folder / f"{name}_{label}.png", full_page=True)
        page.emulate_media(color_scheme="light", forced_colors="none", media="screen")


def _toggle_names(page: Any) -> None:
    settled(page)
    before = page.locator("#names").get_attribute("aria-pressed")
    page.locator("#names").click()
    page.locator(f"#names:not([aria-pressed='{before}'])").wait_for()
    settled(page)


if __name__ == "__main__":
    main()
