"""What the page is told of the ledger: where each file of a run stands, and what waits. Plain values; no student."""

from __future__ import annotations

from collections import Counter
from typing import Any

from senrkit.ledger import states
from senrkit.ledger.answers import only_calpads_knows
from senrkit.ledger.states import File, Run
from senrkit.loop.overview import Loop

_UNPROVED = (states.POSTED, states.TOO_EARLY, states.WARNED)


def standing(loop: Loop, run_id: str, made: str) -> dict[str, Any]:
    """The files of a run by their number, as text: state, day, job, and what became of the records.

    `replaced` when the ledger does not know the run, but one that was `made` later: it shall not come in between.
    `refused` names records by their sequence, with the rules of CALPADS' fatal errors.
    """
    run = loop.states.runs.get(run_id)
    told = {"day": loop.today.isoformat(), "files": {}, "replaced": False}
    if run is None:
        return told | {"replaced": any(other.event["made"] > made for other in loop.states.runs.values())}
    return told | {"files": {str(number): _file(file, run) for number, file in run.files.items()}}


def waiting(loop: Loop) -> list[dict[str, Any]]:
    """Each run with something on its way, the newest first: what is done, and what comes next.

    What was refused or is missing goes again with the next run; of an older run than the newest it waits no more.
    """
    runs = list(reversed(loop.states.runs.values()))
    told = [_waiting(run, is_newest=run is runs[0]) for run in runs]
    return [one for one in told if one["files"]]


def _file(file: File, run: Run) -> dict[str, Any]:
    before = run.before(file.number)
    fatal: dict[int, list[str]] = {}
    for line in file.lines:
        if line.severity == states.FATAL and file.state == states.REJECTED:
            fatal.setdefault(line.sequence, []).append(line.rule)
    return {
        "state": file.state,
        "on": file.on.isoformat() if file.on else "",
        "job": file.job,
        "waits_for": before[0].number if before else 0,
        "records": dict(Counter(file.records().values())),
        "refused": [
            {"sequence": sequence, "rules": sorted(set(rules)), "elsewhere": all(map(only_calpads_knows, rules))}
            for sequence, rules in sorted(fatal.items())
        ],
    }


def _waiting(run: Run, is_newest: bool) -> dict[str, Any]:
    files = [line for file in run.files.values() if (line := _line(file, run, is_newest))]
    return {"run": run.id, "folder": run.event["folder"], "as_of": run.event["as_of"], "files": files}


def _line(file: File, run: Run, is_newest: bool) -> dict[str, Any] | None:
    """What waits of a file, or `None` when nothing does."""
    if file.state == states.WITHDRAWN or (file.state in (states.REJECTED, states.EXPIRED) and not is_newest):
        return None
    line = _file(file, run)
    wanted = (*_UNPROVED, states.MISSING) if is_newest else _UNPROVED
    unproved = sum(line["records"].get(state, 0) for state in wanted)
    if file.state == states.POSTED and not unproved:
        return None
    return line | {"number": file.number, "unproved": unproved}
