"""What the ledger keeps of a finished run, taken from its folder: a lost run folder does not lose the history."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import polars as pl

from senrkit.errors import InputError, UsageError
from senrkit.ledger.foretold import FORETOLD_FILE
from senrkit.ledger.journal import Journal, append
from senrkit.ledger.weeks import ITEMS_FILE

# Of `proposal.csv`: what was intended for which enrollment.
ITEM_COLUMNS = ("sequence", "action", "reason", "hold_detail", "school_code", "ssid", "local_id", "start_key")
_RECORD = ["file", "school_code", "ssid", "start_key"]


def keep(folder: Path, runs: Path) -> str:
    """Tell the ledger of a run; gives its id. One that it knows already stays as it is.

    Raises
    ------
    InputError
        when this is not the folder of a run, or the ledger cannot be written.
    UsageError
        when the run was stopped and has no files.
    """
    manifest = _manifest(folder)
    if manifest["counts"] is None:
        raise UsageError(f"Run {manifest['run_id']} was stopped and has no files.", "Name a run that has some.")
    if any(event["event"] == "run" and event["run"] == manifest["run_id"] for event in Journal.open(runs).events):
        return manifest["run_id"]
    append(runs, lambda known: [_event(manifest, folder)], _kept(manifest["run_id"], folder))
    return manifest["run_id"]


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        manifest = None
    if not isinstance(manifest, dict) or not {"run_id", "counts", "files"} <= manifest.keys():
        raise InputError(
            f"{folder} is not the folder of a run.", "Name a run id, or a folder that holds manifest.json."
        )
    return manifest


def _event(manifest: dict[str, Any], folder: Path) -> dict[str, Any]:
    same = ("lea", "school_year", "as_of", "made")
    files = [{name: file[name] for name in ("number", "step", "name", "sha256", "rows")} for file in manifest["files"]]
    extract = [entry["sha256"] for entry in manifest["inputs"] if entry["role"] == "senr_extract"]
    return {
        "event": "run", "run": manifest["run_id"], "number": manifest["run_number"],
        **{name: manifest[name] for name in same}, "folder": str(folder.resolve()), "files": files, "extract": extract,
    }  # fmt: skip


def _kept(run: str, folder: Path) -> dict[tuple[str, str], bytes]:
    proposal, findings = (_table(folder / name) for name in ("proposal.csv", "findings.csv"))
    sent = proposal.filter(pl.col("sequence") != "").select("sequence", *_RECORD)
    foretold = findings.join(sent, on=_RECORD, how="inner").select("sequence", "rule", "severity").unique()
    foretold = foretold.sort(pl.col("sequence").cast(pl.Int64), "rule")
    return {(run, ITEMS_FILE): _csv(proposal.select(ITEM_COLUMNS)), (run, FORETOLD_FILE): _csv(foretold)}


def _table(path: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(path, infer_schema=False).fill_null("")
    except (OSError, pl.exceptions.PolarsError):
        # What the library says of a damaged table would quote a pupil's row.
        raise InputError(f"{path} is missing or damaged.", "Run again, or name another run.") from None


def _csv(table: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    table.write_csv(out)
    return out.getvalue()
