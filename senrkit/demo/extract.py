"""The SENR ODS extract, as the state would hand it out: 37 columns, caret, CR LF, no heading."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from senrkit.demo.history import VALUES
from senrkit.demo.schools import LEA, state_codes
from senrkit.frames.pandas_door import to_polars
from senrkit.reference import ODS_FIELDS

_PERSON = {
    "ssid": "ssid",
    "local_id": "local_id",
    "first_name": "first",
    "middle_name": "middle",
    "last_name": "last",
    "suffix": "suffix",
    "alias_first_name": "alias_first",
    "alias_last_name": "alias_last",
    "gender": "gender",
    "birth_city": "city",
    "birth_state": "state",
    "birth_country": "country",
}
_VALUE = {
    "reason": "exit_reason",
    "completion": "completion_status",
    "transfer": "transfer_code",
    "residence": "residence_district",
    "nps": "nps_code",
}


def extract_rows(rows: pd.DataFrame, people: pd.DataFrame, as_of: dt.date, lea: str = LEA) -> pd.DataFrame:
    """State rows as text, the columns of the ODS layout in file order, in the order of `rows`."""
    who = people.iloc[rows["person"].to_numpy()]
    upload, updated = _stamps(rows, as_of)
    columns = {field: who[column].array for field, column in _PERSON.items()}
    columns |= {_VALUE.get(name, name): rows[name].array for name in VALUES}
    columns |= {
        "record_type": "SENR-R",
        "reporting_lea": lea,
        "school_code": state_codes(rows["school"]).array,
        "receiver_school": state_codes(rows["receiver"]).array,
        "academic_year": rows["year"].map({year: f"{year}-{year + 1}" for year in rows["year"].unique()}).array,
        "birth_date": digits(who["birth"]).array,
        "start_date": digits(rows["start"]).array,
        "exit_date": digits(rows["exit"]).array,
        "upload_date": digits(upload).array,
        "last_updated": digits(updated).array,
    }
    frame = pd.DataFrame({field: columns.get(field, "") for field in ODS_FIELDS}, index=rows.index)
    return frame.astype("str").reset_index(drop=True)


def digits(days: pd.Series) -> pd.Series:
    """Days as CCYYMMDD; blank where there is none."""
    distinct, where = np.unique(days.to_numpy(dtype="datetime64[D]"), return_inverse=True)
    texts = np.array(["" if np.isnat(day) else str(day).replace("-", "") for day in distinct], dtype=object)
    return pd.Series(texts[where], index=days.index, dtype="str")


def lines(rows: pd.DataFrame) -> bytes:
    """Text rows as caret-separated lines, each ended by CR LF."""
    text = to_polars(rows)
    return text.write_csv(include_header=False, separator="^", line_terminator="\r\n", quote_style="never").encode()


def _stamps(rows: pd.DataFrame, as_of: dt.date) -> tuple[pd.Series, pd.Series]:
    """Upload and last update: some days after start and exit, never after yesterday; every twentieth row lately."""
    yesterday = pd.Timestamp(as_of) - pd.Timedelta(days=1)
    upload = (rows["start"] + pd.Timedelta(days=5)).clip(upper=yesterday)
    updated = (rows["exit"].fillna(rows["start"]) + pd.Timedelta(days=6)).clip(upper=yesterday)
    number = pd.Series(np.arange(len(rows)), index=rows.index)
    lately = yesterday - pd.to_timedelta(number // 20 % 10, unit="D")
    return upload, updated.mask((number % 20 == 0) & (rows["year"] == rows["year"].max()), lately)
