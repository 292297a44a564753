"""The site, built by `scripts/docs.sh` with Sphinx, MyST and numpydoc: without a network, a warning is an error."""

from __future__ import annotations

project = "senrkit"
copyright = "senrkit contributors, MIT licence"
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]

myst_heading_anchors = 4

default_role = "code"
numpydoc_show_class_members = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"

html_theme = "alabaster"
html_title = "senrkit"
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_theme_options = {
    "description": "Make CALPADS agree with Aeries",
    "page_width": "1160px",
    "sidebar_width": "250px",
    "show_powered_by": False,
    "font_family": "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif",
}
