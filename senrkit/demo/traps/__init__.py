"""Every known trap, a chapter a module. A trap is data: what stands in CALPADS, what in Aeries, what must come out."""

from __future__ import annotations

from senrkit.demo.days import Calendar
from senrkit.demo.traps import changes, completions, exits, identity, language, moves, scope
from senrkit.demo.traps.record import Trap

CHAPTERS = (moves, exits, completions, changes, identity, scope, language)


def all_traps(calendar: Calendar) -> tuple[Trap, ...]:
    """The traps with the days of this calendar."""
    return tuple(trap for chapter in CHAPTERS for trap in chapter.traps(calendar))
