"""A chart whose bars lead to the students behind them: below the figure, in JupyterLab and in the page of a report."""

from __future__ import annotations

import html
import json
import os
from dataclasses import dataclass
from typing import Any

import pandas as pd

from senrkit.figures import Chart, markup
from senrkit.figures.chart import figure_html, sentence_html, table_html
from senrkit.results import masking

# Set by whoever runs a notebook that nobody clicks in: a widget would only weigh in what is kept.
UNATTENDED = "SENRKIT_UNATTENDED"
# What a page shows of one bar; the run folder has all.
_ROWS_IN_A_PAGE = 25
_HINT = "Click a bar or a cell: the students behind it are listed here."
# The page's own script, beside plotly's: the rows stand there once, and of each bar which of them are behind it.
_SCRIPT = """(function(){var me=document.currentScript,list=me.previousElementSibling,chart=list;
while(chart&&!chart.classList.contains('chart'))chart=chart.previousElementSibling;
var known=%s,cell=function(kind,said){var e=document.createElement(kind);e.textContent=said;return e};
if(chart&&chart.on)chart.on('plotly_click',function(seen){var p=seen.points[0],heat=p.data.type==='heatmap',
place=heat||p.data.orientation==='h'?p.y:p.x,part=heat?p.x:(p.data.name||''),
behind=known.behind[place+'\\u0001'+part]||[0,[]],table=document.createElement('table'),head=table.createTHead().insertRow(),
body=table.createTBody();known.headings.forEach(function(name){head.appendChild(cell('th',name))});
behind[1].forEach(function(at){var row=body.insertRow();known.rows[at].forEach(function(said){
row.appendChild(cell('td',said))})});
var said=behind[0]+' behind '+place+(part?', '+part:'');
if(behind[1].length<behind[0])said+='; the first '+behind[1].length+', the run folder has all of them';
list.replaceChildren(cell('p',said),table)})})();"""


@dataclass(frozen=True)
class ClickableChart:
    """A chart with its sentence, its table, and the rows behind the bar or cell that was clicked last."""

    chart: Chart
    show_students: bool

    def rows(self, place: str, part: str) -> pd.DataFrame:
        """What is counted in one bar or cell, as it may be shown."""
        behind = self.chart.behind
        if behind is None:
            return pd.DataFrame()
        of_it = behind[(behind["place"] == place) & (behind["part"] == part)]
        return markup.for_people(masking.masked(of_it.drop(columns=["place", "part"]), self.show_students))

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, display

        if not self.chart.figure.data or self.chart.behind is None:
            self.chart._ipython_display_()
            return
        display(HTML(sentence_html(self.chart.sentence)))
        if UNATTENDED in os.environ:
            drawn = {"application/vnd.plotly.v1+json": self.chart.figure.to_plotly_json()}
            display({**drawn, "text/html": figure_html(self.chart) + self._list_html()}, raw=True)
        else:
            display(self._widget())
        display(HTML(table_html(self.chart.table)))

    def _widget(self) -> Any:
        import ipywidgets
        import plotly.graph_objects as go

        figure, listed = go.FigureWidget(self.chart.figure), ipywidgets.HTML(f"<p>{html.escape(_HINT)}</p>")

        def clicked(trace: Any, points: Any, _: Any) -> None:
            if points.point_inds:
                listed.value = self._listed(*place_of(trace, points.xs[0], points.ys[0]))

        for trace in figure.data:
            trace.on_click(clicked)
        return ipywidgets.VBox([figure, listed])

    def _listed(self, place: str, part: str) -> str:
        rows = self.rows(place, part)
        said = f"{len(rows):,} behind {place}{f', {part}' if part else ''}"
        return f"<p>{html.escape(said)}</p>{markup.searchable(rows, 'Nobody.', worded=True).data}"

    def _list_html(self) -> str:
        behind = self.chart.behind
        assert behind is not None
        behind = behind.reset_index(drop=True)
        rows = markup.for_people(masking.masked(behind.drop(columns=["place", "part"]), self.show_students))
        groups = behind.groupby(["place", "part"], sort=False).indices
        shown = {pair: at.tolist()[:_ROWS_IN_A_PAGE] for pair, at in groups.items()}
        needed = sorted({at for every in shown.values() for at in every})
        new = {at: place for place, at in enumerate(needed)}
        known = {
            "headings": list(rows),
            "rows": rows.iloc[needed].to_numpy().tolist(),
            "behind": {
                f"{place}\u0001{part}": [len(groups[place, part]), [new[at] for at in every]]
                for (place, part), every in shown.items()
            },
        }
        data = json.dumps(known, separators=(",", ":"), default=str).replace("<", "\\u003c")
        return (
            f'<div class="scroll behind" tabindex="0" aria-live="polite"><p>{html.escape(_HINT)}</p></div>'
            f"<script>{_SCRIPT % data}</script>"
        )


def place_of(trace: Any, x: Any, y: Any) -> tuple[str, str]:
    """What was clicked: the label on the axis of places, and the name of the trace, or a cell's column."""
    if trace.type == "heatmap":
        return str(y), str(x)
    return str(y if trace.orientation == "h" else x), trace.name or ""
