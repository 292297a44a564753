"""EL and IFEP: what the testing system told CALPADS, set against Aeries, and on request written there.

`run_language(settings, ...) -> LanguageRun` compares and writes the run folder; `write_to_aeries` and `take_back` are
the only code of senrkit that changes Aeries. Imported when first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from senrkit.language.apply import write_to_aeries
    from senrkit.language.undo import take_back
    from senrkit.language.work import LanguageRun, run_language

__all__ = ["LanguageRun", "run_language", "take_back", "write_to_aeries"]

_HOMES = {"LanguageRun": "work", "run_language": "work", "write_to_aeries": "apply", "take_back": "undo"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'senrkit.language' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"senrkit.language.{_HOMES[name]}"), name)
