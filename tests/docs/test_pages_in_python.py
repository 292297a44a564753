"""Python on the other pages runs, too."""

from __future__ import annotations

import datetime as dt
import re

import pytest

import senrkit
from senrkit.demo import make
from tests.docs.pages import PAGES, name_of

BLOCKS = [
    (page, code)
    for page in PAGES
    if page.name != "recipes.md"
    for code in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
]


@pytest.mark.parametrize(("page", "code"), BLOCKS, ids=[name_of(page) for page, _ in BLOCKS])
def test_the_python_of_a_page_runs(page, code, tmp_path, monkeypatch):
    senrkit.run(make(tmp_path, 300, 1, dt.date(2026, 11, 23)).settings_file)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(page), "exec"), {})


def test_there_is_one():
    assert BLOCKS
