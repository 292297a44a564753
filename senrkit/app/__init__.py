"""The dashboard: the whole job for people who do not code. `dashboards/senr.ipynb` shows its `Page` under Voila."""

from __future__ import annotations

from typing import Any

__all__ = ["Page", "Places"]


def __getattr__(name: str) -> Any:
    # The worker process needs neither widgets nor a page.
    if name == "Page":
        from senrkit.app.page import Page

        return Page
    if name == "Places":
        from senrkit.app.places import Places

        return Places
    raise AttributeError(f"module 'senrkit.app' has no attribute {name!r}")
