"""The rule book is the tables' own page, and the page in docs is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.rule_book import rule_book, write_rule_book
from senrkit.calpads.check import RULES
from senrkit.reference import PACKAGED
from senrkit.texts.wording import phrases

PAGE = Path(__file__).parents[3] / "docs" / "rule_book.md"


def test_the_page_in_docs_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == rule_book(), "run: python -m scripts.rule_book"


def test_every_rule_that_is_checked_has_its_entry():
    page = rule_book()
    assert [rule.id for rule in RULES if f"\n### {rule.id}: " not in page] == []


def test_every_rule_about_enrollment_that_is_not_checked_is_listed():
    page = rule_book()
    listed = [row for row in PACKAGED.rows("calpads_rules") if row["checkable"] == "no" and row["family"] != "language"]
    assert listed
    assert [row["id"] for row in listed if f"\n| {row['id']} | " not in page] == []


def test_every_reason_hold_and_precondition_has_its_entry():
    page = rule_book()
    ids = [id for kind in ("action", "update", "delete", "add", "hold", "left-out") for id in phrases(kind)]
    assert {"predicted-rejection", "school-moved", "no-ssid"} <= set(ids)
    assert [id for id in ids if f"\n### `{id}`: " not in page] == []
    assert "\n### P14: " in page


def test_no_hole_is_left_open():
    assert "{" not in rule_book()


@pytest.mark.parametrize("fault", ["full", "gone"])
def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch, fault):
    page = tmp_path / "rule_book.md"
    page.write_text("old")
    if fault == "full":
        monkeypatch.setattr(Path, "write_text", lambda *_, **__: (_ for _ in ()).throw(OSError("no space")))
    else:
        monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("gone")))
    with pytest.raises(OSError):
        write_rule_book(page)
    assert page.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["rule_book.md"]
