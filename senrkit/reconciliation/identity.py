"""Is it the same child on both sides? (reconciliation.md 4.1, a to d)

Nothing is ever matched by likeness: what looks like one child under two SSIDs, or two under one, is held and shown to a
person. The reconciliation and the language side ask the same questions, of different rows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl
from polars import col

from senrkit.frames import days
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
        `student, school_code`: the state codes of `STU.SC` and of the `ENR` rows of the run year; some stand twice.
    without_ssid
        `STU.ID` of students with an `ENR` row that is left out because its SSID is not ten digits.
    """

    people: pl.DataFrame
    enrolled: pl.Series
    schools: pl.DataFrame
    without_ssid: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.String))

    @cached_property
    def persons(self) -> pl.DataFrame:
        """Everybody in Aeries, made comparable; `person` is the position. Blank where Aeries does not know."""
        columns = ["ssid", "student", "first_name", "last_name", "stu_first_name", "stu_last_name", "birth_date"]
        without = self.enrolled.to_frame("student").join(self.people, "student", "anti", maintain_order="left")
        every = pl.concat([self.people.select(columns), without], how="diagonal")
        every = every.with_columns(pl.all().fill_null("")).unique(maintain_order=True)
        # Many people share a name: each is folded once.
        names = pl.concat(every.select(columns[2:6])).unique().to_frame("name")
        names = names.with_columns(first=folded(col("name")), last=_spaced(col("name")))
        first, last = ({"old": names["name"], "new": names[kind]} for kind in ("first", "last"))
        return every.select(
            "student",
            ssid_aeries="ssid",
            local_id_aeries=col("student").str.strip_chars_start("0"),
            first_aeries=col("first_name").replace_strict(**first),
            everyday_first=col("stu_first_name").replace_strict(**first),
            last_aeries=col("last_name").replace_strict(**last),
            everyday_last=col("stu_last_name").replace_strict(**last),
            birth_date_aeries="birth_date",
        ).with_row_index("person")

    def ids(self) -> pl.Series:
        """Local ids without leading zeros, of everybody."""
        return pl.concat([self.people["student"], self.enrolled]).str.strip_chars_start("0")


def known_people(
    people: pl.DataFrame,
    enrolled: pl.Series,
    attended: pl.DataFrame,
    school_table: pl.DataFrame,
    without_ssid: pl.Series | None = None,
) -> Known:
    """Whom Aeries knows, from `people.people`, `schools.school_table` and the `ENR` rows of the year: `enrolled` are
    their students, `attended` has `student, aeries_school`."""
    places = pl.concat([people.select("student", "aeries_school"), attended.select("student", "aeries_school")])
    codes = school_table.filter(col("school_code") != "").select("aeries_school", "school_code")
    schools = places.join(codes, "aeries_school").select("student", "school_code")
    none = pl.Series("local_id", dtype=pl.String)
    return Known(people, enrolled.rename("student"), schools, none if without_ssid is None else without_ssid)


def another_child(claimed: pl.DataFrame, known: Known) -> pl.DataFrame:
    """Case a: state rows whose SSID Aeries has for a child who does not look like theirs.

    `claimed` has the columns `WHO`. A row counts only when it fits none of the student's rows in `STU`.
    """
    asked = _worth_a_look(claimed, known.people)
    met = asked.join(known.persons, left_on="ssid", right_on="ssid_aeries").with_columns(ssid_aeries="ssid")
    met = met.with_columns(_LIKENESS)
    birth, first, last = (col(f"{name} is") for name in ("birth_date", "first_name", "last_name"))
    another_id = col("local_id").is_in(known.ids().implode()) & (col("local_id is") == "differs")
    conflict = (birth == "differs") & ((last == "differs") | (first == "differs"))
    conflict |= ((birth == "differs") | (first == "differs")) & another_id
    conflict |= (birth == "unknown") & (last == "differs") & (first == "differs")
    return _conflicts(met.filter(conflict.all().over("row")), "a", [("ssid", "a")])


def under_another_ssid(strangers: pl.DataFrame, known: Known) -> pl.DataFrame:
    """Case b: rows of an SSID that Aeries does not know, for a child whom it seems to know under another or none.

    `strangers` has the columns `WHO` and `school_code`; rows whose SSID Aeries knows are passed over. All SSIDs
    concerned are in conflict. A student who is enrolled without a row in `STU` is known by the local id alone.
    """
    asked = _comparable(strangers.join(known.people, "ssid", "anti"))
    persons = known.persons
    named = _same_last_names(asked, persons)
    same_ids = asked.filter(col("local_id") != "").join(persons, left_on="local_id", right_on="local_id_aeries")
    pairs = [
        same_ids,
        named.filter(col("same_first"), col("births") != "differs"),
        _same_births_at_school(asked, persons, known.schools),
        named.filter(col("births") == "equal"),
    ]
    met = _met(asked, persons, pl.concat(found.select("row", "person") for found in pairs))
    there = known.schools.join(met, "student", "semi").unique().with_columns(pl.lit("equal").alias("school is"))
    met = met.join(there, ["student", "school_code"], "left").with_columns(_LIKENESS)
    met = met.with_columns(col("school is").fill_null("differs"))
    return _conflicts(met, "b", [("ssid", "b"), ("ssid_aeries", "b/aeries")])


def history_under_another_ssid(newcomers: pl.Series, newest: pl.DataFrame, known: Known) -> pl.DataFrame:
    """Case c: students without any state row, while an SSID that Aeries does not know has an older row of the same
    names and birth date. A local id does not count: ids are used again.

    `newcomers` are SSIDs; `newest` has the columns `WHO`, one row an SSID, the newest of the years before.
    """
    asked = _comparable(newest.join(known.people, "ssid", "anti"))
    persons = known.persons.filter(col("ssid_aeries").is_in(newcomers.implode()))
    pairs = _same_last_names(asked, persons).filter("same_first", col("births") == "equal")
    return _conflicts(_met(asked, persons, pairs).with_columns(_LIKENESS), "c", [("ssid_aeries", "c")])


def two_for_one(known: Known) -> pl.DataFrame:
    """Case d: two live students under one SSID, or one under two. Live: an `ENR` row of the year, or a blank tag.

    An SSID that is not ten digits is no second one, unless an enrollment of this year is left out for it: then the rows
    of the same student at two schools contradict each other.
    """
    live = (col("tag") == "") | col("student").is_in(known.enrolled.implode())
    left_out = col("student").is_in(known.without_ssid.implode()) & (col("ssid") != "")
    # Nearly everybody stands there once, and need not be looked at.
    several = known.people.filter(col("ssid").is_duplicated() | col("student").is_duplicated())
    persons = several.filter(live, col("ssid").str.contains(SSID) | left_out).select("ssid", "student").unique()
    return pl.concat(
        persons.filter(col(name).is_duplicated())
        .select("ssid")
        .unique()
        .select("ssid", group="ssid", case=pl.lit("d"), detail=pl.lit(sentence(f"identity/{said}")), digest=pl.lit(""))
        for name, said in (("ssid", "d/students"), ("student", "d/ssids"))
    )


def folded(name: pl.Expr) -> pl.Expr:
    """Names made comparable: case, accents, spaces, hyphens, apostrophes and periods do not count."""
    return name.str.normalize("NFKD").str.to_lowercase().str.replace_all(r"[^\pL\pN]+", "")


def _spaced(name: pl.Expr) -> pl.Expr:
    """A last name made comparable, its parts, which a blank or a hyphen separates, still apart."""
    parted = name.str.replace_all(r"[\s\-\u2010-\u2015]+", "\n").str.normalize("NFKD").str.to_lowercase()
    return parted.str.replace_all(r"[^\pL\pN\n]+", "").str.replace_all(r"\n+", " ").str.strip_chars(" ")


def _worth_a_look(claimed: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Rows with an SSID that Aeries has, without those of the same first name and birth date: case a is not about them,
    and they are nearly all."""
    first = people.select("ssid", born="birth_date", called="first_name").unique("ssid", keep="first")
    agrees = (col("birth_date") != "") & (col("birth_date") == col("born")) & (col("first_name") == col("called"))
    return _comparable(claimed.join(first, "ssid").filter(~agrees.fill_null(False)))


def _comparable(rows: pl.DataFrame) -> pl.DataFrame:
    """Distinct rows with names and ids made comparable, a birth date that is none blank, and `row`, the position."""
    columns = [*WHO, *(["school_code"] if "school_code" in rows.columns else [])]
    first = folded(col("first_name"))
    return (
        rows.select(columns)
        .unique(maintain_order=True)
        .with_columns(
            local_id=col("local_id").str.strip_chars().str.strip_chars_start("0"),
            first_name=first,
            first=first,
            last=_spaced(col("last_name")),
            birth_date=pl.when(days.of_key(col("birth_date")).is_not_null()).then("birth_date").otherwise(pl.lit("")),
        )
        .with_row_index("row")
    )


def _met(asked: pl.DataFrame, persons: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Rows and persons side by side, pair by pair."""
    return pairs.select("row", "person").unique().join(asked, "row").join(persons, "person")


def _same_births_at_school(asked: pl.DataFrame, persons: pl.DataFrame, schools: pl.DataFrame) -> pl.DataFrame:
    """The same birth date, first name and school."""
    there = asked.filter(pl.all_horizontal(col("birth_date", "first_name", "school_code") != ""))
    named = pl.concat(
        persons.select("person", "student", birth_date="birth_date_aeries", first_name=name)
        for name in ("first_aeries", "everyday_first")
    )
    met = there.select("row", "birth_date", "first_name", "school_code").join(named, ["birth_date", "first_name"])
    return met.join(schools, ["student", "school_code"])


def _same_last_names(asked: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    """The same last name and a first name that begins alike: `row, person`, `same_first` (bool), and `births`: `equal`,
    `differs` or `unknown`."""
    left = _names(asked, "row", ["first"], ["last"])
    right = _names(persons, "person", ["first_aeries", "everyday_first"], ["last_aeries", "everyday_last"])
    met = left.join(right, ["last", "begins"], suffix="_aeries")
    # A single name equals a double one; two double names with a part in common do not.
    met = met.filter(col("whole") | col("whole_aeries")).with_columns(same_first=col("first") == col("first_aeries"))
    met = met.filter(col("same_first") | (col("begins").str.len_chars() == _BEGINS_ALIKE))
    born = met.join(asked.select("row", "birth_date"), "row").join(persons, "person")
    return born.select("row", "person", "same_first", births=_likeness_of("birth_date", "birth_date_aeries"))


def _names(rows: pl.DataFrame, who: str, firsts: list[str], lasts: list[str]) -> pl.DataFrame:
    """Each first name with each last name, and each part of a double last name: `who, first, begins, last, whole`."""
    # Mostly the everyday name is the legal one, and is passed over.
    written = pl.concat(
        rows.filter(
            col(first) != "",
            col(last) != "",
            pl.lit(first == firsts[0]) | (col(first) != col(firsts[0])),
            pl.lit(last == lasts[0]) | (col(last) != col(lasts[0])),
        ).select(who, first=first, last=last)
        for first in firsts
        for last in lasts
    )
    parts = written.with_columns(col("last").str.split(" ")).filter(col("last").list.len() > 1).explode("last")
    parts = parts.filter(col("last").str.len_chars() >= _SHORTEST_PART).with_columns(whole=pl.lit(False))
    whole = written.with_columns(col("last").str.replace_all(" ", "", literal=True), whole=pl.lit(True))
    return pl.concat([whole, parts]).with_columns(begins=col("first").str.slice(0, _BEGINS_ALIKE))


def _likeness_of(there: str, here: str) -> pl.Expr:
    """`equal`, `differs` or `unknown`."""
    return (
        pl.when((col(there) == "") | (col(here) == ""))
        .then(pl.lit("unknown"))
        .when(col(there) == col(here))
        .then(pl.lit("equal"))
        .otherwise(pl.lit("differs"))
    )


def _last_names_equal(there: str, here: str) -> pl.Expr:
    """Equal, or the one a part, of three letters or more, of the other, which is a double name."""

    def is_part(single: pl.Expr, double: pl.Expr) -> pl.Expr:
        stands = (" " + double + " ").str.contains(" " + single + " ", literal=True)
        return stands & ~single.str.contains(" ", literal=True) & (single.str.len_chars() >= _SHORTEST_PART)

    left, right = col(there), col(here)
    equal = left.str.replace_all(" ", "", literal=True) == right.str.replace_all(" ", "", literal=True)
    return (left != "") & (right != "") & (equal | is_part(left, right) | is_part(right, left))


_EQUAL = pl.lit("equal")
# `equal`, `differs` or `unknown` for each value that is compared.
_LIKENESS = [
    _likeness_of("local_id", "local_id_aeries").alias("local_id is"),
    pl.when(_likeness_of("first", "everyday_first") == _EQUAL)
    .then(_EQUAL)
    .otherwise(_likeness_of("first", "first_aeries"))
    .alias("first_name is"),
    pl.when(_last_names_equal("last", "last_aeries") | _last_names_equal("last", "everyday_last"))
    .then(_EQUAL)
    .otherwise(_likeness_of("last", "last_aeries"))
    .alias("last_name is"),
    _likeness_of("birth_date", "birth_date_aeries").alias("birth_date is"),
]
_LABELS = {"equal": "Equal", "differs": "Different", "unknown": "Not known on one side"}


def _conflicts(met: pl.DataFrame, case: str, held: list[tuple[str, str]]) -> pl.DataFrame:
    """One row a pair and SSID concerned: `ssid`, `group` (all SSIDs concerned), `case`, `detail`, `digest` (of what was
    compared). `held` names the column of the SSIDs and the sentence that is said of them."""
    at_school = "school is" in met.columns
    of_aeries = ("student", "first_aeries", "everyday_first", "last_aeries", "everyday_last", "birth_date_aeries")
    compared = [*WHO, *of_aeries, *(["school_code", "school is"] if at_school else [])]
    values = met.select(pl.concat_str(compared, separator="^")).to_series()
    digests = pl.Series([hashlib.sha256(said.encode()).hexdigest()[:16] for said in values], dtype=pl.String)
    both = pl.concat_str("ssid", "ssid_aeries", separator="|").str.strip_chars("|")
    named = {name: called for name, called in _SAID.items() if name != "school" or at_school}
    said = [
        pl.concat_str(
            [pl.when(col(f"{name} is") == what).then(pl.lit(called)) for name, called in named.items()],
            separator=", ",
            ignore_nulls=True,
        )
        for what in _LABELS
    ]
    shown = [
        pl.when(listed != "").then(pl.format(f" {label}: {{}}.", listed)).otherwise(pl.lit(""))
        for label, listed in zip(_LABELS.values(), said, strict=True)
    ]
    return pl.concat(
        met.select(
            ssid=column,
            group=both if case != "a" else col("ssid"),
            case=pl.lit(case),
            detail=pl.concat_str(pl.lit(sentence(f"identity/{lead}")), *shown),
            digest=digests,
        )
        .filter(col("ssid").str.contains(SSID))
        .unique()
        for column, lead in held
    )
