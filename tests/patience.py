"""How long a test waits for what must come. A guard against what hangs, far from what a loaded machine needs."""

from __future__ import annotations

PATIENCE = 600  # seconds
