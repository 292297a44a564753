"""senrkit: make CALPADS agree with Aeries.

`senrkit.run(settings, ...) -> Run` does the whole work and `senrkit.check(settings)` the preconditions alone;
`senrkit.load_settings` reads `senrkit.toml`. They are imported when first asked for, so `import senrkit` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from senrkit.version import __version__

if TYPE_CHECKING:
    from senrkit.engine import Run, check, run
    from senrkit.settings.settings import Settings, load_settings

__all__ = ["Run", "Settings", "__version__", "check", "load_settings", "run"]

_HOMES = {
    "Run": "engine",
    "check": "engine",
    "run": "engine",
    "Settings": "settings.settings",
    "load_settings": "settings.settings",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'senrkit' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"senrkit.{_HOMES[name]}"), name)
