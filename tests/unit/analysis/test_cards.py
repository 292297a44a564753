"""Nothing of ours prints a student: whatever a person gets hold of is a card, and `help` is a table of contents."""

from __future__ import annotations

import dataclasses
import io
import pydoc
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pandas as pd
import polars as pl
import pytest

import senrkit
from senrkit import engine
from senrkit.progress import NoProgress
from senrkit.reconciliation.preconditions import Acceptance
from senrkit.results.masking import masked_text
from senrkit.settings.settings import load_settings
from senrkit.student import explain
from tests.students import ssids_shown

PUBLIC = (
    "run check open_run runs load_settings read_extract validate build_spells reconcile predict scope_of read_aeries "
    "to_pandas Run Settings SenrkitError UsageError InputError"
).split()


def names_in(district) -> set[str]:
    """Family names of the district's students, as far as they are no everyday words."""
    return {name for name in senrkit.read_extract(district / "SENR_ODS.txt").rows["last_name"] if len(name) > 5}


def shown(thing: object) -> str:
    html = getattr(thing, "_repr_html_", None)
    return repr(thing) + (html() if html else "")


def parts(thing: object, seen: set[int] | None = None) -> Iterator[object]:
    """A thing of ours and every thing of ours in it, frames apart: to print a frame is the analyst's own act."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, (pl.DataFrame, pd.DataFrame, pl.Series, str, bytes)):
        return
    seen.add(id(thing))
    if type(thing).__module__.startswith("senrkit"):
        yield thing
        if dataclasses.is_dataclass(thing):
            for field in dataclasses.fields(thing):
                yield from parts(getattr(thing, field.name), seen)
    elif isinstance(thing, Mapping):
        for value in thing.values():
            yield from parts(value, seen)
    elif isinstance(thing, (list, tuple)):
        for value in thing:
            yield from parts(value, seen)


def test_everything_prints_without_a_student(run, district):
    settings = load_settings(district / "senrkit.toml")
    compared = engine.compare(settings, Acceptance(), None, NoProgress())
    finished = engine.run(settings)
    somebody = run.proposal["ssid"].iloc[0]
    update = next((run.folder / "submission").glob("*_02_update.txt"))
    public = [
        run, senrkit.check(settings), run.student(somebody), run.school(run.schools["school_code"][0]), settings,
        senrkit.read_extract(district / "SENR_ODS.txt"), senrkit.read_extract(district / "SELA_ODS.txt"),
        senrkit.read_extract(update), senrkit.validate(update, as_of=settings.as_of), compared, finished, run.reader,
        explain(settings, somebody), explain(run.folder, somebody),
    ]  # fmt: skip
    things = [part for thing in public for part in parts(thing)]
    assert len({type(thing).__name__ for thing in things}) > 30
    names = names_in(district)
    assert len(names) > 20
    for thing in things:
        said = shown(thing)
        assert ssids_shown(said, district) == set(), type(thing)
        assert not {name for name in names if name in said}, type(thing)
        assert masked_text(said, False) == said, type(thing)


@pytest.mark.parametrize("kind", [senrkit.Run, senrkit.Settings])
def test_a_card_is_short(run, kind):
    thing = run if kind is senrkit.Run else run.settings
    assert 3 < len(repr(thing).splitlines()) < 12
    assert thing._repr_html_().startswith("<p><strong>senrkit ")


def test_the_card_of_a_run_says_what_came_of_it(run):
    said = repr(run)
    counts = run.manifest["counts"]["action"]
    assert said.startswith("senrkit Run\n") and f"{counts['delete']:,} delete" in said and str(run.folder) in said


def test_a_password_is_on_no_card(tmp_path):
    file = tmp_path / "senrkit.toml"
    file.write_text(
        'school_year = "2026-2027"\nlea = "1999990"\nas_of = 2026-11-23\n'
        '[aeries]\nsource = "mssql+pyodbc://server/DST26000?trusted_connection=yes"\n'
        '[calpads]\nsenr_extract = "https://somebody:Correct-Horse-77@example.org/SENR.txt"\n'
    )
    assert "Correct-Horse-77" not in shown(senrkit.load_settings(file))


def test_what_is_public_is_named():
    assert set(PUBLIC) | {"__version__"} == set(senrkit.__all__)
    assert all(getattr(senrkit, name) is not None for name in senrkit.__all__)
    assert [name for name in senrkit.__all__ if name != "__version__" and not getattr(senrkit, name).__doc__] == []
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = senrkit.nothing


def test_help_reads_like_a_table_of_contents():
    text = io.StringIO()
    pydoc.Helper(output=text).help(senrkit)
    contents = text.getvalue().partition("PACKAGE CONTENTS")[0]
    assert [name for name in PUBLIC if name not in contents] == []
    assert len(contents.splitlines()) < 50


def test_to_import_senrkit_costs_nothing():
    """Names come when they are asked for; the doors that need no pandas import none."""
    said = "import sys, senrkit; print([name for name in ('pandas', 'polars', 'click') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_is_typed():
    from importlib.resources import files

    assert files("senrkit").joinpath("py.typed").is_file()
