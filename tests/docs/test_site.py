"""The documentation is built without a warning, from pages that are up to date, and needs nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from scripts import reference
from tests.docs.pages import PAGES, ROOT, name_of
from tests.patience import PATIENCE

FETCHED = re.compile(r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(?:https?:)?//')


class Places(HTMLParser):
    """The anchors of a page, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {value for value in (given.get("id"), given.get("name")) if value}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")


def places(page: Path) -> Places:
    found = Places()
    found.feed(page.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Built as `scripts/docs.sh` does it, elsewhere."""
    made = tmp_path_factory.mktemp("site")
    options = re.search(r"-m sphinx (.*?) docs docs/_build", (ROOT / "scripts" / "docs.sh").read_text("utf-8"))[1]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options.split(), "docs", made],
        cwd=ROOT, capture_output=True, encoding="utf-8", timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return made


def test_the_site_is_built_without_a_warning(site):
    assert (site / "index.html").stat().st_size > 5_000 and (site / "search.html").exists()


def test_every_link_leads_to_a_page_and_to_an_anchor_of_it(site):
    known = {page.resolve(): places(page) for page in site.rglob("*.html")}
    assert len(known) > 40
    broken = []
    for page, found in known.items():
        for link in found.links:
            place, _, anchor = link.partition("#")
            if re.match(r"[a-z]+:", place):
                continue
            target = (page.parent / place).resolve() if place else page
            if not target.exists() or (anchor and target in known and anchor not in known[target].anchors):
                broken.append(f"{page.relative_to(site.resolve())}: {link}")
    assert broken == []


def test_the_site_needs_nothing_from_elsewhere(site):
    assert [page.name for page in site.rglob("*.html") if FETCHED.search(page.read_text(encoding="utf-8"))] == []


def test_a_rule_is_found_by_its_number(site):
    assert "senr0178" in places(site / "rules" / "status.html").anchors
    assert "left-out-in-aeries" in places(site / "rules" / "hold.html").anchors


def test_the_contents_lead_to_every_page(site):
    """Sphinx warns of a page in no contents; so here it is enough that each of ours was built."""
    ours = {name_of(page) for page in PAGES if name_of(page).startswith("docs/")}
    assert {name for name in ours if not (site / Path(name).relative_to("docs").with_suffix(".html")).exists()} == set()


@pytest.mark.parametrize("name", reference.pages())
def test_the_reference_is_up_to_date(name):
    """`python -m scripts.reference` makes it anew."""
    assert (ROOT / reference.FOLDER / name).read_text(encoding="utf-8") == reference.pages()[name]


def test_every_command_and_setting_has_its_entry():
    from senrkit.cli.main import main
    from senrkit.settings.settings import _TABLES

    pages = reference.pages()
    assert [name for name in main.commands if f"\n## senrkit {name}\n" not in pages["cli.md"]] == []
    keys = [key for table in _TABLES.values() for key in table]
    # The two tables of headings are described by an example each.
    assert [key for key in keys if f"`{key}`" not in pages["settings.md"]] == ["headings", "errors"]


def test_every_error_has_a_cure():
    page = reference.pages()["errors.md"]
    assert len(re.findall(r"(?m)^\| ", page)) > 200
    assert re.findall(r"(?m)^\| [^|]+ \|  \|$", page) == []
    assert page.count("The message names it.") < 40, "most cures stand in the code as sentences"


def test_the_readme_is_one_screen():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    assert len(re.findall(r"!\[", text)) == 1 and len(re.findall(r"(?m)^scripts/\w+\.sh", text)) == 2


def test_no_page_speaks_in_riddles():
    """English that a district reads without stumbling (analyst.md)."""
    said = {name_of(page): page.read_text(encoding="utf-8") for page in PAGES}
    notebooks = {page.name: page.read_text(encoding="utf-8") for page in (ROOT / "notebooks").glob("*.ipynb")}
    odd = ("It ends so", "services hang on it")
    assert [(name, words) for name, text in (said | notebooks).items() for words in odd if words in text] == []
