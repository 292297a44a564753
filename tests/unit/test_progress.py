"""Progress: a bar for people, lines for logs, silence when asked for or when the work is short."""

from __future__ import annotations

import io
import threading

import pytest

from senrkit.progress import BarProgress, LineProgress, NoProgress, Progress, terminal_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work(progress: Progress) -> None:
    progress.step("reading the extract")
    progress.step("checking the files", total=4)
    progress.advance()
    progress.advance(3)


@pytest.mark.parametrize(
    ("stream", "quiet", "kind"),
    [(Terminal(), False, BarProgress), (io.StringIO(), False, LineProgress), (Terminal(), True, NoProgress)],
)
def test_the_kind_that_suits_the_stream(stream: io.StringIO, quiet: bool, kind: type) -> None:
    assert type(terminal_progress(stream, quiet=quiet)) is kind


def test_a_log_gets_one_line_for_each_long_step() -> None:
    log = io.StringIO()
    with LineProgress(log, patience=0) as progress:
        work(progress)

    assert log.getvalue() == "senrkit: reading the extract, 0 s\nsenrkit: checking the files, 0 s\n"


@pytest.mark.parametrize("kind", [LineProgress, BarProgress])
def test_short_work_says_nothing(kind: type) -> None:
    stream = Terminal()
    with kind(stream, patience=3600) as progress:
        work(progress)

    assert stream.getvalue() == ""


def test_a_terminal_sees_the_step_and_the_bar_and_then_neither() -> None:
    screen = Terminal()
    with BarProgress(screen, patience=0) as progress:
        work(progress)

    shown = screen.getvalue().split("\r")
    assert any(line.startswith("reading the extract") for line in shown)
    assert any(line.startswith("checking the files") for line in shown)
    assert shown[-1] == ""
    assert shown[-2].strip() == ""


def test_the_clock_stops_when_the_work_breaks() -> None:
    def break_off() -> None:
        with BarProgress(Terminal(), patience=0) as progress:
            progress.step("reading the extract")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert "senrkit-progress" not in {thread.name for thread in threading.enumerate()}


def test_no_progress_takes_every_call() -> None:
    with NoProgress() as progress:
        work(progress)
