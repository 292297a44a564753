"""Makes the demo district: people, ten years of enrollments, traps, files; or several, as a county office has them."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from senrkit.demo import aeries, extract, history, language, planting, schools, write
from senrkit.demo.breaks import BREAKS, Break, District
from senrkit.demo.days import Calendar
from senrkit.demo.people import make_people, with_identities
from senrkit.demo.traps import Trap, all_traps
from senrkit.demo.write import settings_text
from senrkit.errors import UsageError

SMALLEST = 300
# No district of California has a code like these.
# The county's LEAs: what Aeries calls them, and how large they are beside the first.
_COUNTY = (
    (schools.NAME, 1.0),
    ("Alder Valley Elementary", 0.5),
    ("Birch Creek Joint Unified", 0.8),
    ("Cedar Flat Union High", 1.4),
    ("Dogwood Charter", 0.3),
    ("Elm Bay Unified", 1.1),
)
_FIRST_OF_THE_OTHERS = 1980001
_ALUMNI_SHARE = 0.1


@dataclass(frozen=True)
class DemoDistrict:
    """Where the district is, and what is planted in it (`demo.json`)."""

    folder: Path
    settings_file: Path
    manifest: dict


@dataclass(frozen=True)
class _Made:
    """All that one seed and one day make, before it is written."""

    district: District
    sela: pd.DataFrame
    elpac: pd.DataFrame
    expectations: pd.DataFrame
    planted: dict[str, int]
    name: str


def make(
    folder: Path,
    students: int = 2000,
    seed: int = 1,
    as_of: dt.date | None = None,
    break_id: str | None = None,
    lea: str = schools.LEA,
    name: str = schools.NAME,
) -> DemoDistrict:
    """Write the demo district into `folder`, which is made when missing; files of an earlier demo are replaced.

    Writes `aeries.db`, `SENR_ODS.txt`, `SELA_ODS.txt`, `Initial_ELPAC.csv`, `pubschls.txt`, `senrkit.toml`,
    `demo.json` and `demo_expectations.csv`. The same `students`, `seed`, `lea`, `name` and `as_of` (default: today)
    give the same bytes. A day between 21 June and 31 July counts as 20 June. Every student who is in no trap is equal
    on both sides.

    Raises
    ------
    UsageError
        for fewer than `SMALLEST` students, or a break that does not exist.
    InputError
        when the folder cannot be written.
    """
    broken = _break(break_id)
    if students < SMALLEST:
        raise UsageError(
            f"The demo district needs at least {SMALLEST} students.", f"Ask for {SMALLEST} or more with --students."
        )
    calendar = Calendar.of(as_of or dt.date.today())
    traps = all_traps(calendar)
    made = _made(calendar, traps, students, seed, lea, name)
    district = broken.make(made.district) if broken else made.district
    manifest = _manifest(calendar, traps, made, students, seed, broken)
    settings_file = _write(Path(folder), replace(made, district=district), manifest)
    return DemoDistrict(Path(folder), settings_file, manifest)


def _break(break_id: str | None) -> Break | None:
    if break_id is None:
        return None
    if break_id.upper() not in BREAKS:
        raise UsageError(f"There is no break {break_id}.", f"Use one of {', '.join(BREAKS)}.")
    return BREAKS[break_id.upper()]


def _made(calendar: Calendar, traps: tuple[Trap, ...], students: int, seed: int, lea: str, name: str) -> _Made:
    rng = np.random.default_rng(seed)
    people, past = _people(calendar, traps, students, rng)
    agreed = history.current(people, calendar, rng)
    planted_state = planting.state_rows(people, traps, calendar)
    state = pd.concat([past, agreed, planted_state.drop(columns="gives")], ignore_index=True)
    first = state.groupby("person")["start"].min().reindex(people.index)
    people = language.settled(people, first, traps, calendar.as_of)
    in_state, in_aeries = planting.as_state_knows(people, traps), planting.as_aeries_knows(people, traps)
    held = language.statuses(people, first, traps, calendar.as_of)

    planted_enr = planting.aeries_rows(people, traps, calendar)
    enr = pd.concat(
        [aeries.enr_rows(pd.concat([past, agreed], ignore_index=True), people), planted_enr], ignore_index=True
    )
    enr = enr[aeries.known_to_aeries(people, traps)[enr["person"]]].reset_index(drop=True)
    tables = {
        "STU": aeries.stu(in_aeries, enr, traps, calendar.year),
        "ENR": aeries.enr(enr, in_aeries),
        "LOC": schools.loc(lea, name),
        "XRF": aeries.xrf(),
        "LSI": aeries.lsi(in_aeries, traps),
        "LAC": language.lac(held, in_aeries, first, traps),
        "IDN": aeries.idn(in_aeries, traps),
        "ACT": aeries.act(in_aeries, traps, calendar.first),
    }
    rows = _in_file_order(extract.extract_rows(state, in_state, calendar.as_of, lea))
    last_school = (
        state.sort_values("start", kind="stable").drop_duplicates("person", keep="last").set_index("person")["school"]
    )
    at_school = last_school.reindex(people.index).fillna(0).astype("int64")
    sela = language.sela_rows(held, in_state, at_school, traps, calendar.as_of, lea)
    elpac = language.elpac_rows(held, in_state, at_school, traps, calendar.as_of, lea)
    expected = planting.expectations(traps, planted_state, planted_enr, {"state": in_state, "aeries": in_aeries})
    planted = people.loc[(people["trap"] >= 0) & (people["role"] == 0), "trap"].value_counts()
    counts = {traps[int(position)].name: int(count) for position, count in planted.items()}
    district = District(calendar, {"as_of": calendar.as_of, "lea": lea}, rows, tables)
    return _Made(district, sela, elpac, expected, counts, name)


def _people(
    calendar: Calendar, traps: tuple[Trap, ...], students: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Everybody, with their past enrollments."""
    trapped = planting.trap_people(traps, students)
    plain = students - len(trapped)
    others = make_people(rng, plain, int(plain * _ALUMNI_SHARE)).assign(graduated=False)
    people = with_identities(pd.concat([others, trapped], ignore_index=True), rng, calendar.year)
    people = planting.personalized(people, traps)
    return people, history.past(people, calendar)


def _in_file_order(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values(["school_code", "ssid", "start_date"], kind="stable", ignore_index=True)


def _manifest(
    calendar: Calendar, traps: tuple[Trap, ...], made: _Made, students: int, seed: int, broken: Break | None
) -> dict:
    """`demo.json`: the district, and every trap with its sentence, count and what must come of it."""
    lines = made.expectations
    outcome = lines["expected_action"] + lines["expected_reason"].where(
        lines["expected_reason"] == "", ":" + lines["expected_reason"]
    )
    expected = outcome.groupby(lines["trap"]).agg(lambda given: sorted(set(given))).to_dict()
    rejected = {trap.name: trap.rejected_by for trap in traps if trap.rejected_by}
    return {
        "district": made.name,
        "lea": made.district.settings["lea"],
        "school_year": calendar.school_year,
        "as_of": calendar.as_of.isoformat(),
        "students": students,
        "seed": seed,
        "people_are": "fictional",
        "break": {"id": broken.id, "sentence": broken.sentence, "also": list(broken.also)} if broken else None,
        "rows": {"extract": len(made.district.extract)}
        | {name: len(table) for name, table in made.district.tables.items()},
        "traps": [
            {
                "name": trap.name,
                "sentence": trap.sentence,
                "count": made.planted[trap.name],
                "expected": expected.get(trap.name, []),
            }
            | ({"rejected_by": rejected[trap.name]} if trap.name in rejected else {})
            for trap in traps
        ],
    }


def _write(folder: Path, made: _Made, manifest: dict) -> Path:
    district = made.district
    write.make_folder(folder)
    write.write_database(folder / "aeries.db", district.tables)
    write.write_bytes(folder / "SENR_ODS.txt", _extract(district))
    write.write_bytes(folder / "SELA_ODS.txt", extract.lines(made.sela))
    write.write_csv(folder / "Initial_ELPAC.csv", made.elpac, "^")
    write.write_csv(folder / "pubschls.txt", schools.directory(str(district.settings["lea"]), made.name), "\t")
    write.write_csv(folder / "demo_expectations.csv", made.expectations)
    document = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    write.write_bytes(folder / "demo.json", document.encode())
    settings_file = folder / "senrkit.toml"
    # What another demo district sent and posted says nothing about this one.
    shutil.rmtree(folder / "runs" / "ledger", ignore_errors=True)
    write.write_bytes(settings_file, settings_text(district.calendar, **district.settings).encode())
    return settings_file


def _extract(district: District) -> bytes:
    rows, at = district.extract, district.cut_line
    if at < 0:
        return extract.lines(rows)
    return extract.lines(rows[:at]) + extract.lines(rows.iloc[at : at + 1, :20]) + extract.lines(rows[at + 1 :])


def make_county(
    folder: Path, leas: int, students: int = 2000, seed: int = 1, as_of: dt.date | None = None
) -> Iterator[DemoDistrict]:
    """Write so many districts, each as `make` into `folder/<its code>`; gives each as soon as it is written.

    The first is that of `make` with the same `students`, `seed` and `as_of`. The others have names, sizes and seeds of
    their own, and the extract of the third is a month old (P08). Raises as `make`.
    """
    codes = [schools.LEA, *(str(_FIRST_OF_THE_OTHERS + number) for number in range(leas - 1))]
    for number, code in enumerate(codes):
        name, size = _COUNTY[number % len(_COUNTY)]
        yield make(
            folder / code, max(SMALLEST, round(students * size)), seed + number, as_of, lea=code, name=name,
            break_id="P08" if number == 2 else None,
        )  # fmt: skip
