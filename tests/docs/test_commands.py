"""Every command that the documentation prints is run here, or says why it is not."""

from __future__ import annotations

import datetime as dt
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import senrkit
from senrkit.cli.main import main
from senrkit.demo import make, make_county
from senrkit.demo.calpads import VARIANTS, Error
from senrkit.settings.settings import load_settings
from tests.docs.pages import PAGES, blocks, name_of
from tests.patience import PATIENCE
from tests.unit.test_guides import quoted, wrong

DAY = dt.date(2026, 11, 23)
# What a command may end with when all is well: students of the demo have to be held.
FINE = (0, 5)
RUN = [block for page in PAGES for block in blocks(page) if not block.why]
# What these examples end with here, and why it is not one of those.
ANSWERS = {
    "senrkit demo county --leas 5 --students 300": 4,  # one of the districts has an old extract
    "senrkit demo county --leas 3 --students 300": 4,
    "senrkit demo broken --break P09": 4,  # as it says: P09 stops it
    "senrkit validate vendor.txt --extract SENR_ODS.txt --directory pubschls.txt": 4,  # an update before its delete
    "senrkit init": 2,  # the settings are there
    "senrkit init district.toml": 2,
    "senrkit language --apply --confirm 3": 2,  # the number is the district's own: 9
    "senrkit language --undo runs/2026-11-23_language": 3,  # nothing was written
    "senrkit answers ReplacementSSIDs.txt": 3,  # CALPADS gives them; tests/loop has some
    "senrkit census --on 2026-10-07 --list report_1.2.csv --names": 3,
    "senrkit restore runs/2026-11-23_0123456 1 --out restore": 2,  # the example before has written there
}
# Of the help's examples: serve until they are ended, or take machines that are not there.
SERVES, CLUSTER = ("lab", "dashboard"), ("--scheduler", "--workers")


@pytest.fixture(scope="module")
def district(tmp_path_factory) -> Path:
    """A demo district with everything that the pages name, and a run of it."""
    folder = tmp_path_factory.mktemp("pages")
    made = make(folder, 500, 1, DAY)
    shutil.copytree(folder, folder.parent / "pages-demo", ignore=shutil.ignore_patterns("runs"))
    (folder.parent / "pages-demo").rename(folder / "demo")
    shutil.copy(made.settings_file, folder / "district.toml")
    run = senrkit.run(made.settings_file)
    update = next((run.folder / "submission").glob("*_02_update.txt")).read_bytes()
    _, error_file = VARIANTS["list"]
    (folder / "SubmissionErrors.csv").write_bytes(error_file(update, [Error(1, "SENR0037", message="Elsewhere")]))
    return folder


@pytest.fixture
def place(district, tmp_path) -> Path:
    """The district for one block alone."""
    return Path(shutil.copytree(district, tmp_path / "here"))


def test_every_block_that_is_not_run_says_why():
    left = [block for page in PAGES for block in blocks(page) if block.why]
    assert len(RUN) >= 8 and all(len(block.why) > 10 for block in left)
    assert [block for block in RUN if block.language != "sh"] == [], "only a shell's commands can be run here"


@pytest.mark.parametrize("page", sorted({block.page for block in RUN}), ids=name_of)
def test_the_commands_of_a_page_can_be_given(page, place):
    """From top to bottom, as a reader would."""
    lines = [line for block in blocks(page) if not block.why for line in block.lines]
    if "leas" in " ".join(lines):
        list(make_county(place / "leas", 2, 300, 1, DAY))
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for line in lines:
        done = subprocess.run(
            shlex.split(line), cwd=place, env=env, capture_output=True, encoding="utf-8", timeout=PATIENCE
        )
        example = line.partition("  #")[0].strip()
        assert done.returncode in ((ANSWERS[example],) if example in ANSWERS else FINE), f"{line}: {done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_in_a_sentence_is_one(page):
    assert {words: said for words in quoted(name_of(page)) if (said := wrong(words))} == {}


def test_every_not_run_block_still_names_commands_that_there_are():
    lines = [line.removeprefix("$ ") for page in PAGES for block in blocks(page) if block.why for line in block.lines]
    assert {line: said for line in lines if (said := wrong(line.split("  ")[0]))} == {}


# ---- the examples of the help


def examples() -> list[str]:
    found = []
    for command in main.commands.values():
        found += re.findall(r"(?m)^  (senrkit .*)$", command.epilog)
    return found


def runnable(words: list[str]) -> bool:
    return words[1] not in SERVES and not set(words) & set(CLUSTER)


@pytest.fixture(scope="module")
def played(tmp_path_factory, district) -> Path:
    """The district with what its examples name, for all of them one after the other."""
    place = Path(shutil.copytree(district, tmp_path_factory.mktemp("help") / "here"))
    run = senrkit.open_run(place / "senrkit.toml", load_settings(place / "senrkit.toml"))
    for file in (run.reader.folder / "submission").glob("SENR_*.txt"):
        shutil.copy(file, place)
        if "_02_update" in file.name:
            shutil.copy(file, place / "vendor.txt")
    return place


GIVEN = [shlex.split(example) for example in examples()]


@pytest.mark.parametrize("words", [words for words in GIVEN if not runnable(words)], ids=" ".join)
def test_an_example_that_cannot_be_run_here_has_options_that_there_are(words):
    assert wrong(" ".join(words)) == ""


def test_the_examples_of_the_help_can_be_given(played, monkeypatch, capsys):
    """One after the other, as a person would: what has posted before may be taken back after."""
    monkeypatch.chdir(played)
    list(make_county(played / "leas", 2, 300, 1, DAY))
    senrkit_run = senrkit.open_run("senrkit.toml")
    ssid = senrkit_run.proposal["ssid"].iloc[0]
    local_id = senrkit_run.proposal["local_id"].iloc[0]
    refused = {}
    for words in [words for words in GIVEN if runnable(words)]:
        id = senrkit.open_run("senrkit.toml").reader.folder.name if Path("senrkit.toml").exists() else ""
        stand_in = {
            "1234567890": ssid, "1024": local_id, "runs/2026-11-23_0123456": f"runs/{id}", "2026-11-23_0123456": id,
            "runs/2026-11-23_01": str(senrkit_run.folder), "leas.xlsx": "leas", "RejectedRecords.txt": "",
            "SubmissionErrors.xlsx": "SubmissionErrors.csv",
        }  # fmt: skip
        given = [stand_in.get(word, word) for word in words[1:]]
        code = main([word for word in given if word], standalone_mode=False)
        said = capsys.readouterr()
        example = " ".join(words)
        if code not in ((ANSWERS[example],) if example in ANSWERS else FINE):
            refused[example] = (code, said.err.strip())
    assert "\n".join(f"{example}: {said}" for example, said in refused.items()) == ""
