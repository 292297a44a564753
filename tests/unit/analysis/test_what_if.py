"""Other settings tried on the inputs of a run."""

from __future__ import annotations

import pytest

import senrkit
from senrkit.analysis.what_if import with_process
from senrkit.errors import InputError, UsageError


def test_the_settings_of_the_run_change_nothing(run):
    assert run.what_if().empty
    assert run.what_if(e150_gap_days=run.settings.process.e150_gap_days).empty


def test_it_is_what_a_run_with_the_setting_would_propose(run, district, tmp_path):
    found = run.what_if(future_dates="send")
    file = district / "senrkit.toml"
    other = district / "other.toml"
    other.write_text(file.read_text().replace("[process]", '[process]\nfuture_dates = "send"', 1))
    made = senrkit.run(other, out=tmp_path / "other")
    key = ["school_code", "ssid", "start_key"]
    there = made.proposal.set_index(key)["action"]
    told = found.set_index(key)["action_then"]
    assert len(told) > 0 and set(found["action_then"]) <= {"same", "add", "update", "delete", "hold"}
    assert {at: there.get(at, "same") for at in told.index} == told.to_dict()
    untouched = run.proposal.set_index(key)["action"].drop(told.index, errors="ignore")
    assert (there.reindex(untouched.index) == untouched).all()


def test_nothing_is_written(run):
    before = sorted(path.name for path in run.folder.parent.rglob("*"))
    run.what_if(last_record="no-show")
    assert sorted(path.name for path in run.folder.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("said", "taken"), [("30", 30), (30, 30)], ids=["as text, from a notebook's parameter", "as Python has it"]
)
def test_a_value_is_what_it_spells(run, said, taken):
    assert with_process(run.settings, {"e150_gap_days": said}).process.e150_gap_days == taken
    assert with_process(run.settings, {"auto_close": "False"}).process.auto_close is False
    assert with_process(run.settings, {"compare": ["grade"]}).process.compare == ("grade",)


@pytest.mark.parametrize("process", [{"future_dates": "perhaps"}, {"no_such_setting": 1}])
def test_what_cannot_be_said_is_refused(run, process):
    with pytest.raises(UsageError, match=next(iter(process))):
        run.what_if(**process)


def test_other_inputs_are_refused(run, district, monkeypatch):
    changed = [entry | {"sha256": "0"} for entry in run.manifest["inputs"]]
    other = senrkit.open_run(run.folder)
    monkeypatch.setitem(other.reader.manifest, "inputs", changed)
    with pytest.raises(InputError, match="changed since run"):
        other.what_if()
