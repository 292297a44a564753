"""Rules about whose record it is: LEA, school, year, SSID, and the key CALPADS finds a record by."""

from __future__ import annotations

import numpy as np

from senrkit.calpads.records import Records, same_text
from senrkit.calpads.rule import CheckContext, Hits, hits, rule
from senrkit.calpads.values import value
from senrkit.frames import text
from senrkit.reference import SchoolYear


@rule("IVR0034", deletes=True)
def one_key_twice(records: Records, context: CheckContext) -> Hits:
    """Every record of the key is shown; records without SSID ask for a new student each and share no key."""
    return hits(records.key.duplicated(keep=False).to_numpy() & records.filled("ssid"))


@rule("IVR0668")
def born_in_the_future(records: Records, context: CheckContext) -> Hits:
    return hits(records.birth > records.as_of)


@rule("SENR0001", deletes=True)
def another_lea(records: Records, context: CheckContext) -> Hits:
    mine = records.is_("reporting_lea", context.lea)
    return hits(records.filled("reporting_lea") & ~mine, lea=context.lea)


@rule("SENR0003", deletes=True)
def nonpublic_beside_public(records: Records, context: CheckContext) -> Hits:
    return hits(records.filled("nps_code") & ~records.is_("school_code", value("schools", "nonpublic")))


@rule("SENR0004", deletes=True)
def nonpublic_missing(records: Records, context: CheckContext) -> Hits:
    return hits(records.is_("school_code", value("schools", "nonpublic")) & ~records.filled("nps_code"))


@rule("SENR0006")
def academic_year_not_valid(records: Records, context: CheckContext) -> Hits:
    newest = SchoolYear.of(context.as_of).first + value("academic_year", "most_years_ahead")
    valid = [SchoolYear(first).text for first in range(1900, newest + 1)]
    return hits(records.filled("academic_year") & ~records.is_("academic_year", *valid))


@rule("SENR0032", deletes=True)
def change_without_ssid(records: Records, context: CheckContext) -> Hits:
    return hits((records.deletes | records.replaces) & ~records.filled("ssid"))


@rule("SENR0202")
def district_as_school(records: Records, context: CheckContext) -> Hits:
    """A charter that reports for itself uses its school number as LEA too."""
    own_code = same_text(records.frame["school_code"], records.frame["reporting_lea"])
    return hits(own_code & records.filled("school_code") & (not context.charter))


@rule("local-blank-ssid")
def blank_ssid(records: Records, context: CheckContext) -> Hits:
    return hits(~records.filled("ssid") & ~records.replaces)


@rule("SENR0035", scope="state")
def demographics_differ(records: Records, state: Records, context: CheckContext) -> Hits:
    """On an update only: gender and birth year against the stored enrollment with the same key."""
    at = text.positions(records.key, state.key)
    found = at >= 0
    stored = state.frame[["gender", "birth_date"]].take(at[found])
    sent = records.frame.loc[found, ["gender", "birth_date"]]
    year = [column["birth_date"].str.slice(0, 4) for column in (sent, stored)]
    differ = np.zeros(len(records), dtype=bool)
    differ[found] = ~same_text(sent["gender"], stored["gender"]) | ~same_text(*year)
    return hits(differ)


@rule("SENR0180", scope="state", deletes=True)
def last_record(records: Records, state: Records, context: CheckContext) -> Hits:
    """The file deletes every state row of the student; what the same file adds does not count."""
    goes = text.is_in(state.key, records.key[records.deletes])
    keeps = text.is_in(records.frame["ssid"], state.frame["ssid"][~goes])
    matched = text.is_in(records.key, state.key)
    return hits(records.deletes & matched & ~keeps)


@rule("SENR0181", scope="state", deletes=True)
def nothing_to_delete(records: Records, state: Records, context: CheckContext) -> Hits:
    return hits(records.deletes & records.filled("ssid") & ~text.is_in(records.key, state.key))
