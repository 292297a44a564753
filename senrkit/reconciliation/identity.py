"""Is it the same child on both sides? (reconciliation.md 4.1, a to d)

Nothing is ever matched by likeness: what looks like one child under two SSIDs, or two under one, is held and shown to a
person. The reconciliation and the language side ask the same questions, of different rows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from senrkit.frames import dates, text
from senrkit.reconciliation.evidence import sentence
from senrkit.spells.rules import SSID

CONFLICT = "identity-conflict"
WHO = ["ssid", "local_id", "first_name", "last_name", "birth_date"]
CONFLICT_COLUMNS = ["ssid", "group", "case", "detail", "digest"]
_SHORTEST_PART = 3
_BEGINS_ALIKE = 3
# What is compared, as people call it.
_SAID = {
    "local_id": "local id", "first_name": "first name", "last_name": "last name", "birth_date": "birth date",
    "school": "school",
}  # fmt: skip


@dataclass(frozen=True)
class Known:
    """Whom Aeries knows.

    Attributes
    ----------
    people
        As `people.people` gives it; two names a person, the legal one and the everyday one.
    enrolled
        `STU.ID` of every student with a live `ENR` row of the run year, also of those without a row in `STU`.
    schools
        `student, school_code`: the state codes of `STU.SC` and of the `ENR` rows of the run year.
    without_ssid
        `STU.ID` of students with an `ENR` row that is left out because its SSID is not ten digits.
    """

    people: pd.DataFrame
    enrolled: pd.Series
    schools: pd.DataFrame
    without_ssid: pd.Series

    @cached_property
    def persons(self) -> pd.DataFrame:
        """Everybody in Aeries, made comparable; `person` is the position. Blank where Aeries does not know."""
        people = self.people
        without = self.enrolled[~text.is_in(self.enrolled, people["student"])]
        columns = ["ssid", "student", "first_name", "last_name", "stu_first_name", "stu_last_name", "birth_date"]
        every = pd.concat(
            [people[columns], pd.DataFrame({"student": without.to_numpy()}, dtype="str")], ignore_index=True
        )
        every = every.astype("str").fillna("").drop_duplicates(ignore_index=True)
        return pd.DataFrame(
            {
                "person": np.arange(len(every), dtype="int64"),
                "student": every["student"],
                "ssid_aeries": every["ssid"],
                "local_id_aeries": every["student"].str.lstrip("0"),
                "first_aeries": text.folded(every["first_name"]),
                "everyday_first": text.folded(every["stu_first_name"]),
                "last_aeries": _spaced(every["last_name"]),
                "everyday_last": _spaced(every["stu_last_name"]),
                "birth_date_aeries": every["birth_date"],
            }
        )

    def ids(self) -> pd.Series:
        """Local ids without leading zeros, of everybody."""
        return pd.concat([self.people["student"], self.enrolled], ignore_index=True).str.lstrip("0").drop_duplicates()


def known_people(
    people: pd.DataFrame,
    enrolled: pd.Series,
    attended: pd.DataFrame,
    school_table: pd.DataFrame,
    without_ssid: pd.Series | None = None,
) -> Known:
    """Whom Aeries knows, from `people.people`, `schools.school_table` and the `ENR` rows of the year: `enrolled` are
    their students, `attended` has `student, aeries_school`."""
    codes = school_table.set_index("aeries_school")["school_code"]
    places = pd.concat([people[["student", "aeries_school"]], attended], ignore_index=True).drop_duplicates()
    schools = places.assign(school_code=text.mapped(places["aeries_school"], codes.get).fillna(""))
    schools = schools.loc[~text.equals(schools["school_code"], ""), ["student", "school_code"]].drop_duplicates()
    return Known(people, enrolled, schools, people["student"].iloc[:0] if without_ssid is None else without_ssid)


def another_child(claimed: pd.DataFrame, known: Known) -> pd.DataFrame:
    """Case a: state rows whose SSID Aeries has for a child who does not look like theirs.

    `claimed` has the columns `WHO`. A row counts only when it fits none of the student's rows in `STU`.
    """
    asked, persons = _worth_a_look(claimed, known.people), known.persons
    met = _met(asked, persons, asked.merge(persons, left_on="ssid", right_on="ssid_aeries"))
    likeness = _likeness(met)
    birth, first, last = (likeness[name].to_numpy() for name in ("birth_date", "first_name", "last_name"))
    another_id = text.is_in(met["local_id"], known.ids()) & (likeness["local_id"] == "differs").to_numpy()
    conflict = (birth == "differs") & ((last == "differs") | (first == "differs"))
    conflict |= ((birth == "differs") | (first == "differs")) & another_id
    conflict |= (birth == "unknown") & (last == "differs") & (first == "differs")
    fits_none = pd.Series(conflict).groupby(met["row"].to_numpy()).transform("all").to_numpy(dtype=bool)
    return _conflicts(
        met[fits_none].reset_index(drop=True), likeness[fits_none].reset_index(drop=True), "a", [("ssid", "a")]
    )


def under_another_ssid(strangers: pd.DataFrame, known: Known) -> pd.DataFrame:
    """Case b: rows of an SSID that Aeries does not know, for a child whom it seems to know under another or none.

    `strangers` has the columns `WHO` and `school_code`; rows whose SSID Aeries knows are passed over. All SSIDs
    concerned are in conflict. A student who is enrolled without a row in `STU` is known by the local id alone.
    """
    asked = _comparable(strangers[~text.is_in(strangers["ssid"], known.people["ssid"])])
    persons = known.persons
    named = _same_last_names(asked, persons)
    pairs = [
        _same_ids(asked, persons),
        named[named["same_first"] & (named["births"] != "differs")],
        _same_births_at_school(asked, persons, known.schools),
        named[named["births"] == "equal"],
    ]
    met = _met(asked, persons, pd.concat([found[["row", "person"]] for found in pairs]))
    schools = (text.joined([side["student"], side["school_code"]]) for side in (met, known.schools))
    likeness = _likeness(met).assign(school=np.where(text.is_in(*schools), "equal", "differs"))
    return _conflicts(met, likeness, "b", [("ssid", "b"), ("ssid_aeries", "b/aeries")])


def history_under_another_ssid(newcomers: pd.Series, newest: pd.DataFrame, known: Known) -> pd.DataFrame:
    """Case c: students without any state row, while an SSID that Aeries does not know has an older row of the same
    names and birth date. A local id does not count: ids are used again.

    `newcomers` are SSIDs; `newest` has the columns `WHO`, one row an SSID, the newest of the years before.
    """
    asked = _comparable(newest[~text.is_in(newest["ssid"], known.people["ssid"])])
    persons = known.persons
    named = _same_last_names(asked, persons)
    pairs = named[named["same_first"] & (named["births"] == "equal")]
    met = _met(asked, persons, pairs[text.is_in(persons["ssid_aeries"], newcomers)[pairs["person"]]])
    return _conflicts(met, _likeness(met), "c", [("ssid_aeries", "c")])


def two_for_one(known: Known) -> pd.DataFrame:
    """Case d: two live students under one SSID, or one under two. Live: an `ENR` row of the year, or a blank tag.

    An SSID that is not ten digits is no second one, unless an enrollment of this year is left out for it: then the rows
    of the same student at two schools contradict each other.
    """
    people = known.people
    live = text.equals(people["tag"], "") | text.is_in(people["student"], known.enrolled)
    whole = people["ssid"].str.match(SSID).to_numpy(dtype=bool)
    malformed = ~whole & ~text.equals(people["ssid"], "")
    whole = whole | (malformed & text.is_in(people["student"], known.without_ssid))
    persons = people.loc[live & whole, ["ssid", "student"]]
    persons = persons.drop_duplicates()
    parts = []
    for name, said in (("ssid", "d/students"), ("student", "d/ssids")):
        ssids = persons.loc[persons[name].duplicated(keep=False), "ssid"].drop_duplicates()
        parts.append(
            pd.DataFrame(
                {"ssid": ssids, "group": ssids, "case": "d", "detail": sentence(f"identity/{said}"), "digest": ""}
            )
        )
    return pd.concat(parts, ignore_index=True)[CONFLICT_COLUMNS].astype("str")


def _worth_a_look(claimed: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Rows with an SSID that Aeries has, without those of the same first name and birth date: case a is not about them,
    and they are nearly all."""
    at = text.positions(claimed["ssid"], people["ssid"])
    rows, person = claimed[at >= 0], people.iloc[at[at >= 0]]
    agrees = ~text.equals(rows["birth_date"], "")
    for name in ("birth_date", "first_name"):
        agrees &= pc.fill_null(pc.equal(text.arrow(rows[name]), text.arrow(person[name])), False).to_numpy()
    return _comparable(rows[~agrees])


def _comparable(rows: pd.DataFrame) -> pd.DataFrame:
    """Distinct rows with names and ids made comparable, a birth date that is none blank, and `row`, the position."""
    columns = [*WHO, *(["school_code"] if "school_code" in rows else [])]
    rows = rows[columns].drop_duplicates(ignore_index=True)
    first = text.folded(rows["first_name"])
    return rows.assign(
        row=np.arange(len(rows), dtype="int64"),
        local_id=rows["local_id"].str.strip().str.lstrip("0"),
        first_name=first,
        first=first,
        last=_spaced(rows["last_name"]),
        birth_date=text.choose(dates.from_ccyymmdd(rows["birth_date"]).isna().to_numpy(), "", rows["birth_date"]),
    )


def _met(asked: pd.DataFrame, persons: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Rows and persons side by side, pair by pair."""
    pairs = pairs[["row", "person"]].drop_duplicates()
    sides = (asked.iloc[pairs["row"]], persons.iloc[pairs["person"]])
    return pd.concat([side.reset_index(drop=True) for side in sides], axis=1)


def _same_ids(asked: pd.DataFrame, persons: pd.DataFrame) -> pd.DataFrame:
    filled = asked.loc[~text.equals(asked["local_id"], ""), ["row", "local_id"]]
    return filled.merge(persons[["person", "local_id_aeries"]], left_on="local_id", right_on="local_id_aeries")


def _same_births_at_school(asked: pd.DataFrame, persons: pd.DataFrame, schools: pd.DataFrame) -> pd.DataFrame:
    """The same birth date, first name and school."""
    there = asked[["row", "birth_date", "first_name", "school_code"]]
    there = there[~np.logical_or.reduce([text.equals(there[name], "") for name in there.columns[1:]])]
    named = pd.concat(
        [
            persons[["person", "student", "birth_date_aeries", name]].set_axis(
                ["person", "student", "birth_date", "first_name"], axis=1
            )
            for name in ("first_aeries", "everyday_first")
        ]
    )
    return there.merge(named, on=["birth_date", "first_name"]).merge(schools, on=["student", "school_code"])


def _same_last_names(asked: pd.DataFrame, persons: pd.DataFrame) -> pd.DataFrame:
    """The same last name and a first name that begins alike: `row, person`, `same_first` (bool), and `births`: `equal`,
    `differs` or `unknown`."""
    left = _names(asked, "row", ["first"], ["last"])
    right = _names(persons, "person", ["first_aeries", "everyday_first"], ["last_aeries", "everyday_last"])
    met = left.merge(right, on=["last", "begins"], suffixes=("", "_aeries"))
    # A single name equals a double one; two double names with a part in common do not.
    met = met[(met["whole"] | met["whole_aeries"]).to_numpy(dtype=bool)]
    births = _likeness_of(
        asked["birth_date"].iloc[met["row"]].reset_index(drop=True),
        persons["birth_date_aeries"].iloc[met["person"]].reset_index(drop=True),
    )
    same_first = (met["first"] == met["first_aeries"]).to_numpy(dtype=bool)
    alike = same_first | (met["begins"].str.len() == _BEGINS_ALIKE).to_numpy(dtype=bool)
    return met[["row", "person"]].assign(same_first=same_first, births=births)[alike]


def _names(rows: pd.DataFrame, who: str, firsts: list[str], lasts: list[str]) -> pd.DataFrame:
    """Each first name with each last name, and each part of a double last name: `who, first, begins, last, whole`."""
    written = pd.concat(
        [rows[[who, first, last]].set_axis([who, "first", "last"], axis=1) for first in firsts for last in lasts]
    )
    written = written[~(text.equals(written["first"], "") | text.equals(written["last"], ""))].drop_duplicates()
    double = written[written["last"].str.contains(" ", regex=False)]
    parts = double.assign(last=double["last"].str.split(" ")).explode("last").astype({"last": "str"})
    parts = parts[(parts["last"].str.len() >= _SHORTEST_PART).to_numpy(dtype=bool)].assign(whole=False)
    whole = written.assign(last=written["last"].str.replace(" ", "", regex=False), whole=True)
    every = pd.concat([whole, parts], ignore_index=True)
    return every.assign(begins=every["first"].str.slice(0, _BEGINS_ALIKE))


def _spaced(column: pd.Series) -> pd.Series:
    """A last name made comparable, its parts, which a blank or a hyphen separates, still apart."""
    parts = column.fillna("").str.replace(r"[\s\-\u2010-\u2015]+", " ", regex=True)
    folded = [text.folded(part) for _, part in parts.str.split(" ", expand=True).astype("str").items()]
    if not folded:
        return parts
    return (
        text.concatenated(*[piece for part in folded for piece in (part, " ")]).str.split().str.join(" ").astype("str")
    )


def _likeness(met: pd.DataFrame) -> pd.DataFrame:
    """`equal`, `differs` or `unknown` for each value that is compared."""
    first = _likeness_of(met["first"], met["first_aeries"])
    everyday = _likeness_of(met["first"], met["everyday_first"])
    lasts = [_last_names_equal(met["last"], met[name]) for name in ("last_aeries", "everyday_last")]
    last = np.where(lasts[0] | lasts[1], "equal", _likeness_of(met["last"], met["last_aeries"]))
    return pd.DataFrame(
        {
            "local_id": _likeness_of(met["local_id"], met["local_id_aeries"]),
            "first_name": np.where(everyday == "equal", "equal", first),
            "last_name": last,
            "birth_date": _likeness_of(met["birth_date"], met["birth_date_aeries"]),
        },
        dtype="str",
    )


def _likeness_of(there: pd.Series, here: pd.Series) -> np.ndarray:
    unknown = text.equals(there, "") | text.equals(here, "")
    equal = there.to_numpy(dtype=object) == here.to_numpy(dtype=object)
    return np.select([unknown, equal], ["unknown", "equal"], "differs")


def _last_names_equal(there: pd.Series, here: pd.Series) -> np.ndarray:
    """Equal, or the one a part, of three letters or more, of the other, which is a double name."""
    if not len(there):
        return np.zeros(0, dtype=bool)
    left, right = (side.to_numpy(dtype=str) for side in (there, here))
    filled = (left != "") & (right != "")
    equal = np.char.replace(left, " ", "") == np.char.replace(right, " ", "")
    for single, double in ((left, right), (right, left)):
        is_part = (
            np.char.find(np.char.add(np.char.add(" ", double), " "), np.char.add(np.char.add(" ", single), " ")) >= 0
        )
        equal |= is_part & (np.char.find(single, " ") < 0) & (np.char.str_len(single) >= _SHORTEST_PART)
    return equal & filled


def _conflicts(met: pd.DataFrame, likeness: pd.DataFrame, case: str, held: list[tuple[str, str]]) -> pd.DataFrame:
    """One row a pair and SSID concerned: `ssid`, `group` (all SSIDs concerned), `case`, `detail`, `digest` (of what was
    compared). `held` names the column of the SSIDs and the sentence that is said of them."""
    of_aeries = ("student", "first_aeries", "everyday_first", "last_aeries", "everyday_last", "birth_date_aeries")
    compared = [*WHO, *of_aeries, *(["school_code"] if "school" in likeness else [])]
    values = [*(met[name] for name in compared), *([likeness["school"]] if "school" in likeness else [])]
    digest = text.mapped(text.joined(values), lambda said: hashlib.sha256(said.encode()).hexdigest()[:16])
    two = text.concatenated(met["ssid"], "|", met["ssid_aeries"]).str.strip("|")
    group = two if case != "a" else met["ssid"]
    said = {
        what: text.concatenated(
            *[text.choose(likeness[name].to_numpy() == what, f", {called}", text.constant("", met.index))
              for name, called in _SAID.items() if name in likeness]
        ).str.slice(2)
        for what in ("equal", "differs", "unknown")
    }  # fmt: skip
    labels = (("equal", "Equal"), ("differs", "Different"), ("unknown", "Not known on one side"))
    parts = []
    for column, name in held:
        lead = sentence(f"identity/{name}")
        shown = [
            text.choose(text.equals(said[what], ""), "", text.concatenated(f" {label}: ", said[what], "."))
            for what, label in labels
        ]
        detail = text.concatenated(text.constant(lead, met.index), *shown)
        parts.append(
            pd.DataFrame({"ssid": met[column], "group": group, "case": case, "detail": detail, "digest": digest})
        )
    found = pd.concat(parts, ignore_index=True)[CONFLICT_COLUMNS].astype("str")
    return found[found["ssid"].str.match(SSID).to_numpy(dtype=bool)].drop_duplicates(ignore_index=True)
