"""Files without settings."""

from __future__ import annotations

import datetime as dt

import pytest

import senrkit
from senrkit.errors import InputError, UsageError
from senrkit.reference import ODS_FIELDS, SENR_FIELDS

DAY = dt.date(2026, 11, 23)


def test_an_extract_needs_no_settings(district):
    extract = senrkit.read_extract(district / "SENR_ODS.txt")
    assert list(extract.rows) == [*ODS_FIELDS, "line"] and extract.rows["start_date"].str.fullmatch(r"\d{8}").all()


def test_an_extract_may_be_sela_or_a_submission_file(district, run):
    assert len(senrkit.read_extract(str(district / "SELA_ODS.txt")).rows) > 0
    update = next((run.folder / "submission").glob("*_02_update.txt"))
    assert list(senrkit.read_extract(update, as_of=DAY).rows) == [*SENR_FIELDS, "line"]
    with pytest.raises(UsageError, match="only as one SENR extract"):
        senrkit.read_extract(district / "SENR_ODS.txt", district / "SELA_ODS.txt")
    with pytest.raises(InputError, match="nowhere"):
        senrkit.read_extract(district / "nowhere.txt")


def test_what_calpads_would_say(district, run):
    update = next((run.folder / "submission").glob("*_02_update.txt"))
    alone = senrkit.validate(update, as_of=DAY)
    assert (alone.rejected, alone.exit_code) == (False, 0)
    spoilt = district / "spoilt.txt"
    spoilt.write_bytes(update.read_bytes().replace(b"^10^", b"^99^", 1))
    found = senrkit.validate(spoilt, extract=district / "SENR_ODS.txt", as_of=DAY)
    assert found.exit_code == 4 and "fatal" in set(found.findings["severity"])
    assert str(found.findings["start_date"].dtype) == "datetime64[s]"
    assert found.text().startswith("spoilt.txt")


def test_the_steps_of_a_run_are_public(district):
    """From Aeries' rows to the prediction, on the core's own frames."""
    settings = senrkit.load_settings(district / "senrkit.toml")
    spells = senrkit.build_spells(senrkit.read_aeries(settings), settings)
    scope = senrkit.scope_of(senrkit.read_extract(district / "SENR_ODS.txt"), spells, settings)
    proposal = senrkit.reconcile(scope, spells, settings)
    made = senrkit.to_pandas(proposal.actions)
    assert {"same", "update", "add", "delete"} <= set(made["intended"])
    assert str(senrkit.to_pandas(spells.spells)["start"].dtype) == "datetime64[s]"
