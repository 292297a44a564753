"""The pages on sources have every message that reading Aeries can end with."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AERIES = ROOT / "senrkit" / "inputs" / "aeries"
PAGES = {
    "connect-sql-server": ["sql_server", "credentials", "sql", "read"],
    "exports": ["exports", "export_file", "headings", "read"],
    "api": ["api"],
}
REFUSALS = {"connect-sql-server": "database_refusals.toml", "api": "api.toml"}


def plain(text: str) -> str:
    """The page's text without marks, so that `[aeries] source` and `source` compare alike."""
    return re.sub(r"\[aeries\] |[`*]", "", " ".join(text.split()))


def messages(module: str) -> list[str]:
    """The longest fixed piece of each message that the module raises."""
    tree = ast.parse((AERIES / f"{module}.py").read_text(encoding="utf-8"))
    raised = [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("InputError", "UsageError")
    ]
    pieces = [[part.value for part in ast.walk(said) if isinstance(part, ast.Constant)] for said in raised]
    # Formats such as {missing:,} are constants too, but never the longest.
    return [plain(max((str(piece) for piece in found), key=len)).strip(" .:") for found in pieces]


@pytest.mark.parametrize(("page", "module"), [(page, module) for page, modules in PAGES.items() for module in modules])
def test_every_message_is_on_its_page(page, module):
    text = plain((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"))
    said = messages(module)
    # One sentence is made of a table of its own, below.
    assert said and [piece for piece in said if piece not in text and piece != "while"] == []


@pytest.mark.parametrize("page", REFUSALS)
def test_every_refusal_is_on_its_page(page):
    text = plain((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"))
    told = tomllib.loads((AERIES / REFUSALS[page]).read_text(encoding="utf-8"))
    sentences = list(told["refusals"].values()) if "refusals" in told else told["refusal"]
    assert len(sentences) > 10 and [one["sentence"] for one in sentences if one["sentence"] not in text] == []
    assert all(one["cure"].endswith(".") for one in sentences)
