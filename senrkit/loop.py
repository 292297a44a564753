"""After the upload: what was sent, what CALPADS answered, and whether it arrived (closed_loop.md).

Each function is one word of a person, or one look at the files; what follows from them is the ledger's.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from senrkit.disk import write_all
from senrkit.errors import InputError, UsageError
from senrkit.inputs.extract.senr import Extract, read_extract
from senrkit.inputs.load import SENR
from senrkit.inputs.local import local_inputs
from senrkit.ledger import journal as ledger
from senrkit.ledger import states
from senrkit.ledger.answers import ErrorFile, Replacements, only_calpads_knows, read_answer, read_bytes
from senrkit.ledger.arrivals import judged
from senrkit.ledger.foretold import by_rule
from senrkit.ledger.journal import Event, Journal
from senrkit.ledger.matching import Unmatched, match
from senrkit.ledger.states import File, Run, States
from senrkit.reference import ODS_FIELDS, SENR_FIELDS
from senrkit.results.folder import run_folders
from senrkit.results.kept import keep
from senrkit.settings.settings import Settings
from senrkit.settings.values import COMPARED

_NEVER = "Run `senrkit run` first, or name a run folder."


@dataclass(frozen=True)
class Answered:
    """What came of reading a file that CALPADS gave back.

    `files`: number of a file of ours → how many lines were fatal and how many warnings; `again` when it had been read
    before; `replaced` is how many SSIDs it says were replaced.
    """

    name: str
    run: str
    files: Mapping[int, Mapping[str, int]]
    unmatched: tuple[Unmatched, ...] = ()
    again: bool = False
    replaced: int = 0


@dataclass(frozen=True)
class Loop:
    """The ledger of one LEA as it stands on a day."""

    journal: Journal
    states: States
    today: dt.date

    @classmethod
    def open(cls, settings: Settings) -> Loop:
        """Raises `InputError` as `Journal.open`."""
        return cls._of(Journal.open(settings.output.runs), settings.as_of)

    @classmethod
    def _of(cls, journal: Journal, today: dt.date) -> Loop:
        return cls(journal, states.states(journal, today), today)

    def document(self, names: bool = False) -> dict[str, Any]:
        """For machines: `files` and `records` with their states; SSIDs only with `names`."""
        files = [
            {
                "run": file.run, "number": file.number, "name": file.name, "state": file.state, "job": file.job or None,
                "on": file.on.isoformat() if file.on else None, "records": len(file.sequences),
            }
            for file in self.states.files
        ]  # fmt: skip
        return {
            "files": files,
            "records": [record for file in self.states.files for record in self._records(file, names)],
        }

    def lines(self) -> list[str]:
        """What waits for whom, in plain words; no student."""
        told = [line for run in self.states.runs.values() for line in self._of_run(run)]
        if not told:
            return ["Nothing waits: no file of any run is under way."]
        notes = [
            f"Line {number:,} of the ledger was cut off and says nothing any more." for number in self.journal.damaged
        ]
        return told + notes

    def foretold(self) -> pl.DataFrame:
        """Rule by rule over all runs what was foretold and what came; no student in it (`ledger.foretold.by_rule`)."""
        return by_rule(self.journal, self.states)

    def _records(self, file: File, names: bool) -> list[dict[str, Any]]:
        number = self.states.runs[file.run].number
        rules: dict[int, list[str]] = {}
        for line in file.lines:
            rules.setdefault(line.sequence, []).append(line.rule)
        who = _copy(self.journal, file) if names else None
        ssids = dict(zip(file.sequences, who["ssid"], strict=True)) if who is not None else {}
        return [
            {
                "run": file.run, "local_record_id": f"{number}-{sequence}", "file": file.name, "number": file.number,
                "state": state, "rules": sorted(set(rules.get(sequence, ()))),
                "since": file.on.isoformat() if file.on else None,
                **({"ssid": ssids.get(sequence)} if names else {}),
            }
            for sequence, state in file.records().items()
        ]  # fmt: skip

    def _of_run(self, run: Run) -> list[str]:
        under_way = [file for file in run.files.values() if file.state != states.WITHDRAWN]
        if not under_way:
            return []
        said = [f"Run {run.id} (as of {run.as_of})"]
        is_next = True
        for file in under_way:
            job = f", job {file.job}" if file.job else ""
            what = f"  {file.name}: {file.state} since {file.on}{job}"
            said.append(f"{what}; {self._waits(file, is_next)}")
            is_next = is_next and file.state == states.POSTED
        return said

    def _waits(self, file: File, is_next: bool) -> str:
        of_state: dict[str, int] = {}
        for state in file.records().values():
            of_state[state] = of_state.get(state, 0) + 1
        counted = ", ".join(f"{count:,} {state}" for state, count in of_state.items())
        if file.state == states.PREPARED:
            return f"{counted}; {'upload it' if is_next else 'wait until the one before has posted'}"
        if file.state == states.SENT:
            return f"{counted}; wait for CALPADS' answer, then say so: posted, or rejected"
        if file.state == states.EXPIRED:
            return (
                f"{counted}; no answer in {states.DAYS_SHOWN} days, CALPADS shows it no longer: a new extract will tell"
            )
        if file.state == states.REJECTED:
            others = sum(1 for line in file.lines if line.severity == states.FATAL and only_calpads_knows(line.rule))
            also = f", {others:,} errors are about other districts" if others else ""
            return f"{counted}{also}; mend what was refused in Aeries, then run again"
        return counted


def sent(
    settings: Settings,
    run: str | Path | None,
    numbers: Sequence[int],
    *,
    job: str = "",
    on: dt.date | None = None,
    out_of_order: str = "",
) -> Loop:
    """Files were uploaded. Files that are named together were uploaded in that order.

    Raises
    ------
    UsageError
        out of order without a reason, or a file or run that is not there.
    InputError
        when the run folder or the ledger cannot be read or written; nothing is kept then.
    """

    def said(run: Run) -> list[Event]:
        states.check_sendable(run, numbers, out_of_order)
        return [_step("sent", run, numbers, day, job=job, out_of_order=out_of_order)]

    day = on or settings.as_of
    return _told(settings, run, numbers, day, said)


def posted(
    settings: Settings,
    run: str | Path | None,
    numbers: Sequence[int],
    *,
    on: dt.date | None = None,
    job: str = "",
    out_of_order: str = "",
) -> Loop:
    """CALPADS shows files as Posted. Raises as `sent`."""

    def said(run: Run) -> list[Event]:
        states.check_postable(run, numbers, out_of_order)
        return [_step("posted", run, numbers, day, job=job, out_of_order=out_of_order)]

    day = on or settings.as_of
    return _told(settings, run, numbers, day, said)


def undo_posted(settings: Settings, run: str | Path | None, numbers: Sequence[int], because: str) -> Loop:
    """Take the word back that files have posted; they count as sent again.

    Raises
    ------
    UsageError
        when no reason is given, or a file has not posted.
    """
    if not because.strip():
        raise UsageError("A word is taken back with a reason.", 'Add --because "the reason".')

    def said(run: Run) -> list[Event]:
        for number in numbers:
            if run.file(number).state != states.POSTED:
                raise UsageError(f"File {number} of run {run.id} has not posted.", "There is nothing to take back.")
        return [_step("posted-undone", run, numbers, settings.as_of, because=because.strip())]

    return _told(settings, run, numbers, None, said)


def rejected(
    settings: Settings,
    run: str | Path | None,
    number: int,
    *,
    on: dt.date | None = None,
    errors: Sequence[Path] = (),
) -> tuple[Loop, list[Answered]]:
    """CALPADS refused a file; with its error files, what it said of each record. All is kept or nothing.

    Raises
    ------
    UsageError
        for a file that has posted, or a file or run that is not there.
    InputError
        when an error file cannot be read, or is about something else.
    """
    day = on or settings.as_of
    answers: list[Answered] = []

    def said(run: Run) -> list[Event]:
        states.check_refusable(run, [number])
        read = [read_answer(path.name, read_bytes(path), settings.calpads.errors) for path in errors]
        events = [_step("rejected", run, [number], day)]
        for path, found in zip(errors, read, strict=True):
            if isinstance(found, Replacements):
                raise InputError(
                    f"{path.name} is about replaced SSIDs, not an error file.", "Give it to `senrkit answers`."
                )
            made, one = _answer(settings, run, found, path, day, [number])
            events += made
            answers.append(one)
        return events

    return _told(settings, run, [number], day, said), answers


def answers(settings: Settings, run: str | Path | None, files: Sequence[Path]) -> tuple[Loop, list[Answered]]:
    """Read what CALPADS gave back and say which file of ours each is about. All files are kept or none.

    Raises
    ------
    InputError
        when a file cannot be read, or is of another LEA, year, record type or run.
    """
    answered: list[Answered] = []

    def said(run: Run) -> list[Event]:
        events: list[Event] = []
        for path in files:
            data = read_bytes(path)
            found = read_answer(path.name, data, settings.calpads.errors)
            if isinstance(found, Replacements):
                if found.leas != {settings.lea}:
                    raise InputError(
                        f"{path.name} is about another LEA, not {settings.lea}.", "Nothing of it was kept."
                    )
                events.append({"event": "replaced", "ssids": dict(found.ssids), "on": settings.as_of.isoformat()})
                answered.append(Answered(path.name, run.id, {}, replaced=len(found.ssids)))
                continue
            made, one = _answer(settings, run, found, path, settings.as_of, sorted(run.files))
            events += made
            answered.append(one)
        return events

    loop = _told(settings, run, None, None, said)
    return loop, answered


def look(settings: Settings, extract: Extract | None = None) -> Loop:
    """Judge what was sent by the extract, unless that is the one the run was made from; what it shows is kept.

    Parameters
    ----------
    extract
        What was read already; default: what the settings name, where it can be read.
    """
    loop = Loop.open(settings)
    if not any(file.state in (states.SENT, states.POSTED, states.EXPIRED) for file in loop.states.files):
        return loop
    if extract is None:
        with local_inputs(settings, without={"source", "sela_extract", "school_directory"} - {SENR}) as local:
            try:
                extract = read_extract(local.calpads.senr_extract)
            except InputError:
                # An extract that is not there, or none, proves nothing; `senrkit run` says what is wrong with it.
                return loop
            return _looked(settings, loop, extract)
    return _looked(settings, loop, extract)


def restore(settings: Settings, run: str | Path | None, number: int, out: Path) -> list[Path]:
    """Files that add again what a posted file of deletes took away, from the rows as they were deleted.

    One record a student and file, as CALPADS wants it; to be uploaded in order. Nothing is uploaded, and the ledger
    does not count them: the next extract shows what arrived.

    Raises
    ------
    UsageError
        when the file has not posted, deletes nothing, or `out` holds such files.
    InputError
        when its copy is lost, or `out` cannot be written.
    """
    loop = Loop.open(settings)
    file = loop.states.run(_run_id(settings, run)).file(number)
    if file.state != states.POSTED:
        raise UsageError(f"File {number} of run {file.run} has not posted.", "What was not posted needs no way back.")
    rows = _copy(loop.journal, file)
    if rows is None:
        raise InputError(f"The ledger has no copy of {file.name}.", "Make the adds from an older extract.")
    deleted = rows.filter(pl.col("transaction") == "D")
    if deleted.is_empty():
        raise UsageError(f"File {number} of run {file.run} deletes nothing.", "Name a file of deletes.")
    added = deleted.sort("start_date", "school_code", "nps_code", maintain_order=True).with_columns(
        transaction=pl.lit("A"), turn=pl.int_range(pl.len()).over("ssid")
    )
    name = file.name.removesuffix(".txt")
    contents = {
        out / f"{name}_restore_{turn + 1:02d}.txt": _encoded(added.filter(pl.col("turn") == turn))
        for turn in range(added["turn"].max() + 1)
    }
    taken = [path.name for path in contents if path.exists()]
    if taken:
        raise UsageError(f"{out} holds {taken[0]} already.", "Name another folder with --out.")
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_all(contents)
    except OSError:
        raise InputError(f"{out} cannot be written.", "Name another place with --out.") from None
    return list(contents)


def _step(kind: str, run: Run, numbers: Sequence[int], on: dt.date, **more: str) -> Event:
    said = {name: value for name, value in more.items() if value}
    return {"event": kind, "run": run.id, "files": list(numbers), "on": on.isoformat(), **said}


def _told(
    settings: Settings, run: str | Path | None, numbers: Sequence[int] | None, day: dt.date | None, said: Any
) -> Loop:
    """Add what a person said of a run, with copies of the files it is about."""
    run_id = _run_id(settings, run)
    runs = settings.output.runs
    before = Loop.open(settings)
    known = before.states.run(run_id)
    files = [known.file(number) for number in (known.files if numbers is None else numbers)]
    copies = {
        (run_id, file.name): data for file in files if (data := _bytes_of(before.journal, known, file, run)) is not None
    }
    lost = [file.number for file in files if (run_id, file.name) not in copies]
    if numbers is not None and lost:
        raise InputError(
            f"File {lost[0]} of run {run_id} is not there any more, or was changed since the run made it.",
            "Name the run folder where it lies, or run again.",
        )

    def decide(journal: Journal) -> list[Event]:
        now = states.states(journal, settings.as_of).run(run_id)
        if day is not None:
            states.check_day(now, day)
        return said(now)

    return Loop._of(ledger.append(runs, decide, copies), settings.as_of)


def _run_id(settings: Settings, run: str | Path | None) -> str:
    """The run that is meant, known to the ledger from now on: a folder, a run id, or none for the newest."""
    runs = settings.output.runs
    if run is None:
        for folder in reversed(run_folders(runs)):
            try:
                return keep(folder, runs)
            except UsageError:
                continue  # a stopped run
        known = list(Loop.open(settings).states.runs)
        if not known:
            raise UsageError("There is no run yet.", _NEVER)
        return known[-1]
    for folder in (Path(run), runs / str(run)):
        if (folder / "manifest.json").is_file():
            return keep(folder, runs)
    return Loop.open(settings).states.run(str(run)).id


def _bytes_of(journal: Journal, run: Run, file: File, named: str | Path | None) -> bytes | None:
    """The file as the run made it: the ledger's copy, or the run folder's."""
    kept = journal.kept(run.id, file.name)
    folders = [run.event["folder"], *([named] if named else ())]
    places = [Path(folder) / "submission" / file.name for folder in folders]
    for data in (kept, *(place.read_bytes() for place in places if place.is_file())):
        if data is not None and hashlib.sha256(data).hexdigest() == file.sha256:
            return data
    return None


def _copy(journal: Journal, file: File) -> pl.DataFrame | None:
    data = journal.kept(file.run, file.name)
    return None if data is None else _decoded(data)


def _decoded(data: bytes) -> pl.DataFrame:
    return pl.read_csv(
        io.BytesIO(data),
        has_header=False,
        new_columns=list(SENR_FIELDS),
        separator="^",
        quote_char=None,
        infer_schema=False,
    ).fill_null("")


def _encoded(records: pl.DataFrame) -> bytes:
    line = pl.concat_str(list(SENR_FIELDS), separator="^")
    return "".join(f"{one}\r\n" for one in records.select(line).to_series()).encode()


def _answer(
    settings: Settings, run: Run, found: ErrorFile, path: Path, on: dt.date, numbers: Sequence[int]
) -> tuple[list[Event], Answered]:
    journal = Journal.open(settings.output.runs)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    files = [run.file(number) for number in numbers]
    records: dict[int, tuple[str, str, str]] = {}
    for file in files:
        data = _bytes_of(journal, run, file, None)
        if data is not None:
            rows = _decoded(data).select("ssid", "school_code", "start_date").rows()
            records |= dict(zip(file.sequences, rows, strict=True))
    matched = match(found, run, files, records)
    of_files = {
        number: {
            severity: sum(1 for line in lines if line.severity == severity)
            for severity in (states.FATAL, states.WARNING)
        }
        for number, lines in sorted(matched.lines.items())
    }
    again = any(event["event"] == "answer" and event["sha256"] == sha256 for event in journal.events)
    said = Answered(found.name, run.id, of_files, matched.unmatched, again)
    if again:
        return [], said
    events = [
        {
            "event": "answer", "run": run.id, "file": number, "name": found.name, "sha256": sha256,
            "on": on.isoformat(), "lines": [asdict(line) for line in lines],
        }
        for number, lines in sorted(matched.lines.items())
    ]  # fmt: skip
    if matched.unmatched:
        events[-1]["unmatched"] = [asdict(one) for one in matched.unmatched]
    for number in of_files:
        if of_files[number][states.FATAL]:
            states.check_refusable(run, [number])
    return events, said


def _looked(settings: Settings, loop: Loop, extract: Extract) -> Loop:
    shas = [file.sha256 for file in extract.files]
    files = [
        *loop.states.posted(),
        *(file for file in loop.states.files if file.state in (states.SENT, states.EXPIRED)),
    ]
    files = [file for file in files if loop.states.runs[file.run].event["extract"] != shas]
    if not files:
        return loop
    parts = [
        rows.with_columns(
            run=pl.lit(file.run), file=pl.lit(file.number), posted=pl.lit(file.posted_on, pl.Date),
            sequence=pl.int_range(file.first, file.last + 1),
        )
        for file in files
        if (rows := _copy(loop.journal, file)) is not None
    ]  # fmt: skip
    if not parts:
        return loop
    records = pl.concat(parts)
    compared = [name for name in COMPARED if settings.process.compare is None or name in settings.process.compare]
    compared = [name for name in compared if name in extract.layout.columns]
    held, newest = _held(extract, {*records["ssid"], *loop.states.replaced.values()})
    found = judged(records, held, compared, newest, loop.states.replaced)
    by_run: dict[str, dict[str, dict[str, list[int]]]] = {}
    for run, file, sequence, state in found.rows():
        by_run.setdefault(run, {}).setdefault(str(file), {}).setdefault(state, []).append(sequence)
    event = {"event": "seen", "on": settings.as_of.isoformat(), "extract": shas, "runs": by_run}
    last = next((one for one in reversed(loop.journal.events) if one["event"] == "seen"), {})
    if all(last.get(name) == event[name] for name in ("extract", "runs")):
        return loop
    return Loop._of(ledger.append(settings.output.runs, lambda _: [event]), loop.today)


def _held(extract: Extract, ssids: set[str]) -> tuple[pl.DataFrame, dt.date | None]:
    """The extract's rows of these students, and its newest day."""
    rows = pl.from_pandas(extract.rows[list(ODS_FIELDS)])  # seam
    newest = rows["last_updated"].str.to_date("%Y%m%d", strict=False).max()
    return rows.filter(pl.col("ssid").is_in(list(ssids))), newest
