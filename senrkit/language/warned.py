"""The column `warnings`: what a person should know of a student beside class and reason, in sentences.

A new English learner whose home language is English, or who has no first school day, is brought in; but the student's
other files would be refused, so it is said before. The words are in `texts/reasons.csv`.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from polars import col

from senrkit.frames import days
from senrkit.reference.elas import correction_names, facts
from senrkit.texts import wording

_SAME = "same"
_Values = dict[str, pl.Expr]


def warnings(*, proposed: pl.Expr, lea: str) -> pl.Expr:
    """The sentences that hold for each student, one after the other; `""` for none. No name, no SSID.

    Of the frame that `classify` has joined, with the class. What the source has no column for is not warned of.
    """
    said = [
        pl.when(mask).then(_filled(wording.phrase("language-warning", id).sentence, values)).otherwise(pl.lit(""))
        for mask, id, values in _found(proposed, lea)
    ]
    return pl.concat_str(said).str.strip_chars()


def _found(proposed: pl.Expr, lea: str) -> Iterator[tuple[pl.Expr, str, _Values]]:
    """Who is told what: a mask, the id of the sentence and what fills its holes."""
    yield col.from_vendor, "from-vendor", {}
    language, spoken = facts()["home_language"], col.home_language
    new_el = proposed & (col.calpads_status == "EL")
    unknown = (col.HL.is_not_null() & spoken.is_null()) | spoken.is_in(language["unknown"])
    yield new_el & (col.HL == ""), "home-language-blank", {}
    yield new_el & unknown, "home-language-unknown", {}
    yield new_el & spoken.is_in(language["english"]), "home-language-english", {}
    yield new_el & spoken.is_in(language["sign"]), "home-language-sign", {}
    yield new_el & (col.USS == ""), "first-school-blank", {}
    result, status = col.initial_result.fill_null(""), col.calpads_status
    yield proposed & (result != "") & (result != status), "initial-result", {"result": result, "status": status}
    elsewhere = (col.reporting_lea != lea) & (col.calpads_day < col.first_day) & col.in_aeries
    differs = col("class") != _SAME
    yield elsewhere & differs, "first-school-suspect", {}
    names = {code: f" ({name})" for code, name in correction_names().items() if name}
    before = pl.when(col.before.fill_null("") != "").then("before").otherwise(pl.lit("no status"))
    values = {
        "correction": col.correction,
        "name": col.correction.replace_strict(names, default="", return_dtype=pl.String),
        "status": status,
        "before": before,
        "day": days.iso(col.calpads_day),
    }
    yield (col.correction.fill_null("") != "") & col.in_aeries & differs, "correction", values


def _filled(sentence: str, values: _Values) -> pl.Expr:
    """A blank and the sentence with its holes filled."""
    parts = sentence.replace("}", "{").split("{")
    said = [values[part] if position % 2 else pl.lit(part) for position, part in enumerate(parts)]
    return pl.concat_str([pl.lit(" "), *said], ignore_nulls=True)
