"""CONTRIBUTING, GLOSSARY and the README's links are true: every path, module and command that they name exists."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from senrkit.calpads.check import FAMILIES
from senrkit.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ("CONTRIBUTING.md", "GLOSSARY.md")
MOST_LINES = 120
TREES = ("senrkit", "scripts", "tests", "docs", "benchmarks", "notebooks")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def quoted(page: str) -> list[str]:
    """What stands between backticks, and each line of a block of commands, without its comment."""
    text = text_of(page)
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return spans + [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]


def paths(words: str) -> list[str]:
    """The words that name a file or folder of the checkout."""
    found = [word.rstrip("/") for word in words.split() if word.split("/")[0] in TREES and "/" in word]
    return found + [word for word in words.split() if re.fullmatch(r"[A-Za-z]+\.(md|toml|yml)", word)]


def wrong(words: str) -> str:
    """Why the command cannot be given; empty for one that can, and for what is none."""
    match words.removeprefix(".venv/bin/").split():
        case ["senrkit", name, *rest] if not name.startswith("-"):
            if name not in main.commands:
                return f"no command {name}"
            known = {option for each in main.commands[name].params for option in each.opts}
            return " ".join(word for word in rest if word.startswith("-") and word not in known)
        case ["python", "-m", module, *_]:
            return "" if importlib.util.find_spec(module) else f"no module {module}"
    return ""


@pytest.mark.parametrize("page", GUIDES)
def test_every_path_exists(page):
    named = [path for words in quoted(page) for path in paths(words)]
    assert page != "CONTRIBUTING.md" or len(named) > 40
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", [*GUIDES, "README.md"])
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", text_of(page))
    places = [link.partition("#") for link in links]
    assert [place for place, _, _ in places if place and not (ROOT / place).exists()] == []
    # Headings of other pages are looked at by the site, which is built without a warning.
    assert [heading for place, _, heading in places if heading and not place] == []


@pytest.mark.parametrize("page", [*GUIDES, "README.md"])
def test_every_command_can_be_given(page):
    assert {words: said for words in quoted(page) if (said := wrong(words))} == {}


@pytest.mark.parametrize("page", GUIDES)
def test_the_guides_are_short(page):
    assert len(text_of(page).splitlines()) <= MOST_LINES


def test_the_readme_leads_to_both():
    assert [page for page in GUIDES if f"({page})" not in text_of("README.md")] == []


def test_a_rule_lives_where_it_is_said_to():
    """A reader looks for SENR0178, for an example."""
    said = re.search(r"(SENR\d+) is in `senrkit/(\S+)\.py`", text_of("CONTRIBUTING.md"))
    homes = {family.__name__ for family in FAMILIES for rule in family.RULES if rule.id == said[1]}
    assert homes == {"senrkit." + said[2].replace("/", ".")}


def test_the_way_from_bytes_to_zip_is_five_files():
    chapter = text_of("CONTRIBUTING.md").partition("## From bytes to zip")[2].partition("\n## ")[0]
    steps = re.findall(r"^\d\. `(senrkit/\S+\.py)`", chapter, re.MULTILINE)
    assert len(steps) == 5


def test_a_precondition_is_one_of_those_in_the_glossary():
    first, last = re.search(r"(P\d\d) to (P\d\d)", text_of("GLOSSARY.md")).groups()
    known = sorted(re.findall(r"^P\d\d", text_of("senrkit/texts/preconditions.csv"), re.MULTILINE))
    assert (known[0], known[-1]) == (first, last)
