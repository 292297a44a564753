"""One workbook a school for its registrar: what to mend in Aeries, what is on its way, what arrived (closed_loop.md 8).

Only that school's students, SSIDs in full, no name. The column *Done / comment* comes home: what a registrar writes
there is read back by local id and reason and stands in the next workbook.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from senrkit.errors import InputError
from senrkit.frames import days
from senrkit.inputs.spreadsheet import sheets
from senrkit.ledger import journal as ledger
from senrkit.ledger import states
from senrkit.ledger.journal import Journal
from senrkit.loop.overview import Loop, run_id_of, write_out
from senrkit.results.folder import PROPOSAL, RunFolder, run_folders
from senrkit.results.workbook import Sheet, write_book
from senrkit.settings.settings import Settings
from senrkit.texts import wording

FIX, SENT, ARRIVED = "school_fix", "school_sent", "school_arrived"
_COMMENT, _REASON_ID, _LOCAL_ID = "Done / comment", "Reason id", "Local id"
_RECORD = ("school_code", "local_id", "ssid", "grade", "start_date")


@dataclass(frozen=True)
class Written:
    """The workbooks of one call: `schools` has `school_code, school_name, file, to_fix, oldest_days, sent, arrived`."""

    out: Path
    schools: pl.DataFrame
    comments: int


def write_schools(settings: Settings, run: str | Path | None, out: Path, back: Path | None = None) -> Written:
    """Write a workbook for every school that has something to mend, on its way or arrived; an index, and a mail's text.

    Parameters
    ----------
    back
        A folder with workbooks that came back from schools; by default those that lie in `out`.

    Raises
    ------
    UsageError
        for a run that is not there.
    InputError
        when the run folder is lost, a workbook that came back cannot be read, or `out` cannot be written.
    """
    loop = Loop.open(settings)
    run_id = run_id_of(settings, run)
    folder = _folder(settings, run_id, run)
    came = _came_back(back or out)
    loop = _with_comments(settings, came) if came else Loop.open(settings)
    tables = _tables(loop, folder, settings.as_of)
    names = folder.manifest["counts"]["school_name"]
    made = dt.datetime.fromisoformat(folder.manifest["made"])
    contents: dict[Path, bytes] = {}
    rows = []
    for school in sorted(set().union(*(table["school_code"] for table in tables.values())) - {""}):
        own = {name: table.filter(pl.col("school_code") == school) for name, table in tables.items()}
        name = f"{school}_{settings.as_of}.xlsx"
        contents[out / name] = _book(own, names.get(school) or school, school, settings, run_id, made)
        oldest = own[FIX]["days"].max() if len(own[FIX]) else 0
        rows.append(
            (school, names.get(school, ""), name, len(own[FIX]), oldest or 0, len(own[SENT]), len(own[ARRIVED]))
        )
    schools = pl.DataFrame(
        rows,
        schema={
            "school_code": pl.String, "school_name": pl.String, "file": pl.String, "to_fix": pl.Int64,
            "oldest_days": pl.Int64, "sent": pl.Int64, "arrived": pl.Int64,
        },
        orient="row",
    ).sort("to_fix", "school_code", descending=[True, False])  # fmt: skip
    contents[out / f"index_{settings.as_of}.xlsx"] = _index(schools, settings, made)
    contents[out / f"mail_{settings.as_of}.txt"] = _mail(schools, settings).encode()
    write_out(out, contents)
    event = {"event": "schools", "run": run_id, "on": settings.as_of.isoformat()}
    ledger.append(settings.output.runs, lambda _: [event])
    return Written(out, schools, sum(len(comments) for comments in came.values()))


def _folder(settings: Settings, run_id: str, named: str | Path | None) -> RunFolder:
    runs = settings.output.runs
    for folder in (*([Path(named)] if named else ()), *reversed(run_folders(runs))):
        if (folder / "manifest.json").is_file():
            found = RunFolder.open(folder)
            if found.manifest["run_id"] == run_id:
                return found
    raise InputError(f"The folder of run {run_id} is not there any more.", "Run again, or name the run folder.")


def _tables(loop: Loop, folder: RunFolder, today: dt.date) -> dict[str, pl.DataFrame]:
    proposal = folder.table(PROPOSAL)
    known = _comments(loop.journal)
    stands = _stands(loop)
    records = proposal.filter(pl.col("sequence") != "").join(stands, on="local_record_id", how="left")
    refused = records.filter(pl.col("state") == states.REFUSED).with_columns(
        reason=pl.lit("refused"), evidence=pl.concat_str(pl.lit("CALPADS refused the record: "), pl.col("rules"))
    )
    held = proposal.filter(pl.col("action") == "hold")
    asked = {**wording.phrases("hold"), **wording.phrases("record")}
    fix = (
        pl.concat([held, refused.select(held.columns)])
        .with_columns(
            title=_in_words("reason", {id: phrase.title for id, phrase in asked.items()}),
            cure=_in_words("reason", {id: phrase.cure for id, phrase in asked.items()}),
            page=pl.col("reason").replace_strict(_pages(), default=""),
            days=(pl.lit(today) - days.of_iso(pl.col("first_seen"))).dt.total_days().fill_null(0),
        )
        .join(known, on=["local_id", "reason"], how="left")
        .with_columns(pl.col("comment").fill_null(""), answer=pl.lit(""))
        .sort("reason", "local_id", "start_date")
    )
    waiting = (states.PREPARED, states.SENT, states.POSTED, states.TOO_EARLY, states.WARNED, states.DRAGGED_DOWN)
    sent = records.filter(pl.col("state").is_in(waiting)).sort("state", "local_id", "start_date")
    return {FIX: fix, SENT: _worded(sent), ARRIVED: _worded(_arrived(loop, records))}


def _worded(records: pl.DataFrame) -> pl.DataFrame:
    titles = {id: phrase.title for id, phrase in wording.phrases("action").items()}
    return records.with_columns(action=_in_words("action", titles))


def _in_words(column: str, words: Mapping[str, str]) -> pl.Expr:
    return pl.col(column).replace(list(words), list(words.values()))


def _pages() -> Mapping[str, str]:
    return {row["reason"]: row["page"] for row in wording.rows("aeries_pages.csv")}


def _stands(loop: Loop) -> pl.DataFrame:
    rows = [
        (record["local_record_id"], record["state"], ", ".join(record["rules"]))
        for record in loop.document()["records"]
    ]
    schema = {"local_record_id": pl.String, "state": pl.String, "rules": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row").unique(subset="local_record_id", keep="last")


def _arrived(loop: Loop, records: pl.DataFrame) -> pl.DataFrame:
    """Those of the run's records that have arrived since the last workbooks."""
    last = max((at for at, event in enumerate(loop.journal.events) if event["event"] == "schools"), default=-1)
    before = Loop.of(Journal(loop.journal.folder, loop.journal.events[: last + 1]), loop.lea, loop.today)
    told = _stands(before).filter(pl.col("state") == states.ARRIVED)
    now = records.filter(pl.col("state") == states.ARRIVED)
    return now.join(told, on="local_record_id", how="anti").sort("local_id", "start_date")


def _book(
    own: Mapping[str, pl.DataFrame], name: str, school: str, settings: Settings, run_id: str, made: dt.datetime
) -> bytes:
    out = io.BytesIO()
    rows: list[Any] = [
        ("title", (f"{name}: enrollments to look at",)),
        ("text", (f"School {school}, {settings.school_year.text}, as of {settings.as_of}. Run {run_id}.",)),
        ("text", ()),
    ]
    for sheet, table in own.items():
        phrase = wording.phrase("sheet", sheet)
        rows.append(("text", (phrase.title, len(table), phrase.sentence)))
    sheets = [_sheet(sheet, table) for sheet, table in own.items()]
    write_book(out, f"senrkit {school}", made, (wording.phrase("sheet", "summary").title, rows), sheets)
    return out.getvalue()


def _index(schools: pl.DataFrame, settings: Settings, made: dt.datetime) -> bytes:
    out = io.BytesIO()
    rows = [
        ("title", (f"Schools of {settings.lea}, as of {settings.as_of}",)),
        ("text", ("Schools", len(schools), "One workbook each, beside this one.")),
        ("text", ("To mend in Aeries", int(schools["to_fix"].sum()), "")),
    ]
    write_book(
        out, "senrkit schools", made, (wording.phrase("sheet", "summary").title, rows), [_sheet("schools", schools)]
    )
    return out.getvalue()


def _sheet(name: str, table: pl.DataFrame) -> Sheet:
    words, columns = wording.phrase("sheet", name), wording.sheet_columns(name)
    return Sheet(words.title, columns, table.select([column.name for column in columns]), words.cure)


def _mail(schools: pl.DataFrame, settings: Settings) -> str:
    """What a coordinator may paste into a mail; no student is in it."""
    lines = [
        f"Subject: CALPADS enrollments to look at, as of {settings.as_of}",
        "",
        "Attached is a workbook with the enrollments of your school that differ between Aeries and CALPADS.",
        'Please mend what stands on the sheet "Fix in Aeries", write into the column "Done / comment" what you did,',
        "and send the workbook back. On the other sheets there is nothing to do.",
        "",
        "It holds students' numbers: send it only the way your district sends such data.",
        "",
    ]
    for row in schools.iter_rows(named=True):
        lines.append(f"{row['school_name'] or row['school_code']}: {row['file']}, {row['to_fix']:,} to mend")
    return "\r\n".join(lines) + "\r\n"


def _came_back(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Digest of a workbook → what registrars wrote into it; a workbook without a word is not there."""
    found = {}
    for path in sorted(folder.glob("*.xlsx")) if folder.is_dir() else ():
        if path.name.startswith(("index_", "~$")):
            continue
        data = path.read_bytes()
        comments = _comments_of(path.name, data)
        if comments:
            found[hashlib.sha256(data).hexdigest()] = comments
    return found


def _comments_of(name: str, data: bytes) -> list[dict[str, str]]:
    title = wording.phrase("sheet", FIX).title
    rows = sheets(name, data).get(title)
    if rows is None:
        raise InputError(f"{name} is no workbook that senrkit made for a school.", "Take it out of the folder.")
    heading = [str(cell).strip() for cell in rows[0]] if rows else []
    if not {_COMMENT, _REASON_ID, _LOCAL_ID} <= set(heading):
        raise InputError(
            f"{name} lacks the column {_COMMENT}, {_LOCAL_ID} or {_REASON_ID}.", "Take it out of the folder."
        )
    cells = (dict(zip(heading, (str(cell).strip() for cell in row), strict=False)) for row in rows[1:])
    return [
        {"local_id": row[_LOCAL_ID].removesuffix(".0"), "reason": row[_REASON_ID], "comment": row[_COMMENT]}
        for row in cells
        if row.get(_COMMENT) and row.get(_LOCAL_ID)
    ]


def _with_comments(settings: Settings, came: Mapping[str, list[dict[str, str]]]) -> Loop:
    def decide(journal: Journal) -> list[ledger.Event]:
        known = {event["sha256"] for event in journal.events if event["event"] == "comments"}
        return [
            {"event": "comments", "sha256": sha256, "on": settings.as_of.isoformat(), "rows": rows}
            for sha256, rows in came.items()
            if sha256 not in known
        ]

    return Loop.of(ledger.append(settings.output.runs, decide), settings.lea, settings.as_of)


def _comments(journal: Journal) -> pl.DataFrame:
    """The last word of a school on each student and reason."""
    rows = [row for event in journal.events if event["event"] == "comments" for row in event["rows"]]
    schema = {"local_id": pl.String, "reason": pl.String, "comment": pl.String}
    return pl.DataFrame(rows, schema=schema).unique(subset=["local_id", "reason"], keep="last", maintain_order=True)
