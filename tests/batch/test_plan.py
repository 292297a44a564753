"""Which settings files a folder or a table names."""

from __future__ import annotations

from pathlib import Path

import pytest

from senrkit.batch.plan import read_plan
from senrkit.errors import InputError, UsageError

SETTINGS = """
school_year = "2026-2027"
lea = "{lea}"
[aeries]
source = "exports"
[calpads]
senr_extract = "{extract}"
"""


def settings(file: Path, lea: str, extract: str = "SENR_ODS.txt") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SETTINGS.format(lea=lea, extract=extract), "utf-8")


@pytest.fixture
def folder(tmp_path):
    settings(tmp_path / "one.toml", "1980001")
    settings(tmp_path / "two" / "senrkit.toml", "1980002")
    settings(tmp_path / "three" / "other.toml", "1980003")
    settings(tmp_path / "four" / "deeper" / "senrkit.toml", "1980004")
    settings(tmp_path / ".hidden.toml", "1980005")
    settings(tmp_path / ".old" / "senrkit.toml", "1980006")
    return tmp_path


def named(source: Path) -> list[tuple[str, str, str]]:
    return [(one.lea, Path(one.settings).name, Path(one.extract).name) for one in read_plan(source)]


def test_a_folder_names_its_files_and_one_in_each_folder_below(folder):
    assert named(folder) == [("1980001", "one.toml", ""), ("1980002", "senrkit.toml", "")]


TABLES = {
    "comma": "settings,extract\none.toml,new.txt\ntwo/senrkit.toml,\n",
    "headings as people write them": "LEA,Settings , EXTRACT\nx,one.toml,new.txt\ny, two/senrkit.toml,\n",
    "tab": "extract\tsettings\nnew.txt\tone.toml\n\ttwo/senrkit.toml\n",
    "blank lines": "settings,extract\n\none.toml,new.txt\n,\ntwo/senrkit.toml,\n",
    "a file named twice": "settings,extract\none.toml,new.txt\ntwo/senrkit.toml,\none.toml,new.txt\n",
}


@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
def test_a_table_in_whatever_dialect(folder, text):
    (folder / "leas.csv").write_text(text, "utf-8")
    assert named(folder / "leas.csv") == [("1980001", "one.toml", "new.txt"), ("1980002", "senrkit.toml", "")]


def test_a_table_with_one_column(folder):
    (folder / "leas.csv").write_text("settings\none.toml\ntwo/senrkit.toml\n", "utf-8")
    assert [lea for lea, *_ in named(folder / "leas.csv")] == ["1980001", "1980002"]


def test_a_workbook(folder):
    import pandas as pd

    rows = {"settings": ["one.toml", "", "two/senrkit.toml"], "extract": ["2026.txt", None, None]}
    pd.DataFrame(rows).to_excel(folder / "leas.xlsx", index=False)
    assert named(folder / "leas.xlsx") == [("1980001", "one.toml", "2026.txt"), ("1980002", "senrkit.toml", "")]


def test_an_address(folder):
    address = (folder / "one.toml").as_uri()
    (folder / "leas.csv").write_text(f"settings\n{address}\n", "utf-8")
    (one,) = read_plan(folder / "leas.csv")
    assert (one.settings, one.lea, one.refused) == (address, "1980001", None)


def test_an_lea_with_two_files_knows_the_other(folder):
    settings(folder / "again.toml", "1980001")
    plan = {Path(one.settings).name: one for one in read_plan(folder)}
    assert plan["one.toml"].twins == (plan["again.toml"].settings,)
    assert plan["again.toml"].twins == (plan["one.toml"].settings,)
    assert plan["senrkit.toml"].twins == ()


def test_a_file_that_cannot_be_read_is_its_own_line(folder):
    (folder / "leas.csv").write_text("settings\nnobody.toml\none.toml\n", "utf-8")
    gone, one = read_plan(folder / "leas.csv")
    assert gone.lea == "" and "nobody.toml" in str(gone.refused)
    assert one.refused is None


def test_the_size_is_that_of_the_extract(folder):
    (folder / "SENR_ODS.txt").write_bytes(b"x" * 1000)
    (folder / "month").mkdir()
    (folder / "month" / "SENR_1.txt").write_bytes(b"x" * 3000)
    settings(folder / "in_folder.toml", "1980007", extract="month")
    assert {one.lea: one.size for one in read_plan(folder)} == {"1980001": 1000, "1980002": 0, "1980007": 3000}


REFUSED = {
    "nothing there": ("nowhere", UsageError, "There is no folder or table"),
    "a folder without any": ("bare", UsageError, "names no settings file"),
    "a table without the column": ("wrong.csv", UsageError, "has no column settings"),
    "an empty table": ("empty.csv", InputError, "is empty"),
    "a table without a line": ("heading.csv", UsageError, "names no settings file"),
    "a damaged workbook": ("damaged.xlsx", InputError, "is damaged"),
    "a settings file": ("one.toml", UsageError, "neither a folder nor a table"),
}


@pytest.mark.parametrize(("name", "kind", "words"), REFUSED.values(), ids=REFUSED)
def test_a_source_that_is_none(folder, name, kind, words):
    (folder / "bare").mkdir()
    (folder / "wrong.csv").write_text("files\none.toml\n", "utf-8")
    (folder / "empty.csv").write_text("", "utf-8")
    (folder / "heading.csv").write_text("settings\n", "utf-8")
    (folder / "damaged.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(kind, match=words):
        read_plan(folder / name)
