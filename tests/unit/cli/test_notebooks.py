"""`senrkit notebook` and `senrkit lab` without starting a kernel: parameters, faults, what JupyterLab is told."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from senrkit.errors import InputError, UsageError
from senrkit.notebook import cell, lab, library
from senrkit.notebook.library import Parameter
from tests.run_folders import run_folder, stopped_run

FLAG = Parameter("show_students", "bool", False, "show them")
NUMBER = Parameter("accept_deletes", "int", 0, "how many")
TEXT = Parameter("student", "str", "", "who")


@pytest.mark.parametrize(
    ("parameter", "given", "value"),
    [
        (FLAG, "true", True),
        (FLAG, "No", False),
        (FLAG, "1", True),
        (NUMBER, "031", 31),
        (TEXT, "0012", "0012"),
        (TEXT, "true", "true"),
    ],
)
def test_text_becomes_the_declared_type(parameter, given, value):
    assert parameter.value(given) == value and type(parameter.value(given)) is type(value)


@pytest.mark.parametrize(("parameter", "given"), [(FLAG, "maybe"), (NUMBER, "-1"), (NUMBER, "3.5"), (NUMBER, "٣")])
def test_a_value_of_another_type_is_refused(parameter, given):
    with pytest.raises(UsageError, match=f"{parameter.name} takes"):
        parameter.value(given)


@pytest.mark.parametrize(
    ("name", "cure"), [("scheduledrun", "Did you mean scheduled_run"), ("zzz", "There are: 01_load")]
)
def test_an_unknown_notebook_is_refused_with_the_nearest_name(name, cure):
    with pytest.raises(UsageError, match=cure):
        library.find(name)


def test_an_installed_senrkit_has_its_notebooks_inside(tmp_path, monkeypatch):
    monkeypatch.setattr(library.senrkit, "__file__", str(tmp_path / "site" / "senrkit" / "__init__.py"))
    assert library.folder() == tmp_path / "site" / "senrkit" / "_notebooks"


# ---- the command


@pytest.fixture
def senrkit():
    from senrkit.cli.main import main

    return lambda *words: CliRunner().invoke(main, words)


def test_without_a_name_all_notebooks_are_listed_with_their_parameters(senrkit):
    told = senrkit("notebook")
    assert told.exit_code == 0
    assert (
        "04_export: Export: the files, in order" in told.output
        and "  show_students (bool, default False): " in told.output
    )
    assert json.loads(senrkit("notebook", "--json").output)["notebooks"]["01_load"] == {
        "settings": "str",
        "as_of": "str",
    }


@pytest.mark.parametrize("stops", [False, True])
def test_a_notebook_that_looks_ends_well_unless_the_runs_own_code_is_asked_for(senrkit, tmp_path, monkeypatch, stops):
    run = stopped_run(tmp_path / "7") if stops else run_folder(tmp_path / "7", "student action\n1 hold")
    asked = []

    def stand_in(name, given, *, bar):
        asked.append((name, given, bar))
        code = 4 if stops else 0
        places = {"folder": run.folder, "notebook": Path("n"), "page": Path("p.html")}
        return SimpleNamespace(exit_code=code, run_exit_code=run.exit_code, **places)

    monkeypatch.setattr("senrkit.notebook.runner.run_notebook", stand_in)
    told = senrkit("notebook", "04_export", "-r", "run", "0012")
    assert told.exit_code == (4 if stops else 0)
    assert senrkit("notebook", "04_export", "--run-code").exit_code == (4 if stops else 5)
    quiet = senrkit("notebook", "04_export", "--run-code", "--quiet").stdout
    assert quiet == ("" if stops else "senrkit: done; 1 item is held. See p.html.\n")
    assert asked[0] == ("04_export", {"run": "0012"}, False)
    assert "p.html is ready to read." in told.output
    assert ("stopped by P09" in told.stderr) == stops


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("04_export", "-r", "run", "a", "-r", "run", "b"), "given twice"),
        (("04_export", "-r", "ruhn", "a"), "Did you mean run?"),
        (("nothing_like_it",), "no notebook of that name"),
    ],
)
def test_wrong_usage_is_exit_code_2(senrkit, words, sentence):
    told = senrkit("notebook", *words)
    assert told.exit_code == 2 and sentence in told.stderr


# ---- faults


class Shell:
    """What is asked of IPython."""

    def __init__(self) -> None:
        self.usual, self.sentences = [], []

    def showtraceback(self, fault, tb_offset=None):
        self.usual.append(fault[1])

    def _showtraceback(self, kind, said, lines):
        self.sentences.append((kind.__name__, lines))


def raised(work) -> BaseException:
    try:
        work()
    except Exception as fault:  # noqa: BLE001 - whatever it is
        return fault
    raise AssertionError("nothing was raised")


def test_a_fault_of_senrkit_is_shown_as_a_reference(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fault, shell = raised(lambda: library.parameters("9000000123 Canary")), Shell()
    cell._shown(shell, type(fault), fault, fault.__traceback__)
    ((kind, (said,)),) = shell.sentences
    assert (kind, shell.usual) == ("SenrkitError", []) and "fault of senrkit itself, reference" in said
    assert "Canary" not in said + "".join(path.read_text() for path in tmp_path.iterdir())


@pytest.mark.parametrize("work", [lambda: 1 / 0, lambda: library.find("nothing_like_it")])
def test_a_persons_own_fault_and_a_sentence_of_senrkit_are_shown_as_ever(work):
    fault, shell = raised(work), Shell()
    cell._shown(shell, type(fault), fault, fault.__traceback__)
    assert (shell.usual, shell.sentences) == ([fault], [])


def test_a_notebook_shows_what_a_person_can_mend_without_a_traceback():
    assert UsageError("No.", "Do.")._render_traceback_() == ["No. Do."]


# ---- JupyterLab


def test_lab_from_an_installed_senrkit_copies_the_notebooks_and_keeps_what_is_there(tmp_path, monkeypatch):
    shipped = tmp_path / "_notebooks"
    shipped.mkdir()
    for name in ("01_load", "02_evaluate"):
        (shipped / f"{name}.ipynb").write_text("shipped")
    own = tmp_path / "place" / "notebooks"
    own.mkdir(parents=True)
    (own / "01_load.ipynb").write_text("mine")
    made = []
    monkeypatch.setattr(library, "folder", lambda: shipped)
    monkeypatch.setattr(lab, "make_demo", made.append)
    assert lab.ready(tmp_path / "place") == tmp_path / "place"
    assert {path.stem: path.read_text() for path in own.iterdir()} == {"01_load": "mine", "02_evaluate": "shipped"}
    assert made == [tmp_path / "place" / "demo"]


def test_lab_in_a_place_that_cannot_be_written_says_so(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(library, "folder", lambda: tmp_path / "_notebooks")
    with pytest.raises(InputError, match="cannot be written"):
        lab.ready(tmp_path / "file")


@pytest.mark.parametrize(
    ("path", "kept"), [("notebooks/01_load.ipynb", 0), ("runs/7/notebooks/01_load.ipynb", 1), ("mine.ipynb", 1)]
)
def test_what_is_saved_among_the_notebooks_has_no_outputs(path, kept):
    model = {
        "type": "notebook",
        "content": {
            "cells": [{"cell_type": "code", "outputs": ["a pupil"], "execution_count": 3}, {"cell_type": "markdown"}]
        },
    }
    lab.without_outputs(model=model, path=path)
    assert len(model["content"]["cells"][0]["outputs"]) == kept


def test_lab_is_started_by_the_command(senrkit, monkeypatch):
    asked = []
    monkeypatch.setattr(lab, "open_lab", lambda place, **how: asked.append((place, how)) or 0)
    assert senrkit("lab", "there", "--no-browser", "--port", "8899").exit_code == 0
    ((place, how),) = asked
    assert place == Path("there") and (how["browser"], how["port"]) == (False, 8899)
