"""What the prediction leaves out, because it was asked before, changes nothing; tried on random districts."""

from __future__ import annotations

import pandas as pd
import polars as pl
from hypothesis import given
from pandas.testing import assert_frame_equal

from senrkit.calpads.predict import predict
from senrkit.calpads.rule import CheckContext
from senrkit.calpads.store import Store
from senrkit.frames.pandas_door import to_pandas
from tests.properties.strategies import District, districts, holds_for, run, thorough


@thorough
@given(districts())
def test_all_rules_asked_again_about_what_is_sent_say_the_same(district: District):
    """No rule may look beyond one student: else a hold would change what CALPADS says of the others."""
    holds_for(district, _says_the_same)


def _says_the_same(district: District) -> None:
    ran, settings = run(district.sis, district.ods, district.settings), district.settings
    context = CheckContext(settings.school_year, settings.as_of, settings.lea, settings.charter)
    anew = predict(ran.outcome.plan.files, Store(ran.scope.rows), context)
    assert anew.held.is_empty()
    assert_frame_equal(_in_order(anew.final_store.rows), _in_order(ran.outcome.store.rows))
    asked = to_pandas(anew.findings).drop_duplicates(
        ["rule", "ssid", "school_code", "start_date", "message"], ignore_index=True
    )
    # What is said of held students comes after what is said of the files that are sent. Which file the look-ahead
    # speaks of is told after the prediction.
    said, of_file = to_pandas(ran.outcome.findings).iloc[: len(asked)], (asked["file"] != "").to_numpy()
    assert_frame_equal(said.drop(columns="file"), asked.drop(columns="file"))
    assert said["file"][of_file].equals(asked["file"][of_file])


def _in_order(rows: pl.DataFrame) -> pd.DataFrame:
    return to_pandas(rows).sort_values(list(rows.columns), ignore_index=True)
