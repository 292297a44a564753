"""Rules about values that must, or must not, stand together in one record."""

from __future__ import annotations

import datetime as dt

from polars import col

from senrkit.calpads.records import filled
from senrkit.calpads.rule import go_together, in_force, rule

_GRADUATED = col.completion_status == "100"
_COMPLETER = col.exit_reason == "E230"
_NON_PRIMARY_EXIT = col.exit_reason == "E170"
# How the state's list has US territories, as states or as countries, was not found.
_TERRITORIES = ["AS", "GU", "MP", "PR", "UM", "VI"]
_TERRITORY = col.birth_country.is_in(_TERRITORIES) | col.birth_state.is_in(
    [*_TERRITORIES, *(f"US-{code}" for code in _TERRITORIES)]
)
_CLOSED_FOR_A_CODE = in_force("exit_reason", "exit_reason") & in_force("grade", "grade")
_COMPLETED_WITH_A_CODE = in_force("completion_status", "completion_status") & in_force("grade", "grade")

RULES = [
    # A blank state goes with every country.
    rule(
        "SENR0036",
        filled("birth_state") & ~go_together("birth_state", "birth_country", "state_country"),
        doubtful=_TERRITORY,
    ),
    # A completion status needs the completer exit, and the completer exit needs a completion status.
    rule(
        "SENR0022",
        (filled("completion_status") & ~go_together("exit_reason", "completion_status", "exit_reason_completion"))
        | (_COMPLETER & ~filled("completion_status")),
    ),
    rule("SENR0175", _GRADUATED & ~_COMPLETER),
    rule("SENR0630", filled("graduation_exemption") & ~_GRADUATED),
    rule("SENR0632", _GRADUATED & (col.exit > dt.date(2023, 6, 30)) & ~col.graduation_exemption.is_in(["Y", "N"])),
    rule("SENR0315", (col.golden_state_seal == "Y") & ~_GRADUATED),
    rule("SENR0316", (col.biliteracy_seal == "Y") & ~_GRADUATED),
    rule(
        "SENR0302",
        (col.status == "20")
        & filled("exit_reason")
        & ~_NON_PRIMARY_EXIT
        & (col.exit.is_null() | (col.exit >= dt.date(2016, 6, 30))),
    ),
    rule(
        "SENR0522",
        (col.status == "50") & filled("exit_reason") & ~col.exit_reason.is_in(["E170", "N470", "E150"]),
    ),
    rule("SENR0523", _NON_PRIMARY_EXIT & ~col.status.is_in(["20", "50"])),
    rule("local-exit-pair", filled("exit_date") != filled("exit_reason")),
    rule("local-uc-csu", _GRADUATED & ~filled("uc_csu")),
    rule("local-seals-blank", _GRADUATED & ~(filled("golden_state_seal") & filled("biliteracy_seal"))),
    rule("receiver-missing", (col.exit_reason == "T165") & ~filled("receiver_school")),
    # Flash 281 (6/2024)
    rule("local-district-of-choice", (col.transfer_code == "4") & ~filled("residence_district")),
    # By the table of the school year of the start date. A code out of force is GERR0007's.
    rule("local-exit-grade", _CLOSED_FOR_A_CODE & ~go_together("exit_reason", "grade", "exit_reason_grade")),
    rule(
        "local-completion-grade",
        _COMPLETED_WITH_A_CODE & ~go_together("completion_status", "grade", "completion_grade"),
    ),
]
