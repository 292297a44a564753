"""Bars that lead to the students behind them, in a kernel that lives."""

from __future__ import annotations

from plotly.callbacks import InputDeviceState, Points

from senrkit import figures
from senrkit.notebook.charts import ClickableChart
from senrkit.results.folder import RunFolder
from tests.students import ssids_shown


def test_a_click_in_jupyterlab_lists_the_students_behind_the_bar(demo):
    run = RunFolder.open(demo.run)
    chart = ClickableChart(figures.by_school(run), False)
    figure, listed = chart._widget().children
    (adds,) = (trace for trace in figure.data if trace.name == "+ Add")
    at = next(place for place, count in enumerate(adds.x) if count)
    clicked = Points(point_inds=[at], xs=[adds.x[at]], ys=[adds.y[at]], trace_name=adds.name, trace_index=0)
    adds._dispatch_on_click(clicked, InputDeviceState())
    assert f"{adds.x[at]:,} behind {adds.y[at]}, + Add" in listed.value
    assert ssids_shown(listed.value, demo.settings.parent) == set()
    assert len(chart.rows(adds.y[at], adds.name)) == adds.x[at]


def test_students_are_shown_when_asked_for(demo):
    run = RunFolder.open(demo.run)
    found = ClickableChart(figures.by_school(run), True)
    behind = found.chart.behind.iloc[0]
    assert behind["ssid"] in set(found.rows(behind["place"], behind["part"])["SSID"])


def test_a_chart_that_counts_no_rows_is_shown_as_it_is(demo):
    assert ClickableChart(figures.enrollment_counts(RunFolder.open(demo.run)), False).rows("a", "b").empty
