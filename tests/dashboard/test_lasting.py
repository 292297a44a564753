"""Work that outlives its page: found again, canceled, done to its end; and nobody's who has a page."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time

import psutil
import pytest

from senrkit.app import found_again
from senrkit.app.lasting import FOLDER, Claim, Hold
from senrkit.app.workroom import Workroom
from tests.dashboard.desks import Clerk
from tests.dashboard.servers import ROOT, new_page, serving
from tests.patience import PATIENCE

TOLD = {"job": "make_demo", "doing": "Making the demo district", "settings_file": "", "back_to": "start"}
STOPPED: list[psutil.Process] = []
posix_only = pytest.mark.skipif(os.name != "posix", reason="work ends with its page on Windows")


def until(state) -> None:
    end = time.monotonic() + PATIENCE
    while not state():
        assert time.monotonic() < end
        time.sleep(0.05)


def files(home):
    return [path.name for path in (home / FOLDER).iterdir()] if (home / FOLDER).is_dir() else []


# ---- the file


def test_work_with_a_page_is_nobody_elses(tmp_path):
    claim = Claim.begin(tmp_path, TOLD)
    assert Claim.left(tmp_path) is None
    assert stat.S_IMODE(claim.file.stat().st_mode) == 0o600 or os.name != "posix"
    assert not claim.is_worked_on()
    hold = Hold(claim.file)
    assert claim.is_worked_on()
    hold.tell(step="reading")
    assert claim.told() == {**TOLD, "begun": True, "step": "reading"}
    hold.release()
    claim.end()
    assert files(tmp_path) == [] and claim.told() is None


def test_work_whose_worker_is_just_starting_is_not_taken_for_dead(tmp_path):
    claim = Claim.begin(tmp_path, TOLD)
    claim._held.close()
    assert Claim.left(tmp_path) is None
    os.utime(claim.file, (0, 0))
    found = Claim.left(tmp_path)
    assert found.file == claim.file and not found.is_worked_on()
    found.end()


def test_what_was_taken_away_does_not_come_back(tmp_path):
    claim = Claim.begin(tmp_path, TOLD)
    hold = Hold(claim.file)
    claim.drop()
    hold.tell(step="writing")
    assert not claim.file.exists()
    hold.outlast()
    hold.release()


def test_the_end_of_the_server_ends_it(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "gone"))
    claim = Claim.begin(tmp_path, TOLD)
    hold = Hold(claim.file)
    hold.outlast()
    hold.release()
    assert claim.told() is None
    assert Claim.left(tmp_path) is None and files(tmp_path), "its page may still be there"
    claim._held.close()
    assert Claim.left(tmp_path) is None and files(tmp_path) == []


def test_half_a_line_of_a_worker_that_was_killed_hangs_nobody(tmp_path):
    claim = Claim.begin(tmp_path, TOLD)
    claim.file.write_text('{"job": ')
    assert claim.told() == {}


# ---- the worker, whose page is another program that ends

_PAGE = """
import json, os, sys, threading
from pathlib import Path
from senrkit.app.workroom import Request, Workroom

home, students, told = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
room = Workroom(home, lambda function, *given: function(*given))

def at_work(step):
    print(room.process_id, flush=True)
    os._exit(0)

demo = {"folder": str(home / "demo"), "students": students}
room.ask(Request("make_demo", demo, lambda answer: None, at_work, told))
threading.Event().wait()
"""


@contextlib.contextmanager
def page_at_work(home, students):
    """The worker of a page that ended while a demo district was made."""
    home.mkdir(exist_ok=True)
    page = subprocess.run(
        [sys.executable, "-c", _PAGE, str(home), str(students), json.dumps(TOLD)],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE,
    )  # fmt: skip
    worker = psutil.Process(int(page.stdout))
    try:
        yield worker
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.kill()


@posix_only
def test_another_page_takes_it_up_and_goes_on_with_it(tmp_path):
    home = tmp_path / "home"
    with page_at_work(home, 500) as worker:
        room = Workroom(home, lambda function, *given: function(*given))
        clerk = Clerk(home, room)
        until(lambda: clerk.desk.session.step == "load")
        until(lambda: not worker.is_running())
        room.close()
    assert clerk.desk.session.settings_file == home / "demo" / "senrkit.toml"
    assert "Making the demo district" in " ".join(
        message["regions"].get("busy", "") for message in clerk.messages if message["t"] == "show"
    )
    assert files(home) == []


@posix_only
def test_a_cancel_by_another_page_ends_it(tmp_path):
    home = tmp_path / "home"
    with page_at_work(home, 20_000) as worker:
        room = Workroom(home, lambda function, *given: function(*given))
        clerk = Clerk(home, room)
        clerk.do("work/cancel")
        until(lambda: "Canceled" in clerk.sees())
        until(lambda: not worker.is_running())
        room.close()
    assert files(home) == [] and not (home / "demo" / "senrkit.toml").exists()


@posix_only
def test_a_worker_that_dies_without_its_page_is_a_sentence(tmp_path):
    home = tmp_path / "home"
    with page_at_work(home, 20_000) as worker:
        worker.kill()
        room = Workroom(home, lambda function, *given: function(*given))
        clerk = Clerk(home, room)
        until(lambda: "cut off" in clerk.sees())
        room.close()


@posix_only
@pytest.mark.parametrize(
    ("students", "said"), [(300, "done, while no page was open"), (10, "needs at least 300 students")]
)
def test_what_ended_without_a_page_is_told_at_the_start(tmp_path, students, said):
    home = tmp_path / "home"
    with page_at_work(home, students) as worker:
        until(lambda: not worker.is_running())
        (file,) = (home / FOLDER).glob("*.json")
        answer = json.loads(file.read_text())["answer"]
        clerk = Clerk(home)
    assert answer.get("done", str(home / "demo" / "senrkit.toml")) == str(home / "demo" / "senrkit.toml")
    assert clerk.desk.session.step == "start" and said in clerk.sees()
    assert files(home) == []


def test_work_whose_answer_names_students_ends_with_its_page(tmp_path):
    clerk = Clerk(tmp_path / "home")
    for job in ("names", "names_in_aeries", "check", "recognize", "tell"):
        assert found_again.told(clerk.desk, "", job) is None


# ---- in the browser


@pytest.fixture
def bare(tmp_path):
    """A server with nothing in its home yet."""
    (tmp_path / "home").mkdir()
    with serving(tmp_path / "home", "--idle-minutes", "60") as running:
        yield running
    # A test that failed leaves none behind.
    while STOPPED:
        with contextlib.suppress(psutil.NoSuchProcess):
            STOPPED.pop().kill()


def begin_demo(page, server):
    """The demo is being made, and its worker does not get any further."""
    page.goto(server.address)
    page.locator("#demo").wait_for()
    until(lambda: server.workers())
    (worker,) = server.workers()
    STOPPED.append(worker)
    # Stopped by its file, and not by way of the page: on a busy computer the demo would be made by then.
    watcher = threading.Thread(target=stop_at_the_first_step, args=(worker, server.home), daemon=True)
    watcher.start()
    page.locator("#demo").click()
    watcher.join(PATIENCE)
    page.locator(".busy").wait_for()
    return worker


def stop_at_the_first_step(worker, home):
    while not any('"step": "' in text for text in told(home)):
        time.sleep(0.002)
    worker.send_signal(signal.SIGSTOP)


def told(home):
    """What the files of work under way say; of one that is just taken away nothing."""
    with contextlib.suppress(FileNotFoundError):
        return [path.read_text() for path in (home / FOLDER).glob("*.json")]
    return []


@posix_only
def test_a_reload_finds_the_work_again_with_its_steps(bare, browser):
    page = new_page(browser, bare)
    worker = begin_demo(page, bare)
    page.reload()
    page.locator(".busy", has_text="Making the demo district").wait_for()
    page.reload()
    page.locator(".busy", has_text="Making the demo district").wait_for()
    worker.send_signal(signal.SIGCONT)
    page.get_by_role("heading", level=1, name="Load the extract").wait_for()
    until(lambda: not worker.is_running() and files(bare.home) == [])
    page.context.close()


@posix_only
def test_a_cancel_after_a_reload_ends_it(bare, browser):
    page = new_page(browser, bare)
    worker = begin_demo(page, bare)
    page.reload()
    page.locator(".busy", has_text="Making the demo district").wait_for()
    page.locator("#cancel").click()
    # Not before the word has come, by which the file goes: the worker may be near its end.
    until(lambda: not list((bare.home / FOLDER).glob("*.json")))
    worker.send_signal(signal.SIGCONT)
    page.locator("#notice", has_text="Canceled").wait_for()
    until(lambda: not worker.is_running())
    assert files(bare.home) == [] and not (bare.home / "demo" / "senrkit.toml").exists()
    page.context.close()


@posix_only
def test_a_second_tab_leaves_it_to_the_first_and_finds_it_when_that_is_closed(bare, browser):
    page = new_page(browser, bare)
    worker = begin_demo(page, bare)
    other = page.context.new_page()
    other.set_default_timeout(PATIENCE * 1000)
    other.goto(f"{bare.origin}/")
    other.locator("#demo").wait_for()
    other.locator("#step-history").click()
    other.get_by_role("heading", level=1, name="History").wait_for()
    other.locator("#step-start").click()
    other.locator("#demo").wait_for()
    assert not other.locator(".busy").count() and page.locator(".busy").count()
    page.close(run_before_unload=True)
    other.locator(".busy", has_text="Making the demo district").wait_for()
    worker.send_signal(signal.SIGCONT)
    other.get_by_role("heading", level=1, name="Load the extract").wait_for()
    other.context.close()
