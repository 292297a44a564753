"""`senrkit demo --weeks N`: the loop turns on the demo district, week after week, with a made-up CALPADS.

It posts most files, refuses one a week with an error file in another form each time, shows a new extract every week,
leaves a file unanswered at the end, and somebody else changes records in between.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

from senrkit.demo import DemoDistrict
from senrkit.demo.calpads import VARIANTS, Calpads, Error
from senrkit.engine import run
from senrkit.ledger.journal import Journal
from senrkit.ledger.states import states
from senrkit.ledger.weeks import ITEM_STATES, counted, items
from senrkit.loop import words
from senrkit.loop.overview import look
from senrkit.results.folder import RunFolder
from senrkit.results.tables import TO_DO
from senrkit.settings.settings import Settings, load_settings

WEEK = dt.timedelta(weeks=1)
FROM_CALPADS = "from_calpads"
_FORMS = ("rejected records", "list without ids", "workbook", "list")
# What another district's enrollment brings: no rule that only CALPADS can ask is foretold.
_CODE, _MESSAGE = "SENR0037", "Primary enrollment in another LEA on the same start date"


def first_day(last: dt.date, weeks: int) -> dt.date:
    """The Monday's run of the first week, so that the last one speaks for `last`; all in one school year."""
    day = last - (weeks - 1) * WEEK
    year_began = dt.date(last.year if last.month >= 7 else last.year - 1, 7, 1)
    return day if day >= year_began + 9 * WEEK else last


def play(district: DemoDistrict, weeks: int) -> Iterator[str]:
    """Play the weeks; gives what happened, line by line, as it happens."""
    calpads = Calpads.of_extract(district.folder / "SENR_ODS.txt")
    begins = load_settings(district.settings_file).as_of
    for week in range(weeks):
        day = begins + week * WEEK
        _turn_to(district.settings_file, day)
        settings = load_settings(district.settings_file)
        if week:
            _meanwhile(settings, calpads, day - dt.timedelta(days=3))
            (district.folder / "SENR_ODS.txt").write_bytes(calpads.extract(day - dt.timedelta(days=1)))
            look(settings)
        made = RunFolder.open(run(settings).folder)
        said = ", ".join(f"{count:,} {action}" for action, count in made.counts.items() if action in TO_DO)
        yield f"Week {week + 1}, {day}: run {made.manifest['run_id']} proposes {said}."
        yield from _answers(settings, calpads, made, week, is_last=week == weeks - 1)
    yield from _summary(settings)


def _turn_to(settings_file: Path, day: dt.date) -> None:
    """Whoever goes on with the district by hand stands on the day of its newest run."""
    text = settings_file.read_text(encoding="utf-8")
    settings_file.write_text(re.sub(r"(?m)^as_of = .*$", f"as_of = {day}", text), encoding="utf-8")


def _answers(settings: Settings, calpads: Calpads, made: RunFolder, week: int, *, is_last: bool) -> Iterator[str]:
    """Upload the week's files in order. Of one file a record is refused; then nothing after it may be sent."""
    day = settings.as_of
    files = made.manifest["files"]
    refused = min(1 + week, len(files) - 1)
    for place, file in enumerate(files):
        number, job = file["number"], str(4711000 + 100 * week + file["number"])
        data = (made.folder / "submission" / file["name"]).read_bytes()
        words.sent(settings, made.folder, [number], job=job)
        if is_last and place == refused:
            yield f"  file {number}: sent, {file['rows']:,} records, no answer yet"
            return
        if place == refused:
            path = _error_file(settings, data, job, _FORMS[week % len(_FORMS)])
            told, _ = words.rejected(settings, made.folder, number, on=day + dt.timedelta(days=1), errors=[path])
            down = told.states.runs[made.manifest["run_id"]].files[number].records()
            count = sum(1 for state in down.values() if state == "dragged down")
            yield f"  file {number}: rejected; 1 record refused ({_CODE}), {count:,} dragged down; {path.name}"
            # The other district mends its own: next week's file may pass.
            return
        calpads.post(data, day + dt.timedelta(days=1))
        words.posted(settings, made.folder, [number], on=day + dt.timedelta(days=1))
        yield f"  file {number}: posted, {file['rows']:,} records"


def _meanwhile(settings: Settings, calpads: Calpads, day: dt.date) -> None:
    """Another district, or a person on CALPADS' screens, changes a record that was sent."""
    journal = Journal.open(settings.output.runs)
    posted = [file for file in states(journal, day).posted() if file.step == "update"]
    if posted:
        data = journal.kept(posted[-1].run, posted[-1].name) or b""
        ssid = data.decode().split("^")[7]
        calpads.change(ssid, day, exit_date=f"{day:%Y%m%d}", exit_reason="T180")


def _error_file(settings: Settings, data: bytes, job: str, form: str) -> Path:
    name, made = VARIANTS[form]
    folder = settings.output.runs.parent / FROM_CALPADS
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"job_{job}_{name}"
    path.write_bytes(made(data, [Error(1, _CODE, message=_MESSAGE)]))
    return path


def _summary(settings: Settings) -> Iterator[str]:
    journal = Journal.open(settings.output.runs)
    yield ""
    yield "From week to week     " + "".join(f"{state:>9}" for state in ITEM_STATES)
    for row in counted(items(journal, states(journal, settings.as_of))).iter_rows(named=True):
        yield f"  {row['as_of']}          " + "".join(f"{row[state]:>9,}" for state in ITEM_STATES)
