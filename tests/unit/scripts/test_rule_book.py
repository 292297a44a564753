"""The rule book is the tables' own pages, and the pages in docs are up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.pages import write_page
from scripts.rule_book import FOLDER, rule_book
from senrkit.calpads.check import RULES
from senrkit.reference import PACKAGED, rule_anchor
from senrkit.texts.wording import phrases

PAGES = Path(__file__).parents[3] / FOLDER


def headings(page: str) -> set[str]:
    return set(re.findall(r"(?m)^## (.+)$", page))


def test_the_pages_in_docs_are_up_to_date():
    """`python -m scripts.rule_book` makes them anew."""
    made = rule_book()
    assert {page.name for page in PAGES.iterdir()} == made.keys()
    assert [name for name, text in made.items() if (PAGES / name).read_text(encoding="utf-8") != text] == []


def test_every_rule_has_its_anchor():
    pages = rule_book()
    for row in PACKAGED.rows("calpads_rules"):
        page, _, anchor = rule_anchor(row["id"]).removeprefix("rules/").partition("#")
        assert anchor == row["id"].lower() and row["id"] in headings(pages[page])


def test_every_rule_that_is_checked_has_its_entry():
    entries = set().union(*(headings(page.partition("# Not checked here")[0]) for page in rule_book().values()))
    assert [rule.id for rule in RULES if rule.id not in entries] == []


def test_a_rule_that_nobody_knows_has_no_anchor():
    assert rule_anchor("not-read") == ""


def test_every_reason_hold_and_precondition_has_its_entry():
    pages = rule_book()
    for kind in ("action", "update", "delete", "add", "hold", "left-out"):
        assert headings(pages[f"{kind.replace('-', '_')}.md"]) == set(phrases(kind))
    assert "P14" in headings(pages["preconditions.md"])


def test_no_hole_is_left_open():
    assert [name for name, page in rule_book().items() if "{" in page.replace("```{toctree}", "")] == []


@pytest.mark.parametrize("fault", ["full", "gone"])
def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch, fault):
    page = tmp_path / "status.md"
    page.write_text("old")
    if fault == "full":
        monkeypatch.setattr(Path, "write_text", lambda *_, **__: (_ for _ in ()).throw(OSError("no space")))
    else:
        monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("gone")))
    with pytest.raises(OSError):
        write_page(page, "new")
    assert page.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["status.md"]
