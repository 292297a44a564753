"""The two sides of a language status: the newest that CALPADS holds, and what Aeries says, one row a student each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from senrkit import dates, text
from senrkit.errors import InputError
from senrkit.inputs.aeries_tables import AeriesTables
from senrkit.language.elas import facts, lac_dates
from senrkit.people import people
from senrkit.schools import school_table
from senrkit.settings import Settings
from senrkit.text import from_arrow
from senrkit.translate import translator

_WHO = ["ssid", "school_code", "reporting_lea", "local_id", "first_name", "last_name", "birth_date"]
_NEEDED = {"STU": ("LF",), "LAC": ("ID",)}
_OTHER_DATES = ("EAD", *facts()["first_school_day"]["columns"])


def newest_statuses(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per SSID of the SELA extract: its newest status.

    Columns: `ssid, school_code, reporting_lea, local_id, first_name, last_name, birth_date, calpads_status` (text),
    `calpads_day` (datetime64[s]), `two_newest` (bool): two different statuses start on the newest day.
    """
    day = dates.from_ccyymmdd(rows["elas_date"])
    found = rows[[*_WHO, "line"]].assign(calpads_status=rows["elas"].str.strip(), calpads_day=day)
    newest = found[day == day.groupby(found["ssid"]).transform("max")]
    several = newest.groupby("ssid")["calpads_status"].transform("nunique") > 1
    newest = newest.assign(two_newest=several).sort_values(["ssid", "line"], kind="stable")
    return newest.drop_duplicates("ssid", keep="last", ignore_index=True).drop(columns="line")


def aeries_statuses(tables: AeriesTables, settings: Settings) -> pd.DataFrame:
    """One row per live Aeries student who has an SSID, a language status or a LAC row; two for one with two SSIDs.

    Columns, as text: `student` (`STU.ID`), `ssid`, `school_code` (state), `school_name`, `local_lf`, `aeries_status`
    (translated; unknown when it has no translation), `first_name`, `last_name` (legal), `stu_first_name`,
    `stu_last_name`, `birth_date` (CCYYMMDD), `EAC`. The LAC dates `SD IFD RD1 AES EAD USS STS` as Aeries gives them
    (unknown without the column). `lac_rows` (int64: rows that Aeries itself has), `parent` (bool: LAC or IDN
    knows the student), `two_statuses` (bool: the STU rows disagree).

    Raises
    ------
    InputError
        when the source has no STU.LF or no LAC.
    """
    _refuse_incomplete(tables.tables, tables.source)
    stu = tables.tables["STU"]
    persons = _persons(people(stu, tables.tables.get("LSI")))
    codes = stu[["ID", "LF"]].assign(LF=stu["LF"].str.strip())
    at = text.positions(persons["student"], codes["ID"])
    different = codes.groupby("ID")["LF"].nunique().reindex(persons["student"]).to_numpy() > 1
    local = codes["LF"].iloc[at].reset_index(drop=True)
    year = settings.school_year
    translated = translator(tables.tables["XRF"], settings.translations, year)
    found = persons[["student", "ssid", "first_name", "last_name", "stu_first_name", "stu_last_name", "birth_date"]]
    found = found.assign(
        **_school(persons, tables, settings),
        local_lf=local,
        aeries_status=translated.codes("STU.LF", local, np.ones(len(local), dtype=bool)),
        two_statuses=different,
        **_language_rows(tables, persons["student"]),
    )
    has_row = (found["ssid"] != "") | (found["local_lf"] != "") | (found["lac_rows"] > 0)
    return found[has_row].reset_index(drop=True)


def local_code(tables: AeriesTables, settings: Settings, status: str) -> str:
    """The one local code of `STU.LF` that means the status; those of the settings win over XRF. `""` without one.

    A code that a spreadsheet would take for a formula is none: it would not survive an import file.
    """
    year = settings.school_year
    of_settings = [code for code, state in settings.translations.get("STU.LF", {}).items() if state == status]
    every = translator(tables.tables["XRF"], settings.translations, year).tables.get("STU.LF", {})
    codes = of_settings or [code for code, state in every.items() if state == status and code]
    return codes[0] if len(codes) == 1 and codes[0][0] not in "=+-@" else ""


def _refuse_incomplete(tables: Mapping[str, pd.DataFrame], source: str) -> None:
    lacking = [
        f"{table}.{code}" for table, codes in _NEEDED.items() for code in codes if code not in tables.get(table, ())
    ]
    if lacking:
        raise InputError(
            f"{source} lacks what language status needs: {', '.join(lacking)}.",
            "Let the login read these columns, or export STU and LAC with them.",
        )


def _persons(rows: pd.DataFrame) -> pd.DataFrame:
    """The row that speaks for each student and SSID; a blank SSID counts only where the student has no other."""
    filled = (rows["ssid"] != "").to_numpy()
    without = ~text.is_in(rows["student"], rows["student"][filled])
    return rows[filled | without].drop_duplicates(["student", "ssid"], ignore_index=True)


def _school(persons: pd.DataFrame, tables: AeriesTables, settings: Settings) -> dict[str, pd.Series]:
    schools = school_table(tables.tables["LOC"], settings)
    at = text.positions(persons["aeries_school"], schools["aeries_school"])
    none = pd.Series("", index=persons.index, dtype="str")
    if not len(schools):
        return {"school_code": none, "school_name": none}
    return {
        name: text.choose(at >= 0, schools[column].iloc[np.maximum(at, 0)].reset_index(drop=True), none)
        for name, column in (("school_code", "school_code"), ("school_name", "name"))
    }


def _language_rows(aeries: AeriesTables, students: pd.Series) -> dict[str, pd.Series | np.ndarray]:
    tables, lac = aeries.tables, aeries.tables["LAC"]
    at = text.positions(students, lac["ID"])
    proof = lac["ID"].iloc[:0] if "LAC" in aeries.inferred else lac["ID"]
    rows = proof.value_counts().reindex(students).fillna(0).to_numpy(dtype="int64")
    columns = {code: _of_lac(lac, code, at) for code in ("EAC", *lac_dates().values(), *_OTHER_DATES)}
    known = text.is_in(students, tables["IDN"]["ID"]) if "IDN" in tables else np.zeros(len(students), dtype=bool)
    return columns | {"lac_rows": rows, "parent": known | (rows > 0)}


def _of_lac(lac: pd.DataFrame, code: str, at: np.ndarray) -> pd.Series:
    """A column of LAC for each student: blank without a row, unknown without the column."""
    index = pd.RangeIndex(len(at))
    if code not in lac:
        return text.unknown(index)
    values = text.arrow(lac[code]).combine_chunks()
    return from_arrow(values.take(np.where(at < 0, None, at)), index).where(at >= 0, "")
