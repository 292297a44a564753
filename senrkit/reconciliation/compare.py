"""Same key on both sides: which fields differ (reconciliation.md 5), and what kind of update that is (4)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from polars import col

from senrkit.reconciliation.identity import folded
from senrkit.settings.settings import Settings
from senrkit.settings.values import COMPARED
from senrkit.spells.rules import GRADUATED

GRADUATE_FIELDS = ("uc_csu", "golden_state_seal", "biliteracy_seal", "graduation_exemption")
EXIT_FIELDS = ("exit_date", "exit_reason", "completion_status")
NOT_COMPARED = "first_name middle_name last_name birth_date gender birth_city birth_state birth_country".split()


def compared_fields(settings: Settings) -> list[str]:
    """The fields of section 5, narrowed by `compare = [...]`."""
    wanted = settings.process.compare
    return [name for name in COMPARED if wanted is None or name in wanted]


def compare(met: pl.LazyFrame, settings: Settings, lacking: frozenset[str] = frozenset()) -> pl.LazyFrame:
    """Paired rows: the spell's fields, and the state row's with `_there` behind their names.

    Adds `differs` (bool), `changed` (`exit_date|grade`), `before`, `after` (`exit_date=|grade=05`), and `reason` (of an
    update, `""` when nothing differs). What Aeries does not know is not compared, nor are the fields `lacking` in the
    extract's layout.
    """
    graduated = (col("completion_status") == GRADUATED).fill_null(False)
    unequal = {name: _unequal(name) for name in compared_fields(settings) if name not in lacking}
    unequal |= {name: unequal[name] & graduated for name in GRADUATE_FIELDS if name in unequal}
    met = met.with_columns(differs=pl.any_horizontal(pl.lit(False), *unequal.values()))
    # Nearly all are the same, and there is nothing to be said of them.
    blank = dict.fromkeys(("changed", "before", "after", "reason"), pl.lit(""))
    told = met.filter("differs").with_columns(
        changed=_listed(unequal),
        before=_listed(unequal, "_there"),
        after=_listed(unequal, ""),
        reason=_reason(unequal),
    )
    return pl.concat([met.filter(~col("differs")).with_columns(**blank), told])


def demographic_differences() -> pl.Expr:
    """Names, birth date, gender and birth place that differ, as `last_name|gender`; information only.

    Case, accents and punctuation in names do not count.
    """
    return _listed(
        {
            name: _unequal(name)
            & (folded(col(name)) != folded(col(f"{name}_there")) if name.endswith(("name", "city")) else pl.lit(True))
            for name in NOT_COMPARED
        }
    )


def _unequal(name: str) -> pl.Expr:
    return (col(name) != col(f"{name}_there")).fill_null(False)


def _listed(unequal: Mapping[str, pl.Expr], side: str | None = None) -> pl.Expr:
    """The fields that differ, with one side's values when it is given."""
    said = {name: pl.lit(name) if side is None else pl.format(f"{name}={{}}", col(f"{name}{side}")) for name in unequal}
    each = [pl.when(differs).then(said[name]) for name, differs in unequal.items()]
    return pl.concat_str(each, separator="|", ignore_nulls=True) if each else pl.lit("")


def _reason(unequal: Mapping[str, pl.Expr]) -> pl.Expr:
    exit_differs = pl.any_horizontal(pl.lit(False), *(unequal[name] for name in EXIT_FIELDS if name in unequal))
    open_there, open_here = col("exit_date_there") == "", col("exit_date") == ""
    return (
        pl.when(~exit_differs)
        .then(pl.lit("values-changed"))
        .when(col("exit_reason") == "E150")
        .then(pl.lit("mid-year-change"))
        .when(col("closed_by") == "year-end")
        .then(pl.lit("year-end"))
        .when(col("closed_by") == "completion")
        .then(pl.lit("completion"))
        .when(open_there & ~open_here)
        .then(pl.lit("exit"))
        .when(~open_there & open_here)
        .then(pl.lit("reopened"))
        .otherwise(pl.lit("exit-changed"))
    )
