"""A setting changed in a real browser, by keyboard: from the cure to the line, to a check that passes, and back."""

from __future__ import annotations

import datetime as dt
import shutil

import pytest

from senrkit import demo
from tests.dashboard.servers import new_page, serving, settled


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("broken") / "home"
    demo.make(folder / "demo", 300, 1, dt.date(2026, 11, 23), break_id="P10")
    return folder


@pytest.fixture(scope="module")
def page(broken, browser):
    if shutil.which("chromium") is None:
        pytest.skip("needs Debian's chromium: scripts/test.sh installs it")
    with serving(broken) as running:
        opened = new_page(browser, running)
        opened.goto(running.address)
        yield opened
        assert not running.strayed
        opened.context.close()


def press(page, button: str, key: str = "Enter") -> None:
    page.locator(button).focus()
    page.keyboard.press(key)


def focused(page) -> str:
    return page.evaluate("document.activeElement.id")


def test_from_a_cure_to_a_check_that_passes_and_back(page, broken, look):
    file = broken / "demo" / "senrkit.toml"
    old = file.read_bytes()
    page.locator("#demo").wait_for()
    press(page, "#demo")
    page.locator("#use-named").wait_for()
    press(page, "#use-named")
    page.locator("#recognized").wait_for()
    press(page, "#next")
    page.locator("#precondition-P10.stopped").wait_for()
    look(page, "settings_cure")
    press(page, "#change-P10")
    page.get_by_role("heading", level=1, name="Change the settings").wait_for()
    assert focused(page) == "title"

    # The field has its label, and the state's codes in words; nothing is chosen before somebody chooses.
    code = page.get_by_label("Program (STU.SP): X")
    assert code.input_value() == "" and "10 · " in code.inner_text()
    look(page, "settings_code")
    code.select_option("10")
    # What was answered is there still when the screen is drawn anew.
    press(page, "#names")
    page.locator("#names[aria-pressed=true]").wait_for()
    settled(page)
    assert code.input_value() == "10"
    press(page, "#names")
    page.locator("#names[aria-pressed=false]").wait_for()

    # What the checker refuses is said at its field, which the keyboard is on.
    page.locator("#settings-others summary").click()
    page.locator("#settings-max_extract_age_days").fill("two weeks")
    page.keyboard.press("Enter")
    page.locator("#settings-max_extract_age_days[aria-invalid]").wait_for()
    assert focused(page) == "settings-max_extract_age_days"
    assert "should be a whole number" in page.locator("#settings-max_extract_age_days-said").inner_text()
    look(page, "settings_refused")
    page.locator("#settings-max_extract_age_days").fill("14")
    page.keyboard.press("Enter")

    page.locator("#settings-lines").wait_for()
    assert '"X" = "10"' in page.locator("#settings-lines").inner_text()
    assert file.read_bytes() == old
    look(page, "settings_lines")
    for mode in ("light", "dark"):
        page.emulate_media(color_scheme=mode)
        page.set_viewport_size({"width": 320, "height": 800})
        page.wait_for_function("innerWidth === 320")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        look(page, f"settings_lines_320_{mode}")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.emulate_media(color_scheme="light")

    press(page, "#next")
    page.get_by_role("heading", level=1, name="Check: may the two be compared?").wait_for()
    page.locator("#met").wait_for()
    settled(page)
    assert "Nothing stops the run" in page.locator("main").inner_text()
    assert file.read_bytes() == old + b'\n[translations."STU.SP"]\n"X" = "10"\n'
    assert [one.read_bytes() for one in file.parent.glob("senrkit.toml.*")] == [old]
    look(page, "settings_written")
    press(page, "#notice-do")
    page.locator("#precondition-P10.stopped").wait_for()
    assert file.read_bytes() == old and not list(file.parent.glob("senrkit.toml.*"))


def test_start_leads_to_the_settings_and_a_code_is_added(page, look):
    press(page, "#step-start")
    page.locator("#change-settings").wait_for()
    press(page, "#change-settings")
    page.locator("#settings-new_code").fill("160")
    page.locator("#settings-new_set").select_option("ATT.RS")
    page.locator("#settings-new_code").press("Enter")
    page.get_by_label("Exit reason (ATT.RS): 160").wait_for()
    assert focused(page) == "settings-code-0"
    look(page, "settings_all")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 320, "height": 800})
    page.wait_for_function("innerWidth === 320")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    look(page, "settings_all_320_dark")
