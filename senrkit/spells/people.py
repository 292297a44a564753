"""Who Aeries knows: one row per live `STU` row, with the demographics that a SENR record carries.

A row of `STU` is a student at one school. The row of the enrollment's own school speaks for it; a student's other rows
only when there is none.
"""

from __future__ import annotations

import polars as pl

from senrkit.frames import days

# SENR demographics, with the Aeries columns they come from: LSI (legal) before STU.
_NAMES = {
    "first_name": ("LFN", "FN"),
    "middle_name": ("LMN", "MN"),
    "last_name": ("LLN", "LN"),
}
_ALIAS = {"alias_first_name": "FNA", "alias_middle_name": "MNA", "alias_last_name": "LNA"}
DEMOGRAPHICS = (
    "local_id first_name middle_name last_name suffix alias_first_name alias_middle_name alias_last_name "
    "birth_date gender birth_city birth_state birth_country"
).split()
_AS_STORED = {
    "eoy": "EOY", "ens": "ENS", "hsg": "HSG", "next_grade": "NG", "gex": "GEX", "swr": "SWR", "sld": "SLD",
    "completed_on": "DG", "left_on": "LD", "meets_uc": "CUC", "meets_csu": "CCS", "uc_csu_override": "CCO",
    "local_grade": "GR", "local_program": "SP",
}  # fmt: skip


def people(stu: pl.DataFrame, lsi: pl.DataFrame | None) -> pl.DataFrame:
    """Every live `STU` row, the one that speaks for a student first.

    Columns (text): `student` (`STU.ID`), `aeries_school`, `tag`, `ssid`, `stu_first_name`, `stu_last_name`, the SENR
    demographics in local codes, and `eoy`, `ens`, `hsg`, `next_grade`, `gex`, `swr`, `sld`, `completed_on` (`STU.DG`),
    `left_on` (`STU.LD`), `meets_uc`, `meets_csu`, `uc_csu_override`, `local_grade`, `local_program` as Aeries stores
    them. A column that the source lacks is unknown, and so is a birth date that cannot be read.
    """
    legal = {name: f"legal {name}" for name in ("LFN", "LMN", "LLN", "LSF", "GN")}
    if lsi is not None and "ID" in lsi.columns:
        of_one = lsi.unique("ID", keep="first", maintain_order=True)
        named = {to: pl.col(name) for name, to in legal.items() if name in lsi.columns}
        stu = stu.join(of_one.select("ID", **named), on="ID", how="left", maintain_order="left")
    has_tag = (pl.col("TG").str.strip_chars() != "").fill_null(False)
    stu = pl.concat([stu.filter(~has_tag), stu.filter(has_tag)])
    there = set(stu.columns)

    def stored(column: str) -> pl.Expr:
        return pl.col(column) if column in there else pl.lit(None, pl.String)

    def first_filled(lsi_column: str, column: str) -> pl.Expr:
        said = stored(legal[lsi_column])
        return pl.when(said.fill_null("") != "").then(said).otherwise(stored(column))

    born = days.key(days.of_iso(pl.col("BD")))
    return stu.select(
        student="ID",
        aeries_school="SC",
        tag=pl.col("TG").str.strip_chars(),
        ssid=pl.col("CID").str.strip_chars(),
        stu_first_name="FN",
        stu_last_name="LN",
        local_id="ID",
        **{name: first_filled(*columns) for name, columns in _NAMES.items()},
        suffix=first_filled("LSF", "SF"),
        **{name: stored(column) for name, column in _ALIAS.items()},
        birth_date=pl.when((born != "") | pl.col("BD").eq_missing("")).then(born),
        gender=first_filled("GN", "GN" if "GN" in there else "SX"),
        birth_city=stored("BCY"),
        birth_state=stored("BST"),
        birth_country=stored("BCU"),
        **{name: stored(column) for name, column in _AS_STORED.items()},
    )


def row_for(rows: pl.DataFrame, persons: pl.DataFrame) -> pl.Series:
    """Which row of `persons` speaks for each enrollment (`student`, `attended`): its position, null when none does."""
    places = persons.select("student", attended="aeries_school").with_row_index("person")
    of_student = places.filter(pl.col("student").is_first_distinct()).select("student", first="person")
    at_school = places.unique(["student", "attended"], keep="first")
    found = rows.select("student", "attended").join(at_school, ["student", "attended"], "left", maintain_order="left")
    found = found.join(of_student, "student", "left", maintain_order="left")
    return found.select(pl.coalesce("person", "first").alias("person")).to_series()
