"""What CALPADS would say to a SELA file: a district may send EO, TBD and RFEP, never EL or IFEP.

The rules are rows of the catalogue (family `language`); what they go by is in `language.toml`. Those that need what
CALPADS holds are asked when its extracts are given.
"""

from __future__ import annotations

import datetime as dt
import string
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from senrkit.calpads.findings import UNKNOWN, joined_findings, severity_of
from senrkit.calpads.records import quotable
from senrkit.frames import dates, text
from senrkit.reference import PACKAGED, SchoolYear, rules
from senrkit.reference.elas import from_testing, known, transitions

FILE_RULES = ("FRMT0002", "GERR0001", "GERR0002", "GERR0008", "SELA0280", "SELA0326", "SELA0520")
STATE_RULES = ("SELA0255", "SELA0281", "SELA0283", "SELA0285", "SELA0324", "SELA0326", "SELA0629")
ENROLMENT_RULES = ("GERR0005",)
_NO_DAY = np.datetime64("NaT", "s")


class Hit(NamedTuple):
    """The rows that trip a rule. `doubtful` rows, on which the public record is silent, become `unknown`."""

    rule: str
    mask: np.ndarray
    fields: str = ""
    holes: dict[str, pd.Series | str] = {}
    doubtful: np.ndarray | None = None


def check_language(
    records: pd.DataFrame, as_of: dt.date, held: pd.DataFrame | None = None, enrollments: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Findings about a SELA file, in the order of the rules.

    Parameters
    ----------
    records
        The 16 SELA fields as text.
    held, enrollments
        The rows of the SELA and of the SENR ODS extract; without them their rules are not asked.

    Returns
    -------
    DataFrame
        As every findings frame; `start_date` is the start of the status.
    """
    sent = records.reset_index(drop=True)
    day = dates.from_ccyymmdd(sent["elas_date"])
    found = [*_file(sent, day, as_of)]
    if held is not None:
        found += _against_state(sent, day, held, as_of)
    if enrollments is not None:
        found += _against_enrollments(sent, day, enrollments, as_of)
    in_force = rules(as_of).set_index("id")
    deletes = text.equals(sent["transaction"], "D")
    parts = [
        _findings(sent, hit._replace(mask=hit.mask & ~deletes), in_force.loc[hit.rule].to_dict())
        for hit in found
        if in_force.loc[hit.rule, "state"] != "off"
    ]
    return joined_findings(parts)


def unchecked(as_of: dt.date, *, with_state: bool, with_enrollments: bool) -> pd.DataFrame:
    """Rules about language in force that were not asked: `id`, `title`, `because`."""
    catalogue = rules(as_of)
    catalogue = catalogue[((catalogue["family"] == "language") & (catalogue["state"] != "off")).to_numpy()]
    asked = {*FILE_RULES, *(STATE_RULES if with_state else ()), *(ENROLMENT_RULES if with_enrollments else ())}
    left = catalogue.loc[~catalogue["id"].isin(asked), ["id", "title"]]
    because = pd.Series("needs records that are not in these files", index=left.index, dtype="str")
    because = because.mask(left["id"].isin(STATE_RULES), "needs the SELA ODS extract")
    because = because.mask(left["id"].isin(ENROLMENT_RULES), "needs the SENR ODS extract")
    return left.assign(because=because).reset_index(drop=True)


def _file(sent: pd.DataFrame, day: pd.Series, as_of: dt.date) -> Iterator[Hit]:
    status, reason = sent["elas"], sent["correction_reason"].str.strip()
    for name in ("birth_date", "elas_date"):
        wrong = (sent[name] != "") & dates.from_ccyymmdd(sent[name]).isna()
        title = _facts()["required"].get(name, "Student Birth Date")
        yield Hit("FRMT0002", wrong.to_numpy(), name, {"field": title})
    for name, title in _facts()["required"].items():
        yield Hit("GERR0001", text.equals(sent[name].str.strip(), ""), name, {"field": title})
    unknown = (status != "") & ~status.isin(known(SchoolYear.of(as_of)))
    yield Hit("GERR0002", unknown.to_numpy(), "elas", {"field": _facts()["required"]["elas"], "value": status})
    transaction = sent["transaction"].str.strip()
    accepted = transaction.isin(_facts()["transactions"]["accepted"])
    yield Hit("GERR0008", ~accepted.to_numpy(), "", {"value": transaction})
    language = _facts()["primary_language"]
    english = sent["primary_language"].isin(language["not_english_learner"]) & (status != "")
    yield Hit("SELA0280", (english & ~status.isin(language["spoken_by"])).to_numpy())
    on_one_day = sent.assign(day=day).duplicated(["ssid", "elas_date"], keep=False) & day.notna() & (sent["ssid"] != "")
    yield Hit("SELA0326", on_one_day.to_numpy())
    tested, rule = status.isin(from_testing()), _facts()["from_testing"]
    older = day < pd.Timestamp(rule["first_day"])
    with_reason = reason.isin(rule["correction_reasons"])
    yield Hit("SELA0520", tested.to_numpy(), "", {"elas": status}, (older | with_reason).to_numpy())


def _against_state(sent: pd.DataFrame, day: pd.Series, held: pd.DataFrame, as_of: dt.date) -> Iterator[Hit]:
    """Against the statuses that CALPADS holds. Of an SSID without a row nothing is known but what it may not be."""
    status, reason = sent["elas"], sent["correction_reason"].str.strip()
    state = held.assign(day=dates.from_ccyymmdd(held["elas_date"])).sort_values("day", kind="stable")
    newest = state.drop_duplicates("ssid", keep="last").set_index("ssid")
    current = sent["ssid"].map(newest["elas"]).fillna("").astype("str")
    newest_day = sent["ssid"].map(newest["day"]).astype("datetime64[s]")
    same = text.joined([sent["ssid"], status])
    of_status = state.assign(key=text.joined([state["ssid"], state["elas"]])).drop_duplicates("key").set_index("key")
    day_held = same.map(of_status["day"]).astype("datetime64[s]")
    is_held = same.isin(of_status.index)
    untested = status == "TBD"
    pairs = transitions(SchoolYear.of(as_of))
    allowed = text.mapped(text.joined([current, status]), lambda pair: "yes" if tuple(pair.split("^")) in pairs else "")
    judged = status.isin(known(SchoolYear.of(as_of))) & ~untested
    yield Hit("SELA0255", (judged & (allowed == "")).to_numpy(), "", {"elas": status, "current_elas": current})
    settled = untested & ~current.isin(["", "TBD", "EO"])
    yield Hit("SELA0281", (settled | (untested & (current == "EO") & (reason == ""))).to_numpy())
    yield Hit("SELA0283", (is_held & ~untested & (day_held != day) & day.notna()).to_numpy(), "", {"elas": status})
    yield Hit("SELA0285", (~is_held & ~untested & (day <= newest_day)).to_numpy())
    had_eo = sent["ssid"].isin(state.loc[(state["elas"] == "EO").to_numpy(), "ssid"])
    yield Hit("SELA0324", ((reason == "1") & ~had_eo).to_numpy())
    others = text.joined([state["ssid"], state["elas_date"]])
    on_one_day = text.is_in(text.joined([sent["ssid"], sent["elas_date"]]), others) & ~(is_held & (day_held == day))
    yield Hit("SELA0326", np.asarray(on_one_day, dtype=bool))
    yield Hit("SELA0629", (status.isin(from_testing()) & (reason != "") & (current == "")).to_numpy())


def _against_enrollments(
    sent: pd.DataFrame, day: pd.Series, enrollments: pd.DataFrame, as_of: dt.date
) -> Iterator[Hit]:
    """GERR0005: inside an enrollment at the LEA, or in the summer of this year. Who has no row at all is in doubt."""
    spans = enrollments[["ssid", "reporting_lea"]].assign(
        start=dates.from_ccyymmdd(enrollments["start_date"]),
        end=dates.from_ccyymmdd(enrollments["exit_date"]).fillna(pd.Timestamp.max.floor("D").as_unit("s")),
    )
    asked = sent[["ssid", "reporting_lea"]].assign(day=day, row=range(len(sent)))
    met = asked.merge(spans, on=["ssid", "reporting_lea"])
    inside = np.zeros(len(sent), dtype=bool)
    inside[met.loc[((met["start"] <= met["day"]) & (met["day"] <= met["end"])).to_numpy(), "row"]] = True
    summer, first = _facts()["summer"], SchoolYear.of(as_of).first
    in_summer = day.between(pd.Timestamp(f"{first}-{summer['first']}"), pd.Timestamp(f"{first}-{summer['last']}"))
    in_summer &= ~sent["elas"].isin(summer["not_for"])
    in_summer &= ~((sent["elas"] == "TBD") & (day > dates.stamp(as_of)))
    without = ~text.is_in(sent["ssid"], enrollments["ssid"])
    yield Hit("GERR0005", ~inside & ~in_summer.to_numpy() & day.notna().to_numpy(), "", {}, without)


def _findings(sent: pd.DataFrame, hit: Hit, catalogue: dict[str, str]) -> pd.DataFrame:
    rows = np.flatnonzero(hit.mask)
    frame = sent.take(rows).reset_index(drop=True)
    doubtful = np.zeros(len(rows), dtype=bool) if hit.doubtful is None else hit.doubtful[rows]
    return pd.DataFrame(
        {
            "file": text.constant("", frame.index),
            "rule": text.constant(hit.rule, frame.index),
            "severity": text.choose(doubtful, UNKNOWN, text.constant(severity_of(catalogue), frame.index)),
            "school_code": frame["school_code"],
            "ssid": frame["ssid"],
            "start_date": frame["elas_date"],
            "fields": text.constant(hit.fields or catalogue["fields"], frame.index),
            "message": _sentence(catalogue["sentence"], hit.holes, rows, frame.index),
            "fix": text.constant(catalogue["fix"], frame.index),
            "row": rows.astype("int64"),
        }
    )


def _sentence(template: str, holes: dict[str, pd.Series | str], rows: np.ndarray, index: pd.Index) -> pd.Series:
    parts: list[pd.Series | str] = [text.constant("", index)]
    for literal, hole, _, _ in string.Formatter().parse(template):
        parts.append(literal)
        if hole:
            value = holes[hole]
            parts.append(value if isinstance(value, str) else _shown(value.take(rows).reset_index(drop=True)))
    return text.concatenated(*parts)


def _shown(value: pd.Series) -> pd.Series:
    """A status as it is, when it is one; anything else only if it looks like a code."""
    statuses = value.isin([row["submitted_elas"] for row in PACKAGED.rows("elas_transitions")]).to_numpy()
    return text.choose(statuses, value, quotable(value))


@cache
def _facts() -> dict[str, Any]:
    return tomllib.loads(files("senrkit.calpads.rules").joinpath("language.toml").read_text(encoding="utf-8"))
