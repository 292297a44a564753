"""The demo district's language traps against `senrkit language`: each gets exactly the class that interface.md says.

The expectations were written from the page, trap by trap (`senrkit/demo/data/traps/language.toml`), not from the code.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from senrkit.demo import make
from senrkit.frames.pandas_door import to_pandas
from senrkit.language.tables import to_be_determined
from senrkit.language.work import read_and_compare
from senrkit.settings.settings import load_settings

AS_OF = dt.date(2026, 11, 23)
# What is said beside the class, trap by trap; every other trap is silent.
SAID = {
    "language-corrected": "CALPADS holds a correction, reason 5",
    "language-corrected-in-calpads": "CALPADS holds a correction, reason 5",
    "language-copy-older": "CALPADS holds a correction, reason 5",
    "language-from-elsewhere": "is suspect.",
    "language-english-at-home": "STU.HL is English",
    "language-first-school-blank": "LAC.USS is blank",
    "language-other-result": "LAC.ITF says IFEP, not EL.",
}


@pytest.fixture(scope="module", params=[(AS_OF, 1), (dt.date(2026, 10, 1), 2), (dt.date(2027, 4, 30), 3)], ids=str)
def planted(request, tmp_path_factory):
    as_of, seed = request.param
    folder = tmp_path_factory.mktemp("demo") / "d"
    district = make(folder, 300, seed, as_of)
    expectations = pd.read_csv(folder / "demo_expectations.csv", dtype="str", keep_default_na=False)
    _, found = read_and_compare(load_settings(district.settings_file))
    waiting = to_pandas(to_be_determined(found, as_of))[["ssid", "age"]]
    found = to_pandas(found).merge(waiting, on="ssid", how="left")
    return expectations[expectations["expected_action"] == "language"].merge(found, on="ssid")


def test_every_language_trap_gets_its_class(planted):
    assert len(planted) > 25
    wrong = planted[planted["expected_reason"] != planted["class"]]
    assert wrong[["trap", "expected_reason", "class", "reason"]].to_numpy().tolist() == []


def test_what_is_said_beside_the_class(planted):
    for trap, warnings in planted[["trap", "warnings"]].itertuples(index=False):
        assert (trap in SAID) == (warnings != ""), trap
        assert SAID.get(trap, "") in warnings


def test_who_waits_is_listed_and_who_is_not_tested_or_left_is_not(planted):
    ages = planted.set_index("trap")["age"]
    assert ages["still-to-be-determined"] in ("over", "long-over")
    assert ages["waits-in-tk"] == "exempt"
    assert pd.isna(ages["waits-in-preschool"]) and pd.isna(ages["waited-and-left"])
