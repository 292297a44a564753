"""The demo district's traps against the engine: every planted row gets exactly what the rule book says, and no other
student is anything but the same.

The expectations were written from the rule book, trap by trap (`senrkit/demo/data/traps`), not from the engine.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from senrkit import engine
from senrkit.demo import BREAKS, make
from senrkit.frames.pandas_door import to_pandas
from senrkit.settings.settings import load_settings

AS_OF = dt.date(2026, 11, 23)
NOT_AN_ACTION = ("left-out", "out-of-scope", "information", "language")
KEY = ["ssid", "school_code", "start_date"]


def reconciled(folder, students=300, seed=1, as_of=AS_OF, break_id=None):
    district = make(folder, students, seed, as_of, break_id=break_id)
    expectations = pd.read_csv(folder / "demo_expectations.csv", dtype="str", keep_default_na=False)
    return engine.run(load_settings(district.settings_file)), expectations


@pytest.fixture(scope="module", params=[(AS_OF, 1), (dt.date(2026, 10, 1), 2), (dt.date(2027, 4, 30), 3)], ids=str)
def done(request, tmp_path_factory):
    as_of, seed = request.param
    return reconciled(tmp_path_factory.mktemp("demo") / "d", seed=seed, as_of=as_of)


def shown(run):
    actions = to_pandas(run.outcome.plan.actions)
    return actions.assign(why=actions["reason"].where(actions["action"] != "hold", actions["hold_reason"]))


def test_no_precondition_stops_the_demo(done):
    run, _ = done
    assert [one["id"] for one in run.manifest["preconditions"] if one["state"] != "passed"] == []


def test_every_planted_row_gets_its_action_and_reason(done):
    run, expectations = done
    planted = expectations[~expectations["expected_action"].isin(NOT_AN_ACTION)]
    assert len(planted) > 100
    found = planted.merge(shown(run), on=KEY, how="left")
    wrong = found[(found["expected_action"] != found["action"]) | (found["expected_reason"] != found["why"])]
    assert wrong[["trap", "expected_action", "expected_reason", "action", "why"]].values.tolist() == []
    assert (found["at_risk_x"] == "yes").eq(found["at_risk_y"] & (found["action"] == "delete")).all()


def test_no_other_student_is_anything_but_the_same(done):
    run, expectations = done
    actions = shown(run)
    others = actions[~actions["ssid"].isin(expectations["ssid"])]
    assert others["action"].unique().tolist() == ["same"]


def test_every_row_left_out_is_one_that_was_planted(done):
    run, expectations = done
    planted = expectations[expectations["expected_action"] == "left-out"]
    left_out = run.comparison.spell_set.left_out
    assert sorted(zip(left_out["local_id"], left_out["reason"], strict=True)) == sorted(
        zip(planted["local_id"], planted["expected_reason"], strict=True)
    )


def test_what_is_only_information(done):
    run, expectations = done
    planted = expectations[expectations["expected_action"] == "information"]
    found = to_pandas(run.comparison.proposal.information)
    of_students = found[found["ssid"] != ""]
    assert set(zip(of_students["kind"], of_students["ssid"], strict=True)) == set(
        zip(planted["expected_reason"], planted["ssid"], strict=True)
    )


def test_predicted_rejections_name_the_planted_rule(done):
    run, expectations = done
    planted = expectations[expectations["rejected_by"] != ""]
    findings = to_pandas(run.outcome.findings)
    fatal = findings[findings["severity"] == "fatal"]
    assert set(zip(planted["ssid"], planted["rejected_by"], strict=True)) <= set(
        zip(fatal["ssid"], fatal["rule"], strict=True)
    )


@pytest.mark.parametrize("name", list(BREAKS))
def test_a_broken_district_stops_on_its_precondition(name, tmp_path):
    broken = BREAKS[name]
    run, _ = reconciled(tmp_path / "d", break_id=name)
    tripped = {
        one["id"]
        for one in run.manifest["preconditions"]
        if one["state"] != "passed" and not one["evidence"].startswith("Not checked")
    }
    assert tripped == {name, *broken.also}
    assert run.exit_code == (5 if name == "P14" else 4)
    assert (run.folder / "submission").exists() == (name == "P14")
