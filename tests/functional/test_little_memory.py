"""A computer, or a container, with little memory: one sentence with its cure and exit code 3; no abort, nothing left.

What can be caught: a library that gets no memory (whether it raises, panics, aborts or ends the process itself), and
the system that ends the process. What cannot: a system that ends this process' parent too.
"""

from __future__ import annotations

import datetime as dt
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from benchmarks.large import make_large
from senrkit import demo
from senrkit.errors import is_out_of_memory
from tests.patience import PATIENCE

resource = pytest.importorskip("resource")
ROOT = Path(__file__).resolve().parents[2]
MIB = 1 << 20
SENTENCE = "senrkit: There is not enough memory. Close other programs, or use a computer with more"


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """A district with an extract of 400,000 rows."""
    folder = tmp_path_factory.mktemp("large")
    make_large(folder, 400_000, 20_000)
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    return demo.make(tmp_path_factory.mktemp("small"), 300, 1, dt.date(2026, 11, 23)).folder


def senrkit(folder, *words, mib):
    return subprocess.run(
        [sys.executable, "-m", "senrkit", *words], cwd=folder, timeout=PATIENCE, capture_output=True, encoding="utf-8",
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (mib * MIB, mib * MIB)),
    )  # fmt: skip


def assert_said(done, folder):
    # Nothing stands beside the sentence: no trace, no panic of a library, no reference to a log.
    assert (done.returncode, done.stderr.count("\n")) == (3, 1) and done.stderr.startswith(SENTENCE), done.stderr
    assert not list(folder.rglob("manifest.json")) and not list(folder.rglob("*.zip"))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a limit of addresses is not kept")
@pytest.mark.parametrize("mib", [200, 450, 700])
def test_a_large_extract_on_a_small_machine(large, mib):
    assert_said(senrkit(large, "run", mib=mib), large)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a limit of addresses is not kept")
@pytest.mark.parametrize("command", ["check", "sources", "language"])
def test_the_other_commands_that_read_a_district(small, command):
    assert_said(senrkit(small, command, mib=300), small)


def test_machines_are_told_too(large):
    done = senrkit(large, "run", "--json", "--quiet", mib=450)
    assert done.returncode == 3 and '"exit_code": 3' in done.stdout and "not enough memory" in done.stdout


def watched(work):
    """What becomes of a process whose work is this, and what it says."""
    text = f"""
        import os, signal, sys, time
        from senrkit.system.processes import watched
        def work():
            {work}
        sys.exit(watched(work, crashed=lambda: print("crashed") or 3))
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(text)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8", cwd=ROOT,
    )  # fmt: skip


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no fork")
@pytest.mark.parametrize(
    ("work", "code", "said"),
    [
        ("return 5", 5, ""),
        ("os.kill(os.getpid(), signal.SIGKILL)", 3, "crashed"),
        ("os.abort()", 3, "crashed"),
        ("os._exit(1)", 3, "crashed"),
        ("os.write(2, b'panicked at a row'); os.abort()", 3, "crashed"),
        ("print('told', file=sys.stderr); return 0", 0, "told"),
        ("__import__('threading').Thread(target=lambda: 1 / 0).start(); return 0", 0, ""),
        ("sys.excepthook(*[None] * 3); return 0", 0, ""),
        ("print('seen'); return 0", 0, "seen"),
        ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)", -signal.SIGTERM, ""),
    ],
)
def test_how_a_process_ends_that_is_watched(work, code, said):
    process = watched(work)
    out, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out.strip()) == (code, said)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a limit of addresses is not kept")
def test_work_that_waits_for_memory_it_will_not_get_is_ended():
    """A thread of a library that got none may never tell the others."""
    text = """
        import mmap, resource, sys, time
        from senrkit.system import processes
        processes._STUCK_SECONDS = 0
        resource.setrlimit(resource.RLIMIT_AS, (400 << 20,) * 2)
        def work():
            taken = []
            try:
                while True:
                    taken.append(mmap.mmap(-1, 1 << 20))
            except OSError:
                time.sleep(600)
        sys.exit(processes.watched(work, crashed=lambda: print("crashed") or 3))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)], capture_output=True, encoding="utf-8", cwd=ROOT, timeout=PATIENCE
    )
    assert (done.returncode, done.stdout.strip()) == (3, "crashed"), done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a limit of addresses is not kept")
def test_a_python_that_cannot_watch_waits():
    """Builds for old kernels have no `os.pidfd_open`."""
    text = """
        import os, resource, sys
        from senrkit.system.processes import watched
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30,) * 2)
        vars(os).pop("pidfd_open", None)
        sys.exit(watched(lambda: 5, crashed=lambda: 3))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(text)], cwd=ROOT, timeout=PATIENCE)
    assert done.returncode == 5


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends one with the other")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_who_ends_the_one_ends_the_other(number):
    process = watched("print(os.getpid(), flush=True); time.sleep(600)")
    child = int(process.stdout.readline())
    process.send_signal(number)
    assert process.wait(timeout=PATIENCE) == -number
    # The pipe is closed when nobody holds it any more: then the child is gone, too.
    assert process.stdout.read() == "" and child != process.pid


@pytest.mark.parametrize(
    ("fault", "is_it"),
    [
        (MemoryError(), True),
        (OSError(12, "Cannot allocate memory"), True),
        (ImportError("x.so: failed to map segment from shared object"), True),
        (RuntimeError("can't start new thread"), True),
        (NameError("name 'plr' is not defined", name="plr"), True),
        (NameError("name 'rows' is not defined", name="rows"), False),
        (OSError(13, "Permission denied"), False),
        (ValueError("a memory of old times"), False),
    ],
)
def test_every_library_says_it_in_its_own_way(fault, is_it):
    assert is_out_of_memory(fault) is is_it


def test_the_sentence_names_no_row(large):
    said = senrkit(large, "run", mib=450).stderr
    assert not re.search(r"\d{10}", said)
