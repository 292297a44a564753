"""`batch.json`: what a batch was asked for and what came of each LEA. Counts and sentences, no student.

It is written from the start and after every LEA (at most once a second), whole or not at all.

The batch
---------
| key | type | holds |
| --- | --- | --- |
| `format` | int | 1 |
| `state` | text | `running`, `finished`, `interrupted`; a batch that was killed still says `running` |
| `why` | text | one sentence, when interrupted, else `""` |
| `source` | text | the folder or table that named the settings files, absolute |
| `as_of` | text | the batch's day, `2026-11-23`; an LEA whose settings name another `as_of` keeps its own |
| `as_of_given` | bool | whether `--as-of` named the day: then it wins over the settings' |
| `senrkit_version` | text | |
| `engine` | text | `processes`, `workers` (a Dask cluster of its own) or `scheduler` (an existing one) |
| `workers` | int | how many LEAs ran side by side at most |
| `began`, `ended` | text | ISO with time zone; `ended` is `""` while it runs |
| `seconds` | float | from begin to end, added up over resumed commands |
| `exit_code` | int or null | the gravest of all LEAs, in the order 1, 2, 3, 4, 5, 0; null until finished |
| `states` | dict | how many LEAs in each state; all states, in the order of `STATES` |
| `before` | dict or null | of the batch before this one beside it: `as_of`, `home` (path or address); else null |
| `leas` | list | one entry an LEA, below, in the order of the source |

An LEA
------
| key | type | holds |
| --- | --- | --- |
| `lea` | text | seven digits; `""` when its settings cannot be read |
| `name` | text | what Aeries calls it; `""` when it was not run, or Aeries does not say |
| `as_of` | text | the day of its run, ISO; `""` when it was not run |
| `settings` | text | the settings file: absolute path, or address without its password |
| `settings_sha256` | text | of its bytes, as they were when the LEA was run; `""` when unreadable |
| `extract` | text | the extract that the table names instead of the settings', else `""` |
| `state` | text | `waiting` (not run yet), `done`, `held`, `stopped`, `failed`, `fault`, `twice`: see `STATES` |
| `exit_code` | int or null | 0 done, 5 held, 4 stopped, 2 or 3 failed, 1 fault, 2 twice; null while waiting |
| `message`, `cure` | text | one sentence each; `""` when done or held |
| `note` | text | something to know that stops nothing, as settings changed since the LEA finished; else `""` |
| `stopped_by` | list | ids of the preconditions that stopped it, as `["P09"]` |
| `attempts` | int | how often it was begun; 0 when it never was |
| `seconds` | float or null | of the last attempt |
| `peak_mib` | int or null | the most memory its worker held during the last attempt |
| `folder` | text | its run folder, relative to the batch folder: `runs/1999990`; `""` when there is none |
| `counts` | dict or null | only when done or held, below |
| `last_done` | text | the day of its newest run that was done or held, in this batch or one beside it; else `""` |
| `to_do_before` | int or null | how much was to be done in the batch before; null when it was not done or held there |

`counts`: `action` (all seven actions, as in the manifest), `schools`, `files`, `records` (in the files), `findings`,
the balance's totals `state_rows`, `in_scope`, `enr_rows`, `spells`, all whole numbers; and `weeks`: by the LEA's ledger
how many items are `new`, `open`, `sent`, `back`, `solved` since its run before, and how many days ago the `oldest` was
first seen. `weeks` is null where the ledger does not know the run or cannot be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from senrkit.errors import InputError
from senrkit.results.tables import TO_DO

# done: finished. held: finished, students are held. stopped: by a precondition. failed: settings, an input, the disk or
# the worker. fault: of senrkit itself. twice: another settings file has the same LEA, so neither is run.
STATES = ("done", "held", "stopped", "failed", "fault", "twice", "waiting")

FORMAT = 1
FILE = "batch.json"
# In the batch folder: one run folder an LEA, called by its code.
RUNS = "runs"
RUNNING, FINISHED, INTERRUPTED = "running", "finished", "interrupted"
FINISHED_STATES = ("done", "held")
# The keys of `weeks`.
WEEKS = ("new", "open", "back", "sent", "solved", "oldest")
# The gravest first.
_GRAVITY = (1, 2, 3, 4, 5, 0)

Entry = dict[str, Any]


def new_document(source: str, as_of: str, as_of_given: bool, version: str) -> dict[str, Any]:
    """A batch that has not begun, without LEAs."""
    return {
        "format": FORMAT,
        "state": RUNNING,
        "why": "",
        "source": source,
        "as_of": as_of,
        "as_of_given": as_of_given,
        "senrkit_version": version,
        "engine": "",
        "workers": 0,
        "began": "",
        "ended": "",
        "seconds": 0.0,
        "exit_code": None,
        "states": {},
        "before": None,
        "leas": [],
    }


def new_entry(lea: str, settings: str, settings_sha256: str, extract: str) -> Entry:
    """An LEA that was not run yet."""
    return {
        "lea": lea,
        "name": "",
        "as_of": "",
        "settings": settings,
        "settings_sha256": settings_sha256,
        "extract": extract,
        "state": "waiting",
        "exit_code": None,
        "message": "",
        "cure": "",
        "note": "",
        "stopped_by": [],
        "attempts": 0,
        "seconds": None,
        "peak_mib": None,
        "folder": "",
        "counts": None,
        "last_done": "",
        "to_do_before": None,
    }


def with_outcome(document: Mapping[str, Any], state: str, why: str = "") -> dict[str, Any]:
    """The document with what follows from its LEAs: how many in each state and, when finished, the exit code."""
    leas = document["leas"]
    states = {name: sum(entry["state"] == name for entry in leas) for name in STATES}
    code = gravest(entry["exit_code"] for entry in leas) if state == FINISHED else None
    return dict(document) | {"state": state, "why": why, "states": states, "exit_code": code}


def day_of(document: Mapping[str, Any]) -> str:
    """The day that the batch speaks for, as its LEAs' runs have it: `2026-11-23`, or `various, 2026-11-20 to …`."""
    found = sorted({entry["as_of"] for entry in document["leas"] if entry.get("as_of")})
    if len(found) > 1:
        return f"various, {found[0]} to {found[-1]}"
    return found[0] if found else document["as_of"]


def to_do_of(entry: Entry) -> int | None:
    """How many enrollments are to be added, updated, deleted or looked at; `None` when it is not done or held."""
    counts = entry.get("counts")
    return None if not counts else sum(counts["action"].get(action, 0) for action in TO_DO)


def since_before(document: Mapping[str, Any]) -> list[tuple[str, int, list[str]]]:
    """Beside the batch before: how many LEAs have `less`, `more` and `as-much` to do, and which have `no-longer` run,
    being done or held then and not now. With the codes of the LEAs, save of those that have as much."""
    groups: dict[str, list[str]] = {name: [] for name in ("less", "more", "as-much", "no-longer")}
    for entry in document["leas"]:
        now, then = to_do_of(entry), entry.get("to_do_before")
        if then is not None:
            name = "no-longer" if now is None else "less" if now < then else "more" if now > then else "as-much"
            groups[name].append(entry["lea"])
    return [(name, len(leas), [] if name == "as-much" else leas) for name, leas in groups.items() if leas]


def gravest(codes: Iterable[int | None]) -> int:
    """The exit code of a batch whose LEAs ended with these."""
    return min((code for code in codes if code is not None), key=_GRAVITY.index, default=0)


def parsed(data: bytes | None, where: str) -> dict[str, Any] | None:
    """The document in the bytes of a `batch.json`; `None` when there is none.

    Raises
    ------
    InputError
        when the bytes are no such document.
    """
    if data is None:
        return None
    try:
        document = json.loads(data)
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(
            f"{where}/{FILE} cannot be read, or is not of this version of senrkit.", "Name another folder with --out."
        )
    return document


def to_json(document: Mapping[str, Any]) -> bytes:
    """The document as UTF-8 text."""
    return (json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
