"""Dated facts about CALPADS and Aeries: fields, layouts, codes, combinations, rules.

The facts are CSV files in this folder; `README.md` says where each comes from. They are asked by school
year or day.

Examples
--------
>>> from senrkit.reference import SchoolYear, codes
>>> "TK" in codes("grade", SchoolYear.parse("2022-2023"))
False
"""

from __future__ import annotations

from pathlib import Path

from senrkit.reference.school_year import SchoolYear
from senrkit.reference.tables import Layout, Tables

PACKAGED = Tables(Path(__file__).parent)

SENR_FIELDS: tuple[str, ...] = tuple(row["field"] for row in PACKAGED.rows("senr_fields"))
ODS_FIELDS: tuple[str, ...] = (*SENR_FIELDS, "upload_date", "last_updated")

layouts_by_column_count = PACKAGED.layouts_by_column_count
submission_layout = PACKAGED.submission_layout
fields = PACKAGED.fields
codes = PACKAGED.codes
all_codes = PACKAGED.all_codes
doubtful_codes = PACKAGED.doubtful_codes
code_names = PACKAGED.code_names
valid_pairs = PACKAGED.valid_pairs
rules = PACKAGED.rules
rule_anchor = PACKAGED.rule_anchor
rule_titles = PACKAGED.rule_titles
aeries_columns = PACKAGED.aeries_columns

__all__ = [
    "ODS_FIELDS",
    "PACKAGED",
    "SENR_FIELDS",
    "Layout",
    "SchoolYear",
    "Tables",
    "aeries_columns",
    "all_codes",
    "code_names",
    "codes",
    "doubtful_codes",
    "fields",
    "layouts_by_column_count",
    "rule_anchor",
    "rule_titles",
    "rules",
    "submission_layout",
    "valid_pairs",
]
