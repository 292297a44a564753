"""Is it the same child? Reconciliation 4.1, asked of the SELA extract: the same questions, by the same module."""

from __future__ import annotations

import pandas as pd

from senrkit.frames import text
from senrkit.inputs.aeries.tables import AeriesTables
from senrkit.reconciliation.identity import another_child, known_people, two_for_one, under_another_ssid
from senrkit.settings.settings import Settings
from senrkit.spells.people import people
from senrkit.spells.schools import school_table


def identity_conflicts(held: pd.DataFrame, aeries: AeriesTables, settings: Settings) -> frozenset[str]:
    """The SSIDs of both sides for which it is not certain whose status it is.

    `held` as `newest_statuses` gives it. A local id counts only in rows that the LEA itself reported: another LEA's
    numbers are its own.
    """
    tables = aeries.tables
    enr = tables["ENR"][text.equals(tables["ENR"]["YR"], str(settings.school_year.first))]
    schools = school_table(tables["LOC"], settings)
    attended = pd.DataFrame({"student": enr["ID"], "aeries_school": enr["SC"]})
    known = known_people(people(tables["STU"], tables.get("LSI")), enr["ID"].drop_duplicates(), attended, schools)
    own = text.equals(held["reporting_lea"], settings.lea)
    rows = held.assign(local_id=text.choose(own, held["local_id"], ""))
    found = pd.concat([another_child(rows, known), under_another_ssid(rows, known), two_for_one(known)])
    return frozenset(found["ssid"])
