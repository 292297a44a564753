"""The command line: options reach the engine, endings have their sentence and exit code, and no canary gets out."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from senrkit import demo
from senrkit.cli.main import main
from senrkit.errors import InputError, LayoutError, SenrkitError, Stopped, UsageError
from senrkit.settings.settings import read_settings_text
from tests.patience import PATIENCE

SSID, NAME = "1999000001", "Quenby Canarywood"
SETTINGS = """\
school_year = "2026-2027"
lea = "1999990"
[aeries]
source = "exports"
[calpads]
senr_extract = "SENR.txt"
"""
STOP = {
    "id": "P09",
    "title": "Last year is closed out",
    "kind": "hard",
    "state": "stopped",
    "evidence": "12 rows are open",
    "cure": "Send them first.",
}
PASS = STOP | {"id": "P01", "title": "The day is in the year", "state": "passed", "evidence": "2026-11-23"}


@dataclass
class FakeRun:
    """What the engine hands back."""

    exit_code: int = 0
    folder: Path = Path("runs/one")
    manifest: dict[str, Any] = field(default_factory=lambda: {"preconditions": [PASS], "balance": {"same": 5}})

    def summary_lines(self) -> list[str]:
        return ["5 the same"]


class FakeEngine:
    """Stands where `senrkit.run` stands; keeps what it was asked, gives what the test wants."""

    def __init__(self, answer: FakeRun | BaseException) -> None:
        self.answer, self.settings, self.asked = answer, None, {}

    def __call__(self, settings: object, **asked: Any) -> FakeRun:
        self.settings, self.asked = settings, asked
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.fixture(autouse=True)
def district(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a settings file in it and faults logged inside it."""
    (tmp_path / "senrkit.toml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeEngine]:
    def install(answer: FakeRun | BaseException | None = None) -> FakeEngine:
        fake = FakeEngine(answer or FakeRun())
        monkeypatch.setitem(sys.modules, "senrkit.engine", SimpleNamespace(run=fake, check=fake))
        return fake

    return install


def senrkit(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def in_a_process(*words: str, stdout: int = subprocess.PIPE, **environment: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])} | environment
    return subprocess.run(
        [sys.executable, *words], stdout=stdout, stderr=subprocess.PIPE, encoding="utf-8", env=env, timeout=PATIENCE
    )


@pytest.mark.parametrize("name", list(main.commands))
def test_help_of_every_command(name: str) -> None:
    result = senrkit(name, "--help")

    assert result.exit_code == 0
    assert re.search(rf"Examples:\n +senrkit {name}\b", result.output)
    assert "--json" in result.output
    assert "--quiet" in result.output
    options = [each for each in main.commands[name].params if isinstance(each, click.Option)]
    assert [each.name for each in options if not each.help] == []


@pytest.mark.parametrize("name", list(main.commands))
def test_every_example_is_a_command_line_that_can_be_read(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import shlex

    command = main.commands[name]
    monkeypatch.setattr(command, "callback", lambda **_: 0)
    examples = [shlex.split(line) for line in (command.epilog or "").splitlines() if line.startswith("  senrkit")]

    assert examples
    for _, *words in examples:
        assert senrkit(*words).exit_code == 0, words


def test_the_commands_are_listed_in_the_order_of_the_work() -> None:
    listed = re.findall(r"^  (\w+)  +\w", senrkit("--help").output.split("Commands:")[1], re.MULTILINE)

    assert listed[:6] == ["demo", "sources", "check", "run", "validate", "student"]
    assert listed[9:16] == ["sent", "posted", "rejected", "answers", "loop", "schools", "census"]


def test_the_command_line_loads_nothing_heavy() -> None:
    heavy = "{'pandas', 'pyarrow', 'numpy', 'sqlalchemy', 'tqdm', 'openpyxl'}"
    done = in_a_process("-c", f"import sys, senrkit.cli.main; print(sorted({heavy} & set(sys.modules)))")

    assert done.stdout.strip() == "[]", done.stderr


def test_as_a_module() -> None:
    done = in_a_process("-m", "senrkit", "init", "new.toml")

    assert (done.returncode, done.stderr) == (0, "")
    assert "new.toml is written" in done.stdout


@pytest.mark.parametrize("code", [0, 4, 5])
def test_the_exit_code_is_the_run_s(engine: Callable[..., FakeEngine], code: int) -> None:
    engine(FakeRun(exit_code=code))

    assert senrkit("run").exit_code == code
    assert senrkit("check").exit_code == code


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (SenrkitError("It broke.", "Mend it."), 1),
        (UsageError("It is unknown.", "Mend it."), 2),
        (InputError("It cannot be read.", "Mend it."), 3),
        (LayoutError("SENR.txt", 7, "37 fields", "36", "Mend it"), 3),
        (Stopped("P01 stops.", "Mend it."), 4),
    ],
)
def test_what_a_person_can_mend_is_one_sentence_with_its_cure(
    engine: Callable[..., FakeEngine], fault: SenrkitError, code: int
) -> None:
    engine(fault)
    result = senrkit("run")

    assert result.exit_code == code
    assert result.stderr == f"senrkit: {fault.message} {fault.cure}\n"
    assert result.stdout == ""


WRONG_USAGE = [
    (["rum"], "No such command 'rum'. Did you mean 'run'?"),
    (["run", "--setings", "x"], "--settings"),
    (["run", "--as-of", "11/23/2026"], "write it as 2026-11-23"),
    (["run", "--as-of", "2026-02-30"], "is not a day of the calendar"),
    (["run", "--accept", "P08"], "Each --accept needs its own --because."),
    (["run", "--because", "x"], "Each --accept needs its own --because."),
    (["run", "--accept", "P08", "--because", " "], "Each --accept needs its own --because."),
    (["run", "--accept", "eight", "--because", "x"], "as P07"),
    (["run", "--accept", "P08", "--because", "x", "--accept", "p08", "--because", "y"], "accepted twice"),
    (["run", "--accept-deletes", "0"], "--accept-deletes"),
    (["run", "--settings", "absent.toml"], "There is no settings file absent.toml."),
    (["demo", "."], "holds files that are not a demo's"),
    (["demo", "senrkit.toml"], "holds files that are not a demo's"),
    (["demo", "new", "--break", "nine"], "as P07"),
    (["demo", "senrkit.toml/below"], "cannot be written"),
    (["student", SSID, NAME], "There are more words than the command takes."),
    (["student"], "SSID|LOCAL-ID"),
    (["student", SSID, "--run", "runs/one", "--as-of", "2026-11-23"], "--run stands alone"),
    (["init"], "senrkit.toml is there already"),
    (["init", "absent/senrkit.toml"], "cannot be written"),
    (["check", f"--{SSID}"], "No such option"),
]


@pytest.mark.parametrize(("words", "sentence"), WRONG_USAGE, ids=[" ".join(words) for words, _ in WRONG_USAGE])
def test_wrong_usage(
    engine: Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch, words: list[str], sentence: str
) -> None:
    asked = engine()
    monkeypatch.setattr("senrkit.demo.make", asked)
    monkeypatch.setitem(sys.modules, "senrkit.student", SimpleNamespace(explain=asked))
    result = senrkit(*words)

    assert result.exit_code == 2
    assert result.stderr.startswith("senrkit: ")
    assert result.stderr.count("\n") == 1
    assert sentence in result.stderr
    assert SSID not in result.stderr
    assert NAME not in result.stderr
    assert asked.settings is None


def test_without_a_command_there_is_help() -> None:
    result = senrkit()

    assert result.exit_code == 2
    assert "Commands:" in result.output


def test_run_hands_every_option_to_the_engine(engine: Callable[..., FakeEngine], district: Path) -> None:
    asked = engine()
    words = "run --extract a.txt --extract b.txt --as-of 2026-12-01 --out new --accept p07 --because one --accept P08"
    more = "--accept-deletes 31 --decisions d.csv --list-same --no-overlay --because"
    result = senrkit(*words.split(), *more.split(), "two words")

    assert result.exit_code == 0, result.stderr
    progress = asked.asked.pop("progress")
    assert callable(progress.step)
    assert asked.asked == {
        "out": Path("new"),
        "accept": {"P07": "one", "P08": "two words"},
        "accept_deletes": 31,
        "decisions": Path("d.csv"),
        "list_same": True,
        "overlay": False,
    }
    assert asked.settings.as_of == dt.date(2026, 12, 1)
    assert asked.settings.calpads.senr_extract == (district / "a.txt", district / "b.txt")


def test_run_without_options_takes_the_file_s_word(engine: Callable[..., FakeEngine], district: Path) -> None:
    asked = engine()
    result = senrkit("run")

    assert result.exit_code == 0
    assert result.stdout == "5 the same\nEverything is in runs/one.\n"
    assert asked.asked["accept"] == {}
    assert asked.asked["accept_deletes"] is None
    assert asked.asked["out"] is None
    assert asked.settings == replace(read_settings_text(SETTINGS, district), file=district / "senrkit.toml")


def test_a_stop_is_told_on_stderr_even_when_quiet(engine: Callable[..., FakeEngine]) -> None:
    engine(FakeRun(exit_code=4, manifest={"preconditions": [PASS, STOP]}))

    for words in (["run", "--quiet"], ["check", "--quiet"], ["run", "--json"], ["check", "--json"]):
        result = senrkit(*words)
        assert result.exit_code == 4
        assert result.stderr == (
            "senrkit: stopped by P09, Last year is closed out: 12 rows are open. Send them first.\n"
        ), words
        assert bool(result.stdout) == ("--json" in words)


def test_check_shows_every_precondition_passed_or_not(engine: Callable[..., FakeEngine]) -> None:
    engine(FakeRun(exit_code=4, manifest={"preconditions": [PASS, STOP]}))

    assert senrkit("check").stdout.splitlines() == [
        "P01  passed    The day is in the year: 2026-11-23",
        "P09  stopped   Last year is closed out: 12 rows are open",
    ]


def test_json_of_a_run_and_of_an_error(engine: Callable[..., FakeEngine]) -> None:
    engine(FakeRun(exit_code=5))
    document = json.loads(senrkit("run", "--json").stdout)
    assert document == FakeRun().manifest | {"exit_code": 5, "folder": "runs/one"}
    assert json.loads(senrkit("check", "--json").stdout) == FakeRun().manifest | {"exit_code": 5}

    engine(InputError("It cannot be read.", "Mend it."))
    document = json.loads(senrkit("run", "--json").stdout)
    assert document == {"exit_code": 3, "error": "It cannot be read.", "cure": "Mend it."}


@pytest.mark.parametrize("as_json", [False, True])
def test_an_unexpected_fault_shows_a_reference_and_nothing_of_the_data(
    engine: Callable[..., FakeEngine], district: Path, as_json: bool
) -> None:
    runs = district / "runs"
    runs.mkdir()
    fault = ValueError(f"could not convert {NAME}, {SSID}, 2011-05-17")
    fault.__cause__ = KeyError(NAME)
    fault.add_note(NAME)
    engine(fault)
    result = senrkit("run", *(["--json"] if as_json else []))

    assert result.exit_code == 1
    reference = re.search(r"reference ([0-9a-f]{8})", result.stderr)
    assert reference
    log = runs / f"senrkit-fault-{reference[1]}.log"
    written = log.read_text(encoding="utf-8")
    assert str(log) in result.stderr
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "ValueError: " in written
    assert "KeyError: " in written
    assert "main.py, line " in written
    for place in (result.output, written):
        for canary in (SSID, "2011-05-17", *NAME.split()):
            assert canary not in place
    assert "Traceback" not in result.output
    assert 'File "' not in result.output


def test_without_a_runs_folder_the_fault_s_log_goes_to_the_temporary_one(
    engine: Callable[..., FakeEngine], district: Path
) -> None:
    engine(RuntimeError("x"))

    assert f"{district}{os.sep}senrkit-fault-" in senrkit("run").stderr
    assert len(list(district.glob("senrkit-fault-*.log"))) == 1
    assert not (district / "runs").exists()


def test_a_fault_before_any_command_has_no_traceback_either(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError(NAME)

    monkeypatch.setattr(main, "parse_args", breaks)
    result = senrkit("check")

    assert result.exit_code == 1
    assert re.fullmatch(
        r"senrkit: A fault of senrkit itself, reference [0-9a-f]{8}\. The trace is in .*\n", result.stderr
    )


def test_ctrl_c(engine: Callable[..., FakeEngine]) -> None:
    engine(KeyboardInterrupt())
    result = senrkit("run")

    assert result.exit_code == 130
    assert result.stderr.strip() == "senrkit: stopped; nothing was finished"


def test_nobody_reads_the_output_any_more() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = in_a_process("-m", "senrkit", "init", "new.toml", stdout=writer)
    finally:
        os.close(writer)

    assert (done.returncode, done.stderr) == (141, "")


def test_a_letter_that_the_terminal_does_not_have_is_no_fault() -> None:
    done = in_a_process("-m", "senrkit", "init", "Nguyễn.toml", PYTHONIOENCODING="cp1252")

    assert (done.returncode, done.stderr) == (0, "")
    assert "Nguy?n.toml is written" in done.stdout


def test_a_library_s_warning_is_not_shown(engine: Callable[..., FakeEngine]) -> None:
    import warnings

    def warns(settings: object, **asked: object) -> FakeRun:
        warnings.warn(f"Skipping line 3: {NAME}", UserWarning, stacklevel=1)
        return FakeRun()

    engine()
    sys.modules["senrkit.engine"].run = warns
    with warnings.catch_warnings():
        result = senrkit("run")

    assert (result.exit_code, result.stderr) == (0, "")


@pytest.fixture
def demo_maker(engine: Callable[..., FakeEngine], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    asked: list[Any] = []

    def make(folder: Path, students: int, seed: int, as_of: dt.date, break_id: str | None = None) -> SimpleNamespace:
        asked.append((folder, students, seed, as_of, break_id))
        (folder / "senrkit.toml").write_text(SETTINGS, encoding="utf-8")
        return SimpleNamespace(settings_file=folder / "senrkit.toml")

    engine()
    monkeypatch.setattr("senrkit.demo.make", make)
    return asked


def test_demo_makes_a_district_and_reconciles_it(demo_maker: list[Any]) -> None:
    result = senrkit("demo")

    assert result.exit_code == 0, result.stderr
    assert demo_maker == [(Path("demo"), 2000, 1, None, None)]
    assert result.stdout == ("5 the same\nEverything is in runs/one.\nThe district and its settings are in demo.\n")


def test_demo_options(demo_maker: list[Any]) -> None:
    senrkit(*"demo there --students 9 --seed 2 --as-of 2026-10-01 --break p09".split())

    assert demo_maker == [(Path("there"), 9, 2, dt.date(2026, 10, 1), "P09")]


def test_demo_overwrites_a_demo_and_nothing_else(demo_maker: list[Any], district: Path) -> None:
    assert senrkit("demo").exit_code == 0
    assert senrkit("demo").exit_code == 0
    assert senrkit("demo", str(district)).exit_code == 2
    assert len(demo_maker) == 2
    assert (district / "senrkit.toml").read_text(encoding="utf-8") == SETTINGS


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    asked: list[Any] = []

    class View:
        def text(self, show_names: bool) -> str:
            return NAME if show_names else "student"

        def document(self, show_names: bool) -> dict[str, str]:
            return {"shown": self.text(show_names)}

    def explain(source: object, identifier: str) -> View:
        asked.append((source, identifier))
        return View()

    monkeypatch.setitem(sys.modules, "senrkit.student", SimpleNamespace(explain=explain))
    return asked


def test_names_are_shown_to_who_asks_for_them(explained: list[Any]) -> None:
    assert senrkit("student", f" {SSID} ").stdout == "student\n"
    assert senrkit("student", SSID, "--names").stdout == f"{NAME}\n"
    assert json.loads(senrkit("student", SSID, "--json").stdout) == {"shown": "student"}
    assert {identifier for _, identifier in explained} == {SSID}


def test_a_student_of_a_finished_run(explained: list[Any]) -> None:
    assert senrkit("student", "1024", "--run", "runs/one", "--settings", "absent.toml").exit_code == 0
    assert explained == [(Path("runs/one"), "1024")]


def test_init_writes_settings_that_can_be_read(district: Path) -> None:
    result = senrkit("init", "new.toml", "--json")

    assert json.loads(result.stdout) == {"exit_code": 0, "file": "new.toml"}
    assert read_settings_text((district / "new.toml").read_text(encoding="utf-8"), district).lea == "1999990"
    assert sorted(each.name for each in district.iterdir()) == ["new.toml", "senrkit.toml"]


def test_quiet_init_says_nothing() -> None:
    assert senrkit("init", "new.toml", "--quiet").output == ""


class TestPaths:
    """What can be no path of a file or a folder ends at once with 2 and a sentence, on every option that takes one."""

    @pytest.fixture
    def pipe(self, tmp_path) -> Path:
        os.mkfifo(tmp_path / "pipe")
        return tmp_path / "pipe"

    @pytest.mark.parametrize(
        "words",
        [["validate", "{}"], ["run", "--settings", "{}"], ["run", "--extract", "{}"], ["run", "--out", "{}"],
         ["student", "1", "--run", "{}"], ["init", "{}"], ["demo", "{}"]],
    )  # fmt: skip
    @pytest.mark.parametrize("kind", ["pipe", "too long", "nul"])
    def test_refused(self, words, kind, pipe):
        path = {"pipe": str(pipe), "too long": "a" * 300, "nul": "a\0b"}[kind]
        done = CliRunner().invoke(main, [word.format(path) for word in words])
        assert done.exit_code == 2
        says = {"pipe": "neither a file nor a folder", "too long": "too long", "nul": "NUL"}[kind]
        assert says in done.stderr and "Traceback" not in done.output


class TestNumbers:
    """`²` is a digit and no number; the last day of the calendar has no day after it."""

    @pytest.mark.parametrize("words", [("sent", "²"), ("sent", "runs/first", "²"), ("posted", "runs/first", "1", "³")])
    def test_a_digit_that_is_no_number(self, words):
        done = CliRunner().invoke(main, [*words, "--settings", "nowhere.toml"])
        assert done.exit_code == 2 and "Traceback" not in done.output

    @pytest.mark.parametrize("command", ["check", "run", "language"])
    @pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
    def test_the_ends_of_the_calendar(self, tmp_path, command, day):
        folder = demo.make(tmp_path / "demo", 300, 1, dt.date(2026, 11, 23)).folder
        done = CliRunner().invoke(main, [command, "--settings", str(folder / "senrkit.toml"), "--as-of", day])
        assert done.exit_code in (0, 2, 3, 4, 5) and "Traceback" not in done.output
