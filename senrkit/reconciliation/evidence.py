"""Why each action is proposed, in one sentence a row: the sentences are data (`texts/evidence.csv`)."""

from __future__ import annotations

import functools
import re

import polars as pl
from polars import col

from senrkit.frames import days
from senrkit.texts import wording

_HOLE = re.compile(r"\{(\w+)\}")


@functools.cache
def _sentences() -> dict[str, str]:
    return {row["id"]: row["sentence"] for row in wording.rows("evidence.csv")}


def sentence(name: str) -> str:
    """The sentence of one action and reason, with its holes."""
    return _sentences()[name]


def with_evidence(actions: pl.DataFrame) -> pl.LazyFrame:
    """The actions, and one sentence for each that is not `same`; no name, no SSID.

    Needed are `intended`, `reason`, `changed`, and `start_date`, `exit_date`, `exit_reason`, `school_code` of the row's
    own state row (`_ods` behind their names), its spell (`_sis`), and the other half of a pair (`_pair`).
    """
    others = actions.filter(col("intended") != "same").partition_by("intended", "reason", as_dict=True)
    said = [of_one.lazy().with_columns(evidence=_filled(sentence("/".join(kind)))) for kind, of_one in others.items()]
    same = actions.lazy().filter(col("intended") == "same").with_columns(evidence=pl.lit(""))
    return pl.concat([same, *said])


def _filled(template: str) -> pl.Expr:
    return pl.format(_HOLE.sub("{}", template), *map(_value, _HOLE.findall(template)))


def _value(hole: str) -> pl.Expr:
    if hole == "changed":
        return col("changed").str.replace_all("|", ", ", literal=True).str.replace_all("_", " ", literal=True)
    side, _, what = hole.partition("_")
    column = {"start": "start_date", "exit": "exit_date", "reason": "exit_reason", "school": "school_code"}[what]
    value = col(f"{column}_{side}").fill_null("")
    # An exit that a person began to enter: a date alone. The student is held for it.
    blank = {"reason": "no exit reason", "school": ""}.get(what, "today, open")
    return pl.when(value == "").then(pl.lit(blank)).otherwise(days.key_to_iso(value))
