"""Reload, Back, links, closed tabs: a page is found again where it was, and what it took is given back."""

from __future__ import annotations

import re
import time

import pytest

from tests.dashboard.servers import checked, go_on, narrow, new_page, serving_demo, settled
from tests.patience import PATIENCE

CHOSEN = "[...document.querySelectorAll('#filter-action :checked')].map(one => one.value).join()"


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    """A server whose kernels would outlive every test by themselves, and a run to open."""
    with serving_demo(tmp_path_factory.mktemp("tabs") / "home", "--idle-minutes", "60") as running:
        yield running


@pytest.fixture
def page(lasting, browser):
    page = new_page(browser, lasting)
    page.goto(lasting.address)
    page.locator("#demo").wait_for()
    yield page
    # First the page's own farewell, and only then what cuts it off.
    page.close(run_before_unload=True)
    until(lambda: not lasting.kernels())
    page.context.close()


def until(state) -> None:
    end = time.monotonic() + PATIENCE
    while not state():
        assert time.monotonic() < end
        time.sleep(0.1)


def at(page, heading: str, within: str = "") -> None:
    page.get_by_role("heading", level=1, name=heading).wait_for()
    page.wait_for_function("words => location.hash.includes(words)", arg=within)
    settled(page)


def reviewing(page) -> None:
    page.get_by_role("button", name=re.compile("Open the run of")).first.click()
    at(page, "Evaluate: what differs", "run=")
    go_on(page, "Review")
    page.locator("#review-table tbody tr").first.wait_for()


def test_a_reloaded_and_a_closed_tab_give_back_kernel_and_worker(page, lasting):
    until(lambda: len(lasting.workers()) == 1)
    for _ in range(2):
        (before,) = lasting.kernels()
        page.reload()
        page.locator("#demo").wait_for()
        until(lambda before=before: not before.is_running())
        until(lambda: (len(lasting.kernels()), len(lasting.workers())) == (1, 1))
    other = page.context.new_page()
    other.goto(f"{lasting.origin}/")
    other.locator("#demo").wait_for()
    other.close(run_before_unload=True)
    until(lambda: (len(lasting.kernels()), len(lasting.workers())) == (1, 1))
    page.locator("#step-history").click()
    at(page, "History")


def test_an_extract_that_is_recognized_is_no_place_of_its_own(page):
    checked(page)
    page.go_back()
    at(page, "Load the extract")
    page.locator("#recognized").wait_for()
    page.go_back()
    page.locator("#demo").wait_for()


def test_back_forth_and_reload_keep_step_student_and_filters(page, lasting):
    reviewing(page)
    narrow(page, "action", "delete", "update")
    page.wait_for_function("location.hash.includes('action=update&action=delete')")
    row = page.locator("#review-table tbody tr.update").nth(1)
    name = row.get_attribute("id")
    row.locator("td").nth(3).click()
    page.locator("dialog[open]").wait_for()
    with_student = page.url
    assert re.search(r"run=\S+&step=review&student=\d+&action=update&action=delete$", with_student)

    page.go_back()
    page.locator("dialog").wait_for(state="detached")
    page.wait_for_function("id => document.activeElement.id === id", arg=name)
    page.go_back()
    # The deletes, with which Review begins.
    page.wait_for_function("location.hash.endsWith('step=review&action=delete')")
    page.wait_for_function(f"{CHOSEN} === 'delete'")
    page.go_back()
    at(page, "Evaluate: what differs", "step=evaluate")
    page.go_back()
    page.locator("#demo").wait_for()
    for _ in range(4):
        page.go_forward()
        settled(page)
    page.wait_for_function("address => location.href === address", arg=with_student)
    page.locator("dialog[open]").wait_for()

    title = page.locator("#student-title").inner_text()
    page.reload()
    page.locator("dialog[open]").wait_for()
    assert (page.url, page.locator("#student-title").inner_text()) == (with_student, title)
    assert page.evaluate(CHOSEN) == "update,delete"
    page.locator("#student-close").click()
    page.locator("dialog").wait_for(state="detached")
    page.locator("#review-table tbody tr.update").first.wait_for()
    assert page.locator("#review-table tbody tr:not(.update, .delete)").count() == 0


def test_a_link_opens_the_student_and_what_is_searched_for_is_in_no_address(page, lasting):
    reviewing(page)
    before = page.url
    page.locator("#review-search").fill("school")
    page.locator("#said", has_text=re.compile("rows?")).wait_for(state="attached")
    assert page.url == before
    other = page.context.new_page()
    other.set_default_timeout(PATIENCE * 1000)
    other.goto(f"{before}&student=3")
    other.locator("dialog[open]").wait_for()
    other.close(run_before_unload=True)
