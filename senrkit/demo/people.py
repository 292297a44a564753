"""The fictional children (and grown-ups) of Demo Unified, drawn from lists of invented names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from senrkit.demo.data_files import names
from senrkit.demo.days import september_first

PRESCHOOL, TK, ADULT = -2, -1, 40
FIRST_SSID, SPARE_SSIDS = 9_000_000_001, 9_900_000_001
FIRST_LOCAL_ID, SPARE_LOCAL_IDS = 100_001, 9_000_001
BASE, ALUMNI = -1, -2
LONGEST_HISTORY = 11

_GRADES = np.array([PRESCHOOL, TK, *range(13), ADULT])
_GRADE_SHARES = np.array([0.02, 0.07, *[0.067] * 12, 0.066, 0.04])
_BIRTHPLACES = pd.DataFrame(
    [
        ("US", "US-CA", 0.62),
        ("US", "US-NV", 0.05),
        ("US", "", 0.13),
        ("MX", "MX-JAL", 0.06),
        ("MX", "", 0.04),
        ("VN", "", 0.06),
        ("PH", "", 0.04),
    ],
    columns=["country", "state", "share"],
)
# Language status and the language spoken at home: most children speak English only.
_LANGUAGES = (
    ("EO", "eng", 0.74),
    ("EL", "spa", 0.11),
    ("EL", "vie", 0.03),
    ("RFEP", "spa", 0.08),
    ("IFEP", "fil", 0.04),
)


def pick(values: list[str], index: np.ndarray) -> pd.Series:
    """`values[index]` as a text column."""
    return pd.Series(pa.array(values, pa.large_string()).take(pa.array(index)).to_pandas(), dtype="str")


def grade_text(grade: np.ndarray) -> pd.Series:
    """State grade codes of grade numbers."""
    known = {PRESCHOOL: "PS", TK: "TK", 0: "KN", ADULT: "AD"} | {number: f"{number:02d}" for number in range(1, 13)}
    codes = sorted(known)
    return pick([known[code] for code in codes], np.searchsorted(codes, grade))


def make_people(rng: np.random.Generator, count: int, alumni: int) -> pd.DataFrame:
    """`count` pupils of today and `alumni` who left, unplanted.

    Columns: `grade` (int64, of alumni the one they would be in by now), `years` (int64, past school years in the
    district), `left` (int64, years since the last one; 0: still here), `zone`, `trap` (`BASE` or `ALUMNI`) and
    `role` (0).
    """
    grade = rng.choice(_GRADES, count, p=_GRADE_SHARES / _GRADE_SHARES.sum())
    years = np.minimum(np.clip(grade + 1, 0, 13), rng.integers(0, LONGEST_HISTORY + 1, count))
    years = np.where(grade == ADULT, rng.integers(0, 4, count), years)
    if count:
        # Someone must have been here since before the extract's ten years, or P14 would warn.
        grade[0], years[0] = 12, LONGEST_HISTORY
    left = rng.integers(1, 8, alumni)
    last_grade = rng.integers(3, 13, alumni)
    gone = np.minimum(rng.integers(1, 5, alumni), last_grade + 1)
    return pd.DataFrame(
        {
            "grade": np.concatenate([grade, last_grade + left]),
            "years": np.concatenate([years, gone]),
            "left": np.concatenate([np.zeros(count, dtype="int64"), left]),
            "zone": rng.integers(0, 12, count + alumni),
            "trap": np.repeat([BASE, ALUMNI], [count, alumni]),
            "role": 0,
        }
    )


def with_identities(people: pd.DataFrame, rng: np.random.Generator, year: int) -> pd.DataFrame:
    """The people with ids, names, birth and language. No two share first name, last name and birth date.

    Adds `ssid`, `local_id`, `first`, `middle`, `last`, `suffix`, `alias_first`, `alias_last`, `gender`, `city`,
    `state`, `country`, `elas`, `language` (text, state codes) and `birth` (datetime64[s]).
    """
    count = len(people)
    draw = {kind: rng.integers(0, len(names(kind)), count) for kind in ("first", "middle", "last", "city")}
    place = rng.choice(len(_BIRTHPLACES), count, p=_BIRTHPLACES["share"])
    language = rng.choice(len(_LANGUAGES), count, p=[share for _, _, share in _LANGUAGES])
    # Adults and the smallest are outside the language tests.
    language = np.where(people["grade"].isin([PRESCHOOL, ADULT]), 0, language)
    number = np.arange(count)
    age = np.where(people["grade"] == ADULT, rng.integers(22, 60, count), people["grade"] + 5)
    birth = september_first(year - age) - rng.integers(1, 360, count)
    return people.assign(
        ssid=pd.Series(FIRST_SSID + number).astype("str"),
        local_id=pd.Series(FIRST_LOCAL_ID + number).astype("str"),
        first=pick(names("first"), draw["first"]),
        middle=pick(["", *names("middle")], np.where(number % 3 == 0, draw["middle"] + 1, 0)),
        last=pick(names("last"), draw["last"]),
        suffix=pick(["", "JR", "III"], np.select([number % 83 == 0, number % 89 == 0], [1, 2], 0)),
        alias_first="",
        alias_last="",
        gender=pick(["F", "M", "X"], rng.choice(3, count, p=[0.49, 0.49, 0.02])),
        city=pick(names("city"), draw["city"]),
        state=pick(_BIRTHPLACES["state"].tolist(), place),
        country=pick(_BIRTHPLACES["country"].tolist(), place),
        elas=pick([status for status, _, _ in _LANGUAGES], language),
        language=pick([spoken for _, spoken, _ in _LANGUAGES], language),
        birth=pd.Series(_unlike(draw["first"], draw["last"], birth).astype("datetime64[s]")),
    ).astype({"alias_first": "str", "alias_last": "str"})


def _unlike(first: np.ndarray, last: np.ndarray, birth: np.ndarray) -> np.ndarray:
    """Birth dates moved back a day until nobody is anybody's double: a double would be a trap of its own."""
    birth = birth.copy()
    while True:
        double = pd.DataFrame({"first": first, "last": last, "birth": birth}).duplicated().to_numpy()
        if not double.any():
            return birth
        birth[double] -= 1
