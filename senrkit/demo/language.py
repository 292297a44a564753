"""Language status on both sides: the SELA ODS extract (18 columns) and Aeries' `LAC`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from senrkit.demo.data_files import local_codes
from senrkit.demo.extract import digits
from senrkit.demo.schools import LEA, state_codes
from senrkit.demo.traps import Trap

# calpads_rules.md section 5: the SELA input file and the two columns of the extract.
SELA_FIELDS = (
    "record_type transaction local_record_id reporting_lea school_code academic_year ssid first_name last_name "
    "birth_date gender local_id elas elas_start primary_language correction_reason upload_date last_updated"
).split()
LAC_DATES = {"EL": "SD", "IFEP": "IFD", "RFEP": "RD1"}
_LAC_DATE_COLUMNS = "HLD USE USS STS SD ED IFD RD1 AES EAD ITD".split()
_TEST_DAYS, _EL_DAYS = 21, 700


def settled(people: pd.DataFrame, first: pd.Series, traps: Sequence[Trap], as_of: dt.date) -> pd.DataFrame:
    """The people with statuses that their time here allows.

    Who is in a trap about something else, or in no extract, speaks English only; nobody is reclassified before two
    years.
    """
    tested = [position for position, one in enumerate(traps) if one.language]
    plain = ((people["trap"] >= 0) & ~people["trap"].isin(tested)) | first.isna()
    early = (people["elas"] == "RFEP") & ~(first + pd.Timedelta(days=_EL_DAYS) < pd.Timestamp(as_of))
    elas = people["elas"].mask(early, "EL").mask(plain, "EO")
    spoken = people["language"].mask(plain, "eng")
    for position in tested:
        language = traps[position].language
        mine = people["trap"] == position
        elas, spoken = elas.mask(mine, language.sela[-1][0]), spoken.mask(mine, language.spoken)
    return people.assign(elas=elas, language=spoken)


def statuses(people: pd.DataFrame, first: pd.Series, traps: Sequence[Trap], as_of: dt.date) -> pd.DataFrame:
    """Every status CALPADS holds: `person` (int64), `elas` (text), `day` (datetime64[s]), oldest first."""
    trapped = [position for position, one in enumerate(traps) if one.language]
    usual = first.notna() & ~people["trap"].isin(trapped)
    elas = people["elas"]
    tested = (first + pd.Timedelta(days=_TEST_DAYS)).clip(upper=pd.Timestamp(as_of) - pd.Timedelta(days=1))
    steps = [
        ("EO", usual & (elas == "EO"), first),
        ("TBD", usual & (elas != "EO"), first),
        ("EL", usual & elas.isin(["EL", "RFEP"]), tested),
        ("IFEP", usual & (elas == "IFEP"), tested),
        ("RFEP", usual & (elas == "RFEP"), first + pd.Timedelta(days=_EL_DAYS)),
    ]
    found = [
        pd.DataFrame({"person": np.flatnonzero(has), "elas": status, "day": day[has]}) for status, has, day in steps
    ]
    planted = [
        (position, status, pd.Timestamp(day)) for position in trapped for status, day in traps[position].language.sela
    ]
    given = pd.DataFrame(planted, columns=["trap", "elas", "day"]).astype({"day": "datetime64[s]"})
    who = people[["trap"]].rename_axis("person").reset_index().merge(given, on="trap")
    every = pd.concat([*found, who[["person", "elas", "day"]]], ignore_index=True).astype(
        {"elas": "str", "day": "datetime64[s]"}
    )
    return every.sort_values(["person", "day"], kind="stable", ignore_index=True)


def sela_rows(
    held: pd.DataFrame,
    people: pd.DataFrame,
    school: pd.Series,
    traps: Sequence[Trap],
    as_of: dt.date,
    lea: str = LEA,
) -> pd.DataFrame:
    """The SELA ODS extract as text, `SELA_FIELDS` in file order. `school`: each person's Aeries school."""
    who = people.iloc[held["person"].to_numpy()].reset_index(drop=True)
    said = {position: one.language for position, one in enumerate(traps) if one.language}
    corrections = {position: language.correction for position, language in said.items()}
    reported = {position: language.lea for position, language in said.items() if language.lea}
    newest = ~held["person"].duplicated(keep="last")
    first_year = held["day"].dt.year - (held["day"].dt.month < 7)
    stamp = digits((held["day"] + pd.Timedelta(days=2)).clip(upper=pd.Timestamp(as_of)))
    columns = {
        "record_type": "SELA-R",
        "reporting_lea": who["trap"].map(reported).fillna(lea),
        "school_code": state_codes(school.iloc[held["person"].to_numpy()].reset_index(drop=True)),
        "academic_year": first_year.astype("str") + "-" + (first_year + 1).astype("str"),
        "ssid": who["ssid"],
        "first_name": who["first"],
        "last_name": who["last"],
        "birth_date": digits(who["birth"]),
        "gender": who["gender"],
        "local_id": who["local_id"],
        "elas": held["elas"],
        "elas_start": digits(held["day"]),
        "primary_language": who["language"],
        "correction_reason": who["trap"].map(corrections).fillna("").where(newest, ""),
        "upload_date": stamp,
        "last_updated": stamp,
    }
    return pd.DataFrame({field: columns.get(field, "") for field in SELA_FIELDS}).astype("str")


def lac(held: pd.DataFrame, people: pd.DataFrame, first: pd.Series, traps: Sequence[Trap]) -> pd.DataFrame:
    """`LAC` as written: a row for every student with another language, as Aeries had it before the newest news."""
    position_of = people["trap"].to_numpy()
    absent = [position for position, one in enumerate(traps) if not (one.known and one.in_lac)]
    who = np.flatnonzero((people["elas"] != "EO") & ~people["trap"].isin(absent))
    frame = pd.DataFrame({name: pd.Series(pd.NaT, index=who, dtype="datetime64[s]") for name in _LAC_DATE_COLUMNS})
    for status, column in LAC_DATES.items():
        day = held[held["elas"] == status].drop_duplicates("person", keep="last").set_index("person")["day"]
        frame[column] = day.reindex(who)
    newest = held.drop_duplicates("person", keep="last").set_index("person").reindex(who)
    spoken = people["language"].iloc[who].map(local_codes("STU", "HL")).astype("str")
    start = first.iloc[who]
    frame = frame.assign(
        HLD=start, USE=start, USS=start, STS=start, EAD=newest["day"], EAC=newest["elas"].astype("str"), ITF=""
    ).astype({"ITF": "str"})
    for position, one in enumerate(traps):
        if one.language:
            mine = position_of[who] == position
            frame.loc[mine, list(LAC_DATES.values())] = pd.NaT
            first_day = one.language.sela[0][1]
            for column, value in ({"EAC": "TBD", "EAD": first_day} | dict(one.language.lac)).items():
                frame.loc[mine, column] = value if isinstance(value, str) else pd.Timestamp(value)
    texts = {
        "L1": spoken,
        "L2": spoken,
        "L3": spoken,
        "L4": spoken,
        "PR": "",
        "SR": "",
        "LT": "",
    }
    frame = frame.assign(ID=people["local_id"].iloc[who].astype("int64"), **texts, YEL=0, DEL=0)
    return frame[
        ["ID", "L1", "L2", "L3", "L4", *_LAC_DATE_COLUMNS, "EAC", "ITF", "PR", "SR", "LT", "YEL", "DEL"]
    ].reset_index(drop=True)


def elpac_rows(
    held: pd.DataFrame, people: pd.DataFrame, school: pd.Series, traps: Sequence[Trap], as_of: dt.date, lea: str = LEA
) -> pd.DataFrame:
    """The test vendor's file as text, with the headings of 2024-25 that are read and those that tell the year.

    Who was tested this school year and is EL or IFEP in CALPADS; of those who are to be determined every third, tested
    two days ago, and every third who has not finished; and one whose result CALPADS holds otherwise.
    """
    newest = held[~held["person"].duplicated(keep="last")].reset_index(drop=True)
    first = pd.Timestamp(as_of.year - (as_of.month < 7), 7, 1)
    name = people["trap"].iloc[newest["person"]].map({at: one.name for at, one in enumerate(traps)}).to_numpy()
    waiting = newest.index[name == "still-to-be-determined"]
    done = newest["elas"].isin(["EL", "IFEP"]) & newest["day"].between(first, pd.Timestamp(as_of))
    result = newest["elas"].where(done, "")
    result[waiting[::3]] = "EL"
    result[(name == "new-ifep").nonzero()[0][:1]] = "EL"
    attempted = pd.Series("Y", newest.index)
    attempted[waiting[1::3]] = "P"
    rows = newest[done | newest.index.isin([*waiting[::3], *waiting[1::3]])].index
    day = newest["day"].where(newest["elas"] != "TBD", pd.Timestamp(as_of) - pd.Timedelta(days=2))
    who = people.iloc[newest["person"].to_numpy()].reset_index(drop=True)
    state_school = state_codes(school.iloc[newest["person"].to_numpy()].reset_index(drop=True))
    columns = {
        "RecordType": "22",
        "UIN": (newest.index + 1).astype("str"),
        "SSID": who["ssid"],
        "LocalStudentID": who["local_id"],
        "StudentLastName": who["last"],
        "StudentFirstName": who["first"],
        "StudentMiddleName": "",
        "DateofBirthforTesting": who["birth"].dt.strftime("%Y-%m-%d"),
        "CALPADSDistrictCode": lea + "0000000",
        "CALPADSSchoolCode": lea + state_school,
        "CalculatedELAS": result,
        "ELASforTesting": "TBD",
        "SSRAvailableDate": (day + pd.Timedelta(days=1)).dt.strftime("%Y-%m-%d"),
        "FinalTestCompletedDate": day.dt.strftime("%Y-%m-%d"),
        "SpecialEducationforTesting": "",
        "StudentExitDate": "",
        "ELASCorrectionCode": "",
        "Attemptedness": attempted,
        "IncludeIndicator": attempted.map({"Y": "Y", "P": "T"}),
        "EndofRecord": "ZZ",
    }
    return pd.DataFrame(columns, index=newest.index).loc[rows].astype("str")
