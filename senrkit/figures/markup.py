"""Small pieces of HTML for cells, readable in JupyterLab and in the page that a report becomes."""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING

import pandas as pd

from senrkit.results.tables import changes_of
from senrkit.texts import wording

if TYPE_CHECKING:
    from IPython.display import HTML

_EDGES = {
    "stopped": ("#b00020", "✖"), "held": ("#b87f00", "‖"), "done": ("#1b7f3b", "✔"), "hold": ("#b87f00", "‖"),
    "delete": ("#d55e00", "−"), "update": ("#e69f00", "~"), "add": ("#56b4e9", "+"),
}  # fmt: skip
# Past this, a table slows the browser down; the CSV file has all of it.
ROWS_SHOWN = 5_000
_PAGE = [25, 100, 500]
_SHORT = 12
_WIDE = ("Evidence", "What CALPADS says", "What to do", "What else to know")
_NARROW = ("Change", "Why", "School")
_WHOLE = ("Start", "Exit", "SSID", "CALPADS since", "Aeries since", "New since", "Tested on", "Since")
_SHOWN = {
    "state": "State",
    "sequence": "No.",
    "rule": "Rule",
    "severity": "Severity",
    "action": "Action",
    "why": "Why",
    "school_name": "School",
    "school_code": "School code",
    "ssid": "SSID",
    "local_id": "Local ID",
    "grade": "Grade",
    "start_date": "Start",
    "exit_date": "Exit",
    "change": "Change",
    "evidence": "Evidence",
    "message": "What CALPADS says",
    "fix": "What to do",
}


def box(kind: str, title: str, lines: Sequence[str]) -> HTML:
    """A framed message about a run (`stopped`, `held`, `done`) or an action, by sign and word besides color."""
    color, sign = _EDGES.get(kind, ("#595959", "·"))
    said = "".join(paragraph(line) for line in lines)
    frame = f"border:1px solid #d5d5d5;border-left:8px solid {color};padding:8px 16px"
    return joined(
        f'<div class="box {kind}" role="status" style="{frame}">'
        f"<p><strong>{sign} {html.escape(title)}</strong></p>{said}</div>"
    )


def paragraph(said: str) -> str:
    return f"<p>{html.escape(said)}</p>"


def link(address: str, said: str) -> str:
    return f'<a href="{html.escape(address)}" download>{html.escape(said)}</a>'


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = (), raw: Sequence[int] = ()
) -> str:
    """A table; columns in `numbers` are aligned at the right, those in `raw` hold HTML already."""
    head = "".join(
        f'<th scope="col"{_alignment(at in numbers)}>{html.escape(name)}</th>' for at, name in enumerate(headings)
    )
    body = "".join(
        "<tr>" + "".join(_cell(cell, at in numbers, at in raw) for at, cell in enumerate(row)) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def joined(*parts: str) -> HTML:
    """The pieces, one after the other, as something to display."""
    from IPython.display import HTML

    return HTML("".join(parts))


def page(title: str, body: str, *, charts: bool = True) -> str:
    """A whole HTML page around `body`, in senrkit's look; with plotly's script in it when there are charts."""
    from plotly.offline import get_plotlyjs

    script = f"<script>{get_plotlyjs()}</script>" if charts else ""
    style = resources.files("senrkit.figures").joinpath("page.css").read_text(encoding="utf-8")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{html.escape(title)}</title>\n'
        f"<style>{style}</style>\n{script}\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def searchable(rows: pd.DataFrame, empty: str, *, worded: bool = False) -> HTML:
    """A table to search, sort and leaf through, all in the page; a long one is cut, and says so.

    `worded`: headings and cells are in the words of people already.
    """
    if rows.empty:
        return joined(paragraph(empty))
    from itables import to_html_datatable

    _load_tables()
    shown = rows.head(ROWS_SHOWN) if worded else for_people(rows.head(ROWS_SHOWN))
    wide, narrow, whole = ([at for at, name in enumerate(shown) if name in some] for some in (_WIDE, _NARROW, _WHOLE))
    drawn = to_html_datatable(
        shown, connected=False, showIndex=False, maxBytes=0, lengthMenu=_PAGE, pageLength=_PAGE[0], autoWidth=False,
        classes="display compact", style="width:100%", display_logo_when_loading=False,
        columnDefs=[
            {"className": "dt-left", "targets": "_all"},
            {"className": "dt-left wide-words", "targets": wide},
            {"width": "9em", "targets": narrow},
            {"className": "dt-nowrap", "targets": whole},
        ],
    )  # fmt: skip
    cut = f"The first {len(shown):,} of {len(rows):,} rows; the run folder has all of them."
    return joined(
        paragraph(cut) if len(rows) > len(shown) else "",
        # Sentences keep room to be read; where the page is too narrow for all columns, the table moves sideways.
        '<style>td.wide-words { min-width: 19em; }</style><div class="scroll-x" style="overflow-x:auto">',
        drawn,
        "</div>",
    )


def _cell(cell: str, is_number: bool, is_html: bool) -> str:
    return f"<td{_alignment(is_number, cell)}>{cell if is_html else html.escape(cell)}</td>"


def _alignment(is_number: bool, cell: str = "") -> str:
    # A sign stays with its word, a number with its unit.
    whole = ";white-space:nowrap" if is_number or len(cell) <= _SHORT else ""
    return f' class="number" style="text-align:right{whole}"' if is_number else f' style="text-align:left{whole}"'


_loaded: set[object] = set()


def _load_tables() -> None:
    """The tables' script from its own package, into the page, once a kernel."""
    if not _loaded:
        from itables import init_notebook_mode

        init_notebook_mode(all_interactive=False, connected=False)
        _loaded.add(True)


def for_people(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a proposal, of findings, of what was left out or of a comparison, as text under plain headings.

    A column that is blank throughout is left away; so is the school's code where its name is known.
    """
    known = {name: rows[name] for name in rows}
    if "action" in known:
        # Of what is proposed the evidence says it; of findings it is what they are about.
        known.pop("rule", None)
    if "reason" in known:
        known["why"] = _why(rows)
    if "changed" in known:
        known["change"] = _change(rows)
    for kind in ("action", "severity"):
        if kind in known:
            known[kind] = known[kind].map(lambda id, kind=kind: wording.phrase(kind, id).title).astype("str")
    shown = {heading: known[name] for name, heading in _SHOWN.items() if name in known and known[name].ne("").any()}
    if "School" in shown:
        shown.pop("School code", None)
    return pd.DataFrame(shown, index=rows.index)


def _why(rows: pd.DataFrame) -> pd.Series:
    """A reason's title depends on its action; what was left out has no action."""
    actions = rows["action"] if "action" in rows else ["left-out"] * len(rows)
    titles = [wording.phrase(*pair).title if pair[1] else "" for pair in zip(actions, rows["reason"], strict=True)]
    return pd.Series(titles, index=rows.index, dtype="str")


def _change(rows: pd.DataFrame) -> pd.Series:
    both = [_arrows(*sides) for sides in zip(rows["before"], rows["after"], strict=True)]
    return pd.Series(both, index=rows.index, dtype="str")


def _arrows(*sides: str) -> str:
    """`exit_date=` and `exit_date=20260925` as `exit date: (blank) → 20260925`."""
    changes = changes_of(*sides)
    return "; ".join(f"{name.replace('_', ' ')}: {old or '(blank)'} → {new or '(blank)'}" for name, old, new in changes)
