"""What the worker process does for the dashboard. Every result is plain JSON; nothing is decided here.

The work itself is `senrkit.engine`'s, the charts are `senrkit.figures`': the same as behind the other doors.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from polars import col

from senrkit import engine
from senrkit.app import comparison, sending
from senrkit.demo import make
from senrkit.errors import SenrkitError, UsageError
from senrkit.frames.pandas_door import to_polars
from senrkit.inputs.extract.senr import read_extract
from senrkit.inputs.load import SENR, Inputs, load
from senrkit.loop import words
from senrkit.loop.overview import Loop
from senrkit.progress import Progress
from senrkit.results.tables import in_no_file, proposal_table, to_csv
from senrkit.settings.settings import Settings, load_settings, read_settings_text

_TABLE_ROWS = 400
_NAMED = ("ssid", "last_name", "first_name")


def recognize(progress: Progress, files: Sequence[str], lea: str, as_of: str) -> dict[str, Any]:
    """What an extract is: its layout, rows, LEAs, days and age. A file that is none is refused with the reason."""
    progress.step("reading the extract")
    extract = read_extract([Path(file) for file in files])
    rows = extract.state.narrow
    newest = extract.newest_update
    first, last = rows["start"].min(), rows["start"].max()
    leas = rows["reporting_lea"].cast(pl.String).value_counts(sort=True)
    return {
        "name": ", ".join(file.name for file in extract.files),
        "sha256": [file.sha256 for file in extract.files],
        "layout": f"SENR-R, {extract.layout.fields + 2} columns",
        "rows": len(rows),
        "students": rows["ssid"].n_unique(),
        "leas": {code or "blank": count for code, count in leas.head(5).rows()},
        "own": (rows["reporting_lea"] == lea).sum(),
        "first_start": first.isoformat() if first else "",
        "last_start": last.isoformat() if last else "",
        "newest": newest.isoformat() if newest else "",
        "age": (dt.date.fromisoformat(as_of) - newest).days if newest else None,
        "notes": list(extract.notes),
        "from_run": False,
    }


def check(progress: Progress, settings_file: str, extract: str) -> dict[str, Any]:
    """The manifest of a check: preconditions, no folder; and the `deletes` to be accepted, as in `proposal.csv`.

    `deletes` is `None` where something has to be mended before anything can be accepted.
    """
    done = engine.check(_settings(settings_file, extract), progress=progress)
    actions = engine.to_look_at(done.comparison)
    deletes = None if actions is None else proposal_table(in_no_file(actions.filter(col.action == "delete")))
    return {"manifest": done.manifest, "deletes": None if deletes is None else deletes.to_dicts()}


def run(
    progress: Progress,
    settings_file: str,
    extract: str,
    accept: Mapping[str, str],
    accept_deletes: int | None,
    person: str,
) -> dict[str, Any]:
    """The whole run; where its folder is."""
    settings = _settings(settings_file, extract)
    done = engine.run(settings, accept=accept, accept_deletes=accept_deletes, progress=progress, person=person or None)
    return {"folder": str(done.folder), "exit_code": done.exit_code}


def charts(progress: Progress, folder: str, others: Sequence[str]) -> list[dict[str, Any]]:
    """Every chart of a run with its sentence and its table; `others` are the run folders for the trend."""
    from senrkit import figures
    from senrkit.results.folder import RunFolder

    progress.step("drawing the charts")
    opened = RunFolder.open(folder)
    drawn: list[tuple[str, Callable[[], figures.Chart]]] = [
        ("by_school", lambda: figures.by_school(opened)),
        ("reasons_by_school", lambda: figures.reasons_by_school(opened)),
        ("by_grade", lambda: figures.by_grade(opened)),
        ("by_field", lambda: figures.by_field(opened)),
        ("findings_by_school", lambda: figures.findings_by_school(opened)),
        ("enrollment_counts", lambda: figures.enrollment_counts(opened)),
    ]
    if others:
        drawn = [("trend", lambda: figures.trend([RunFolder.open(each) for each in others]))]
    return [_chart_document(name, draw()) for name, draw in drawn]


def history(progress: Progress, folders: Sequence[str]) -> list[dict[str, Any]]:
    """Of finished runs, oldest first: what is new, still open, come back, solved since the run before, by school."""
    from senrkit.results.changes import STATES, change_counts, compared
    from senrkit.results.folder import RunFolder

    progress.step("comparing the runs")
    opened = [RunFolder.open(folder) for folder in folders]
    told = []
    for place, later in enumerate(opened[1:], 1):
        changes = compared(later, opened[place - 1], opened[: place - 1])
        counted = changes.group_by("school_name", "school_code").agg(
            (col.state == state).sum().alias(state) for state in STATES
        )
        schools = [[name or code, *counts] for name, code, *counts in counted.sort("school_name", "school_code").rows()]
        told.append({"folder": str(later.folder), "counts": change_counts(changes), "schools": schools})
    return told


def loop_of(progress: Progress, settings_file: str, run: str, made: str) -> dict[str, Any]:
    """Where the files of a run stand (`sending.standing`). Nothing is written."""
    return sending.standing(Loop.open(_settings(settings_file, "")), run, made)


def tell(
    progress: Progress,
    settings_file: str,
    folder: str,
    what: str,
    number: int,
    on: str = "",
    job_number: str = "",
    because: str = "",
    errors: Sequence[str] = (),
) -> dict[str, Any]:
    """Keep what a person says of a file: `what` is `sent`, `posted`, `rejected` or `undo`; then as `loop_of`.

    `unmatched`: of each error file the lines that are about none of the run's records, or about two.
    """
    progress.step("writing it down")
    settings, day, answered = _settings(settings_file, ""), _day(on), []
    if what == "sent":
        told = words.sent(settings, folder, [number], job=job_number, on=day)
    elif what == "posted":
        told = words.posted(settings, folder, [number], on=day)
    elif what == "undo":
        told = words.undo_posted(settings, folder, [number], because)
    else:
        told, answered = words.rejected(settings, folder, number, on=day, errors=[Path(file) for file in errors])
    manifest = json.loads((Path(folder) / "manifest.json").read_text(encoding="utf-8"))
    unmatched = [{"name": one.name, "lines": [line.line for line in one.unmatched]} for one in answered]
    standing = sending.standing(told, manifest["run_id"], manifest["made"])
    return standing | {"unmatched": [one for one in unmatched if one["lines"]]}


def waiting(progress: Progress, settings_files: Sequence[str]) -> list[dict[str, Any]]:
    """What is on its way, by the ledgers of these settings (`sending.waiting`); one that cannot be read says so."""
    told = []
    for file in settings_files:
        try:
            settings = load_settings(Path(file))
            told += [one | {"lea": settings.lea} for one in sending.waiting(Loop.open(settings))]
        except SenrkitError as error:
            told.append({"wrong": error.message, "cure": error.cure})
    return told


def names(progress: Progress, settings_file: str, extract: str, ssids: Sequence[str]) -> dict[str, str]:
    """SSID → "Last, First" from CALPADS, or else from Aeries. For the page alone; never written down."""
    progress.step("looking the names up")
    settings = _settings(settings_file, extract)
    inputs, wanted = load(settings, SENR), col.ssid.is_in(list(ssids))
    # The newest row of CALPADS' own comes last in the extract, and wins.
    return _names(pl.concat([_in_aeries(inputs).filter(wanted), inputs.extract().state.where(wanted, _NAMED)]))


def names_in_aeries(progress: Progress, settings_file: str, ssids: Sequence[str]) -> dict[str, str]:
    """As `names`, without CALPADS: comparing language status needs no SENR extract."""
    progress.step("looking the names up")
    return _names(_in_aeries(load(_settings(settings_file, ""))).filter(col.ssid.is_in(list(ssids))))


def compare_language(progress: Progress, settings_file: str) -> dict[str, Any]:
    """Language status in CALPADS against Aeries; where the run folder is, and the students of its workbook."""
    from senrkit.language.work import run_language

    done = run_language(_settings(settings_file, ""), progress=progress)
    return {"folder": str(done.folder), "students": comparison.students(done.folder)}


def language_students(progress: Progress, folder: str) -> dict[str, list[dict[str, Any]]]:
    """The students of a language run made before."""
    return comparison.students(Path(folder))


def try_setup(progress: Progress, settings_text: str, folder: str) -> dict[str, Any]:
    """Can Aeries be read with these settings? How many students, which schools, which years."""
    progress.step("asking Aeries")
    settings = read_settings_text(settings_text, Path(folder), "the new set-up")
    inputs = load(settings)
    tables = inputs.tables
    students, enrollments, schools = (to_polars(tables.tables[name]) for name in ("STU", "ENR", "LOC"))
    own = schools.filter(~col.CD.is_in(["0", ""]))
    return {
        "source": inputs.settings.as_given(tables.source),
        "students": students["ID"].n_unique(),
        "newest_year": int(tables.newest_year or 0),
        "rows_of_year": (enrollments["YR"] == str(settings.school_year.first)).sum(),
        "district": _district(schools),
        "schools": own.select(code="CD", name="NM").to_dicts(),
    }


def table_file(progress: Progress, file: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as CSV or workbook, by the name of the file. Columns of whole numbers are numbers, all else is text."""
    table = pl.DataFrame(rows, dict.fromkeys(columns, pl.String), orient="row")
    whole = [name for name in columns if table[name].str.contains(r"^(0|[1-9][0-9,]{0,11})?$").all()]
    path = Path(file)
    if path.suffix == ".csv":
        path.write_bytes(to_csv(table))
        return str(path)
    import xlsxwriter

    numbers = col(whole).str.replace_all(",", "").replace("", None).cast(pl.Int64)
    # What begins like a formula, a link or a number is text all the same.
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        table.with_columns(numbers).write_excel(book, "Table", autofit=True, freeze_panes=(1, 0))
    return str(path)


def schools(progress: Progress, settings_file: str, folder: str, into: str) -> str:
    """A workbook for each school's registrar (`loop.schools`), an index and a text for the mail: where the zip is."""
    from senrkit.loop.schools import write_schools

    progress.step("writing the workbooks")
    settings = _settings(settings_file, "")
    written = write_schools(settings, folder, Path(into) / "schools")
    return shutil.make_archive(f"{into}/for_schools_{settings.as_of}", "zip", written.out)


def make_demo(progress: Progress, folder: str, students: int) -> str:
    """A made-up district in a folder of its own; where its settings are."""
    progress.step("making the demo district")
    district = make(Path(folder), students, 1, None)
    return str(district.settings_file)


def _day(written: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(written) if written else None
    except ValueError:
        raise UsageError("That is no day of the calendar.", "Write it as 2026-11-24.") from None


def _settings(settings_file: str, extract: str) -> Settings:
    return load_settings(Path(settings_file), extract=(Path(extract),) if extract else None)


def _in_aeries(inputs: Inputs) -> pl.DataFrame:
    return to_polars(inputs.tables.tables["STU"]).select(ssid="CID", last_name="LN", first_name="FN")


def _names(people: pl.DataFrame) -> dict[str, str]:
    """SSID → "Last, First"; of two rows the last counts."""
    last = people.fill_null("").unique("ssid", keep="last", maintain_order=True)
    return {ssid: f"{last_name}, {first_name}".strip(", ") for ssid, last_name, first_name in last.rows()}


def _district(schools: pl.DataFrame) -> str:
    """The LEA code that Aeries itself states on school 0."""
    zero = schools.filter(col.CD == "0")
    known = len(zero) and {"CC", "DC"} <= set(schools.columns)
    return "".join(zero.select(col("CC", "DC").fill_null("")).row(0)) if known else ""


def _chart_document(name: str, chart: Any) -> dict[str, Any]:
    table = chart.table.head(_TABLE_ROWS)
    numbers = [table[column].dtype.kind in "iuf" for column in table]
    shown = table.astype("object").where(table.notna(), "")
    return {
        "id": name,
        "title": chart.figure.layout.title.text,
        "sentence": chart.sentence,
        "figure": json.loads(chart.figure.to_json(validate=False)),
        "columns": [str(column) for column in table],
        "numbers": numbers,
        "rows": [[str(value) for value in row] for row in shown.itertuples(index=False)],
        "cut": len(chart.table) - len(table),
        "drawn": len(chart.table) if chart.drawn is None else chart.drawn,
    }


JOBS: Mapping[str, Callable[..., Any]] = {
    job.__name__: job
    for job in (
        recognize,
        check,
        run,
        charts,
        history,
        loop_of,
        tell,
        waiting,
        names,
        names_in_aeries,
        compare_language,
        language_students,
        try_setup,
        table_file,
        schools,
        make_demo,
    )
}
