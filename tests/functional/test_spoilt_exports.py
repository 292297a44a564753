"""A spoilt export gives the same proposal as the clean one, or no proposal: how Excel and others spoil it."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from senrkit import engine
from senrkit.demo import make
from senrkit.errors import InputError
from senrkit.settings.settings import load_settings

AS_OF = dt.date(2026, 11, 23)
DATES = {"STU": ("BD", "LD", "DG", "SLD", "ED"), "ENR": ("ED", "LD"), "LAC": ("SD", "IFD", "RD1", "USS", "USE", "EAD")}
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """The demo district as exports, and what is proposed for it."""
    import sqlite3

    folder = tmp_path_factory.mktemp("clean")
    made = make(folder, 300, 1, AS_OF)
    with sqlite3.connect(folder / "aeries.db") as database:
        tables = {
            name: pd.read_sql(f'SELECT * FROM "{name}"', database, dtype="str").fillna("")
            for name in ("STU", "ENR", "LOC", "XRF", "LSI", "LAC", "IDN", "ACT")
        }
    for table, columns in DATES.items():
        for column in {*columns} & {*tables[table]}:
            tables[table][column] = tables[table][column].str.slice(0, 10)
    return folder, tables, proposal_of(folder, tables, folder / "exports", made.settings_file)


def proposal_of(district: Path, tables: Tables, exports: Path, settings_file: Path, **how) -> pd.DataFrame | list[str]:
    """The proposal; or what stopped the run."""
    write(exports, tables, **how)
    text = settings_file.read_text(encoding="utf-8").replace('"sqlite:///aeries.db"', f"'{exports}'", 1)
    spoilt = district / f"{exports.name}.toml"
    spoilt.write_text(re.sub(r"^write_.*\n", "", text, flags=re.MULTILINE), encoding="utf-8")
    run = engine.run(load_settings(spoilt), out=exports.with_name(f"{exports.name}-run"))
    if run.exit_code == 4:
        return [one["id"] for one in run.manifest["preconditions"] if one["state"] == "stopped"]
    proposal = pd.read_csv(run.folder / "proposal.csv", dtype="str", keep_default_na=False)
    return proposal.drop(columns="local_record_id")


def write(exports: Path, tables: Tables, *, text: Callable[[str], bytes] = str.encode, delimiter: str = ",",
          name: str = "{}.csv", above: str = "") -> None:  # fmt: skip
    exports.mkdir()
    for table, rows in tables.items():
        lines = [[*rows], *rows.to_numpy().tolist()]
        path = exports / "part"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=delimiter).writerows(lines)
        content = above + path.read_text(encoding="utf-8")
        path.unlink()
        (exports / name.format(table)).write_bytes(text(content))


def days(written: Callable[[dt.date], str]) -> Callable[[Tables], Tables]:
    def spoil(tables: Tables) -> Tables:
        spoilt = {name: rows.copy() for name, rows in tables.items()}
        for table, columns in DATES.items():
            for column in {*columns} & {*spoilt[table]}:
                spoilt[table][column] = [
                    written(dt.date.fromisoformat(day)) if re.fullmatch(r"\d{4}-\d\d-\d\d", day) else day
                    for day in spoilt[table][column]
                ]
        return spoilt

    return spoil


def column(table: str, name: str, change: Callable[[str], str]) -> Callable[[Tables], Tables]:
    return lambda tables: tables | {table: tables[table].assign(**{name: tables[table][name].map(change)})}


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(days(lambda day: f"{day.month}/{day.day}/{day.year}"), id="M/D/YYYY"),
        pytest.param(days(lambda day: f"{day:%m-%d-%Y}"), id="MM-DD-YYYY"),
        pytest.param(days(lambda day: f"{day.day}/{day.month}/{day.year}"), id="D/M/YYYY"),
        pytest.param(days(lambda day: f"{day.month}/{day.day}/{day:%y}"), id="m/d/yy"),
        pytest.param(days(lambda day: f"{day:%d-%b-%y}"), id="dd-Mon-yy"),
        pytest.param(days(lambda day: f"{day.isoformat()}T00:00:00"), id="ISO with time"),
        pytest.param(days(lambda day: str((day - dt.date(1899, 12, 30)).days)), id="Excel serials"),
        pytest.param(column("STU", "CID", lambda ssid: f"'{ssid}" if ssid else ssid), id="apostrophe"),
        pytest.param(column("STU", "CID", lambda ssid: f'="{ssid}"' if ssid else ssid), id="formula"),
        pytest.param(
            column("STU", "CID", lambda ssid: f"{int(ssid):,}" if len(ssid) == 10 else ssid), id="grouped digits"
        ),
        pytest.param(column("STU", "ID", lambda student: student.zfill(8)), id="zeros before the student number"),
        pytest.param(column("ENR", "ID", lambda student: f" {student}.0"), id="blank and .0 around it"),
        pytest.param(column("ENR", "SC", lambda school: f"{school}.0"), id="schools as decimal numbers"),
        pytest.param(column("STU", "TG", lambda tag: f" {tag}"), id="a blank before the tag"),
        pytest.param(column("ENR", "ER", lambda reason: f" {reason}"), id="a blank before the exit reason"),
        pytest.param(column("ENR", "LD", lambda day: day or "NULL"), id="NULL"),
        pytest.param(column("STU", "HSG", lambda code: code or "(null)"), id="(null)"),
        pytest.param(column("ENR", "ER", lambda code: code or "#N/A"), id="#N/A"),
    ],
)
def test_the_same_proposal_from_spoilt_values(clean, spoil, tmp_path):
    district, tables, proposal = clean
    found = proposal_of(district, spoil(tables), tmp_path / "exports", district / "senrkit.toml")
    pd.testing.assert_frame_equal(found, proposal)


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"delimiter": ";"}, id="semicolons"),
        pytest.param({"delimiter": "\t", "name": "{}.tsv"}, id="tabs"),
        pytest.param({"delimiter": ";", "above": "sep=;\r\n"}, id="sep="),
        pytest.param({"delimiter": "|", "above": "sep=|\r\n"}, id="sep= another"),
        pytest.param({"text": lambda content: content.encode("utf-16")}, id="UTF-16"),
        pytest.param({"above": "Aeries export\r\n\r\n"}, id="a title row"),
        pytest.param({"name": "{}_2026-11-23.csv"}, id="a dated name"),
    ],
)
def test_the_same_proposal_from_another_writing_of_the_file(clean, how, tmp_path):
    district, tables, proposal = clean
    found = proposal_of(district, tables, tmp_path / "exports", district / "senrkit.toml", **how)
    pd.testing.assert_frame_equal(found, proposal)


def test_the_same_proposal_with_a_blank_first_column(clean, tmp_path):
    district, tables, proposal = clean
    spoilt = {}
    for table, rows in tables.items():
        spoilt[table] = rows.copy()
        spoilt[table].insert(0, "", "")
    found = proposal_of(district, spoilt, tmp_path / "exports", district / "senrkit.toml")
    pd.testing.assert_frame_equal(found, proposal)


@pytest.mark.parametrize("others", ["Pivot", None])
def test_a_workbook_of_several_sheets(clean, others, tmp_path):
    """The sheet named as the table is read; where none is, the file is refused, for nobody knows which is meant."""
    district, tables, proposal = clean
    text = (district / "senrkit.toml").read_text(encoding="utf-8").replace('"sqlite:///aeries.db"', "'exports'", 1)
    (tmp_path / "senrkit.toml").write_text(re.sub(r"^write_.*\n", "", text, flags=re.MULTILINE), encoding="utf-8")
    for name in ("SENR_ODS.txt", "pubschls.txt"):
        (tmp_path / name).write_bytes((district / name).read_bytes())
    write(tmp_path / "exports", {name: rows for name, rows in tables.items() if name != "STU"})
    with pd.ExcelWriter(tmp_path / "exports" / "STU.xlsx") as book:
        tables["STU"].to_excel(book, sheet_name="STU" if others else "Sheet1", index=False)
        tables["LOC"].to_excel(book, sheet_name=others or "Sheet2", index=False)
    if others is None:
        with pytest.raises(InputError, match="several filled sheets, none of them called STU"):
            engine.run(load_settings(tmp_path / "senrkit.toml"), out=tmp_path / "run")
        return
    run = engine.run(load_settings(tmp_path / "senrkit.toml"), out=tmp_path / "run")
    found = pd.read_csv(run.folder / "proposal.csv", dtype="str", keep_default_na=False)
    pd.testing.assert_frame_equal(found.drop(columns="local_record_id"), proposal)


@pytest.mark.parametrize(
    ("spoil", "stops"),
    [
        # nothing tells day and month apart
        (days(lambda day: f"{day.month % 12 + 1}/{day.day % 12 + 1}/{day.year}"), "P15"),
        (days(lambda day: f"{day:%B} the {day.day}th"), "P15"),
        (column("ENR", "ID", lambda student: student[:-1]), "P16"),
    ],
)
def test_no_proposal_where_nothing_is_certain(clean, spoil, stops, tmp_path):
    district, tables, _ = clean
    found = proposal_of(district, spoil(tables), tmp_path / "exports", district / "senrkit.toml")
    assert isinstance(found, list) and stops in found


@pytest.mark.parametrize(
    "shorten", [lambda ssid: f"{float(ssid or 0):.2E}", lambda ssid: ssid[:6] + "0000" if ssid else ""]
)
def test_rounded_numbers_are_refused(clean, shorten, tmp_path):
    district, tables, _ = clean
    with pytest.raises(InputError, match="spreadsheet") as refused:
        proposal_of(district, column("STU", "CID", shorten)(tables), tmp_path / "exports", district / "senrkit.toml")
    assert "900000" not in str(refused.value)
