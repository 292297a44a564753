"""An executed notebook as one HTML page that needs nothing from outside: words, tables and charts, without the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode


def to_page(executed: NotebookNode, title: str) -> str:
    """The page: words and HTML outputs. Errors are left out, for a stopped run says why in its first box."""
    import nbformat
    from nbconvert import HTMLExporter

    from senrkit.figures import page

    shown = nbformat.from_dict(executed)
    for cell in shown.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if "text/html" in output.get("data", {})]
    # The basic template is the notebook alone, without the libraries that others fetch from elsewhere.
    exporter = HTMLExporter(
        template_name="basic",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    body, _ = exporter.from_notebook_node(shown)
    return page(title, body, charts='class="chart"' in body)
