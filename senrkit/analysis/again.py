"""Both sides of a run that is over, read again; and refused when they are no longer what the run was made from."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from polars import col

from senrkit.addresses.address import address_of
from senrkit.engine import compare
from senrkit.errors import InputError, UsageError
from senrkit.frames import days
from senrkit.inputs.extract.senr import read_extract
from senrkit.inputs.load import SENR
from senrkit.inputs.local import local_inputs
from senrkit.progress import NoProgress
from senrkit.reconciliation.preconditions import Acceptance
from senrkit.reference import ODS_FIELDS
from senrkit.settings.settings import Settings, load_settings, settings_document

# What decides which spells Aeries gives; paths and logins do not.
_OF_THE_SPELLS = ("school_year", "lea", "as_of", "charter", "lea_from", "process", "translations")
_OF_AERIES = ("schools", "skip_tags", "skip_programs")
_OTHER = "Run again: `senrkit.run` makes a run of what is there now."
SPELL_COLUMNS = (
    "ssid", "local_id", "school_code", "school_name", "nps_code", "aeries_school", "academic_year", "start_date",
    "exit_date", "exit_reason", "completion_status", "status", "grade", "transfer_code", "residence_district",
    "receiver_school", "uc_csu", "golden_state_seal", "biliteracy_seal", "transition_status", "graduation_exemption",
    "origin", "closed_by", "rows", "canceled", "odd", "odd_text", "start_key",
)  # fmt: skip
STATE_COLUMNS = (*ODS_FIELDS, "line", "start_key")


def settings_of(manifest: Mapping[str, Any]) -> Settings:
    """The settings of a run, from the file that it was made with.

    Raises
    ------
    UsageError
        when that file is no longer there, or cannot be settings.
    """
    said = manifest["settings"]
    if said["file"] is None:
        raise UsageError("The settings of this run were in no file.", "Give them: senrkit.open_run(folder, settings).")
    file = address_of(said["file"]) or Path(said["file"])
    extract = said["calpads"]["senr_extract"]
    # The manifest has an address without its password: the settings' own is taken.
    given = None if any(address_of(each) for each in extract) else [Path(each) for each in extract]
    return load_settings(file, as_of=dt.date.fromisoformat(manifest["as_of"]), extract=given)


def state(manifest: Mapping[str, Any], settings: Settings) -> pl.DataFrame:
    """Every row of the extract: `STATE_COLUMNS`, text but `line` (Int64) and `start_date, exit_date, birth_date,
    last_updated` (Date).

    Raises
    ------
    InputError
        when the extract cannot be read, or is not the one that the run was made from.
    """
    with local_inputs(settings, without={"source", "sela_extract", "school_directory"}) as local:
        extract = read_extract(local.calpads.senr_extract)
        _refuse_other(manifest, SENR, {file.name: file.sha256 for file in extract.files}, "The extract")
        lines = pl.concat([pl.int_range(1, file.rows + 1, eager=True) for file in extract.files])
        rows = extract.state.read()
    keyed = {name: days.of_key(col(name)) for name in ("start_date", "exit_date", "birth_date")}
    return rows.with_columns(
        lines.alias("line"), start_key="start_date", last_updated=days.of_update(col.last_updated), **keyed
    ).select(STATE_COLUMNS)


def spells(manifest: Mapping[str, Any], settings: Settings) -> pl.DataFrame:
    """Every spell of the run year: `SPELL_COLUMNS`, text but `rows` (Int64), `canceled` (Boolean) and `start_date,
    exit_date` (Date); unknown is null.

    Raises
    ------
    InputError
        when a side cannot be read, or it or the settings are not those that the run was made from.
    """
    _refuse_other_settings(manifest, settings)
    made = compare(settings, Acceptance(), None, NoProgress(), needed=(SENR,))
    refuse_other_inputs(manifest, made.inputs.digests)
    if made.spell_set is None:
        return pl.DataFrame(schema=dict.fromkeys(SPELL_COLUMNS, pl.String))
    # Those that the run decided about: a completion of the summer counts when the state's rows say so.
    spells = made.spell_set.spells if made.proposal is None else made.proposal.spells
    return spells.with_columns(start_key="start_date", start_date="start", exit_date="exit").select(SPELL_COLUMNS)


def refuse_other_inputs(manifest: Mapping[str, Any], digests: Sequence[Mapping[str, Any]]) -> None:
    """Raise `InputError` when the inputs that have these digests are not those that the run was made from."""
    for role, what in ((SENR, "The extract"), ("aeries", "Aeries' data")):
        found = {entry["name"]: entry["sha256"] for entry in digests if entry["role"] == role}
        _refuse_other(manifest, role, found, what)


def _refuse_other(manifest: Mapping[str, Any], role: str, found: Mapping[str, str], what: str) -> None:
    made_from = {entry["name"]: entry["sha256"] for entry in manifest["inputs"] if entry["role"] == role}
    if sorted(made_from.values()) != sorted(found.values()):
        raise InputError(f"{what} changed since run {manifest['run_number']} was made from it.", _OTHER)


def _refuse_other_settings(manifest: Mapping[str, Any], settings: Settings) -> None:
    if _deciding(manifest["settings"]) != _deciding(settings_document(settings)):
        raise InputError(f"The settings changed since run {manifest['run_number']} was made with them.", _OTHER)


def _deciding(document: Mapping[str, Any]) -> str:
    said = [document[name] for name in _OF_THE_SPELLS] + [document["aeries"][name] for name in _OF_AERIES]
    return hashlib.sha256(repr(_plain(said)).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """As JSON gives it back: a tuple is a list, keys in their order of the alphabet."""
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value)}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value
