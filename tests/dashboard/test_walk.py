"""The whole job in a real browser, as somebody new does it: mouse, keyboard, wrong file, dead kernel, two tabs."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import time
import urllib.error
import urllib.request
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from senrkit.cli.main import main
from senrkit.demo import make
from senrkit.reconciliation.decisions import Decision, append
from tests.dashboard.extracts import aged, lengthened
from tests.dashboard.servers import go_on, narrow, new_page, settled
from tests.patience import PATIENCE
from tests.students import ssids_shown

DROPPED_BYTES = int(os.environ.get("SENRKIT_DROPPED_MB", "25")) * 1_000_000
OF_A_COLLEAGUE = Decision(
    ssid="9" * 10, school_code="1999991", start_date="20260817", action="update", decision="hold",
    reason="Asked the school", author="A colleague", made="2026-11-23",
)  # fmt: skip
REASON = "CALPADS was down for maintenance"


@pytest.fixture(scope="module")
def demo(server, browser, home):
    """The demo district, made by the first visitor."""
    page = new_page(browser, server)
    page.goto(server.address)
    page.locator("#demo").click()
    page.get_by_role("heading", level=1, name="Load the extract").wait_for()
    page.context.close()
    return home / "demo"


@pytest.fixture(scope="module")
def walked(demo, server, browser, home, look, tmp_path_factory):
    """The walk itself; what it leaves is looked at by several tests."""
    folder = tmp_path_factory.mktemp("walk")
    upload = lengthened(demo / "SENR_ODS.txt", folder / "SENR_upload.txt", 5_000_000)
    (home / "drop").mkdir(exist_ok=True)
    dropped = lengthened(
        aged(demo / "SENR_ODS.txt", folder / "aged.txt"), home / "drop" / "SENR_large.txt", DROPPED_BYTES
    )

    page = new_page(browser, server)
    page.goto(server.address)
    page.locator("#demo").wait_for()
    look(page, "1_start")
    page.locator("#setup-open").click()
    page.locator("#setup-name").wait_for()
    look(page, "1_setup")
    page.locator("#demo").click()
    page.locator("#upload").set_input_files(demo / "SELA_ODS.txt")
    page.locator("#notice").wait_for()
    look(page, "2_wrong_file")
    wrong_file = page.locator("#notice").inner_text()
    page.locator("#upload").set_input_files(upload)
    page.locator("#recognized").wait_for()
    uploaded = page.locator("#recognized").inner_text()
    look(page, "2_load")
    page.locator("#dropped").select_option(index=0)
    page.locator("#use-dropped").click()
    page.locator("#recognized", has_text="SENR_large.txt").wait_for()
    dropped_words = page.locator("#recognized").inner_text()

    go_on(page, "Check: may the two be compared?")
    page.locator("#precondition-P08.stopped").wait_for()
    assert page.locator("#next").get_attribute("aria-disabled") == "true"
    look(page, "3_check_stopped")
    page.locator("#because-P08").fill(REASON)
    page.get_by_role("button", name="Accept P08").click()
    page.locator("#precondition-P08.accepted").wait_for()
    look(page, "3_check_accepted")
    go_on(page, "Evaluate: what differs")
    page.locator("[data-figure=by_school] .main-svg").first.wait_for()
    look(page, "4_evaluate")
    page.locator("[data-show=table][data-of=by_school]").click()
    look(page, "4_evaluate_table")
    go_on(page, "Review")
    page.locator("#review-table tbody tr").first.wait_for()
    look(page, "5_review")
    page.locator("#review-table tbody tr").nth(1).locator("td").nth(3).click()
    page.locator("dialog[open]").wait_for()
    look(page, "5_student")
    page.locator("#student-close").click()
    for row in (0, 2):
        page.locator("#review-table tbody tr").nth(row).locator("input").check()
    page.locator("#decide-title", has_text="2 chosen rows").wait_for()
    page.locator("#decision-hold").check()
    page.locator("#decide-reason").fill("The school has to be asked first")
    look(page, "5_decide")
    page.locator("#decide-chosen").click()
    page.locator(".with-decisions", has_text="2 decisions").wait_for()
    go_on(page, "Export")
    page.get_by_role("button", name="Make the files").click()
    page.locator("#confirm-number").wait_for()
    settled(page)
    look(page, "6_export_locked")
    page.locator("#confirm-number").fill(re.search(r"delete (\d+)", page.locator("#confirm-title").inner_text())[1])
    page.locator("#confirm").click()
    page.locator("#download-all:not([aria-disabled])").wait_for()
    page.locator("[data-figure=enrollment_counts] .main-svg").first.wait_for()
    look(page, "6_export")
    with page.expect_download() as package:
        page.locator("#download-all").click()
    kept = folder / package.value.suggested_filename
    package.value.save_as(kept)
    page.locator("#step-history").click()
    page.locator("[data-figure=trend] .main-svg").first.wait_for()
    look(page, "7_history")
    page.locator("#step-language").click()
    page.get_by_role("heading", level=1, name="Language").wait_for()
    look(page, "7_language_before")
    page.locator("#compare-language").click()
    page.locator("#conflicts-title").wait_for()
    look(page, "7_language")
    language = page.locator("main").inner_text()
    with page.expect_download() as language_import:
        page.get_by_role("button", name="Download aeries_import_LAC.csv").click()
    language_import.value.save_as(folder / "aeries_import_LAC.csv")
    yield {
        "page": page,
        "language": language,
        "language_import": folder / "aeries_import_LAC.csv",
        "zip": kept,
        "wrong_file": wrong_file,
        "uploaded": uploaded,
        "dropped": dropped_words,
        "extract": dropped,
    }
    page.context.close()


def test_a_wrong_file_is_refused_with_its_reason_and_not_kept(walked, home):
    assert "English language acquisition extract" in walked["wrong_file"]
    assert not list((home / "uploads").rglob("SELA*"))


def test_an_upload_of_5_mb_and_a_dropped_file_are_recognized(walked):
    for words in (walked["uploaded"], walked["dropped"]):
        assert "SENR-R, 37 columns" in words
    assert "days before the run" in walked["dropped"]


def test_the_downloaded_zip_equals_the_command_lines(walked, demo, tmp_path):
    decisions = demo / "runs" / "decisions.csv"
    asked = [
        "run",
        "--settings",
        str(demo / "senrkit.toml"),
        "--extract",
        str(walked["extract"]),
        "--decisions",
        str(decisions),
    ]
    done = CliRunner().invoke(
        main, [*asked, "--accept", "P08", "--because", REASON, "--out", str(tmp_path / "run"), "--quiet"]
    )
    assert done.exit_code == 5, done.output
    theirs = next((tmp_path / "run" / "submission").glob("*.zip"))
    assert theirs.name == walked["zip"].name
    assert theirs.read_bytes() == walked["zip"].read_bytes()


def test_the_held_students_are_in_no_file(walked, demo):
    held = [line.split(",")[0].encode() for line in (demo / "runs" / "decisions.csv").read_text().splitlines()[1:]]
    with zipfile.ZipFile(walked["zip"]) as opened:
        sent = b"".join(opened.read(name) for name in opened.namelist() if name.startswith("SENR_"))
    assert len(held) == 2
    assert not [ssid for ssid in held if ssid in sent]


def test_the_language_tab_shows_the_planted_el_and_ifep_and_hands_out_the_import(walked, demo):
    with (demo / "demo_expectations.csv").open(newline="") as lines:
        planted = Counter(row["expected_reason"] for row in csv.DictReader(lines))
    for name, title in (("new-el", "New English learner"), ("new-ifep", "New initially fluent")):
        assert planted[name] and f"{planted[name]}\n{title}" in walked["language"]
    assert ssids_shown(walked["language"], demo) == set()
    written = next((demo / "runs").glob("*/aeries_import_LAC.csv")).read_bytes()
    assert walked["language_import"].read_bytes() == written
    assert len(written.splitlines()) == 1 + planted["new-el"] + planted["new-ifep"]


def test_a_bar_leads_to_the_rows_behind_it(walked, server):
    page = walked["page"]
    page.locator("#step-evaluate").click()
    bar = page.locator("[data-figure=by_school] .trace.bars .point path").first
    bar.wait_for()
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_role("heading", level=1, name="Review").wait_for()
    assert [one.get_attribute("value") for one in page.locator("#filter-action :checked").all()] == ["add"]
    assert re.fullmatch(r"\d{7}", page.locator("#filter-school_code :checked").get_attribute("value"))


def test_names_are_hidden_until_they_are_asked_for(walked, demo):
    page = walked["page"]
    page.locator("#step-review").click()
    page.locator("#review-table tbody tr").first.wait_for()
    assert ssids_shown(page.locator("main").inner_html(), demo) == set()
    page.locator("#names").click()
    settled(page)
    page.locator("#review-table small", has_text=re.compile(r"SSID \d{10}")).first.wait_for()
    page.locator("#names").click()
    page.locator("#review-table", has_text="•••").wait_for()
    assert ssids_shown(page.locator("main").inner_html(), demo) == set()


def test_a_second_tab_sees_the_run_and_the_decisions_of_the_first(walked, server, browser):
    other = new_page(browser, server)
    other.goto(server.address)
    other.get_by_role("button", name=re.compile("Open the run of")).first.click()
    other.get_by_role("heading", level=1, name="Evaluate: what differs").wait_for()
    other.locator("#step-review").click()
    other.locator(".with-decisions", has_text="2 decisions").wait_for()
    narrow(other, "action", "update")
    other.locator("#review-table tbody tr.update input").first.check()
    other.locator("#decision-hold").check()
    other.locator("#decide-reason").fill("Seen in the second tab")
    other.locator("#decide-chosen").click()
    other.locator(".with-decisions", has_text="3 decisions").wait_for()
    first = walked["page"]
    first.locator("#step-review").click()
    first.locator(".with-decisions", has_text="3 decisions").wait_for()
    narrow(other, "decision", "hold")
    other.locator("#review-table tbody tr", has_text="Hold").first.wait_for()
    other.context.close()


def fits(page, selector: str) -> bool:
    """Whether nothing of it runs out to the side."""
    return page.locator(selector).evaluate("one => one.scrollWidth <= one.clientWidth")


def test_two_people_at_one_row(walked, server, browser, look):
    """Both have the row chosen; the first decides, the second is told and replaces it, then undoes it."""
    pages = []
    for _ in range(2):
        page = new_page(browser, server)
        page.goto(server.address)
        page.get_by_role("button", name=re.compile("Open the run of")).first.click()
        page.get_by_role("heading", level=1, name="Evaluate: what differs").wait_for()
        page.locator("#step-review").click()
        narrow(page, "action", "add")
        page.locator("#review-table tbody tr.add:not(.decided) input").first.wait_for()
        pages.append(page)
    first, second = pages
    row = second.locator("#review-table tbody tr.add:not(.decided)").first.get_attribute("id")
    for page, decision, reason in ((first, "hold", "Asked the school"), (second, "not-an-error", "Aeries is right")):
        page.locator(f"#{row} input").check()
        page.locator(f"#decision-{decision}").check()
        page.locator("#decide-reason").fill(reason)
    first.locator("#decide-chosen").click()
    first.locator("#notice-do").wait_for()
    second.locator("#decide-chosen").click()
    second.locator(".standing", has_text="Asked the school").wait_for()
    second.locator(".decide .field-error", has_text="decided already").wait_for()
    assert second.locator("#decide-reason").input_value() == "Aeries is right"
    assert not second.get_by_label("Replace this decision with mine").is_checked()
    look(second, "5_decided_before")
    assert fits(second, ".grid-scroll")
    second.get_by_label("Replace this decision with mine").check()
    second.locator("#decide-chosen").click()
    second.locator(f"#{row} .decision", has_text="Not an error").wait_for()
    second.locator("#all-decisions summary").click()
    second.locator("#all-decisions tbody tr", has_text="Replaced by").first.wait_for()
    look(second, "5_all_decisions")
    second.locator("#notice-do").click()
    second.locator(f"#{row} .decision", has_text="Hold").wait_for()
    # The form in the student's own window is told, too.
    first.locator(f"#{row} .decision", has_text="Hold").wait_for()
    first.locator(f"#{row} td").nth(3).click()
    first.locator("dialog[open] .standing").wait_for()
    look(first, "5_student_decided")
    first.locator("dialog").get_by_role("button", name="Take the decision back").click()
    first.locator("dialog .standing").wait_for(state="detached")
    for page in pages:
        page.context.close()


def test_an_answer_that_comes_late_does_not_take_away_what_was_typed(walked, server, browser):
    page = new_page(browser, server)
    page.goto(server.address)
    page.get_by_role("button", name=re.compile("Open the run of")).first.click()
    page.get_by_role("heading", level=1, name="Evaluate: what differs").wait_for()
    page.locator("#step-review").click()
    page.locator("#review-table tbody tr input").nth(5).check()
    page.locator("#decide-title", has_text="1 chosen row").wait_for()
    page.locator("#decision-hold").check()
    page.locator("#decide-reason").fill("Typed before the answer")
    page.locator("#review-table tbody tr input").nth(6).check()
    page.locator("#decide-title", has_text="2 chosen rows").wait_for()
    assert page.locator("#decide-reason").input_value() == "Typed before the answer"
    assert page.locator("#decision-hold").is_checked()
    page.context.close()


def test_a_killed_kernel_loses_nothing(walked, server, browser):
    page = new_page(browser, server)
    page.goto(server.address)
    before = {one.pid for one in server.kernels()}
    page.get_by_role("button", name=re.compile("Open the run of")).first.click()
    page.get_by_role("heading", level=1, name="Evaluate: what differs").wait_for()
    page.locator("#step-review").click()
    page.locator("#review-table tbody tr").first.wait_for()
    newest = max((one for one in server.kernels() if one.pid in before), key=lambda one: one.create_time())
    newest.send_signal(signal.SIGKILL)
    page.locator(".lost").wait_for()
    assert "Runs and decisions are kept" in page.locator(".lost").inner_text()
    page.locator(".lost button").click()
    page.get_by_role("heading", level=1, name="Review").wait_for()
    page.locator(".with-decisions").wait_for()
    page.context.close()


def test_the_whole_job_by_keyboard_alone(demo, server, browser):
    """Tab, arrows, Space, Enter and letters; not one click."""
    page = new_page(browser, server)
    page.goto(server.address)
    page.locator("#demo").wait_for()

    def tab_to(selector: str) -> None:
        for _ in range(120):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"Tab never reached {selector}")

    def step(selector: str, heading: str) -> None:
        tab_to(selector)
        page.keyboard.press("Enter")
        page.get_by_role("heading", level=1, name=heading).wait_for()
        settled(page)

    step("#demo", "Load the extract")
    tab_to("#use-named")
    page.keyboard.press("Enter")
    page.locator("#recognized").wait_for()
    settled(page)
    step("#next", "Check: may the two be compared?")
    page.locator("#next:not([aria-disabled])").wait_for()
    step("#next", "Evaluate: what differs")
    page.locator(".tiles").wait_for()
    settled(page)
    step("#next", "Review")
    page.locator("#review-table tbody tr").first.wait_for()
    tab_to("tr[data-keep=row]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator("dialog[open]").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    page.wait_for_function("document.activeElement.matches('tr[data-keep=row]')")
    page.keyboard.press(" ")
    page.locator("#decide-chosen").wait_for()
    page.wait_for_function("document.activeElement.matches('tr[aria-selected=true]')")
    # A colleague decides meanwhile, and the page is drawn anew: the keyboard stays where it was.
    row = page.evaluate("document.activeElement.id")
    append(demo / "runs" / "decisions.csv", OF_A_COLLEAGUE)
    page.locator("#said", has_text="Decisions were added on another page.").wait_for(state="attached")
    page.wait_for_function("id => document.activeElement.id === id", arg=row)
    tab_to("#decision-send, #decision-hold, #decision-not-an-error")
    page.keyboard.press(" ")
    page.keyboard.press("ArrowDown")
    tab_to("#decide-reason")
    page.keyboard.type("By keyboard alone")
    tab_to("#decide-chosen")
    page.keyboard.press("Enter")
    page.locator("#decide-chosen").wait_for(state="detached")
    step("#next", "Export")
    if page.get_by_role("button", name="Make the files").count():
        tab_to("#next")
        page.keyboard.press("Enter")
    page.locator("#confirm-number").wait_for()
    settled(page)
    number = re.search(r"delete (\d+)", page.locator("#confirm-title").inner_text())[1]
    tab_to("#confirm-number")
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    page.locator("#download-all:not([aria-disabled])").wait_for()
    with page.expect_download() as package:
        page.keyboard.press("Enter")
    assert package.value.suggested_filename.endswith(".zip")
    page.context.close()


def test_it_fits_at_200_percent_and_prints(walked, server, browser, shots):
    """200 % of 1280 × 720 is 640 × 360 to the page: nothing may run out to the side."""
    page = new_page(browser, server, 640, 360, device_scale_factor=2)
    page.goto(walked["page"].url.split("#")[0])
    page.goto(server.address)
    page.get_by_role("button", name=re.compile("Open the run of")).first.click()
    for step in ("evaluate", "review", "export", "language", "check", "load", "start"):
        page.locator(f"#step-{step}").click()
        page.locator("#title").wait_for()
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 640, step
    page.screenshot(path=shots / "8_zoomed.png")
    page.locator("#step-evaluate").click()
    page.locator("[data-table-of=by_school]").wait_for(state="attached")
    page.emulate_media(media="print")
    assert not page.locator("#rail").is_visible()
    assert page.locator("[data-table-of=by_school]").is_visible()
    page.context.close()


def test_the_deletes_that_stop_a_run_are_seen_before_they_are_accepted(walked, server, browser, home, look):
    make(home / "strays", 300, 1, None, "P12")
    page = new_page(browser, server)
    page.goto(server.address)
    chosen = page.locator("#settings-file option", has_text="strays").get_attribute("value")
    page.locator("#settings-file").select_option(chosen)
    page.get_by_role("button", name="Use these").click()
    page.locator("#use-named").click()
    page.locator("#recognized").wait_for()
    go_on(page, "Check: may the two be compared?")
    page.locator("#deletes tbody tr").last.scroll_into_view_if_needed()
    number = page.locator("#deletes tbody tr").last.locator("td").first.inner_text()
    page.locator("#because-P12").fill("Looked at each of them")
    page.locator("#deletes-P12").fill(f"{number}0")
    page.get_by_role("button", name="Accept P12").click()
    page.locator("#accept-P12 .field-error", has_text="not the number").wait_for()
    look(page, "3_check_deletes")
    assert fits(page, "#deletes")
    page.locator("#deletes-P12").fill(number)
    page.get_by_role("button", name="Accept P12").click()
    page.locator("#precondition-P12.accepted").wait_for()
    look(page, "3_check_deletes_accepted")
    page.context.close()
    shutil.rmtree(home / "strays")


def test_nothing_was_asked_of_any_other_computer(walked, server):
    assert server.strayed == []


@pytest.mark.parametrize(
    "path", ["voila/files/senr.ipynb", "voila/files/README.md", "voila/files/../home/demo/senrkit.toml"]
)
@pytest.mark.parametrize("with_token", [True, False])
def test_no_file_is_served(server, path, with_token):
    token = server.address.partition("token=")[2]
    headers = {"Authorization": f"token {token}"} if with_token else {}
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(f"{server.origin}/{path}", headers=headers), timeout=PATIENCE)
    assert refused.value.code in (403, 404)


def test_the_page_shows_no_source(walked):
    assert "Places.of_environment" not in walked["page"].content()


def test_kernels_are_spoken_to_through_the_file_system(walked, server):
    if os.name != "posix":
        pytest.skip("there are no such sockets here")
    connections = [json.loads(Path(kernel.cmdline()[-1]).read_text()) for kernel in server.kernels()]
    assert {one["transport"] for one in connections} == {"ipc"}


def test_uploads_and_runs_are_private(walked, home):
    if os.name != "posix":
        pytest.skip("there are no such modes here")
    for path in [home / "uploads", *(home / "demo" / "runs").glob("*/")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_kernels_end_after_their_pages(walked, server):
    """After six seconds without a page, here, and their workers with them. Runs last: it closes the walk."""
    walked["page"].context.close()
    until = time.monotonic() + PATIENCE
    while (server.kernels() or server.workers()) and time.monotonic() < until:
        time.sleep(0.5)
    assert (server.kernels(), server.workers()) == ([], [])
