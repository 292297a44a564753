"""What Aeries says of the language status, one row a student, and whether it is the same child as in CALPADS."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import polars as pl

from senrkit.errors import InputError
from senrkit.frames import dates, text
from senrkit.frames.pandas_door import to_pandas, to_polars
from senrkit.frames.text import column_of, from_arrow
from senrkit.inputs.aeries.tables import AeriesTables
from senrkit.reconciliation.identity import another_child, known_people, two_for_one, under_another_ssid
from senrkit.reference.elas import facts, known, lac_dates
from senrkit.settings.settings import Settings
from senrkit.spells.people import people
from senrkit.spells.schools import school_table
from senrkit.spells.translate import Translator, translator

_NEEDED = {"STU": ("LF",), "LAC": ("ID",)}
# Without these something cannot be warned of.
_FOR_WARNINGS = {"STU": ("HL",), "LAC": ("USS", "ITF")}
_OTHER_LAC = ("EAC", "EAD", "ITF", *facts()["first_school_day"]["columns"])


def aeries_statuses(tables: AeriesTables, settings: Settings) -> pd.DataFrame:
    """One row per live Aeries student who has an SSID, a language status or a LAC row; two for one with two SSIDs.

    Columns, as text: `student` (`STU.ID`), `ssid`, `school_code` (state), `school_name`, `local_lf`, `aeries_status`
    (translated; unknown when it has no translation), `first_name`, `last_name` (legal), `stu_first_name`,
    `stu_last_name`, `birth_date` (CCYYMMDD), `grade` (state; unknown without a translation), `HL` (local) and
    `home_language` (state; unknown without a translation), `EAC`, `ITF`, and `initial_result`, the status that ITF
    means (blank where it is none). The LAC dates `SD IFD RD1 AES EAD USS STS` as Aeries gives them. What the source has
    no column for is unknown. `lac_rows` (int64: rows that Aeries itself has), `parent` (bool: LAC or IDN knows the
    student), `two_statuses` (bool: the STU rows disagree), `left` (bool: nowhere in school any more).

    Raises
    ------
    InputError
        when the source has no STU.LF or no LAC.
    """
    _refuse_incomplete(tables.tables, tables.source)
    stu = tables.tables["STU"]
    lsi = tables.tables.get("LSI")
    persons = _persons(to_pandas(people(to_polars(stu), None if lsi is None else to_polars(lsi))))  # seam
    codes = stu[["ID", "GR"]].assign(LF=stu["LF"].str.strip(), HL=column_of(stu, "HL").str.strip())
    asked = [persons["student"], persons["aeries_school"]]
    at = text.positions(text.joined(asked), text.joined([stu["ID"], stu["SC"]]))
    different = codes.groupby("ID")["LF"].nunique().reindex(persons["student"]).to_numpy() > 1
    local = codes.iloc[at].reset_index(drop=True)
    translated = translator(to_polars(tables.tables["XRF"]), settings.translations, settings.school_year)

    def codes_of(name: str, column: pd.Series) -> pd.Series:  # seam
        return to_pandas(translated.codes(name, pl.from_pandas(column)).to_frame(name))[name]

    found = persons[["student", "ssid", "first_name", "last_name", "stu_first_name", "stu_last_name", "birth_date"]]
    found = found.assign(
        **_school(persons, tables, settings),
        local_lf=local["LF"],
        aeries_status=codes_of("STU.LF", local["LF"]),
        grade=codes_of("STU.GR", local["GR"]),
        HL=local["HL"],
        # Who translates no language at all is not asked to: then a code stands for itself.
        home_language=codes_of("STU.HL", local["HL"]) if "STU.HL" in translated.tables else local["HL"],
        two_statuses=different,
        left=_left(persons, tables, settings),
        **_language_rows(tables, persons["student"]),
    )
    found["initial_result"] = _initial_result(found["ITF"], translated, settings)
    has_row = (found["ssid"] != "") | (found["local_lf"] != "") | (found["lac_rows"] > 0)
    return found[has_row].reset_index(drop=True)


def local_code(tables: AeriesTables, settings: Settings, status: str) -> str:
    """The one local code of `STU.LF` that means the status; those of the settings win over XRF. `""` without one.

    A code that a spreadsheet would take for a formula is none: it would not survive an import file.
    """
    year = settings.school_year
    of_settings = [code for code, state in settings.translations.get("STU.LF", {}).items() if state == status]
    every = translator(to_polars(tables.tables["XRF"]), settings.translations, year).tables.get("STU.LF", {})
    codes = of_settings or [code for code, state in every.items() if state == status and code]
    return codes[0] if len(codes) == 1 and codes[0][0] not in "=+-@" else ""


def not_asked(tables: AeriesTables) -> tuple[str, ...]:
    """Columns that the source lacks and without which a warning cannot be given, as `STU.HL`."""
    return tuple(
        f"{table}.{code}"
        for table, codes in _FOR_WARNINGS.items()
        for code in codes
        if code not in tables.tables.get(table, ())
    )


def identity_conflicts(held: pd.DataFrame, aeries: AeriesTables, settings: Settings) -> frozenset[str]:
    """The SSIDs of both sides for which it is not certain whose status it is: reconciliation 4.1, the same questions.

    `held` as `newest_statuses` gives it. A local id counts only in rows that the LEA itself reported: another LEA's
    numbers are its own.
    """
    tables = {name: to_polars(table) for name, table in aeries.tables.items()}
    enr = tables["ENR"].filter(pl.col("YR") == str(settings.school_year.first))
    schools = school_table(tables["LOC"], settings)
    attended = enr.select(student="ID", aeries_school="SC")
    known = known_people(people(tables["STU"], tables.get("LSI")), enr["ID"].unique(), attended, schools)
    own = pl.when(pl.col("reporting_lea") == settings.lea)
    rows = to_polars(held).with_columns(local_id=own.then("local_id").otherwise(pl.lit("")))
    found = [another_child(rows, known), under_another_ssid(rows, known), two_for_one(known)]
    return frozenset(ssid for one in found for ssid in one["ssid"])


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
    schools = to_pandas(school_table(to_polars(tables.tables["LOC"]), settings))  # seam
    at = text.positions(persons["aeries_school"], schools["aeries_school"])
    none = pd.Series("", index=persons.index, dtype="str")
    if not len(schools):
        return {"school_code": none, "school_name": none}
    return {
        name: text.choose(at >= 0, schools[column].iloc[np.maximum(at, 0)].reset_index(drop=True), none)
        for name, column in (("school_code", "school_code"), ("school_name", "name"))
    }


def _left(persons: pd.DataFrame, tables: AeriesTables, settings: Settings) -> np.ndarray:
    """Whether every row of a student has a tag, or every enrollment of the year has ended before the day of the run."""
    tagged = (persons["tag"].str.strip() != "").to_numpy()
    enr = tables.tables["ENR"]
    enr = enr[text.equals(enr["YR"], str(settings.school_year.first))]
    ended = dates.from_iso(enr["LD"]) < dates.stamp(settings.as_of)
    gone = ended.groupby(enr["ID"]).all()
    return tagged | text.is_in(persons["student"], pd.Series(gone.index[gone.to_numpy()], dtype="str"))


def _initial_result(itf: pd.Series, translated: Translator, settings: Settings) -> pd.Series:
    """The status that `LAC.ITF` means: itself, or the district's own code for one; a word of another kind says nothing.

    Which of them Aeries' import of the Initial ELPAC writes is not documented.
    """
    statuses, own = known(settings.school_year), translated.tables.get("STU.LF", {})

    def status(value: str) -> str | None:
        value = value.strip()
        return value.upper() if value.upper() in statuses else own.get(value, "")

    return text.mapped(itf, status)


def _language_rows(aeries: AeriesTables, students: pd.Series) -> dict[str, pd.Series | np.ndarray]:
    tables, lac = aeries.tables, aeries.tables["LAC"]
    at = text.positions(students, lac["ID"])
    proof = lac["ID"].iloc[:0] if "LAC" in aeries.inferred else lac["ID"]
    rows = proof.value_counts().reindex(students).fillna(0).to_numpy(dtype="int64")
    columns = {code: _of_lac(lac, code, at) for code in (*lac_dates().values(), *_OTHER_LAC)}
    known = text.is_in(students, tables["IDN"]["ID"]) if "IDN" in tables else np.zeros(len(students), dtype=bool)
    return columns | {"lac_rows": rows, "parent": known | (rows > 0)}


def _of_lac(lac: pd.DataFrame, code: str, at: np.ndarray) -> pd.Series:
    """A column of LAC for each student: blank without a row, unknown without the column."""
    index = pd.RangeIndex(len(at))
    if code not in lac:
        return text.unknown(index)
    values = text.arrow(lac[code]).combine_chunks()
    return from_arrow(values.take(np.where(at < 0, None, at)), index).where(at >= 0, "")
