"""Many LEAs at once: `run_batch` runs each by `senrkit.run`, side by side, and puts them together."""

from __future__ import annotations

from senrkit.batch.run import Batch, run_batch

__all__ = ["Batch", "run_batch"]
