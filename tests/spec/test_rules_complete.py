"""No rule without a function, no function without a rule, no rule without a table."""

from __future__ import annotations

import datetime as dt
import string

import pytest

from senrkit.calpads.check import RULES, cannot_check
from senrkit.calpads.findings import severity_of
from senrkit.frames.pandas_door import to_pandas
from senrkit.reference import SENR_FIELDS, rules
from tests.spec import (
    test_rules_certification,
    test_rules_combinations,
    test_rules_dates,
    test_rules_directory,
    test_rules_format,
    test_rules_identity,
    test_rules_status,
)
from tests.tables import AS_OF, context

CATALOG = to_pandas(rules(AS_OF)).set_index("id")
CHECKABLE = set(CATALOG.index[(CATALOG["checkable"] == "yes") & (CATALOG["family"] != "language")])
TABLES = (
    *test_rules_format.FILE_TABLES,
    *test_rules_identity.FILE_TABLES,
    *test_rules_identity.STATE_TABLES,
    *test_rules_dates.FILE_TABLES,
    *test_rules_dates.STATE_TABLES,
    *test_rules_status.FILE_TABLES,
    *test_rules_status.STATE_TABLES,
    *test_rules_combinations.TABLES,
    *test_rules_directory.TABLES,
    "local-coe-residence",
    *test_rules_certification.TESTED_HERE,
)


def test_every_checkable_rule_has_a_function_and_every_function_a_rule():
    assert {rule.id for rule in RULES} == CHECKABLE


def test_every_rule_has_a_table():
    assert set(TABLES) == CHECKABLE


def test_a_rule_has_one_function_per_scope():
    asked = [(rule.id, rule.scope) for rule in RULES]
    assert len(asked) == len(set(asked))


def test_only_what_is_tested_on_input_can_reject_a_file():
    fatal = {id for id in CHECKABLE if severity_of(CATALOG.loc[id].to_dict()) == "fatal"}
    assert fatal
    assert set(CATALOG.loc[sorted(fatal), "kind"]) <= {"IVR", "local"}
    assert severity_of(CATALOG.loc["CERT114"].to_dict()) == "warning"


def test_a_last_record_is_never_held():
    """Reconciliation 7 sends such deletes alone; a fatal prediction would keep them from being sent at all."""
    assert severity_of(CATALOG.loc["SENR0180"].to_dict()) == "unknown"


@pytest.mark.parametrize("id", sorted(CHECKABLE))
def test_no_sentence_quotes_a_pupil(id):
    holes = {hole for _, hole, _, _ in string.Formatter().parse(CATALOG.loc[id, "sentence"]) if hole}
    pupil = set(SENR_FIELDS[7:21]) | {"local_record_id"}
    assert not holes & (pupil - {"gender", "birth_state", "birth_country"})


def test_what_cannot_be_checked_is_said():
    listed = to_pandas(cannot_check(context())).set_index("id")["because"]
    assert listed["SENR0028"] == "needs records of other districts or other state data"
    assert listed["SENR0269"] == "needs the school directory"
    assert "SENR0178" not in listed.index
    assert "SENR0193" not in listed.index, "switched off in 2023"
    without_state = to_pandas(cannot_check(context(), with_state=False)).set_index("id")["because"]
    assert without_state["SENR0586"] == "needs the ODS extract"
    assert "SENR0269" not in set(cannot_check(context(directory=True))["id"])


def test_a_rule_that_is_off_by_date_is_neither_asked_nor_listed():
    assert "SENR0742" not in set(cannot_check(context(dt.date(2025, 10, 31)))["id"])
