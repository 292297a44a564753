"""The notebooks as they stand in git: thin, typed, commented, and without a single output."""

from __future__ import annotations

import ast
import json
import subprocess

import pytest

from senrkit.notebook import library
from tests.notebooks.conftest import ROOT

NAMES = [
    "01_load", "02_evaluate", "03_discrepancies_by_school", "04_export", "05_language", "compare_runs", "history",
    "investigate_school", "investigate_student", "scheduled_run", "what_if",
]  # fmt: skip


def cells(name: str, kind: str = "") -> list[dict]:
    every = json.loads(library.find(name).read_text(encoding="utf-8"))["cells"]
    return [cell for cell in every if cell["cell_type"] == (kind or cell["cell_type"])]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def test_these_are_the_notebooks():
    assert library.names() == NAMES
    assert library.folder() == ROOT / "notebooks"


def test_no_notebook_in_git_holds_an_output():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.ipynb"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = listed.stdout.split()
    assert len(paths) >= len(NAMES)
    for path in paths:
        code = [
            cell
            for cell in json.loads((ROOT / path).read_text(encoding="utf-8"))["cells"]
            if cell["cell_type"] == "code"
        ]
        assert [cell["outputs"] for cell in code] == [[]] * len(code), path
        assert {cell["execution_count"] for cell in code} == {None}, path


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_thin_and_defines_nothing(name):
    assert len(cells(name)) < 10
    for cell in cells(name, "code"):
        kinds = {type(node) for node in ast.walk(ast.parse(source(cell)))}
        assert not kinds & {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda}


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_teaches_from_its_heading_on(name):
    texts = [source(cell) for cell in cells(name, "markdown")]
    assert texts[0].startswith("# ")
    assert all(text.startswith("## ") for text in texts[1:]), "one h1, then h2"


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_typed_and_commented_and_alone_in_their_cell(name):
    declared = library.parameters(library.find(name))
    assert declared["settings"].default == "demo"
    for one in declared.values():
        assert type(one.default).__name__ == one.type and one.help


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('settings = "demo"  # no type', id="no type"),
        pytest.param('settings: str = "demo"', id="no comment"),
        pytest.param("import os  # something else", id="no parameter"),
    ],
)
def test_a_parameters_cell_with_anything_else_is_found(tmp_path, line):
    path = tmp_path / "x.ipynb"
    path.write_text(
        json.dumps({"cells": [{"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": line}]})
    )
    with pytest.raises(ValueError, match="line 1 of the parameters cell"):
        library.parameters(path)
