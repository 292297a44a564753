"""Rules about values that must, or must not, stand together in one record."""

from __future__ import annotations

import numpy as np

from senrkit import reference
from senrkit.calpads.records import Records, in_years, pair_is_in, school_years
from senrkit.calpads.rule import CheckContext, Hits, hits, rule
from senrkit.calpads.values import value


@rule("SENR0036")
def birth_state_and_country(records: Records, context: CheckContext) -> Hits:
    """A blank state goes with every country. How the state's list has US territories, as states or as countries, was
    not found: there it cannot be told."""
    wrong = records.filled("birth_state") & ~_valid(records, "state_country", "birth_state", "birth_country")
    territories = value("birth_country", "territories")
    states = [f"US-{code}" for code in territories]
    doubtful = records.is_("birth_country", *territories) | records.is_("birth_state", *states, *territories)
    found = hits(wrong)
    return Hits(found.rows, found.holes, doubtful=doubtful[found.rows])


@rule("SENR0022")
def exit_and_completion(records: Records, context: CheckContext) -> Hits:
    """A completion status needs the completer exit, and the completer exit needs a completion status."""
    completion = records.filled("completion_status")
    valid = _valid(records, "exit_reason_completion", "exit_reason", "completion_status")
    lacking = records.is_("exit_reason", value("graduate", "completer_exit")) & ~completion
    return hits((completion & ~valid) | lacking)


@rule("SENR0175")
def graduate_without_completer_exit(records: Records, context: CheckContext) -> Hits:
    return hits(_graduate(records) & ~records.is_("exit_reason", value("graduate", "completer_exit")))


@rule("SENR0630")
def exemption_without_graduation(records: Records, context: CheckContext) -> Hits:
    return hits(records.filled("graduation_exemption") & ~_graduate(records))


@rule("SENR0632")
def exemption_missing(records: Records, context: CheckContext) -> Hits:
    late = records.exit > np.datetime64(value("graduate", "exemption_asked_after"), "D")
    return hits(_graduate(records) & late & ~records.is_("graduation_exemption", "Y", "N"))


@rule("SENR0315")
def golden_state_seal_without_graduation(records: Records, context: CheckContext) -> Hits:
    return hits(records.is_("golden_state_seal", "Y") & ~_graduate(records))


@rule("SENR0316")
def biliteracy_seal_without_graduation(records: Records, context: CheckContext) -> Hits:
    return hits(records.is_("biliteracy_seal", "Y") & ~_graduate(records))


@rule("SENR0302")
def secondary_exit(records: Records, context: CheckContext) -> Hits:
    recent = ~(records.exit < np.datetime64(value("exits", "secondary_rule_from"), "D"))
    wrong = records.filled("exit_reason") & ~records.is_("exit_reason", value("exits", "non_primary_exit"))
    return hits(records.is_("status", value("exits", "secondary_status")) & wrong & recent)


@rule("SENR0522")
def non_ada_exit(records: Records, context: CheckContext) -> Hits:
    wrong = records.filled("exit_reason") & ~records.is_("exit_reason", *value("exits", "non_ada_exits"))
    return hits(records.is_("status", value("exits", "non_ada_status")) & wrong)


@rule("SENR0523")
def non_primary_exit_of_primary(records: Records, context: CheckContext) -> Hits:
    allowed = records.is_("status", value("exits", "secondary_status"), value("exits", "non_ada_status"))
    return hits(records.is_("exit_reason", value("exits", "non_primary_exit")) & ~allowed)


@rule("local-exit-pair")
def exit_date_and_reason(records: Records, context: CheckContext) -> Hits:
    return hits(records.filled("exit_date") != records.filled("exit_reason"))


@rule("local-uc-csu")
def graduate_without_uc_csu(records: Records, context: CheckContext) -> Hits:
    return hits(_graduate(records) & ~records.filled("uc_csu"))


@rule("local-seals-blank")
def graduate_without_seals(records: Records, context: CheckContext) -> Hits:
    blank = ~records.filled("golden_state_seal") | ~records.filled("biliteracy_seal")
    return hits(_graduate(records) & blank)


@rule("receiver-missing")
def transfer_without_receiver(records: Records, context: CheckContext) -> Hits:
    return hits(records.is_("exit_reason", value("exits", "with_receiver")) & ~records.filled("receiver_school"))


@rule("local-district-of-choice")
def district_of_choice_without_residence(records: Records, context: CheckContext) -> Hits:
    of_choice = records.is_("transfer_code", value("transfer", "district_of_choice"))
    return hits(of_choice & ~records.filled("residence_district"))


@rule("local-exit-grade")
def exit_and_grade(records: Records, context: CheckContext) -> Hits:
    """By the table of the school year of the start date. A code out of force is GERR0007's."""
    valid = _valid(records, "exit_reason_grade", "exit_reason", "grade")
    return hits(_both_in_force(records, "exit_reason", "grade") & ~valid)


@rule("local-completion-grade")
def completion_and_grade(records: Records, context: CheckContext) -> Hits:
    valid = _valid(records, "completion_grade", "completion_status", "grade")
    return hits(_both_in_force(records, "completion_status", "grade") & ~valid)


def _graduate(records: Records) -> np.ndarray:
    return records.is_("completion_status", value("graduate", "diploma"))


def _valid(records: Records, table: str, left: str, right: str) -> np.ndarray:
    """Whether the pair stands in the table of its school year; True where there is no start date to tell the year."""
    years = school_years(records.start)
    columns = [records.frame[left], records.frame[right]]
    return np.isnan(years) | in_years(years, lambda year: pair_is_in(columns, reference.valid_pairs(table, year)))


def _both_in_force(records: Records, left: str, right: str) -> np.ndarray:
    return records.in_force(left, left) & records.in_force(right, right)
