"""After the upload, in a real browser: from Start to Export, file by file, to the student whom CALPADS refused."""

from __future__ import annotations

import datetime as dt
import re
import shutil

import pytest

from senrkit import demo
from senrkit.demo.calpads import VARIANTS, Error
from senrkit.engine import run
from senrkit.settings.settings import load_settings
from tests.dashboard.servers import new_page, serving, settled
from tests.students import ssids_shown

AS_OF = dt.date(2026, 11, 23)


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    """A home with a district and one run of it, of which nothing was sent."""
    home = tmp_path_factory.mktemp("after") / "home"
    made = demo.make(home / "demo", 300, 1, AS_OF)
    run(load_settings(made.settings_file), person="somebody")
    return home


@pytest.fixture(scope="module")
def page(district, browser):
    if shutil.which("chromium") is None:
        pytest.skip("needs Debian's chromium: scripts/test.sh installs it")
    with serving(district) as running:
        opened = new_page(browser, running)
        opened.goto(running.address)
        yield opened
        opened.context.close()


def keep(page, number: int, what: str, **fields: str) -> None:
    """Open the form of a file, fill it in, keep it."""
    page.locator(f"#tell-{what}-{number}").click()
    page.locator("#telling").wait_for()
    for name, value in fields.items():
        page.locator(f"#telling-{what}-{number}-{name}").fill(value)
    page.locator("#telling-keep").click()


def errors_of(district, tmp_path, number: int):
    name, made = VARIANTS["list"]
    sent = sorted((district / "demo" / "runs").glob("*/submission/SENR_*.txt"))[number - 1]
    file = tmp_path / name
    file.write_bytes(made(sent.read_bytes(), [Error(2, "SENR0178"), Error(3, "SENR0286E3", "W")]))
    return file


def test_from_start_to_the_refused_student_and_back(page, district, look, shots, tmp_path):
    # One walk: each part goes on where the one before ended.
    from_start_to_the_refused_student(page, district, look, tmp_path)
    a_wrong_posted_is_taken_back(page, look)
    what_the_ledger_refuses_is_a_sentence_with_its_cure(page)
    it_fits_a_narrow_page(page, shots)


def from_start_to_the_refused_student(page, district, look, tmp_path) -> None:
    page.locator("#on-its-way h3").wait_for()
    assert "File 1 is ready: upload it." in page.locator("#on-its-way").inner_text()
    look(page, "9_start_on_its_way")
    page.get_by_role("button", name=re.compile("Go on with run")).click()
    page.get_by_role("heading", level=1, name="Export").wait_for()
    page.locator("#file-1 .tag.prepared").wait_for()
    assert page.locator("#tell-sent-2").get_attribute("aria-disabled") == "true"
    look(page, "9_export_prepared")

    page.locator("#tell-sent-1").click()
    page.locator("#telling").wait_for()
    look(page, "9_export_telling")
    page.locator("#tell-sent-1").click()
    page.locator("#telling").wait_for(state="detached")
    keep(page, 1, "sent", job="4711234", on="2026-11-24")
    page.locator("#file-1 .tag.sent").wait_for()
    keep(page, 1, "posted", on="2026-11-25")
    page.locator("#file-1 .tag.posted").wait_for()
    page.locator("#tell-sent-2:not([aria-disabled])").wait_for()
    keep(page, 2, "sent", on="2026-11-25")
    page.locator("#file-2 .tag.sent").wait_for()
    settled(page)

    page.locator("#tell-rejected-2").click()
    page.locator("#telling-errors").set_input_files(errors_of(district, tmp_path, 2))
    page.locator("#telling .given").wait_for()
    look(page, "9_export_error_file")
    page.locator("#telling-keep").click()
    page.locator("#file-2 .tag.rejected").wait_for()
    settled(page)
    assert "1 record is refused" in page.locator("#file-2").inner_text()
    page.locator("#file-2 summary").click()
    look(page, "9_export_refused")
    page.locator("#file-2 .refused button").click()
    page.locator("dialog[open]").wait_for()
    look(page, "9_refused_student")
    assert ssids_shown(page.content(), district / "demo") == set()
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")


def a_wrong_posted_is_taken_back(page, look) -> None:
    page.locator("#step-export").click()
    page.locator("#file-1 .tag.posted").wait_for()
    settled(page)
    page.locator("#tell-undo-1").click()
    page.locator("#telling").wait_for()
    look(page, "9_export_undo")
    page.locator("#telling-undo-1-because").fill("That was the file of last week")
    page.locator("#telling-keep").click()
    page.locator("#file-1 .tag.sent").wait_for()
    settled(page)


def what_the_ledger_refuses_is_a_sentence_with_its_cure(page) -> None:
    page.locator("#tell-posted-1").click()
    day = page.locator("#telling-posted-1-on")
    day.wait_for()
    day.evaluate("field => field.removeAttribute('min')")
    day.fill("2026-11-01")
    page.locator("#telling-keep").click()
    page.locator("#notice", has_text="before the day of run").wait_for()
    settled(page)
    assert day.input_value() == "2026-11-01"


def it_fits_a_narrow_page(page, shots) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    page.wait_for_function("innerWidth === 320")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.screenshot(path=shots / "9_export_narrow.png", full_page=True)
